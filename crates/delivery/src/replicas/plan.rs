//! What a canary's author wrote, as far as numbers follow from it.

use super::limits::{Amount, Limits};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of a canary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Pods that are wanted in all.
    pub replicas: i32,
    /// Pods that there may be beyond.
    pub max_surge: Amount,
    /// Pods that need not serve.
    pub max_unavailable: Amount,
    /// The way to the new version.
    pub steps: Vec<Step>,
    /// How traffic is routed; without, it goes to all pods alike, and pods are the weight.
    pub traffic: Option<Traffic>,
    /// When the canary has pods enough for its step to be done; all of them, if nothing is said.
    pub threshold: Option<Threshold>,
}

impl Default for Canary {
    /// Upstream's defaults.
    fn default() -> Self {
        Self {
            replicas: 1,
            max_surge: Amount::QUARTER,
            max_unavailable: Amount::QUARTER,
            steps: Vec::new(),
            traffic: None,
            threshold: None,
        }
    }
}

impl Canary {
    /// The bounds of its changes.
    pub fn limits(&self) -> Limits {
        Limits::canary(self.replicas, self.max_surge, self.max_unavailable)
    }

    /// The weight of all traffic.
    pub fn max_weight(&self) -> i32 {
        self.traffic.as_ref().map_or(100, |traffic| traffic.max_weight)
    }

    /// Traffic routing whose stable version gives up pods as the canary gains traffic.
    pub(super) fn dynamic(&self) -> Option<&Traffic> {
        self.traffic.as_ref().filter(|traffic| traffic.dynamic_stable_scale)
    }
}

/// Settings of traffic routing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// The weight of all traffic; upstream's default is 100.
    pub max_weight: i32,
    /// A version that has pods at all has at least so many (but never more than are wanted in all).
    pub min_pods: Option<i32>,
    /// The stable version has pods for its share of traffic only.
    pub dynamic_stable_scale: bool,
    /// When an aborted canary gives up its pods.
    pub abort_delay: AbortDelay,
    /// How an abort under dynamic stable scale steps down where a delay is written.
    pub abort_rule: AbortRule,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            max_weight: 100,
            min_pods: None,
            dynamic_stable_scale: false,
            abort_delay: AbortDelay::Unsaid,
            abort_rule: AbortRule::Released,
        }
    }
}

/// `abortScaleDownDelaySeconds`: when an aborted canary gives up its pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortDelay {
    /// Nothing is written: after 30 seconds.
    #[default]
    Unsaid,
    /// Zero is written: never.
    Never,
    /// So many seconds are written.
    Seconds(i32),
}

/// Which of upstream's rules an abort under dynamic stable scale follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortRule {
    /// As released, to v1.10 at least: the weight waits for the canary's pods to go. Where a delay is
    /// written they stay until the stable version is complete, which waits for the weight: it hangs
    /// (argo-rollouts issue 4898).
    #[default]
    Released,
    /// As in upstream's development since July 2026: where a delay is written the canary's pods do not
    /// hold the weight.
    Mended,
}

/// A step of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The canary's part of the traffic becomes this.
    SetWeight(i32),
    /// From here on the canary's pods do not follow the traffic. Only with traffic routing.
    SetCanaryScale(Scale),
    /// Waits so long, or for a person.
    Pause(Option<Duration>),
    /// Waits for an analysis, an experiment or a plugin to end well.
    Judge,
    /// Routes by header, or mirrors.
    Route,
}

/// Where the number of the canary's pods comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// So many pods.
    Pods(i32),
    /// As many as this weight would need.
    Weight(i32),
    /// From its traffic again.
    MatchTraffic,
}

/// How many of a canary's pods are enough (`replicaProgressThreshold`). A negative value is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// So many of a hundred of those that are desired.
    Percent(i32),
    /// So many pods.
    Pods(i32),
}
