//! What a rollout is doing: upstream's phases, by upstream's precedence.

use crate::rollout::Rollout;

/// Phase of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// On its way.
    Progressing,
    /// Stopped by a person or by a step.
    Paused,
    /// At rest, with the newest template in full service.
    Healthy,
    /// Aborted, invalid, or too slow.
    Degraded,
    /// A word of a version that is not known here.
    Unknown,
}

impl Phase {
    /// Upstream's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Progressing => "Progressing",
            Self::Paused => "Paused",
            Self::Healthy => "Healthy",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        }
    }

    fn from_word(word: &str) -> Self {
        let all = [Self::Progressing, Self::Paused, Self::Healthy, Self::Degraded];
        all.into_iter().find(|phase| phase.word() == word).unwrap_or(Self::Unknown)
    }
}

/// The current step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepPlace {
    /// Steps that are done, from zero to `count`.
    pub index: usize,
    /// All steps.
    pub count: usize,
    /// The current one in words; none past the last one.
    pub what: Option<String>,
}

/// The canary's share of traffic, in parts of the rollout's greatest weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// What the steps want.
    pub set: i64,
    /// What the router has; none where pods alone split the traffic, or nobody knows.
    pub actual: Option<i64>,
    /// The step that sets it is done.
    pub is_settled: bool,
}

/// State of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutState {
    /// The phase.
    pub phase: Phase,
    /// Why.
    pub message: String,
    /// The step, of a canary with steps.
    pub step: Option<StepPlace>,
    /// The weight, of a canary.
    pub weight: Option<Weight>,
    /// The controller has seen the newest specification.
    pub is_observed: bool,
    /// The newest template is the stable one.
    pub is_fully_promoted: bool,
    /// Aborted, as its status says.
    pub is_aborted: bool,
    /// A verb was given that the controller has not seen: the phase is still the one before.
    pub is_reacting: bool,
}

impl RolloutState {
    /// Why it is paused; none where it is not.
    pub fn is_paused_for(&self) -> Option<&str> {
        (self.phase == Phase::Paused).then_some(self.message.as_str())
    }

    /// One line: `Progressing (more replicas need to be updated), step 1 of 4 (setWeight 20), weight 0 of 20`.
    pub fn line(&self) -> String {
        let mut text = self.phase.word().to_owned();
        if !self.message.is_empty() {
            text.push_str(&format!(" ({})", one_line(&self.message)));
        }
        if let Some(step) = &self.step {
            let what = step.what.as_ref().map_or_else(String::new, |what| format!(" ({})", one_line(what)));
            let number = (step.index + 1).min(step.count);
            match step.what {
                Some(_) => text.push_str(&format!(", step {number} of {}{what}", step.count)),
                None => text.push_str(&format!(", all {} steps done", step.count)),
            }
        }
        if let Some(weight) = self.weight {
            match weight.actual {
                Some(actual) if actual != weight.set => {
                    text.push_str(&format!(", weight {actual} of {}", weight.set));
                }
                _ => text.push_str(&format!(", weight {}", weight.set)),
            }
        }
        text
    }
}

/// Text of a cluster without line breaks and other control characters, at most 500 characters.
pub fn one_line(text: &str) -> String {
    text.chars().take(500).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The state of a rollout.
pub fn status(rollout: &Rollout) -> RolloutState {
    let (phase, message) = phase(rollout);
    let reacts_to_retry = phase == Phase::Degraded
        && message.starts_with("RolloutAborted")
        && (!rollout.status.abort || rollout.status.promote_full);
    RolloutState {
        phase,
        message,
        step: step(rollout),
        weight: weight(rollout),
        is_observed: is_observed(rollout) && is_workload_observed(rollout),
        is_fully_promoted: rollout.rests(),
        is_aborted: rollout.status.abort,
        is_reacting: reacts_to_retry || is_unpausing(rollout),
    }
}

fn step(rollout: &Rollout) -> Option<StepPlace> {
    let (index, step) = rollout.current_step()?;
    let count = rollout.steps().len();
    Some(StepPlace { index: index.min(count), count, what: step.map(crate::strategy::Step::describe) })
}

fn weight(rollout: &Rollout) -> Option<Weight> {
    let canary = rollout.spec.strategy.canary.as_ref()?;
    let current = rollout.current_step();
    let at_end = !matches!(current, Some((_, Some(_))));
    let set = set_weight(rollout);
    let routed = rollout.status.canary.weights.as_ref().map(|weights| weights.canary.weight);
    let actual = match (&canary.traffic_routing, at_end) {
        _ if rollout.status.abort => routed,
        (_, true) if rollout.rests() => Some(rollout.max_weight()),
        (Some(_), _) => routed,
        (None, _) => None,
    };
    let sets = matches!(current, Some((_, Some(step))) if step.set_weight.is_some());
    Some(Weight { set, actual, is_settled: !sets })
}

/// The nearest weight at or before the current step, else zero; all past the last step.
fn set_weight(rollout: &Rollout) -> i64 {
    if rollout.status.abort {
        return 0;
    }
    let Some((index, Some(_))) = rollout.current_step() else { return rollout.max_weight() };
    let passed = rollout.steps().iter().take(index + 1).rev();
    passed.filter_map(|step| step.set_weight).next().unwrap_or(0)
}

fn is_observed(rollout: &Rollout) -> bool {
    let Ok(observed) = rollout.status.observed_generation.parse::<i64>() else {
        // Nothing, or a hash: versions before 0.10.
        return true;
    };
    // A hash may be all digits, too.
    observed >= rollout.metadata.generation
}

fn is_workload_observed(rollout: &Rollout) -> bool {
    let wanted = rollout.metadata.annotations.get("rollout.argoproj.io/workload-generation");
    let (Some(_), Some(Ok(wanted))) = (&rollout.spec.workload_ref, wanted.map(|text| text.parse::<i64>()))
    else {
        return true;
    };
    rollout.status.workload_observed_generation.parse::<i64>().map_or(true, |observed| observed == wanted)
}

/// Pause conditions were cleared, and the controller has not seen it.
fn is_unpausing(rollout: &Rollout) -> bool {
    rollout.status.controller_pause && rollout.status.pause_conditions.is_empty()
}

fn phase(rollout: &Rollout) -> (Phase, String) {
    let progressing = |why: &str| (Phase::Progressing, why.to_owned());
    if !is_observed(rollout) {
        return progressing("waiting for rollout spec update to be observed");
    }
    if is_unpausing(rollout) {
        return progressing("waiting for rollout to unpause");
    }
    if !is_workload_observed(rollout) {
        return progressing("waiting for rollout spec update to be observed for the reference workload");
    }
    if !rollout.status.phase.is_empty() {
        return (Phase::from_word(&rollout.status.phase), rollout.status.message.clone());
    }
    computed(rollout)
}

/// The phase as the controller computes it, for versions that do not write it.
fn computed(rollout: &Rollout) -> (Phase, String) {
    let (spec, status) = (&rollout.spec, &rollout.status);
    for condition in &status.conditions {
        let degraded = |word: &str| (Phase::Degraded, format!("{word}: {}", condition.message));
        if condition.kind == "InvalidSpec" {
            return degraded("InvalidSpec");
        }
        if ["RolloutAborted", "ProgressDeadlineExceeded"].contains(&condition.reason.as_str()) {
            return degraded(&condition.reason);
        }
    }
    if spec.paused {
        return (Phase::Paused, "manually paused".to_owned());
    }
    if let Some(condition) = status.pause_conditions.first() {
        return (Phase::Paused, condition.reason.clone());
    }
    match unfinished(rollout) {
        Some(why) => (Phase::Progressing, why.to_owned()),
        None => (Phase::Healthy, String::new()),
    }
}

/// What is still to be done.
fn unfinished(rollout: &Rollout) -> Option<&'static str> {
    let (spec, status) = (&rollout.spec, &rollout.status);
    if spec.restart_at.as_ref().is_some_and(|at| !is_same_time(Some(at), status.restarted_at.as_ref())) {
        return Some("rollout is restarting");
    }
    if status.updated_replicas < spec.replicas.unwrap_or(1) {
        return Some("more replicas need to be updated");
    }
    if status.available_replicas < status.updated_replicas {
        return Some("updated replicas are still becoming available");
    }
    let is_promoted = rollout.rests();
    if let Some(strategy) = &spec.strategy.blue_green {
        let active = &status.blue_green.active_selector;
        if active.is_empty() || *active != status.current_pod_hash {
            return Some("active service cutover pending");
        }
        let run = status.blue_green.post_promotion_analysis_run_status.as_ref();
        let analysed = strategy.post_promotion_analysis.as_ref().is_none_or(serde_json::Value::is_null)
            || run.is_some_and(|run| crate::analysis::is_completed(&run.status));
        return match (is_promoted, analysed) {
            (true, _) => None,
            (false, false) => Some("waiting for analysis to complete"),
            (false, true) => Some("waiting for post-promotion verification to complete"),
        };
    }
    let canary = spec.strategy.canary.as_ref()?;
    // With traffic routing the old pods stay for a while on purpose.
    if canary.traffic_routing.is_none() && status.replicas > status.updated_replicas {
        return Some("old replicas are pending termination");
    }
    (!is_promoted).then_some("waiting for all steps to complete")
}

/// Equal as instants, else as texts.
fn is_same_time(one: Option<&String>, other: Option<&String>) -> bool {
    let parse = |text: Option<&String>| text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match (parse(one), parse(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
