//! The picture of a `Canary` of Flagger.
//!
//! Flagger writes little into the status. Two of its fields must not be believed: it sets the weight to
//! zero when it begins to wait for a promotion, although the route keeps it; and `Succeeded` and `Failed`
//! stand until its next look, although the workload was changed meanwhile.

use super::rollout::is_since;
use super::steps::{given_up, marked};
use super::{
    Hold, HoldBy, Picture, Pods, RolloutPhase, RolloutStrategy, StepLine, StepMark, Version, VersionRole,
    after, count, gates, metrics, story,
};
use crate::canary::{Canary, CanaryAnalysis, is_promoted};
use crate::event::Event;
use crate::lenient::time;
use crate::phase::one_line;
use crate::pod::{self, Pod};
use crate::replica_set::{ReplicaSet, label};
use jiff::Timestamp;
use serde_json::Value;

/// What belongs to a canary. Whatever could not be had is left out.
#[derive(Clone, Debug, Default)]
pub struct CanaryAround {
    /// The workload that people change.
    pub target: Option<Value>,
    /// Flagger's copy of what was promoted.
    pub primary: Option<Value>,
    /// ReplicaSets of the workload.
    pub sets: Vec<ReplicaSet>,
    /// Events of the canary.
    pub events: Vec<Event>,
    /// Pods of the workload, where it lacks some.
    pub pods: Vec<Pod>,
}

/// A canary as it is now.
pub fn canary(canary: &Canary, around: &CanaryAround) -> Picture {
    let is_unseen = is_unseen(canary, around);
    let phase = if is_unseen { RolloutPhase::Initializing } else { phase(canary) };
    let (started, ended) = if is_unseen { (None, None) } else { times(canary, phase) };
    let begun = started.or_else(|| began(&around.events).filter(|_| !is_unseen));
    let events = since(&around.events, begun);
    let gates = gates::lines(canary, &events);
    let held = held(canary, &events, phase);
    let (steps, step) = steps(canary, &events, phase);
    let changed = canary.promoted().and_then(|condition| time(&condition.last_update_time));
    Picture {
        strategy: strategy(canary),
        phase,
        native: (!canary.status.phase.is_empty()).then(|| one_line(&canary.status.phase)),
        why: why(canary, phase, is_unseen, held.is_some()),
        since: held.as_ref().and_then(|held| held.since).or(changed).filter(|_| !phase.is_over()),
        held,
        until: None,
        started: begun,
        ended,
        deadline: deadline(canary, phase),
        steps,
        step,
        versions: versions(canary, around, phase),
        metrics: metrics::of_canary(canary, &events, phase),
        gates,
        weights: story::canary_weights(&events),
        story: story::of_canary(&events),
    }
}

fn strategy(canary: &Canary) -> RolloutStrategy {
    let Some(analysis) = canary.analysis() else { return RolloutStrategy::Canary };
    match (analysis.iterations > 0, analysis.matches.is_empty()) {
        (true, false) => RolloutStrategy::Ab,
        (true, true) => RolloutStrategy::BlueGreen,
        // Services of Kubernetes alone split nothing: Flagger makes ten rounds then.
        (false, _) if canary.spec.provider == "kubernetes" => RolloutStrategy::BlueGreen,
        (false, _) => RolloutStrategy::Canary,
    }
}

/// Rounds of checks of a release that is no progressive one.
fn rounds(analysis: &CanaryAnalysis) -> i64 {
    if analysis.iterations > 0 { analysis.iterations } else { 10 }
}

/// The workload was changed, and Flagger has not looked since: its status tells of the release before.
pub fn is_unseen(canary: &Canary, around: &CanaryAround) -> bool {
    match canary.status.phase.as_str() {
        "Succeeded" | "Initialized" => match (&around.target, &around.primary) {
            (Some(target), Some(primary)) => !is_promoted(target, primary),
            _ => false,
        },
        // A version that failed stays in the workload: only one that came later is new.
        "Failed" => {
            let failed = time(&canary.status.last_transition_time);
            let newest = newest(around).and_then(ReplicaSet::created_at);
            matches!((newest, failed), (Some(newest), Some(failed)) if newest > failed)
        }
        _ => false,
    }
}

fn uid(object: &Value) -> &str {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

/// The ReplicaSet of what the workload is now.
fn newest(around: &CanaryAround) -> Option<&ReplicaSet> {
    let owner = uid(around.target.as_ref()?);
    around.sets.iter().filter(|set| set.belongs_to(owner)).max_by_key(|set| set.number())
}

fn phase(canary: &Canary) -> RolloutPhase {
    let status = &canary.status;
    match status.phase.as_str() {
        "" | "Initializing" | "Waiting" => RolloutPhase::Initializing,
        "Initialized" | "Succeeded" => RolloutPhase::Completed,
        "Progressing" if status.canary_weight == 0 && status.iterations == 0 => RolloutPhase::Initializing,
        "Progressing" | "WaitingPromotion" => RolloutPhase::Analyzing,
        "Promoting" | "Finalising" => RolloutPhase::Promoting,
        // A promotion that failed leaves the users with the new version (since 1.44).
        "Failed" if status.canary_weight > 0 => RolloutPhase::Degraded,
        "Failed" => RolloutPhase::RolledBack,
        "Terminating" | "Terminated" => RolloutPhase::Degraded,
        _ => RolloutPhase::Unknown,
    }
}

/// The condition `Promoted` is unknown from the begin of a release to its end.
fn times(canary: &Canary, phase: RolloutPhase) -> (Option<Timestamp>, Option<Timestamp>) {
    let turned = canary.promoted().and_then(|condition| time(&condition.last_transition_time));
    if phase.is_over() { (None, turned) } else { (turned, None) }
}

/// The events of the release at hand: those of an earlier one say nothing about it.
pub(super) fn of_release<'e>(canary: &Canary, events: &'e [Event]) -> Vec<&'e Event> {
    let (started, _) = times(canary, phase(canary));
    since(events, started.or_else(|| began(events)))
}

fn since(events: &[Event], begun: Option<Timestamp>) -> Vec<&Event> {
    events.iter().filter(|event| is_since(event, begun)).collect()
}

/// When the last release began, by the last event that says so: the condition tells of its end then.
fn began(events: &[Event]) -> Option<Timestamp> {
    let is_it = |event: &&Event| event.message.starts_with("New revision detected");
    events.iter().rev().find(is_it).and_then(|event| event.at)
}

fn why(canary: &Canary, phase: RolloutPhase, is_unseen: bool, is_held: bool) -> Option<String> {
    if is_unseen {
        return Some(format!(
            "Flagger has not seen the last change of {} yet",
            one_line(&canary.spec.target_ref.name)
        ));
    }
    if is_held || phase == RolloutPhase::Completed {
        return None;
    }
    let status = &canary.status;
    if status.failed_checks > 0 {
        let allowed = canary.analysis().map_or(1, |analysis| analysis.threshold.max(1));
        return Some(format!("{} of {allowed} checks that may fail have failed", status.failed_checks));
    }
    let told = canary.promoted().map(|condition| one_line(&condition.message));
    told.filter(|message| !message.is_empty())
}

fn held(canary: &Canary, events: &[&Event], phase: RolloutPhase) -> Option<Hold> {
    if phase.is_over() {
        return None;
    }
    if canary.spec.suspend {
        return Some(Hold { by: HoldBy::Person, words: "a person has suspended it".to_owned(), since: None });
    }
    let waiting = gates::waiting(canary, events);
    let names: Vec<String> = waiting.iter().map(|(webhook, _)| one_line(&webhook.name)).collect();
    let (first, at) = waiting.first()?;
    let words = format!("{} waits for a yes of {}", one_line(&first.kind), names.join(", "));
    Some(Hold { by: HoldBy::Gate, words, since: *at })
}

/// Time without progress that Flagger bears while pods come up.
fn deadline(canary: &Canary, phase: RolloutPhase) -> Option<Timestamp> {
    let is_coming =
        canary.status.phase == "Progressing" && phase == RolloutPhase::Initializing && !canary.spec.suspend;
    let begun = canary.promoted().and_then(|condition| time(&condition.last_update_time));
    let seconds = canary.spec.progress_deadline_seconds.unwrap_or(600) as f64;
    begun.filter(|_| is_coming).and_then(|begun| after(begun, seconds))
}

/// The weights that it goes through.
fn weights(analysis: &CanaryAnalysis) -> Vec<i64> {
    if !analysis.step_weights.is_empty() {
        return analysis.step_weights.iter().map(|weight| (*weight).clamp(0, 100)).take(100).collect();
    }
    let most = if analysis.max_weight > 0 { analysis.max_weight.min(100) } else { 100 };
    if analysis.step_weight <= 0 {
        return Vec::new();
    }
    let mut all = Vec::new();
    let mut weight = 0;
    while weight < most {
        weight = weight.saturating_add(analysis.step_weight).min(100);
        all.push(weight);
    }
    all
}

fn steps(canary: &Canary, events: &[&Event], phase: RolloutPhase) -> (Vec<StepLine>, Option<usize>) {
    let Some(analysis) = canary.analysis().filter(|_| !canary.spec.skip_analysis) else {
        return steps_of(vec!["promotion".to_owned()], 0, None, phase);
    };
    let status = &canary.status;
    if strategy(canary) != RolloutStrategy::Canary {
        let rounds = rounds(analysis);
        let done = status.iterations.clamp(0, rounds);
        let words = vec![format!("checks, {done} of {rounds} rounds"), "promotion".to_owned()];
        return steps_of(words, usize::from(phase == RolloutPhase::Promoting), Some(0), phase);
    }
    let weights = weights(analysis);
    let mut words: Vec<String> = weights.iter().map(|weight| format!("weight {weight} %")).collect();
    words.push("promotion".to_owned());
    let place = |weight: i64| weights.iter().position(|step| *step >= weight).unwrap_or(weights.len());
    let at = match status.phase.as_str() {
        "WaitingPromotion" | "Promoting" | "Finalising" => weights.len(),
        _ => place(status.canary_weight),
    };
    let last = story::canary_weights(events).last().map(|(_, weight)| place(i64::from(*weight)));
    steps_of(words, at, last, phase)
}

fn steps_of(
    words: Vec<String>,
    at: usize,
    last: Option<usize>,
    phase: RolloutPhase,
) -> (Vec<StepLine>, Option<usize>) {
    match phase {
        RolloutPhase::Completed => (marked(words, usize::MAX, StepMark::Done), None),
        RolloutPhase::RollingBack | RolloutPhase::RolledBack | RolloutPhase::Degraded => {
            (given_up(words, last), None)
        }
        _ => {
            let step = (at < words.len()).then_some(at);
            (marked(words, at, StepMark::Pending), step)
        }
    }
}

/// The share of the new version in percent.
fn share(canary: &Canary, phase: RolloutPhase) -> Option<u32> {
    let (status, strategy) = (&canary.status, strategy(canary));
    match (status.phase.as_str(), strategy) {
        _ if phase.is_over() => Some(count(status.canary_weight).min(100)),
        // The status says zero, but the route was not changed.
        ("WaitingPromotion", RolloutStrategy::Canary) => {
            let weights = canary.analysis().map(weights).unwrap_or_default();
            weights.last().map(|weight| count(*weight))
        }
        // After that the status says nothing that could be believed.
        ("Promoting" | "Finalising", _) => None,
        (_, RolloutStrategy::Canary) => Some(count(status.canary_weight).min(100)),
        // Its users are told by what they send, which no percentage tells.
        (_, RolloutStrategy::Ab) if status.iterations > 0 => None,
        (_, RolloutStrategy::BlueGreen) if status.phase == "WaitingPromotion" => None,
        _ => Some(0),
    }
}

fn versions(canary: &Canary, around: &CanaryAround, phase: RolloutPhase) -> Vec<Version> {
    let new = share(canary, phase);
    let stable = around.primary.as_ref().map(|primary| Version {
        revision: format!("{}-primary", one_line(&canary.spec.target_ref.name)),
        number: None,
        role: VersionRole::Stable,
        label: primary.pointer("/spec/template").and_then(label),
        weight: new.map(|new| 100 - new),
        pods: pods(primary),
        restarts: None,
        trouble: None,
    });
    let is_there = !matches!(phase, RolloutPhase::Completed);
    let target = around.target.as_ref().filter(|_| is_there).map(|target| {
        let set = newest(around);
        let told = pod::told(around.pods.iter());
        Version {
            revision: set
                .map(ReplicaSet::hash)
                .filter(|hash| !hash.is_empty())
                .map_or_else(|| one_line(&canary.spec.target_ref.name), str::to_owned),
            number: set.and_then(ReplicaSet::number),
            role: if strategy(canary) == RolloutStrategy::BlueGreen {
                VersionRole::Preview
            } else {
                VersionRole::Canary
            },
            label: target.pointer("/spec/template").and_then(label),
            weight: new,
            pods: pods(target),
            restarts: (!around.pods.is_empty()).then_some(told.restarts),
            trouble: told.trouble.or_else(|| set.and_then(ReplicaSet::failure)),
        }
    });
    stable.into_iter().chain(target).collect()
}

/// The pods of a Deployment, or of a DaemonSet, which counts otherwise.
fn pods(workload: &Value) -> Pods {
    let number = |paths: [&str; 2]| {
        paths.iter().find_map(|path| workload.pointer(path).and_then(Value::as_i64)).map_or(0, count)
    };
    Pods {
        wanted: number(["/spec/replicas", "/status/desiredNumberScheduled"]),
        created: number(["/status/replicas", "/status/currentNumberScheduled"]),
        available: number(["/status/availableReplicas", "/status/numberAvailable"]),
    }
}
