//! The picture of a `Rollout` of Argo Rollouts.

use super::times::{condition, times};
use super::versions::{Shares, versions};
use super::{Hold, HoldBy, Picture, RolloutPhase, RolloutStrategy, after, metrics, steps, story};
use crate::analysis::{AnalysisRun, is_completed};
use crate::event::Event;
use crate::lenient::{seconds, time};
use crate::phase::{Phase, RolloutState, one_line, status};
use crate::pod::Pod;
use crate::replica_set::{HASH_LABEL, ReplicaSet};
use crate::rollout::{PauseCondition, Rollout};
use crate::strategy::PauseStep;
use jiff::Timestamp;
use serde_json::Value;

/// What belongs to a rollout. Whatever could not be had is left out; what belongs to others may be among it.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Its ReplicaSets.
    pub sets: Vec<ReplicaSet>,
    /// Its AnalysisRuns.
    pub runs: Vec<AnalysisRun>,
    /// Its events.
    pub events: Vec<Event>,
    /// Pods of the versions that lack some.
    pub pods: Vec<Pod>,
}

/// A rollout as it is now.
pub fn rollout(rollout: &Rollout, around: &Around) -> Picture {
    let state = status(rollout);
    let sets: Vec<&ReplicaSet> =
        around.sets.iter().filter(|set| set.belongs_to(&rollout.metadata.uid)).collect();
    let newest = sets.iter().copied().find(|set| set.hash() == rollout.status.current_pod_hash);
    let phase = phase(rollout, &sets, &state);
    let times = times(rollout, newest, phase);
    let events: Vec<&Event> = around.events.iter().filter(|event| is_since(event, times.started)).collect();
    let runs: Vec<&AnalysisRun> = around.runs.iter().filter(|run| is_newest(run, rollout)).collect();
    let held = held(rollout, phase);
    let until = until(rollout).filter(|_| !rollout.spec.paused && !phase.is_over());
    let (lines, step) = steps::of_rollout(rollout, &sets, &runs, &events, phase);
    Picture {
        strategy: strategy(rollout),
        phase,
        native: Some(state.phase.word().to_owned()),
        why: why(&state, phase, held.is_some()),
        since: held.as_ref().and_then(|held| held.since).or_else(|| pause_start(rollout)).or_else(|| {
            let last = events.iter().rev().find(|event| event.reason == "RolloutStepCompleted");
            last.and_then(|event| event.at).filter(|_| !phase.is_over())
        }),
        held,
        until,
        started: times.started,
        ended: times.ended,
        deadline: deadline(rollout, phase),
        steps: lines,
        step,
        versions: versions(rollout, &sets, &around.pods),
        metrics: metrics::of_runs(&runs),
        gates: Vec::new(),
        weights: story::rollout_weights(&events, rollout.max_weight()),
        story: story::of_rollout(&events),
    }
}

fn strategy(rollout: &Rollout) -> RolloutStrategy {
    match (&rollout.spec.strategy.canary, &rollout.spec.strategy.blue_green) {
        (Some(_), _) => RolloutStrategy::Canary,
        (None, Some(_)) => RolloutStrategy::BlueGreen,
        (None, None) => RolloutStrategy::Unknown,
    }
}

/// Events of the beginning are told a moment before the status says that it began, and in whole seconds.
const SLACK_SECONDS: i64 = 2;

/// It happened in this release, as far as one can tell.
pub(super) fn is_since(event: &Event, started: Option<Timestamp>) -> bool {
    match (event.at, started) {
        (Some(at), Some(started)) => at.as_second() + SLACK_SECONDS >= started.as_second(),
        _ => false,
    }
}

/// A run of the newest version: also those of steps that the status names no more.
fn is_newest(run: &AnalysisRun, rollout: &Rollout) -> bool {
    let hash = &rollout.status.current_pod_hash;
    let is_own = run.metadata.owner_references.iter().any(|owner| owner.uid == rollout.metadata.uid);
    is_own && run.metadata.labels.get(HASH_LABEL).is_some_and(|own| own == hash)
}

/// What is older than the specification or the last verb says of nothing that it is over, or on its way back.
fn phase(rollout: &Rollout, sets: &[&ReplicaSet], state: &RolloutState) -> RolloutPhase {
    let seen = seen_phase(rollout, sets, state);
    let is_told = seen.is_over() || seen.is_back() || rollout.rests();
    if (!state.is_observed && is_told) || (state.is_reacting && seen.is_over()) {
        RolloutPhase::Initializing
    } else {
        seen
    }
}

fn seen_phase(rollout: &Rollout, sets: &[&ReplicaSet], state: &RolloutState) -> RolloutPhase {
    let status = &rollout.status;
    let is_aborted = status.abort || state.message.starts_with("RolloutAborted");
    match state.phase {
        Phase::Degraded if is_aborted && !status.stable_rs.is_empty() => {
            if is_back(rollout, sets) {
                RolloutPhase::RolledBack
            } else {
                RolloutPhase::RollingBack
            }
        }
        Phase::Degraded => RolloutPhase::Degraded,
        Phase::Unknown => RolloutPhase::Unknown,
        _ if status.abort && !rollout.rests() => RolloutPhase::RollingBack,
        Phase::Healthy => RolloutPhase::Completed,
        Phase::Paused if rollout.rests() => RolloutPhase::Completed,
        _ if rollout.rests() => RolloutPhase::Promoting,
        _ if status.stable_rs.is_empty() => RolloutPhase::Initializing,
        _ if status.promote_full => RolloutPhase::Promoting,
        _ => underway(rollout, sets),
    }
}

/// A version that is neither stable nor given up.
fn underway(rollout: &Rollout, sets: &[&ReplicaSet]) -> RolloutPhase {
    let status = &rollout.status;
    let newest = sets.iter().find(|set| set.hash() == status.current_pod_hash);
    let serves = newest.is_some_and(|set| set.status.available_replicas > 0);
    if let Some(strategy) = &rollout.spec.strategy.blue_green {
        if status.blue_green.active_selector == status.current_pod_hash {
            let run = status.blue_green.post_promotion_analysis_run_status.as_ref();
            let waits = strategy.post_promotion_analysis.as_ref().is_some_and(|written| !written.is_null())
                && !run.is_some_and(|run| is_completed(&run.status));
            return if waits { RolloutPhase::Analyzing } else { RolloutPhase::Promoting };
        }
        let is_whole =
            newest.is_some_and(|set| set.status.available_replicas >= set.spec.replicas.unwrap_or(1));
        return if serves && is_whole { RolloutPhase::Analyzing } else { RolloutPhase::Initializing };
    }
    match rollout.current_step() {
        Some((0, Some(_))) if !serves => RolloutPhase::Initializing,
        Some((_, Some(_))) => RolloutPhase::Analyzing,
        Some((_, None)) | None => RolloutPhase::Promoting,
    }
}

/// The new version has no users any more.
fn is_back(rollout: &Rollout, sets: &[&ReplicaSet]) -> bool {
    // Pods that nobody counts are not there.
    Shares::of(rollout, sets).new.is_none_or(|share| share == 0)
}

/// In the controller's words, without the word that the phase says already.
fn why(state: &RolloutState, phase: RolloutPhase, is_held: bool) -> Option<String> {
    let text = state.message.strip_prefix("RolloutAborted:").unwrap_or(&state.message).trim();
    (phase != RolloutPhase::Completed && !is_held && !text.is_empty()).then(|| one_line(text))
}

fn held(rollout: &Rollout, phase: RolloutPhase) -> Option<Hold> {
    if matches!(phase, RolloutPhase::RollingBack | RolloutPhase::RolledBack | RolloutPhase::Degraded) {
        return None;
    }
    if rollout.spec.paused {
        let paused = condition(rollout, "Paused").filter(|paused| paused.status == "True");
        let since = time(&rollout.status.duration.manual_pause_started_at)
            .or_else(|| paused.and_then(|paused| time(&paused.last_transition_time)));
        return Some(Hold { by: HoldBy::Person, words: "a person has paused it".to_owned(), since });
    }
    let pause = rollout.status.pause_conditions.first()?;
    let (by, words) = match pause.reason.as_str() {
        "CanaryPauseStep" => {
            let (index, step) = rollout.current_step()?;
            if step.and_then(|step| step.pause.as_ref()).is_some_and(is_timed) {
                return None;
            }
            (HoldBy::Step, format!("step {} of {} waits for a person", index + 1, rollout.steps().len()))
        }
        "BlueGreenPause" if is_promoted_by_itself(rollout) => return None,
        "BlueGreenPause" => (HoldBy::Step, "the preview waits for a person".to_owned()),
        "InconclusiveAnalysisRun" => (HoldBy::Doubt, "the analysis could not tell".to_owned()),
        "InconclusiveExperiment" => (HoldBy::Doubt, "the experiment could not tell".to_owned()),
        other => (HoldBy::Step, one_line(other)),
    };
    Some(Hold { by, words, since: time(&pause.start_time) })
}

fn is_timed(pause: &PauseStep) -> bool {
    pause.duration.as_ref().is_some_and(|duration| !duration.is_null())
}

pub(super) fn is_promoted_by_itself(rollout: &Rollout) -> bool {
    let strategy = rollout.spec.strategy.blue_green.as_ref();
    strategy.is_none_or(|strategy| strategy.auto_promotion_enabled.unwrap_or(true))
}

fn first_pause(rollout: &Rollout) -> Option<&PauseCondition> {
    rollout.status.pause_conditions.first()
}

fn pause_start(rollout: &Rollout) -> Option<Timestamp> {
    first_pause(rollout).and_then(|pause| time(&pause.start_time))
}

/// When a pause with a time is over.
fn until(rollout: &Rollout) -> Option<Timestamp> {
    let pause = first_pause(rollout)?;
    let length = match pause.reason.as_str() {
        "CanaryPauseStep" => match rollout.current_step()?.1?.pause.as_ref()?.duration.as_ref()? {
            Value::String(text) => seconds(text)?,
            number => number.as_f64()?,
        },
        "BlueGreenPause" => {
            let strategy = rollout.spec.strategy.blue_green.as_ref()?;
            let length = strategy.auto_promotion_seconds;
            (is_promoted_by_itself(rollout) && length > 0).then_some(length as f64)?
        }
        _ => return None,
    };
    after(time(&pause.start_time)?, length)
}

/// Argo Rollouts takes back what is too slow only where it is told to; a pause does not count.
fn deadline(rollout: &Rollout, phase: RolloutPhase) -> Option<Timestamp> {
    let is_going =
        matches!(phase, RolloutPhase::Initializing | RolloutPhase::Analyzing | RolloutPhase::Promoting);
    let is_paused = rollout.spec.paused || first_pause(rollout).is_some();
    if !rollout.spec.progress_deadline_abort || !is_going || is_paused || rollout.rests() {
        return None;
    }
    let progress = condition(rollout, "Progressing").and_then(|progress| time(&progress.last_update_time))?;
    after(progress, rollout.spec.progress_deadline_seconds.unwrap_or(600) as f64)
}
