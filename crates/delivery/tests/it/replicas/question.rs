//! A question that upstream and this crate both answer.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskmaster_delivery::replicas::{
    Amount, BlueGreen, Canary, Evidence, Limits, Position, Preview, Sets, Weights, approximate,
    at_desired_counts, basic, completed, drain, enough_stable, routed, shift,
};
use taskmaster_delivery::time::Time;

/// A function of upstream's, and what is given to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "function", content = "of", rename_all = "snake_case")]
pub(crate) enum Question {
    Limits { blue_green: bool, replicas: i32, surge: Value, unavailable: Value },
    Approximate { replicas: i32, weight: i32, max_weight: i32, surge: i32 },
    Preview { release: BlueGreen, preview: Preview },
    Basic(Case),
    Routed(Case),
    SetWeight(Case),
    DesiredWeight(Case),
    Aim(Case),
    AtDesiredCounts(Case),
    EnoughStable(Case),
    Shift(Case),
    Completed(Case),
    AfterChange(Case),
    Drain(Case),
}

/// A rollout in a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) canary: Canary,
    pub(crate) position: Position,
    pub(crate) sets: Sets,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weights: Option<Weights>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Evidence>,
    #[serde(default)]
    pub(crate) now: Time,
    #[serde(default)]
    pub(crate) weight: i32,
}

impl Question {
    /// What this crate answers, in upstream's form.
    pub(crate) fn answer(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Limits { blue_green, replicas, surge, unavailable } => {
                let surge: Amount = serde_json::from_value(surge.clone())?;
                let unavailable: Amount = serde_json::from_value(unavailable.clone())?;
                serde_json::to_value(if *blue_green {
                    Limits::blue_green(*replicas, unavailable)
                } else {
                    Limits::canary(*replicas, surge, unavailable)
                })
            }
            Self::Approximate { replicas, weight, max_weight, surge } => {
                serde_json::to_value(approximate(*replicas, *weight, *max_weight, *surge))
            }
            Self::Preview { release, preview } => Ok(json!(release.preview(*preview))),
            Self::Basic(of) => serde_json::to_value(basic(&of.canary, of.position, &of.sets)),
            Self::Routed(of) => serde_json::to_value(routed(&of.canary, of.position, &of.sets, of.weights)),
            Self::SetWeight(of) => Ok(json!(of.position.set_weight(&of.canary))),
            Self::DesiredWeight(of) => Ok(json!(of.position.desired_weight(&of.canary, &of.sets))),
            Self::Aim(of) => serde_json::to_value(of.position.aim(&of.canary, &of.sets)),
            Self::AtDesiredCounts(of) => {
                Ok(json!(at_desired_counts(&of.canary, of.position, &of.sets, of.weights)))
            }
            Self::EnoughStable(of) => Ok(json!(enough_stable(&of.canary, &of.sets, of.weight))),
            Self::Shift(of) => serde_json::to_value(shift(&of.canary, of.position, &of.sets, of.weights)),
            Self::Completed(of) => Ok(json!(completed(
                &of.canary,
                of.position,
                &of.sets,
                of.weights,
                of.evidence.unwrap_or_default(),
                of.now
            ))),
            Self::AfterChange(of) => Ok(after_change(of)),
            Self::Drain(of) => serde_json::to_value(drain(&of.canary, of.position, &of.sets)),
        }
    }
}

fn after_change(of: &Case) -> Value {
    let steps = of.canary.steps.len();
    let Position { aborted, step, .. } = Position::after_change(of.position.course, steps, false);
    json!({ "full": false, "aborted": aborted, "step": (steps > 0).then_some(step) })
}
