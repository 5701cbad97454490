//! What becomes of an attempt whose executor died: pure decisions over facts that the driver found.

use crate::action::{OrphanPolicy, Policy};
use crate::journal::{Outcome, ProbeKind, Verdict};

/// What the driver found out about an attempt without a recorded end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its process (or one that carries its `TASKMASTER_ATTEMPT`) still runs.
    Alive,
    /// Nothing of it runs any more, and nothing tells how it ended.
    Gone,
    /// How it ended is known after all (a live orphan was waited for).
    Ended(Outcome),
}

/// What is to be done with the attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait for its end, then decide with [`Found::Ended`] or [`Found::Gone`].
    Wait,
    /// Stop it (TERM, grace, KILL), then decide with [`Found::Gone`].
    Stop,
    /// Ask this, then decide with the verdict.
    Ask(ProbeKind),
    /// The work is done: the task is completed.
    Completed,
    /// The work is not done and may be done again: the task is pending.
    Again,
    /// Nobody can tell: the task is unknown until a person resolves it.
    Unknown {
        /// Why, in one line.
        reason: String,
    },
}

/// Decides one step further about an open attempt of a task with this policy and these probes.
/// `verdict` is the answer to the question of an earlier [`Decision::Ask`].
pub fn decide(
    policy: &Policy,
    has_check: bool,
    has_verify: bool,
    found: &Found,
    verdict: Option<&Verdict>,
) -> Decision {
    match found {
        Found::Alive => match policy.orphan {
            OrphanPolicy::Wait => return Decision::Wait,
            OrphanPolicy::Stop => return Decision::Stop,
        },
        Found::Ended(Outcome::Failed { .. } | Outcome::Interrupted) => return Decision::Again,
        Found::Ended(Outcome::Succeeded | Outcome::Lost) | Found::Gone => {}
    }
    let succeeded = matches!(found, Found::Ended(Outcome::Succeeded));
    let probe = match (has_verify, has_check) {
        (true, _) => Some(ProbeKind::Verify),
        (false, true) => Some(ProbeKind::Check),
        (false, false) => None,
    };
    match (probe, verdict) {
        (None, _) if succeeded => Decision::Completed,
        (None, _) => unknown("its end was lost, and it has no check"),
        (Some(probe), None) => Decision::Ask(probe),
        (Some(_), Some(Verdict::True)) => Decision::Completed,
        (Some(_), Some(Verdict::False)) if policy.idempotent => Decision::Again,
        (Some(_), Some(Verdict::False)) => {
            unknown("its end was lost, its check is false, and it must not run twice")
        }
        (Some(_), Some(Verdict::Error { message })) => {
            unknown(&format!("its end was lost, and its check could not tell: {message}"))
        }
    }
}

fn unknown(reason: &str) -> Decision {
    Decision::Unknown { reason: reason.to_owned() }
}
