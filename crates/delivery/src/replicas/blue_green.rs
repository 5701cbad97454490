//! Blue-green: the new version is complete beside the old one before it gets traffic.

use super::limits::{Amount, Limits};
use serde::{Deserialize, Serialize};

/// Settings of a blue-green release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlueGreen {
    /// Pods that are wanted; the active version always has them all.
    pub replicas: i32,
    /// Pods that need not serve.
    pub max_unavailable: Amount,
    /// Pods of the preview until it is about to become active; all, if nothing is said.
    pub preview_replicas: Option<i32>,
}

/// How far a preview is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Another version is active.
    pub other_active: bool,
    /// A person asked to leave out the steps (`promote --full`).
    pub full: bool,
    /// The controller has seen this version before; a version that it has not is new.
    pub recorded: bool,
    /// The rollout is paused, by a person or by the controller.
    pub paused: bool,
    /// The preview was judged good enough to get all its pods.
    pub checked: bool,
}

impl BlueGreen {
    /// The bounds of its changes.
    pub fn limits(&self) -> Limits {
        Limits::blue_green(self.replicas, self.max_unavailable)
    }

    /// Pods of the active version.
    pub fn active(&self) -> i32 {
        self.replicas
    }

    /// Pods of the new version, as upstream's `NewRSNewReplicas`: the small number until the preview was
    /// checked and nothing pauses; all of them otherwise, when nothing else is active, and on a full
    /// promotion.
    pub fn preview(&self, preview: Preview) -> i32 {
        let Some(small) = self.preview_replicas else {
            return self.replicas;
        };
        let approved = preview.recorded && preview.checked && !preview.paused;
        if !preview.other_active || preview.full || approved { self.replicas } else { small }
    }
}
