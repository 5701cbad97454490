//! A local rollout as a view: its story, folded, and over it how it stands.

use crate::agent::picture::{Picture, Show};
use crate::agent::senses::Recent;
use crate::app::rollouts::story;
use crate::deliver::backend::local::tally::Counted;
use crate::deliver::backend::local::verdicts::verdicts;
use crate::deliver::backend::local::{Kept, words};
use crate::report::view::{
    GateState, HoldBy, HoldView, PodsView, RolloutGateView, RolloutKind, RolloutLoadView, RolloutMetricView,
    RolloutNoticeView, RolloutStepView, RolloutVersionView, RolloutView, StepState, VersionRole, WeightPoint,
};
use jiff::Timestamp;
use taskmaster_core::journal::{Entry, Record};
use taskmaster_delivery::engine::{Hold, Move, Phase, Revision, State};
use taskmaster_delivery::spec::{Gate, Judge, Strategy};
use taskmaster_delivery::time::Time;

/// Views for the agent.
pub(super) struct Views;

impl Show for Views {
    fn show(&self, picture: &Picture<'_>) -> serde_json::Value {
        // A view has text keys alone.
        serde_json::to_value(view(picture)).unwrap_or_default()
    }
}

/// A rollout as it stands.
pub fn view(picture: &Picture<'_>) -> RolloutView {
    let kept = picture.driver.kept();
    let now = stamp(picture.now).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut view = told(kept, now);
    let state = picture.driver.delivery().state();
    view.strategy = words::strategy(&picture.driver.rollout().strategy);
    view.phase = words::phase(state.phase);
    view.native = kept.is_stopped.then(|| "stopped".to_owned());
    view.held = held(picture);
    view.why = why(picture);
    (view.started, view.ended) = (kept.started.and_then(stamp), kept.ended.and_then(stamp));
    view.since = stamp(state.since);
    (view.until, view.deadline) = (until(picture), deadline(picture));
    steps(picture, &mut view);
    view.versions = versions(picture);
    view.metrics = metrics(picture);
    gates(picture, &mut view);
    view.notices = notices(picture);
    view.load = picture.seen.load.as_ref().map(|load| RolloutLoadView {
        rate: load.rate,
        is_running: picture.is_loaded,
        requests: load.requests,
        failures: load.failures,
        p50_ms: load.p50_ms,
        p99_ms: load.p99_ms,
    });
    view.weights = kept.weights.iter().filter_map(|(at, weight)| point(*at, *weight)).collect();
    view.address = Some(format!("http://{}", kept.doors.main));
    view.preview = kept.doors.preview.map(|at| format!("http://{at}"));
    view.metrics_at = kept.doors.metrics.map(|at| format!("http://{at}/metrics"));
    view
}

fn stamp(at: Time) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.0).ok()
}

fn point(at: Time, weight: u32) -> Option<WeightPoint> {
    Some(WeightPoint { at: stamp(at)?, weight })
}

/// What its facts tell.
fn told(kept: &Kept, now: Timestamp) -> RolloutView {
    let entry = |(at, fact): &(Time, _)| Entry {
        seq: 0,
        at: stamp(*at).unwrap_or(now),
        record: Record::Rollout {
            rollout: kept.name.clone(),
            release: kept.release,
            fact: Clone::clone(fact),
        },
    };
    let entries: Vec<Entry> = kept.story.iter().map(entry).collect();
    let last = story::releases(&entries, now).pop();
    last.map_or_else(|| RolloutView::new(RolloutKind::Local, kept.name.clone(), now), |release| release.view)
}

fn held(picture: &Picture<'_>) -> Option<HoldView> {
    let delivery = picture.driver.delivery();
    let state = delivery.state();
    let view = |by, words: String, since| Some(HoldView { by, words, since: stamp(since) });
    if let Some(hold) = &state.held {
        let by = match hold {
            Hold::Person => HoldBy::Person,
            Hold::Inconclusive(_) => HoldBy::Doubt,
            Hold::OneWay => HoldBy::OneWay,
        };
        return view(by, hold.words(), state.held_since);
    }
    if !matches!(state.phase, Phase::Initializing | Phase::Analyzing | Phase::Promoting) {
        return None;
    }
    if let Some(gate) = waits_for(picture, state) {
        return view(HoldBy::Gate, format!("waits for {} ({})", gate.name, gate.kind.name()), state.since);
    }
    match delivery.moves().get(state.place) {
        Some(Move::Pause(None)) if state.phase != Phase::Promoting && state.stable.is_some() => {
            view(HoldBy::Step, "waits until somebody promotes it".to_owned(), state.since)
        }
        _ => None,
    }
}

/// The guard that is waited for.
fn waits_for<'a>(picture: &'a Picture<'_>, state: &State) -> Option<&'a Gate> {
    let gates = &picture.driver.rollout().gates;
    let mut here = state
        .gates
        .asked
        .iter()
        .filter(|(place, asking)| asking.is_here && !state.gates.passed.contains(place));
    here.find_map(|(place, _)| gates.get(*place).filter(|gate| gate.kind.is_guard()))
}

fn why(picture: &Picture<'_>) -> Option<String> {
    let state = picture.driver.delivery().state();
    if let Some(fault) = picture.fault {
        return Some(format!("the agent cannot go on: {fault}"));
    }
    let stopped = "its services were ended; the next start brings them back";
    match (&state.why, picture.driver.kept().is_stopped) {
        (Some(why), true) => Some(format!("{why} ({stopped})")),
        (None, true) => Some(stopped.to_owned()),
        (why, false) => why.clone(),
    }
}

/// When the step at hand ends at the earliest.
fn until(picture: &Picture<'_>) -> Option<Timestamp> {
    let delivery = picture.driver.delivery();
    let state = delivery.state();
    if !matches!(state.phase, Phase::Initializing | Phase::Analyzing) || state.held.is_some() {
        return None;
    }
    let span = match delivery.moves().get(state.place)? {
        Move::Pause(Some(span)) => *span,
        Move::Analysis(watch, _) if !watch.at_least.is_zero() => watch.at_least,
        _ => return None,
    };
    stamp(state.since + span)
}

/// When it is taken back unless something comes nearer; nothing while that time does not run.
fn deadline(picture: &Picture<'_>) -> Option<Timestamp> {
    let delivery = picture.driver.delivery();
    let state = delivery.state();
    let waits = matches!(delivery.moves().get(state.place), Some(Move::Pause(_) | Move::Analysis(..)));
    let runs = match state.phase {
        Phase::Initializing | Phase::Analyzing => !waits,
        Phase::Promoting => true,
        Phase::Completed | Phase::RollingBack | Phase::RolledBack => false,
    };
    let stands = state.held.is_some() || waits_for(picture, state).is_some();
    (runs && !stands).then(|| stamp(state.progressed + delivery.spec().progress_deadline)).flatten()
}

/// The steps where it goes forward; those of an end are told by its facts.
fn steps(picture: &Picture<'_>, view: &mut RolloutView) {
    let delivery = picture.driver.delivery();
    let state = delivery.state();
    if view.steps.is_empty() {
        let all = words::steps(delivery.spec(), delivery.moves()).into_iter();
        view.steps = all.map(|words| RolloutStepView { words, state: StepState::Pending }).collect();
    }
    if !matches!(state.phase, Phase::Initializing | Phase::Analyzing | Phase::Promoting) {
        return;
    }
    view.step = (state.place < view.steps.len()).then_some(state.place);
    for (place, step) in view.steps.iter_mut().enumerate() {
        let is_past = place < state.place;
        let is_open = matches!(step.state, StepState::Pending | StepState::Current);
        step.state = match (is_past, is_open) {
            (true, true) if state.is_full => StepState::Skipped,
            (true, true) => StepState::Done,
            (true, false) => step.state,
            (false, _) if place == state.place => StepState::Current,
            (false, _) => StepState::Pending,
        };
    }
}

fn versions(picture: &Picture<'_>) -> Vec<RolloutVersionView> {
    let (kept, state) = (picture.driver.kept(), picture.driver.delivery().state());
    let routes = picture.driver.routes(picture.seen);
    let role = |revision: &Revision| {
        let is_new = state.revision == *revision;
        if state.stable.as_ref() == Some(revision) || (state.stable.is_none() && is_new) {
            VersionRole::Stable
        } else if !is_new || state.phase == Phase::RolledBack {
            VersionRole::Old
        } else if matches!(picture.driver.rollout().strategy, Strategy::BlueGreen(_)) {
            VersionRole::Preview
        } else {
            VersionRole::Canary
        }
    };
    let mut all: Vec<RolloutVersionView> = Vec::new();
    for version in &kept.versions {
        let revision = &version.revision;
        let pods = picture.seen.pods.get(revision).copied().unwrap_or_default();
        let counted = picture.seen.counted.since(&kept.at_start, revision);
        let is_shown = pods.created > 0
            || pods.terminating > 0
            || counted.requests > 0
            || *revision == kept.wanted
            || *revision == state.revision
            || state.stable.as_ref() == Some(revision);
        if is_shown {
            all.push(RolloutVersionView {
                revision: revision.0.clone(),
                number: release(kept, revision),
                role: role(revision),
                label: None,
                weight: Some(routes.weight(revision)),
                pods: PodsView {
                    wanted: count(pods.wanted),
                    created: count(pods.created),
                    available: count(pods.available),
                },
                restarts: Some(restarts(picture, revision)),
                trouble: trouble(picture, revision),
                requests: Some(counted.requests),
                failures: Some(counted.failures),
                p50_ms: percentile(&counted, picture, 50.0),
                p99_ms: percentile(&counted, picture, 99.0),
            });
        }
    }
    all.sort_by_key(|version| (version.role, std::cmp::Reverse(version.number)));
    all
}

/// The number by which `undo` takes a version: that of the last release of it.
fn release(kept: &Kept, revision: &Revision) -> Option<u64> {
    kept.releases.iter().rev().find(|(_, of)| of == revision).map(|(number, _)| *number)
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn percentile(counted: &Counted, picture: &Picture<'_>, percent: f64) -> Option<f64> {
    counted.percentile(picture.bounds_ms, percent)
}

fn restarts(picture: &Picture<'_>, revision: &Revision) -> u64 {
    let of_it = picture.replicas.iter().filter(|replica| replica.revision == *revision);
    of_it.map(|replica| u64::from(replica.restarts)).sum()
}

fn trouble(picture: &Picture<'_>, revision: &Revision) -> Option<String> {
    let mut of_it = picture.replicas.iter().filter(|replica| replica.revision == *revision);
    of_it.find_map(|replica| replica.why.as_ref().map(|why| format!("replica {}: {why}", replica.number)))
}

fn metrics(picture: &Picture<'_>) -> Vec<RolloutMetricView> {
    let delivery = picture.driver.delivery();
    let all = verdicts(delivery).into_iter().enumerate();
    let nothing = Recent::default();
    all.map(|(index, end)| {
        let recent = picture.recent.get(&index).unwrap_or(&nothing);
        let test = delivery.spec().analysis.metrics.get(index).and_then(|metric| match &metric.judge {
            Judge::Test(test) => Some(test),
            Judge::Counted(..) => None,
        });
        let tested = delivery.state().judging.tests.get(&index);
        RolloutMetricView {
            name: end.metric,
            verdict: end.verdict,
            words: end.words,
            dry_run: end.dry_run,
            unit: recent.unit.clone(),
            recent: recent.canary.iter().copied().collect(),
            baseline: recent.baseline.iter().copied().collect(),
            sample: tested.map(|tested| tested.sample()),
            needed: test.map(|test| test.minimum_sample),
        }
    })
    .collect()
}

/// Those that nobody has asked yet are shown as well.
fn gates(picture: &Picture<'_>, view: &mut RolloutView) {
    let told = std::mem::take(&mut view.gates);
    let of = |gate: &Gate| {
        let known = told.iter().find(|one| one.name == gate.name).cloned();
        known.unwrap_or_else(|| RolloutGateView {
            name: gate.name.clone(),
            kind: gate.kind.name().to_owned(),
            state: GateState::Pending,
            words: None,
            at: None,
        })
    };
    view.gates = picture.driver.rollout().gates.iter().map(of).collect();
}

fn notices(picture: &Picture<'_>) -> Vec<RolloutNoticeView> {
    let told = picture.hooks.iter().map(|hook| RolloutNoticeView {
        name: hook.name.clone(),
        sent: hook.sent,
        failed: hook.failed + hook.dropped,
        fault: hook.fault.clone(),
    });
    let mute = picture.mute.iter().map(|(name, why)| RolloutNoticeView {
        name: name.clone(),
        sent: 0,
        failed: 0,
        fault: Some(why.clone()),
    });
    told.chain(mute).collect()
}
