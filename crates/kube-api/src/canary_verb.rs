//! The verbs of a `Canary` of Flagger: those that it has.

use crate::canary::Canary;
use crate::patch::Patch;
use serde_json::json;

/// Why a verb is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanaryRefusal {
    /// `spec.suspend` is set already.
    #[error("the canary is suspended already")]
    AlreadySuspended,
    /// Nothing stops it.
    #[error("the canary is not suspended")]
    NotSuspended,
    /// Flagger looks at nothing.
    #[error("the canary is suspended")]
    Suspended,
    /// No gate waits for a yes.
    #[error("nothing of it waits for a person: its phase is {phase}")]
    NothingToPromote {
        /// The phase.
        phase: String,
    },
    /// Nothing is in flight.
    #[error("there is nothing to abort: its phase is {phase}")]
    NothingToAbort {
        /// The phase.
        phase: String,
    },
    /// Flagger asks whether to go back only once it has begun.
    #[error("its rollout has not been confirmed yet, and until then Flagger does not ask whether to go back")]
    NotBegun,
    /// It promotes already.
    #[error("it is being promoted, and Flagger does not go back any more")]
    Promoting,
    /// No webhook of the kind `rollback`.
    #[error("Flagger takes a canary back only by a webhook of the type `rollback`, and this one has none")]
    NoRollback,
}

impl CanaryRefusal {
    /// True where what the verb is for holds already.
    pub fn is_reached(&self) -> bool {
        matches!(self, Self::AlreadySuspended | Self::NotSuspended)
    }
}

/// Stops it where it is: weights, pods and checks stay as they are.
///
/// # Errors
/// Where it is stopped already.
pub fn suspend(canary: &Canary) -> Result<Patch, CanaryRefusal> {
    if canary.spec.suspend {
        return Err(CanaryRefusal::AlreadySuspended);
    }
    Ok(Patch::spec(json!({ "spec": { "suspend": true } })))
}

/// Lets it go on.
///
/// # Errors
/// Where nothing stops it.
pub fn unsuspend(canary: &Canary) -> Result<Patch, CanaryRefusal> {
    if !canary.spec.suspend {
        return Err(CanaryRefusal::NotSuspended);
    }
    Ok(Patch::spec(json!({ "spec": { "suspend": false } })))
}

/// Whether Flagger would ask a `rollback` webhook now.
///
/// # Errors
/// Why it would not.
pub fn can_abort(canary: &Canary) -> Result<(), CanaryRefusal> {
    if canary.spec.suspend {
        return Err(CanaryRefusal::Suspended);
    }
    match canary.status.phase.as_str() {
        "Progressing" | "WaitingPromotion" => {}
        "Waiting" => return Err(CanaryRefusal::NotBegun),
        "Promoting" | "Finalising" => return Err(CanaryRefusal::Promoting),
        phase => return Err(CanaryRefusal::NothingToAbort { phase: crate::one_line(phase) }),
    }
    if crate::picture::rollback(canary).is_empty() {
        return Err(CanaryRefusal::NoRollback);
    }
    Ok(())
}
