//! Why a verb was not performed.

use crate::app::exit::Exit;
use thiserror::Error;

/// Why a verb was not performed. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RolloutError {
    /// There is none of this name.
    #[error("{why}")]
    NoSuch {
        /// Which, and where it was looked for.
        why: String,
        /// What there is.
        help: String,
    },
    /// The verb means nothing now.
    #[error("{verb}: {why}")]
    Refused {
        /// The verb.
        verb: &'static str,
        /// Why.
        why: String,
        /// What can be done instead.
        help: String,
    },
    /// The verb means nothing to this kind of rollout.
    #[error("{what} has no `{verb}`")]
    Unsupported {
        /// The verb.
        verb: &'static str,
        /// Which rollout.
        what: String,
        /// What can be done instead.
        help: String,
    },
    /// Who drives it does not answer.
    #[error("{what} does not answer: {why}")]
    Unreachable {
        /// Who: `the agent`, `the cluster`.
        what: String,
        /// Why.
        why: String,
        /// What can be done.
        help: String,
    },
    /// Who drives it answers with a trouble of its own, which may pass.
    #[error("{why}")]
    Troubled {
        /// Which.
        why: String,
        /// What can be done.
        help: String,
    },
    /// Who drives it could not do it.
    #[error("{why}")]
    Failed {
        /// Why.
        why: String,
        /// What can be done.
        help: String,
    },
    /// Whoever asked for it does not wait any more.
    #[error("{why}")]
    Interrupted {
        /// What is left as it was, and what is not known.
        why: String,
    },
}

impl RolloutError {
    /// There is none of this name. `place` begins with a blank, or is nothing: ` in namespace shop`.
    pub fn no_such(name: &str, place: &str, help: String) -> Self {
        Self::NoSuch { why: format!("there is no rollout {name}{place}"), help }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoSuch { .. } | Self::Refused { .. } | Self::Unsupported { .. } => Exit::Usage,
            Self::Unreachable { .. } | Self::Troubled { .. } | Self::Failed { .. } => Exit::Internal,
            Self::Interrupted { .. } => Exit::Interrupted,
        }
    }

    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoSuch { help, .. }
            | Self::Refused { help, .. }
            | Self::Unsupported { help, .. }
            | Self::Unreachable { help, .. }
            | Self::Troubled { help, .. }
            | Self::Failed { help, .. } => (!help.is_empty()).then(|| help.clone()),
            Self::Interrupted { .. } => None,
        }
    }
}
