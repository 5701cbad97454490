//! `spec.strategy` of a `Rollout`.

use crate::lenient::or_default;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How a rollout is delivered; one of both is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Strategy {
    /// By blue-green.
    pub blue_green: Option<BlueGreenStrategy>,
    /// By canary.
    pub canary: Option<CanaryStrategy>,
}

/// `spec.strategy.blueGreen`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreenStrategy {
    /// Service of the new version before its promotion.
    #[serde(deserialize_with = "or_default")]
    pub preview_service: String,
    /// It is promoted by itself; so where absent.
    pub auto_promotion_enabled: Option<bool>,
    /// After so many seconds.
    #[serde(deserialize_with = "or_default")]
    pub auto_promotion_seconds: i64,
    /// Analysis before the switch, as it is written.
    pub pre_promotion_analysis: Option<Value>,
    /// Analysis after the switch, as it is written.
    pub post_promotion_analysis: Option<Value>,
}

/// `spec.strategy.canary`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryStrategy {
    /// Steps to full promotion.
    #[serde(deserialize_with = "or_default")]
    pub steps: Vec<Step>,
    /// Traffic is split by a router instead of by numbers of pods.
    pub traffic_routing: Option<TrafficRouting>,
}

/// `spec.strategy.canary.trafficRouting`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficRouting {
    /// The weight that stands for all traffic; 100 where absent.
    pub max_traffic_weight: Option<i64>,
}

/// One step of a canary; exactly one key is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// Sets the weight of the canary.
    pub set_weight: Option<i64>,
    /// Waits for a time or for a person.
    pub pause: Option<PauseStep>,
    /// Any other kind of step by its key.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A step that waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PauseStep {
    /// Seconds, or a text such as `10m`; for a person where absent.
    pub duration: Option<Value>,
}

impl Step {
    /// In words: `setWeight 20`, `pause 30s`, `analysis`.
    pub fn describe(&self) -> String {
        if let Some(weight) = self.set_weight {
            return format!("setWeight {weight}");
        }
        if let Some(pause) = &self.pause {
            return match &pause.duration {
                None | Some(Value::Null) => "pause".to_owned(),
                Some(Value::String(text)) => format!("pause {text}"),
                Some(other) => format!("pause {other}s"),
            };
        }
        let other = self.other.iter().find(|(_, value)| !value.is_null());
        other.map_or_else(|| "an unknown step".to_owned(), |(name, _)| name.clone())
    }
}
