//! Why nothing can be said, or a verb is not done.

use super::KubectlError;
use std::time::Duration;
use taskmaster_kube_api::{CanaryRefusal, GateRefusal, Refusal, Unreadable};

/// Why nothing can be said, or a verb is not done.
#[derive(Debug, thiserror::Error)]
pub enum KubeError {
    /// kubectl failed.
    #[error(transparent)]
    Kubectl(#[from] KubectlError),
    /// The object is something else.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The verb does not fit the object's state.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The verb does not fit the canary's state.
    #[error(transparent)]
    Canary(#[from] CanaryRefusal),
    /// A gate cannot be opened here.
    #[error(transparent)]
    Gate(#[from] GateRefusal),
    /// The load tester of a gate did not take a person's yes.
    #[error("the gate {gate} cannot be opened or closed: {why}")]
    Tester {
        /// The gate.
        gate: String,
        /// What kubectl says.
        why: KubectlError,
    },
    /// Neither kind of object has this name.
    #[error("there is no rollout and no canary named {name}")]
    Nobody {
        /// The name.
        name: String,
    },
    /// Both kinds of objects have this name.
    #[error("{name} is a rollout of Argo Rollouts and a canary of Flagger")]
    Both {
        /// The name.
        name: String,
    },
    /// The controller does not react.
    #[error("the controller has not seen the last change of the rollout within {within:?}: {state}")]
    NotObserved {
        /// How long it had.
        within: Duration,
        /// The state that is too old.
        state: String,
    },
    /// Flagger did not act on an open gate.
    #[error("Flagger has not asked {gates} within {within:?}; they are closed again")]
    NotAsked {
        /// The gates.
        gates: String,
        /// How long it had.
        within: Duration,
    },
    /// Nobody waits for Flagger any more.
    #[error("interrupted; {}, and they are closed again", told(*has_acted, gates))]
    Interrupted {
        /// The gates.
        gates: String,
        /// Flagger has acted on them.
        has_acted: bool,
    },
    /// A gate that was opened could not be closed.
    #[error("still open, and lets every later version through: {gates} ({why})")]
    StillOpen {
        /// The gates.
        gates: String,
        /// What kubectl says.
        why: KubectlError,
        /// What closes them, each a line for a shell.
        commands: Vec<String>,
    },
    /// Signals cannot be put off, and a gate might stay open.
    #[error("signals cannot be put off while a gate is open: {0}")]
    Signals(std::io::Error),
}

fn told(has_acted: bool, gates: &str) -> String {
    if has_acted {
        format!("Flagger has acted on {gates}")
    } else {
        format!("whether Flagger has asked {gates} is not known")
    }
}

impl KubeError {
    /// What a person can do about it, in the words of the catalogue.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Kubectl(error) => error.hint()?,
            Self::Refused(refusal) => refusal.hint()?,
            Self::Canary(_) | Self::Interrupted { .. } | Self::Signals(_) => return None,
            Self::Gate(refusal) => refusal.hint(),
            Self::Tester { .. } => {
                "look whether its load tester runs, and at the right to `create` on `services/proxy`"
            }
            Self::StillOpen { commands, .. } => return Some(format!("close it\n{}", commands.join("\n"))),
            Self::Nobody { .. } => "look at name, namespace and context",
            Self::Both { .. } => "name it `rollout/NAME` or `canary/NAME`",
            Self::NotObserved { .. } => "look whether the controller of Argo Rollouts runs",
            Self::NotAsked { .. } => "look whether Flagger runs: its log tells of every look",
            Self::Unreadable(_) => "look at the version of the custom resource",
        };
        Some(text.to_owned())
    }
}
