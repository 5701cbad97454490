//! What the ledger tells about rollouts of this machine: facts folded to views, for reports and histories.

use crate::report::view::{
    HoldView, MetricVerdict, PodsView, ReleaseOutcome, ReleaseView, RolloutGateView, RolloutKind,
    RolloutLoadView, RolloutMetricView, RolloutNoticeView, RolloutPhase, RolloutStepView, RolloutStrategy,
    RolloutVersionView, RolloutView, StepState, StoryKind, StoryView, VersionRole, WeightPoint,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use taskmaster_core::journal::{Entry, Record};
use taskmaster_core::rollout::{GateState, HoldBy, LoadEnd, MetricEnd, RolloutFact, VersionEnd};

/// So many lines of a story are kept: the last ones.
const MOST_LINES: usize = 200;
/// So many changes of a share are kept: the last ones.
const MOST_WEIGHTS: usize = 2_000;

/// One release of a rollout, as its facts tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Counts the versions that were asked for, from 1.
    pub number: u64,
    /// The version.
    pub version: String,
    /// Another version was asked for before it ended.
    pub is_overtaken: bool,
    /// All that is known of it.
    pub view: RolloutView,
}

/// Every release of every rollout, in the order in which they began. Records of other things are passed over.
pub fn releases(entries: &[Entry], now: Timestamp) -> Vec<Release> {
    let mut releases: Vec<Release> = Vec::new();
    let mut places: BTreeMap<(String, u64), usize> = BTreeMap::new();
    for entry in entries {
        let Record::Rollout { rollout, release: number, fact } = &entry.record else { continue };
        let key = (rollout.clone(), *number);
        if let RolloutFact::Started { version, .. } = fact {
            overtake(&mut releases, rollout, entry.at);
            places.insert(key.clone(), releases.len());
            let view = RolloutView::new(RolloutKind::Local, rollout.clone(), now);
            releases.push(Release { number: *number, version: version.clone(), is_overtaken: false, view });
        }
        // What is told of one that never began cannot be placed.
        let Some(release) = places.get(&key).and_then(|place| releases.get_mut(*place)) else { continue };
        release.take(fact, entry.at);
    }
    releases
}

/// The last release of the same rollout ends where another one begins.
fn overtake(releases: &mut [Release], rollout: &str, at: Timestamp) {
    let last = releases.iter_mut().rev().find(|release| release.view.name == rollout);
    if let Some(last) = last.filter(|last| last.view.ended.is_none()) {
        last.view.ended = Some(at);
        last.view.held = None;
        last.is_overtaken = true;
        last.tell(at, StoryKind::Ended, "another version was asked for".to_owned());
    }
}

/// The releases of one rollout as lines of its history, newest first.
pub fn history(releases: &[Release], name: &str) -> Vec<ReleaseView> {
    let of_it = || releases.iter().filter(|release| release.view.name == name);
    let stable = of_it().rev().find(|release| release.view.phase == RolloutPhase::Completed);
    let stable = stable.map(|release| release.number);
    of_it().rev().map(|release| line(release, stable)).collect()
}

fn line(release: &Release, stable: Option<u64>) -> ReleaseView {
    let outcome = match release.view.phase {
        RolloutPhase::Completed => ReleaseOutcome::Completed,
        RolloutPhase::RolledBack => ReleaseOutcome::RolledBack,
        _ if release.is_overtaken => ReleaseOutcome::Overtaken,
        _ if release.view.ended.is_some() => ReleaseOutcome::Unknown,
        _ => ReleaseOutcome::UnderWay,
    };
    ReleaseView {
        number: release.number,
        revision: release.version.clone(),
        label: None,
        outcome,
        why: release.view.why.clone(),
        started: release.view.started,
        ended: release.view.ended,
        is_stable: stable == Some(release.number),
        pods: None,
    }
}

impl Release {
    fn take(&mut self, fact: &RolloutFact, at: Timestamp) {
        match fact {
            RolloutFact::Started { .. } => self.begin(fact, at),
            RolloutFact::Phase { phase, why } => self.phase(*phase, why.as_deref(), at),
            RolloutFact::Step { step } => self.step(*step, at),
            RolloutFact::Held { by, words } => self.hold(*by, words, at),
            RolloutFact::Released => {
                self.view.held = None;
                self.tell(at, StoryKind::Phase, "goes on".to_owned());
            }
            RolloutFact::Weight { version, weight } => self.weight(version, *weight, at),
            RolloutFact::Verdict { end } => {
                self.verdict(end);
                let words = format!("{}: {}", end.metric, end.words);
                self.tell(at, StoryKind::Verdict, words);
            }
            RolloutFact::Gate { gate, guards, state, words } => {
                self.gate(gate, guards, *state, words.as_deref(), at);
            }
            RolloutFact::Asked { verb, by } => {
                let who = by.as_deref().unwrap_or("a person");
                self.tell(at, StoryKind::Verb, format!("{who} asks: {verb}"));
                if verb == "remove" {
                    self.remove(at);
                }
            }
            RolloutFact::Pods { version, words } => {
                self.tell(at, StoryKind::Pods, format!("{version}: {words}"));
            }
            RolloutFact::Migration { version, words } => {
                self.tell(at, StoryKind::Migration, format!("data of {version}: {words}"));
            }
            RolloutFact::Notice { receiver, is_sent, words } => self.notice(receiver, *is_sent, words, at),
            RolloutFact::Ended { phase, why, metrics, versions, load } => {
                metrics.iter().for_each(|end| self.verdict(end));
                self.counted(versions);
                self.view.load = load.as_ref().map(of_load);
                self.end(*phase, why.as_deref(), at);
            }
        }
    }

    fn tell(&mut self, at: Timestamp, kind: StoryKind, words: String) {
        let story = &mut self.view.story;
        if story.len() >= MOST_LINES {
            story.remove(0);
        }
        story.push(StoryView { at, kind, words });
    }

    fn begin(&mut self, fact: &RolloutFact, at: Timestamp) {
        let RolloutFact::Started { version, stable, strategy, steps, metrics, by, .. } = fact else { return };
        let view = &mut self.view;
        (view.strategy, view.phase) = (*strategy, RolloutPhase::Initializing);
        (view.started, view.since) = (Some(at), Some(at));
        let pending = |words: &String| RolloutStepView { words: words.clone(), state: StepState::Pending };
        view.steps = steps.iter().map(pending).collect();
        view.metrics = metrics.iter().map(|name| metric(name)).collect();
        let role = match (stable, strategy) {
            (None, _) => VersionRole::Stable,
            (_, RolloutStrategy::BlueGreen) => VersionRole::Preview,
            _ => VersionRole::Canary,
        };
        view.versions = stable.iter().map(|stable| plain(stable, VersionRole::Stable, Some(100))).collect();
        let weight = if stable.is_some() { 0 } else { 100 };
        view.versions.push(plain(version, role, Some(weight)));
        if stable.is_some() {
            view.weights.push(WeightPoint { at, weight: 0 });
        }
        let by = by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
        let words = match stable {
            Some(stable) => format!("{version} is asked for over {stable}{by}"),
            None => format!("{version} is asked for, the first version{by}"),
        };
        self.tell(at, StoryKind::Started, words);
    }

    fn phase(&mut self, phase: RolloutPhase, why: Option<&str>, at: Timestamp) {
        let view = &mut self.view;
        (view.phase, view.since) = (phase, Some(at));
        if let Some(why) = why {
            view.why = Some(why.to_owned());
        }
        if phase == RolloutPhase::RollingBack {
            fail(&mut view.steps);
            view.held = None;
        }
        let name = match phase {
            RolloutPhase::Initializing => "the new version starts",
            RolloutPhase::Analyzing => "the new version is watched",
            RolloutPhase::Promoting => "the new version takes over",
            RolloutPhase::RollingBack => "rolling back",
            // Told by the end.
            _ => return,
        };
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        self.tell(at, StoryKind::Phase, format!("{name}{why}"));
    }

    fn step(&mut self, step: usize, at: Timestamp) {
        let view = &mut self.view;
        (view.step, view.since, view.held) = (Some(step), Some(at), None);
        for (place, one) in view.steps.iter_mut().enumerate() {
            if place < step && matches!(one.state, StepState::Pending | StepState::Current) {
                one.state = StepState::Done;
            }
            if place == step {
                one.state = StepState::Current;
            }
        }
        if let Some(words) = view.steps.get(step).map(|step| step.words.clone()) {
            self.tell(at, StoryKind::Step, format!("step {}: {words}", step + 1));
        }
    }

    fn hold(&mut self, by: HoldBy, words: &str, at: Timestamp) {
        self.view.held = Some(HoldView { by, words: words.to_owned(), since: Some(at) });
        self.tell(at, StoryKind::Phase, words.to_owned());
    }

    /// It was forgotten: nobody will hear how it ends.
    fn remove(&mut self, at: Timestamp) {
        if self.view.ended.is_none() {
            (self.view.phase, self.view.held, self.view.step) = (RolloutPhase::Unknown, None, None);
            (self.view.ended, self.view.since) = (Some(at), Some(at));
            for step in &mut self.view.steps {
                if matches!(step.state, StepState::Current | StepState::Pending) {
                    step.state = StepState::Skipped;
                }
            }
            self.view.why = Some("it was removed".to_owned());
            self.tell(at, StoryKind::Ended, "removed before its end".to_owned());
        }
    }

    fn weight(&mut self, version: &str, weight: u32, at: Timestamp) {
        let weight = weight.min(100);
        let view = &mut self.view;
        for one in &mut view.versions {
            if one.revision == version {
                one.weight = Some(weight);
            } else if one.role == VersionRole::Stable {
                one.weight = Some(100 - weight);
            }
        }
        if view.weights.last().is_some_and(|last| last.weight == weight) {
            return;
        }
        if view.weights.len() >= MOST_WEIGHTS {
            view.weights.remove(0);
        }
        view.weights.push(WeightPoint { at, weight });
        self.tell(at, StoryKind::Weight, format!("{weight} % of the users go to {version}"));
    }

    fn verdict(&mut self, end: &MetricEnd) {
        let metrics = &mut self.view.metrics;
        let place = metrics.iter().position(|metric| metric.name == end.metric);
        let place = place.unwrap_or_else(|| {
            metrics.push(metric(&end.metric));
            metrics.len() - 1
        });
        if let Some(metric) = metrics.get_mut(place) {
            (metric.verdict, metric.dry_run) = (end.verdict, end.dry_run);
            metric.words.clone_from(&end.words);
        }
    }

    fn gate(&mut self, name: &str, guards: &str, state: GateState, words: Option<&str>, at: Timestamp) {
        let said = RolloutGateView {
            name: name.to_owned(),
            kind: guards.to_owned(),
            state,
            words: words.map(str::to_owned),
            at: Some(at),
        };
        let gates = &mut self.view.gates;
        match gates.iter_mut().find(|gate| gate.name == name && gate.kind == guards) {
            Some(gate) => *gate = said,
            None => gates.push(said),
        }
        let says = match state {
            GateState::Pending | GateState::Asked => "is asked",
            GateState::Yes => "says yes",
            GateState::No => "says no",
            GateState::Silent => "does not answer",
            GateState::Passed => "is passed by a person",
        };
        let words = words.filter(|words| !words.is_empty()).map(|words| format!(": {words}"));
        self.tell(at, StoryKind::Gate, format!("{name} ({guards}) {says}{}", words.unwrap_or_default()));
    }

    fn notice(&mut self, receiver: &str, is_sent: bool, words: &str, at: Timestamp) {
        let notices = &mut self.view.notices;
        let place = notices.iter().position(|notice| notice.name == receiver);
        let place = place.unwrap_or_else(|| {
            let name = receiver.to_owned();
            notices.push(RolloutNoticeView { name, sent: 0, failed: 0, fault: None });
            notices.len() - 1
        });
        if let Some(notice) = notices.get_mut(place) {
            if is_sent {
                notice.sent += 1;
            } else {
                notice.failed += 1;
                notice.fault = Some(words.to_owned());
            }
        }
        if !is_sent {
            self.tell(at, StoryKind::Notice, format!("{receiver} did not take a notice: {words}"));
        }
    }

    /// What users met of each version. One that nobody spoke of before is an old one.
    fn counted(&mut self, ends: &[VersionEnd]) {
        let versions = &mut self.view.versions;
        for end in ends {
            let place = versions.iter().position(|version| version.revision == end.version);
            let place = place.unwrap_or_else(|| {
                versions.push(plain(&end.version, end.role, None));
                versions.len() - 1
            });
            let Some(version) = versions.get_mut(place) else { continue };
            version.role = end.role;
            (version.requests, version.failures) = (Some(end.requests), Some(end.failures));
            (version.p50_ms, version.p99_ms) = (end.p50_ms, end.p99_ms);
        }
    }

    fn end(&mut self, phase: RolloutPhase, why: Option<&str>, at: Timestamp) {
        let view = &mut self.view;
        view.held = None;
        view.step = None;
        view.ended = Some(at);
        view.since = Some(at);
        if let Some(why) = why {
            view.why = Some(why.to_owned());
        }
        let words = match phase {
            RolloutPhase::Completed => {
                for step in &mut view.steps {
                    let is_past = matches!(step.state, StepState::Done | StepState::Current);
                    step.state = if is_past { StepState::Done } else { StepState::Skipped };
                }
                settle(view, &self.version);
                "completed".to_owned()
            }
            RolloutPhase::RolledBack => {
                fail(&mut view.steps);
                let why = view.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("rolled back{why}")
            }
            _ => {
                self.is_overtaken = true;
                "another version was asked for".to_owned()
            }
        };
        if phase.is_over() {
            self.view.phase = phase;
        }
        self.tell(at, StoryKind::Ended, words);
    }
}

/// The new version serves: what served before it is out of service.
fn settle(view: &mut RolloutView, newcomer: &str) {
    for version in &mut view.versions {
        let is_new = version.revision == newcomer;
        version.role = if is_new { VersionRole::Stable } else { VersionRole::Old };
        version.weight = Some(if is_new { 100 } else { 0 });
    }
    view.versions.sort_by_key(|version| version.role);
}

/// The step at hand is where it was taken back; the ones behind it never come.
fn fail(steps: &mut [RolloutStepView]) {
    for step in steps {
        match step.state {
            StepState::Current => step.state = StepState::Failed,
            StepState::Pending => step.state = StepState::Skipped,
            StepState::Done | StepState::Skipped | StepState::Failed => {}
        }
    }
}

fn plain(name: &str, role: VersionRole, weight: Option<u32>) -> RolloutVersionView {
    RolloutVersionView {
        revision: name.to_owned(),
        number: None,
        role,
        label: None,
        weight,
        pods: PodsView::default(),
        restarts: None,
        trouble: None,
        requests: None,
        failures: None,
        p50_ms: None,
        p99_ms: None,
    }
}

fn metric(name: &str) -> RolloutMetricView {
    RolloutMetricView {
        name: name.to_owned(),
        verdict: MetricVerdict::Pending,
        words: String::new(),
        dry_run: false,
        unit: None,
        recent: Vec::new(),
        baseline: Vec::new(),
        sample: None,
        needed: None,
    }
}

fn of_load(load: &LoadEnd) -> RolloutLoadView {
    RolloutLoadView {
        rate: load.rate,
        is_running: false,
        requests: load.requests,
        failures: load.failures,
        p50_ms: load.p50_ms,
        p99_ms: load.p99_ms,
    }
}
