//! The steps of a rollout in words, and where it is among them.

use super::rollout::is_promoted_by_itself;
use super::{RolloutPhase, StepLine, StepMark};
use crate::analysis::{AnalysisRun, is_completed};
use crate::event::Event;
use crate::phase::one_line;
use crate::replica_set::ReplicaSet;
use crate::rollout::Rollout;
use crate::strategy::Step;
use serde_json::Value;

/// The steps, and the one at hand.
pub(super) fn of_rollout(
    rollout: &Rollout,
    sets: &[&ReplicaSet],
    runs: &[&AnalysisRun],
    events: &[&Event],
    phase: RolloutPhase,
) -> (Vec<StepLine>, Option<usize>) {
    let is_blue_green = rollout.spec.strategy.blue_green.is_some() && rollout.spec.strategy.canary.is_none();
    let (words, at) = if is_blue_green {
        blue_green(rollout, sets)
    } else {
        let max = rollout.max_weight();
        let words = rollout.steps().iter().map(|step| in_words(step, max)).collect();
        (words, rollout.current_step().map_or(0, |(index, _)| index))
    };
    match phase {
        RolloutPhase::RollingBack | RolloutPhase::RolledBack => {
            (given_up(words, last_step(runs, events)), None)
        }
        RolloutPhase::Completed => (marked(words, usize::MAX, StepMark::Done), None),
        _ if rollout.status.promote_full => (marked(words, at, StepMark::Skipped), None),
        _ => {
            let step = (at < words.len() && !rollout.rests()).then_some(at);
            let at = if rollout.rests() { usize::MAX } else { at };
            (marked(words, at, StepMark::Pending), step)
        }
    }
}

/// Done before that place, at hand there, and the rest as it is told.
pub(super) fn marked(words: Vec<String>, at: usize, rest: StepMark) -> Vec<StepLine> {
    let mark = |place: usize| match place.cmp(&at) {
        std::cmp::Ordering::Less => StepMark::Done,
        std::cmp::Ordering::Equal if rest == StepMark::Pending => StepMark::Current,
        _ => rest,
    };
    words.into_iter().enumerate().map(|(place, words)| StepLine { mark: mark(place), words }).collect()
}

/// Steps of a version that was taken back, where it is known at which one.
pub(super) fn given_up(words: Vec<String>, last: Option<usize>) -> Vec<StepLine> {
    let mark = |place: usize| match last {
        Some(last) if place < last => StepMark::Done,
        Some(last) if place == last => StepMark::Failed,
        _ => StepMark::Skipped,
    };
    words.into_iter().enumerate().map(|(place, words)| StepLine { mark: mark(place), words }).collect()
}

/// The step at which a version was given up: an abort sets the index back, so it is told by the steps that
/// were completed, or by the step whose analysis failed.
fn last_step(runs: &[&AnalysisRun], events: &[&Event]) -> Option<usize> {
    let failed = runs.iter().filter(|run| ["Failed", "Error"].contains(&run.status.phase.as_str()));
    let by_runs = failed.filter_map(|run| run.metadata.labels.get("step-index")?.parse().ok()).max();
    // `Rollout step 2/8 completed (pause)`
    let completed = events.iter().filter(|event| event.reason == "RolloutStepCompleted");
    let number = |event: &&Event| {
        event.message.strip_prefix("Rollout step ")?.split('/').next()?.parse::<usize>().ok()
    };
    by_runs.or_else(|| completed.filter_map(number).max())
}

/// A step in words.
fn in_words(step: &Step, max_weight: i64) -> String {
    if let Some(weight) = step.set_weight {
        return if max_weight == 100 {
            format!("weight {weight} %")
        } else {
            format!("weight {weight} of {max_weight}")
        };
    }
    if let Some(pause) = &step.pause {
        return match &pause.duration {
            None | Some(Value::Null) => "pause for a person".to_owned(),
            Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                one_line(&format!("pause {text}s"))
            }
            Some(Value::String(text)) => one_line(&format!("pause {text}")),
            Some(other) => one_line(&format!("pause {other}s")),
        };
    }
    let Some((kind, value)) = step.other.iter().find(|(_, value)| !value.is_null()) else {
        return "an unknown step".to_owned();
    };
    let name = || value.get("name").and_then(Value::as_str).unwrap_or_default();
    let text = match kind.as_str() {
        "analysis" => analysis_in_words("analysis", value),
        "setCanaryScale" => scale(value),
        "setHeaderRoute" => format!("header route {}", name()),
        "setMirrorRoute" => format!("mirror route {}", name()),
        "plugin" => format!("plugin {}", name()),
        other => other.to_owned(),
    };
    one_line(text.trim_end())
}

fn analysis_in_words(what: &str, analysis: &Value) -> String {
    let templates = analysis.get("templates").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> =
        templates.filter_map(|template| template.get("templateName").and_then(Value::as_str)).collect();
    if names.is_empty() { what.to_owned() } else { format!("{what} of {}", names.join(", ")) }
}

fn scale(value: &Value) -> String {
    match (value.get("replicas").and_then(Value::as_i64), value.get("weight").and_then(Value::as_i64)) {
        (Some(pods), _) => format!("{pods} canary pods"),
        (None, Some(weight)) => format!("canary pods for {weight} %"),
        (None, None) => "canary pods by weight".to_owned(),
    }
}

/// What Argo Rollouts does with a blue-green release, as steps; and the first that is not done.
fn blue_green(rollout: &Rollout, sets: &[&ReplicaSet]) -> (Vec<String>, usize) {
    let Some(strategy) = &rollout.spec.strategy.blue_green else { return (Vec::new(), 0) };
    let status = &rollout.status;
    let newest = sets.iter().find(|set| set.hash() == status.current_pod_hash);
    let is_whole =
        newest.is_some_and(|set| set.status.available_replicas >= set.spec.replicas.unwrap_or(1).max(1));
    let is_active = status.blue_green.active_selector == status.current_pod_hash;
    let is_passed = status.controller_pause && status.pause_conditions.is_empty();
    let waits = status.pause_conditions.iter().any(|pause| pause.reason == "BlueGreenPause");
    let successful =
        |run: &Option<crate::rollout::RunStatus>| run.as_ref().is_some_and(|run| run.status == "Successful");
    let written = |analysis: &Option<Value>| analysis.as_ref().is_some_and(|analysis| !analysis.is_null());
    let before = successful(&status.blue_green.pre_promotion_analysis_run_status);
    let run = status.blue_green.post_promotion_analysis_run_status.as_ref();

    let mut all = vec![("preview".to_owned(), is_active || waits || is_whole)];
    if written(&strategy.pre_promotion_analysis) {
        let words =
            strategy.pre_promotion_analysis.as_ref().map(|value| analysis_in_words("analysis", value));
        all.push((one_line(&words.unwrap_or_default()), is_active || waits || before));
    }
    let pause = match (is_promoted_by_itself(rollout), strategy.auto_promotion_seconds) {
        (false, _) => Some("pause for a person".to_owned()),
        (true, length) if length > 0 => Some(format!("pause {length}s")),
        (true, _) => None,
    };
    all.extend(pause.map(|words| (words, is_active || is_passed)));
    all.push(("switch".to_owned(), is_active));
    if let Some(value) = strategy.post_promotion_analysis.as_ref().filter(|value| !value.is_null()) {
        let words = one_line(&analysis_in_words("analysis", value));
        all.push((words, run.is_some_and(|run| is_completed(&run.status))));
    }
    let at = all.iter().position(|(_, done)| !done).unwrap_or(all.len());
    (all.into_iter().map(|(words, _)| words).collect(), at)
}
