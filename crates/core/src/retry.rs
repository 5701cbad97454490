//! Whether a failed attempt is followed by another, and when.

use crate::action::{Expectation, FailureKind, Policy, RetryPolicy};
use crate::cause::{Cause, Diagnosis};
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

/// What is told of an end that is a success under this policy although the program says otherwise.
pub fn as_expected(policy: &Policy, end: &Outcome) -> Option<&'static str> {
    if !matches!(end, Outcome::Failed { .. }) || classify(policy, end) != Meaning::Success {
        return None;
    }
    Some(match policy.expect {
        Expectation::RolledBack => "taken back, as expected",
        Expectation::Success | Expectation::Failure => "failed, as expected",
    })
}

fn unexpected(reason: &str) -> Meaning {
    Meaning::Failure { failure: FailureKind::ExitCode, reason: reason.to_owned() }
}

/// What follows a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another try.
    Again,
    /// Nothing, though the policy has tries left: none of them could help.
    Hopeless(Cause),
    /// Nothing: the policy has no more tries for it.
    Enough,
}

/// What follows a failure of this class in the `tries`-th try (from 1).
pub fn next(policy: &RetryPolicy, failure: FailureKind, tries: u32, diagnosis: &Diagnosis) -> Next {
    if tries >= policy.attempts || !policy.on.contains(&failure) {
        return Next::Enough;
    }
    diagnosis.hopeless().map_or(Next::Again, |cause| Next::Hopeless(cause.clone()))
}

/// The reason of a failure that is not tried again though the policy would.
pub fn hopeless_reason(reason: &str, cause: &Cause) -> String {
    format!("{reason} (not tried again: {}, {})", cause.name, cause.because)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn failed(failure: FailureKind, exit_code: Option<i32>) -> Outcome {
        Outcome::Failed { failure, exit_code, signal: None, message: "boom".to_owned() }
    }

    fn policy(base_delay_ms: u64, max_delay_ms: u64, jitter: bool) -> RetryPolicy {
        RetryPolicy { base_delay_ms, max_delay_ms, jitter, ..RetryPolicy::default() }
    }

    fn delay(policy: &RetryPolicy, run: &str, key: &str, attempt: u32) -> u64 {
        delay_ms(policy, &RunId::new(run), &TaskKey::new(key), attempt)
    }

    #[test]
    fn a_failure_that_is_expected_is_told_as_such() {
        let told = |expect, end| as_expected(&Policy { expect, ..Policy::default() }, &end);
        let back = || failed(FailureKind::ExitCode, Some(ROLLED_BACK_EXIT_CODE));
        assert_eq!(told(Expectation::RolledBack, back()), Some("taken back, as expected"));
        assert_eq!(told(Expectation::Failure, back()), Some("failed, as expected"));
        assert_eq!(told(Expectation::Success, back()), None);
        assert_eq!(told(Expectation::RolledBack, failed(FailureKind::ExitCode, Some(1))), None);
        assert_eq!(told(Expectation::Success, Outcome::Succeeded), None);
    }

    #[test]
    fn every_outcome_under_every_expectation() {
        use Expectation::{Failure, RolledBack, Success};
        use FailureKind::{ExitCode, Timeout};
        // `+` success, `-` failure, `i` interrupted, `?` lost.
        let rows = [
            (Outcome::Succeeded, "+--"),
            (failed(ExitCode, Some(2)), "-+-"),
            (failed(ExitCode, Some(ROLLED_BACK_EXIT_CODE)), "-++"),
            (failed(Timeout, None), "---"),
            (failed(FailureKind::Spawn, None), "---"),
            (Outcome::Interrupted, "iii"),
            (Outcome::Lost, "???"),
        ];
        for (end, wanted) in rows {
            for (expect, wanted) in [Success, Failure, RolledBack].into_iter().zip(wanted.chars()) {
                let found = match classify(&Policy { expect, ..Policy::default() }, &end) {
                    Meaning::Success => '+',
                    Meaning::Failure { .. } => '-',
                    Meaning::Interrupted => 'i',
                    Meaning::Lost => '?',
                };
                assert_eq!(found, wanted, "{end:?} where {expect:?} is expected");
            }
        }
    }

    #[test]
    fn a_failure_keeps_its_class_and_its_words() {
        let meaning = classify(&Policy::default(), &failed(FailureKind::Http, None));
        assert_eq!(meaning, Meaning::Failure { failure: FailureKind::Http, reason: "boom".to_owned() });
    }

    #[test]
    fn the_policy_names_what_is_retried_and_how_often() {
        let three = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
        let is_retried = |policy: &RetryPolicy, failure, tries| {
            next(policy, failure, tries, &Diagnosis::default()) == Next::Again
        };
        assert!(is_retried(&three, FailureKind::Timeout, 1) && is_retried(&three, FailureKind::Timeout, 2));
        assert!(!is_retried(&three, FailureKind::Timeout, 3));
        assert!(!is_retried(&three, FailureKind::Spawn, 1), "a missing program will be missing again");
        assert!(!is_retried(&RetryPolicy::default(), FailureKind::Timeout, 1));
    }

    #[test]
    fn what_cannot_help_is_not_tried_again() {
        let three = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
        let cause = |retryable| Cause {
            name: "quota".to_owned(),
            hint: "ask for less".to_owned(),
            retryable,
            because: "it stays".to_owned(),
        };
        let because = |retryable| Diagnosis { cause: Some(cause(retryable)), ..Diagnosis::default() };
        let after = |tries, retryable| next(&three, FailureKind::ExitCode, tries, &because(retryable));
        assert_eq!(after(1, true), Next::Again);
        assert_eq!(after(1, false), Next::Hopeless(cause(false)));
        assert_eq!(after(3, false), Next::Enough, "no try was left out");
        assert_eq!(
            hopeless_reason("exit code 1", &cause(false)),
            "exit code 1 (not tried again: quota, it stays)"
        );
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let steady = policy(100, 1_000, false);
        let delays: Vec<u64> = (1..7).map(|attempt| delay(&steady, "r", "k", attempt)).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_000, 1_000]);
        let endless = policy(u64::MAX, u64::MAX, false);
        assert_eq!(delay(&endless, "r", "k", 200), u64::MAX);
        assert_eq!(delay(&policy(1, u64::MAX, false), "r", "k", 64), 1 << 63);
        assert_eq!(delay(&policy(1, u64::MAX, false), "r", "k", 65), u64::MAX);
        assert_eq!(delay(&policy(0, 5, true), "r", "k", 3), 0);
    }

    #[test]
    fn jitter_is_spread_over_the_whole_delay() {
        let full = policy(1_000, 1_000, true);
        let draws: Vec<u64> = (0..2_000).map(|task| delay(&full, "run", &format!("key{task}"), 1)).collect();
        let mean = draws.iter().sum::<u64>() / 2_000;
        assert!((470..=530).contains(&mean), "mean {mean}");
        for tenth in 0..10 {
            let share = draws.iter().filter(|draw| **draw / 100 == tenth).count();
            assert!((140..=260).contains(&share), "{share} of 2000 in tenth {tenth}");
        }
    }

    #[test]
    fn identities_are_ulids_of_their_time() {
        let now = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        let id = |run: &str, key: &str, number| attempt_id(&run.into(), &key.into(), number, now);
        let parsed: ulid::Ulid = id("run", "key", 1).as_str().parse().unwrap();
        assert_eq!(parsed.timestamp_ms(), 1_700_000_000_123);
        assert_eq!(id("run", "key", 1), id("run", "key", 1));
        let others = [id("run", "key", 2), id("run", "kez", 1), id("rum", "key", 1), id("runk", "ey", 1)];
        assert!(others.iter().all(|other| *other != id("run", "key", 1)));
        let early = attempt_id(&"run".into(), &"key".into(), 1, Timestamp::MIN);
        assert_eq!(early.as_str().len(), 26);
    }

    proptest! {
        #[test]
        fn a_delay_is_below_its_bound_and_the_same_each_time(
            base in 0_u64..1_000_000, max in 0_u64..10_000_000, attempt in 1_u32..100, key in "[a-z]{1,8}",
        ) {
            let bound = delay(&policy(base, max, false), "r", &key, attempt);
            let drawn = delay(&policy(base, max, true), "r", &key, attempt);
            prop_assert!(bound <= max);
            prop_assert!(drawn < bound || bound == 0);
            prop_assert_eq!(drawn, delay(&policy(base, max, true), "r", &key, attempt));
        }
    }
}
