//! Whether a failed attempt is followed by another, and when.

use crate::action::{Expectation, FailureKind, Policy, RetryPolicy};
use crate::id::{AttemptId, RunId, TaskKey};
use crate::journal::Outcome;
use jiff::Timestamp;

/// Exit code of `taskmaster rollout` for a rollout that was rolled back.
pub const ROLLED_BACK_EXIT_CODE: i32 = 50;

/// What the end of an attempt means under a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The end that the author expects.
    Success,
    /// Another end.
    Failure {
        /// Its class.
        failure: FailureKind,
        /// Why, in one line.
        reason: String,
    },
    /// A person stopped it.
    Interrupted,
    /// Nobody knows.
    Lost,
}

/// Reads an outcome by what the policy expects. Only an exit code can be an expected failure: a
/// timeout, a signal or a program that cannot be started is a failure under every expectation.
pub fn classify(policy: &Policy, end: &Outcome) -> Meaning {
    match end {
        Outcome::Succeeded => match policy.expect {
            Expectation::Success => Meaning::Success,
            Expectation::Failure => unexpected("succeeded, but was expected to fail"),
            Expectation::RolledBack => unexpected("succeeded, but was expected to be rolled back"),
        },
        Outcome::Failed { failure, exit_code, message, .. } => {
            let expected = *failure == FailureKind::ExitCode
                && match policy.expect {
                    Expectation::Success => false,
                    Expectation::Failure => true,
                    Expectation::RolledBack => *exit_code == Some(ROLLED_BACK_EXIT_CODE),
                };
            if expected {
                Meaning::Success
            } else {
                Meaning::Failure { failure: *failure, reason: message.clone() }
            }
        }
        Outcome::Interrupted => Meaning::Interrupted,
        Outcome::Lost => Meaning::Lost,
    }
}

fn unexpected(reason: &str) -> Meaning {
    Meaning::Failure { failure: FailureKind::ExitCode, reason: reason.to_owned() }
}

/// Whether a failure of this class in the `tries`-th try (from 1) is followed by another try.
pub fn is_retried(policy: &RetryPolicy, failure: FailureKind, tries: u32) -> bool {
    tries < policy.attempts && policy.on.contains(&failure)
}

/// Milliseconds between the end of try `attempt` (from 1) and the next:
/// `min(max_delay_ms, base_delay_ms · 2^(attempt-1))`, and with jitter a share of it.
pub fn delay_ms(policy: &RetryPolicy, run: &RunId, key: &TaskKey, attempt: u32) -> u64 {
    let factor = 1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
    let bound = policy.base_delay_ms.saturating_mul(factor).min(policy.max_delay_ms);
    if !policy.jitter {
        return bound;
    }
    // share = draw / 2^64 lies in [0, 1): the product's upper half is its whole part.
    let draw = u128::from(draw(run, key, attempt));
    u64::try_from((u128::from(bound) * draw) >> 64).unwrap_or(bound)
}

/// The identity of an attempt: a ULID of the time and a hash of run, task and number, so that the
/// same run gives the same identities whenever it is simulated.
pub fn attempt_id(run: &RunId, key: &TaskKey, number: u32, now: Timestamp) -> AttemptId {
    let bytes = hash(b"attempt id", run, key, number);
    let random = u128::from_le_bytes(std::array::from_fn(|i| bytes[i]));
    let time_ms = u64::try_from(now.as_millisecond()).unwrap_or(0);
    AttemptId::new(ulid::Ulid::from_parts(time_ms, random).to_string())
}

/// 64 evenly spread bits that depend on run, task and attempt alone.
fn draw(run: &RunId, key: &TaskKey, attempt: u32) -> u64 {
    let bytes = hash(b"retry delay", run, key, attempt);
    u64::from_le_bytes(std::array::from_fn(|i| bytes[i]))
}

/// A hash of run, task and attempt for one purpose. Lengths are hashed too, so that no two triples
/// run into each other.
fn hash(purpose: &[u8], run: &RunId, key: &TaskKey, attempt: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [purpose, run.as_str().as_bytes(), key.as_str().as_bytes(), &attempt.to_le_bytes()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}
