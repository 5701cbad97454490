//! Views of rollouts: under way, taken back, held, on a cluster, and those that the ledger's facts make.

use jiff::{SignedDuration, Timestamp};
use taskmaster::app::rollouts::story;
use taskmaster::report::view::{
    AgentProcess, AgentView, GateState, HoldBy, HoldView, MetricVerdict, PodsView, ReplicaView,
    RolloutGateView, RolloutHistoryView, RolloutKind, RolloutListView, RolloutLoadView, RolloutMetricView,
    RolloutNoticeView, RolloutPhase, RolloutRow, RolloutStepView, RolloutStrategy, RolloutVersionView,
    RolloutView, ServiceView, StepState, StoryKind, StoryView, VersionRole, WeightPoint,
};
use taskmaster_core::journal::{Entry, Record};
use taskmaster_core::rollout::{LoadEnd, MetricEnd, RolloutFact, VersionEnd};

const HOSTILE: &str = "<script>alert(1)</script> | `x` @all #1 \u{1b}[2J\u{202e}";

fn at(second: i64) -> Timestamp {
    super::sample::began() + SignedDuration::from_secs(second)
}

pub(crate) fn version(revision: &str, role: VersionRole, weight: u32) -> RolloutVersionView {
    RolloutVersionView {
        revision: revision.to_owned(),
        number: None,
        role,
        label: None,
        weight: Some(weight),
        pods: PodsView { wanted: 3, created: 3, available: 3 },
        restarts: None,
        trouble: None,
        requests: Some(12_340),
        failures: Some(2),
        p50_ms: Some(3.12),
        p99_ms: Some(12.4),
    }
}

fn metric(name: &str, verdict: MetricVerdict, words: &str) -> RolloutMetricView {
    RolloutMetricView {
        name: name.to_owned(),
        verdict,
        words: words.to_owned(),
        dry_run: false,
        unit: Some("percent".to_owned()),
        recent: (0..40).map(|n| (n % 7 != 3).then_some(f64::from(n % 5) / 10.0)).collect(),
        baseline: vec![Some(0.2); 40],
        sample: Some(340),
        needed: Some(500),
    }
}

fn steps(words: &[&str], current: usize) -> Vec<RolloutStepView> {
    let state = |place: usize| match place.cmp(&current) {
        std::cmp::Ordering::Less => StepState::Done,
        std::cmp::Ordering::Equal => StepState::Current,
        std::cmp::Ordering::Greater => StepState::Pending,
    };
    words
        .iter()
        .enumerate()
        .map(|(n, words)| RolloutStepView { words: (*words).to_owned(), state: state(n) })
        .collect()
}

/// A canary in the middle of its steps, with everything that a view can hold.
pub(crate) fn under_way() -> RolloutView {
    let mut canary = version("v4", VersionRole::Canary, 25);
    canary.pods = PodsView { wanted: 1, created: 2, available: 1 };
    (canary.requests, canary.failures) = (Some(1_370), Some(0));
    canary.restarts = Some(2);
    canary.trouble = Some("process 1 ended with exit code 1, again in 4 s".to_owned());
    let mut mirrored = metric("slowness", MetricVerdict::Inconclusive, HOSTILE);
    mirrored.dry_run = true;
    let gate = |name: &str, kind: &str, state, words: Option<&str>| RolloutGateView {
        name: name.to_owned(),
        kind: kind.to_owned(),
        state,
        words: words.map(str::to_owned),
        at: Some(at(4)),
    };
    RolloutView {
        strategy: RolloutStrategy::Canary,
        phase: RolloutPhase::Analyzing,
        since: Some(at(60)),
        until: Some(at(120)),
        started: Some(at(0)),
        deadline: Some(at(680)),
        steps: steps(
            &[
                "weight 10 %",
                "pause 50 s",
                "weight 25 %",
                "analysis of errors and slowness, at least 1 min",
                "weight 50 %",
                "pause until promoted",
            ],
            3,
        ),
        step: Some(3),
        versions: vec![version("v3", VersionRole::Stable, 75), canary, version("v2", VersionRole::Old, 0)],
        metrics: vec![
            metric(
                "errors",
                MetricVerdict::Measuring,
                "canary 0 of 1,370 requests, baseline 2 of 12,340; evidence 0.3 of 1,000",
            ),
            mirrored,
            RolloutMetricView {
                recent: vec![],
                baseline: vec![],
                sample: None,
                ..metric("saturation", MetricVerdict::Pending, "")
            },
        ],
        gates: vec![
            gate("office-hours", "confirm-rollout", GateState::Yes, None),
            gate("change-board", "confirm-promotion", GateState::No, Some("not before noon")),
            gate("never-asked", "post-rollout", GateState::Pending, None),
        ],
        notices: vec![
            RolloutNoticeView { name: "ops".to_owned(), sent: 3, failed: 0, fault: None },
            RolloutNoticeView {
                name: "pager".to_owned(),
                sent: 0,
                failed: 2,
                fault: Some("no answer within 10 s".to_owned()),
            },
        ],
        load: Some(RolloutLoadView {
            rate: 50.0,
            is_running: true,
            requests: 4_000,
            failures: 1,
            p50_ms: Some(3.0),
            p99_ms: Some(1_250.0),
        }),
        weights: [(0, 0), (5, 10), (60, 25)]
            .map(|(second, weight)| WeightPoint { at: at(second), weight })
            .to_vec(),
        story: [
            (0, StoryKind::Started, "v4 is asked for over v3, by ada"),
            (5, StoryKind::Weight, "10 % of the users go to v4"),
            (60, StoryKind::Weight, HOSTILE),
        ]
        .map(|(second, kind, words)| StoryView { at: at(second), kind, words: words.to_owned() })
        .to_vec(),
        address: Some("http://127.0.0.1:8080".to_owned()),
        ..RolloutView::new(RolloutKind::Local, "web", at(80))
    }
}

/// A blue-green release that a person has to promote, on a cluster.
pub(crate) fn held() -> RolloutView {
    let label = |mut version: RolloutVersionView, label: &str| {
        version.label = Some(label.to_owned());
        (version.requests, version.failures, version.p50_ms, version.p99_ms) = (None, None, None, None);
        version
    };
    RolloutView {
        namespace: Some("shop".to_owned()),
        strategy: RolloutStrategy::BlueGreen,
        phase: RolloutPhase::Analyzing,
        native: Some("Paused".to_owned()),
        held: Some(HoldView {
            by: HoldBy::Step,
            words: "BlueGreenPause: promote it to go on".to_owned(),
            since: Some(at(30)),
        }),
        started: Some(at(0)),
        versions: vec![
            label(version("7d9f5c", VersionRole::Stable, 100), "shop=registry.example/shop:v1"),
            label(
                version("84b6d8", VersionRole::Preview, 0),
                "shop=registry.example/shop:v2, proxy=envoy:1.40",
            ),
        ],
        ..RolloutView::new(RolloutKind::Rollout, "shop-front-end", at(95))
    }
}

/// Many steps, as many as a file may hold.
pub(crate) fn long() -> RolloutView {
    let words: Vec<String> = (0..1_000).map(|n| format!("weight {} %", n / 10)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    RolloutView { steps: steps(&words, 500), step: Some(500), ..under_way() }
}

/// When, in which release, what.
type Told = (i64, u64, RolloutFact);

const BAD: &str = "canary 41 of 198 requests failed, baseline 2 of 1,790; evidence 4.1·10⁶ against 1,000";
const GOOD: &str = "no fault detected down to 2.1 %";

fn end_of(verdict: MetricVerdict, words: &str) -> MetricEnd {
    MetricEnd { metric: "errors".to_owned(), verdict, words: words.to_owned(), dry_run: false }
}

fn counted(version: &str, role: VersionRole, requests: u64, failures: u64) -> VersionEnd {
    let version = version.to_owned();
    VersionEnd { version, role, requests, failures, p50_ms: Some(2.5), p99_ms: Some(40.0) }
}

fn weight(version: &str, weight: u32) -> RolloutFact {
    RolloutFact::Weight { version: version.to_owned(), weight }
}

fn phase(phase: RolloutPhase, why: Option<String>) -> RolloutFact {
    RolloutFact::Phase { phase, why }
}

fn started(version: &str, stable: &str) -> RolloutFact {
    let steps = ["weight 10 %", "pause until promoted", "weight 50 %", "analysis of errors"];
    RolloutFact::Started {
        version: version.to_owned(),
        stable: Some(stable.to_owned()),
        strategy: RolloutStrategy::Canary,
        steps: steps.map(str::to_owned).to_vec(),
        metrics: vec!["errors".to_owned()],
        file: "rollouts/web.yaml".to_owned(),
        digest: None,
        by: Some("ada".to_owned()),
    }
}

fn ended(
    phase: RolloutPhase,
    why: Option<String>,
    metric: MetricEnd,
    versions: Vec<VersionEnd>,
) -> RolloutFact {
    let load = LoadEnd { rate: 50.0, requests: 3_000, failures: 41, p50_ms: Some(2.5), p99_ms: Some(41.0) };
    RolloutFact::Ended { phase, why, metrics: vec![metric], versions, load: Some(load) }
}

/// A release that a person promotes in the middle.
fn good() -> Vec<Told> {
    let words = "waits for a person: promote it to go on".to_owned();
    let asked = RolloutFact::Asked { verb: "promote".to_owned(), by: Some("ada".to_owned()) };
    let gate = RolloutFact::Gate {
        gate: "change-board".to_owned(),
        guards: "confirm-promotion".to_owned(),
        state: GateState::Yes,
        words: None,
    };
    let versions =
        vec![counted("v2", VersionRole::Old, 1_200, 2), counted("v3", VersionRole::Stable, 800, 1)];
    let passed = end_of(MetricVerdict::Passed, GOOD);
    let facts = [
        (0, started("v3", "v2")),
        (1, phase(RolloutPhase::Analyzing, None)),
        (1, RolloutFact::Step { step: 0 }),
        (2, weight("v3", 10)),
        (3, RolloutFact::Step { step: 1 }),
        (3, RolloutFact::Held { by: HoldBy::Step, words }),
        (20, asked),
        (20, RolloutFact::Released),
        (20, RolloutFact::Step { step: 2 }),
        (21, weight("v3", 50)),
        (22, RolloutFact::Step { step: 3 }),
        (40, RolloutFact::Verdict { end: passed.clone() }),
        (41, gate),
        (41, phase(RolloutPhase::Promoting, None)),
        (42, weight("v3", 100)),
        (44, ended(RolloutPhase::Completed, None, passed, versions)),
    ];
    facts.into_iter().map(|(second, fact)| (second, 1, fact)).collect()
}

/// One that is taken back, one that is overtaken, and one that is under way.
fn others() -> Vec<Told> {
    let why = || Some(format!("errors: {BAD}"));
    let crashed = "process 1 ended with exit code 101, started again".to_owned();
    let silence = "no answer within 10 s".to_owned();
    let failed = end_of(MetricVerdict::Failed, BAD);
    let versions =
        vec![counted("v3", VersionRole::Stable, 1_790, 2), counted("v4", VersionRole::Canary, 198, 41)];
    vec![
        (60, 2, started("v4", "v3")),
        (61, 2, phase(RolloutPhase::Analyzing, None)),
        (61, 2, RolloutFact::Step { step: 0 }),
        (62, 2, weight("v4", 10)),
        (62, 2, RolloutFact::Pods { version: "v4".to_owned(), words: crashed }),
        (66, 2, RolloutFact::Verdict { end: failed.clone() }),
        (66, 2, phase(RolloutPhase::RollingBack, why())),
        (66, 2, weight("v4", 0)),
        (67, 2, RolloutFact::Notice { receiver: "pager".to_owned(), is_sent: false, words: silence }),
        (68, 2, ended(RolloutPhase::RolledBack, why(), failed, versions)),
        (70, 3, started("v5", "v3")),
        (75, 4, started(HOSTILE, "v3")),
        (76, 4, weight(HOSTILE, 10)),
    ]
}

/// What the ledger holds of them.
pub(crate) fn entries() -> Vec<Entry> {
    let record = |fact, release| Record::Rollout { rollout: "web".to_owned(), release, fact };
    let facts = good().into_iter().chain(others()).enumerate();
    let entry = |(seq, (second, release, fact)): (usize, Told)| Entry {
        seq: seq as u64 + 1,
        at: at(second),
        record: record(fact, release),
    };
    facts.map(entry).collect()
}

/// The views that the facts make.
pub(crate) fn told() -> Vec<RolloutView> {
    story::releases(&entries(), at(80)).into_iter().map(|release| release.view).collect()
}

pub(crate) fn list() -> RolloutListView {
    let mut rollouts: Vec<RolloutRow> = told().iter().map(RolloutRow::of).collect();
    rollouts.extend([under_way(), held()].iter().map(RolloutRow::of));
    RolloutListView {
        generated: at(95),
        place: "this machine".to_owned(),
        rollouts,
        unreadable: vec!["rollout/odd: this is no readable Rollout".to_owned()],
    }
}

pub(crate) fn history() -> RolloutHistoryView {
    RolloutHistoryView {
        generated: at(95),
        kind: RolloutKind::Local,
        name: "web".to_owned(),
        namespace: None,
        releases: story::history(&story::releases(&entries(), at(80)), "web"),
        note: Some("how releases ended before this agent ran cannot be told".to_owned()),
    }
}

pub(crate) fn agent() -> AgentView {
    let replica = |number, state: &str, trouble: Option<&str>| ReplicaView {
        version: "v4".to_owned(),
        number,
        state: state.to_owned(),
        pid: trouble.is_none().then_some(4_200 + number),
        port: Some(40_000),
        since: None,
        restarts: u64::from(number),
        trouble: trouble.map(str::to_owned),
    };
    AgentView {
        generated: at(95),
        state_dir: "/srv/shop/.taskmaster".to_owned(),
        agent: Some(AgentProcess {
            pid: 4_100,
            version: "0.6.0".to_owned(),
            since: at(0),
            restarts: 1,
            log: "/srv/shop/.taskmaster/agent.log".to_owned(),
        }),
        services: vec![ServiceView {
            name: "web".to_owned(),
            address: Some("http://127.0.0.1:8080".to_owned()),
            replicas: vec![replica(0, "ready", None), replica(1, "waiting to start again", Some(HOSTILE))],
        }],
        rollouts: vec![RolloutRow::of(&under_way())],
    }
}

#[test]
fn facts_make_the_views_that_they_mean() {
    let releases = story::releases(&entries(), at(80));
    let ends: Vec<_> =
        releases.iter().map(|release| (release.number, release.view.phase, release.is_overtaken)).collect();
    assert_eq!(
        ends,
        [
            (1, RolloutPhase::Completed, false),
            (2, RolloutPhase::RolledBack, false),
            (3, RolloutPhase::Initializing, true),
            (4, RolloutPhase::Initializing, false),
        ]
    );
    let [good, bad, ..] = releases.as_slice() else { panic!("four releases") };
    assert_eq!(good.view.version(VersionRole::Stable).unwrap().revision, "v3");
    assert!(good.view.steps.iter().all(|step| step.state == StepState::Done));
    assert_eq!(good.view.weights.iter().map(|point| point.weight).collect::<Vec<_>>(), [0, 10, 50, 100]);
    assert_eq!(bad.view.version(VersionRole::Canary).unwrap().failures, Some(41));
    let states: Vec<_> = bad.view.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Failed, StepState::Skipped, StepState::Skipped, StepState::Skipped]);
    assert_eq!(bad.view.metrics[0].verdict, MetricVerdict::Failed);
    assert!(bad.view.why.as_ref().unwrap().starts_with("errors: canary 41 of 198"));
    // What is told of a release that never began, and of other things, changes nothing.
    let stray =
        Record::Rollout { rollout: "web".to_owned(), release: 99, fact: RolloutFact::Step { step: 1 } };
    let strays = [Entry { seq: 1, at: at(0), record: stray }];
    assert_eq!(story::releases(&strays, at(80)), []);
}

#[test]
fn views_come_back_from_the_socket_as_they_went() {
    for view in [under_way(), held(), long()].into_iter().chain(told()) {
        let text = serde_json::to_string(&view).unwrap();
        assert_eq!(serde_json::from_str::<RolloutView>(&text).unwrap(), view);
    }
    let list: RolloutListView = serde_json::from_str(&serde_json::to_string(&list()).unwrap()).unwrap();
    assert_eq!(list, self::list());
}
