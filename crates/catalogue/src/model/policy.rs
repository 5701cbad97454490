//! Retries, limits and locks.

use super::value::words;
use crate::decode::{Context, Decode, Literal, Many, Millis, record};
use taskmaster_core::action::{Expectation, FailureKind, OrphanPolicy, Policy, RetryPolicy};

record! {
    "a policy"
    /// How a task is run, besides what is run.
    #[derive(Default)]
    pub(crate) struct PolicySpec {
        /// When a failed attempt is followed by another.
        retry: Option<RetrySpec>,
        /// Longest time of one attempt; without it an attempt may take for ever.
        timeout: Option<Millis>,
        /// Longest time of one check.
        check_timeout: Option<Millis> = "60s",
        /// After a run, `verify` (or the check) is asked again and again this long until it is true.
        verify_timeout: Option<Millis> = 0,
        /// Time between two questions within `verify_timeout`.
        verify_interval: Option<Millis> = "1s",
        /// Time between the polite and the hard end of a process that must stop.
        grace: Option<Millis> = "10s",
        /// Names of which each is held by one task at a time.
        locks: Option<Many<Literal>>,
        /// It may be run again when its end was lost and its check says false; else it is unknown, and a person resolves it.
        idempotent: Option<bool> = true,
        /// Cannot be taken back: a person is asked before it runs.
        irreversible: Option<bool> = false,
        /// What happens to a process that outlived taskmaster.
        orphan: Option<OrphanWord> = "wait",
        /// Which end counts as success. With another one than `success` nothing else is asked, unless `check` or `verify` is given.
        expect: Option<ExpectWord> = "success",
    }
}

record! {
    "a retry policy"
    /// When a failed attempt is followed by another.
    #[schemars(rename = "Retry")]
    pub(crate) struct RetrySpec {
        /// All attempts, the first included.
        attempts: Option<Attempts> = 1,
        /// Delay before the second attempt; it doubles from attempt to attempt.
        base_delay: Option<Millis> = "1s",
        /// Longest delay.
        max_delay: Option<Millis> = "60s",
        /// Draw each delay between nothing and its full length, so that many do not come back together.
        jitter: Option<bool> = true,
        /// Kinds of failure that are worth another attempt.
        on: Option<Many<FailureWord>> = ["exit_code", "signal", "timeout", "check_error", "not_verified", "http", "outputs"],
    }
}

/// A number of attempts, from 1 to 1000.
#[derive(Clone, Copy, Debug, schemars::JsonSchema)]
pub(crate) struct Attempts(#[schemars(range(min = 1, max = 1000))] pub(crate) u32);

impl Decode for Attempts {
    fn decode(node: &crate::yaml::Node, cx: &mut Context<'_>) -> Option<Self> {
        let number = u32::decode(node, cx)?;
        if !(1..=1000).contains(&number) {
            cx.error("schema-value", node.span, "a task has from 1 to 1000 attempts");
            return None;
        }
        Some(Self(number))
    }
}

words! {
    /// What happens to a process that outlived taskmaster.
    pub(crate) enum OrphanWord {
        /// Wait for its end.
        Wait = "wait",
        /// Stop it, then decide.
        Stop = "stop",
    }
}

words! {
    /// Which end counts as success.
    pub(crate) enum ExpectWord {
        /// The action succeeds.
        Success = "success",
        /// The action fails.
        Failure = "failure",
        /// The rollout is rolled back.
        RolledBack = "rolled_back",
    }
}

words! {
    /// A kind of failure.
    pub(crate) enum FailureWord {
        /// A non-zero exit code.
        ExitCode = "exit_code",
        /// Ended by a signal.
        Signal = "signal",
        /// Took longer than allowed.
        Timeout = "timeout",
        /// Could not be started.
        Spawn = "spawn",
        /// A check or verify could not tell.
        CheckError = "check_error",
        /// Verify or check did not become true in time.
        NotVerified = "not_verified",
        /// A request failed or its answer was not accepted.
        Http = "http",
        /// The output was not what `outputs` promised.
        Outputs = "outputs",
    }
}

impl FailureWord {
    fn kind(self) -> FailureKind {
        match self {
            Self::ExitCode => FailureKind::ExitCode,
            Self::Signal => FailureKind::Signal,
            Self::Timeout => FailureKind::Timeout,
            Self::Spawn => FailureKind::Spawn,
            Self::CheckError => FailureKind::CheckError,
            Self::NotVerified => FailureKind::NotVerified,
            Self::Http => FailureKind::Http,
            Self::Outputs => FailureKind::Outputs,
        }
    }
}

impl PolicySpec {
    /// This policy with the keys that `over` gives.
    pub(crate) fn overlay(&self, over: &Self) -> Self {
        let retry = match (&self.retry, &over.retry) {
            (Some(base), Some(over)) => Some(base.overlay(over)),
            (base, over) => over.clone().or_else(|| base.clone()),
        };
        Self {
            retry,
            timeout: over.timeout.or(self.timeout),
            check_timeout: over.check_timeout.or(self.check_timeout),
            verify_timeout: over.verify_timeout.or(self.verify_timeout),
            verify_interval: over.verify_interval.or(self.verify_interval),
            grace: over.grace.or(self.grace),
            locks: over.locks.clone().or_else(|| self.locks.clone()),
            idempotent: over.idempotent.or(self.idempotent),
            irreversible: over.irreversible.or(self.irreversible),
            orphan: over.orphan.or(self.orphan),
            expect: over.expect.or(self.expect),
        }
    }

    /// The policy, with what is not given taken from the defaults of the engine.
    pub(crate) fn policy(&self) -> Policy {
        let base = Policy::default();
        let locks = self.locks.iter().flat_map(Many::iter).map(|lock| lock.text.clone()).collect();
        Policy {
            retry: self.retry.as_ref().map_or(base.retry, RetrySpec::policy),
            timeout_ms: self.timeout.map(|t| t.0),
            check_timeout_ms: self.check_timeout.map_or(base.check_timeout_ms, |t| t.0),
            verify_timeout_ms: self.verify_timeout.map_or(base.verify_timeout_ms, |t| t.0),
            verify_interval_ms: self.verify_interval.map_or(base.verify_interval_ms, |t| t.0.max(1)),
            grace_ms: self.grace.map_or(base.grace_ms, |t| t.0),
            locks,
            idempotent: self.idempotent.unwrap_or(base.idempotent),
            irreversible: self.irreversible.unwrap_or(base.irreversible),
            orphan: match self.orphan {
                Some(OrphanWord::Stop) => OrphanPolicy::Stop,
                Some(OrphanWord::Wait) | None => OrphanPolicy::Wait,
            },
            expect: match self.expect {
                Some(ExpectWord::Failure) => Expectation::Failure,
                Some(ExpectWord::RolledBack) => Expectation::RolledBack,
                Some(ExpectWord::Success) | None => Expectation::Success,
            },
        }
    }
}

impl RetrySpec {
    fn overlay(&self, over: &Self) -> Self {
        Self {
            attempts: over.attempts.or(self.attempts),
            base_delay: over.base_delay.or(self.base_delay),
            max_delay: over.max_delay.or(self.max_delay),
            jitter: over.jitter.or(self.jitter),
            on: over.on.clone().or_else(|| self.on.clone()),
        }
    }

    fn policy(&self) -> RetryPolicy {
        let base = RetryPolicy::default();
        let base_delay_ms = self.base_delay.map_or(base.base_delay_ms, |t| t.0);
        RetryPolicy {
            attempts: self.attempts.map_or(base.attempts, |n| n.0),
            base_delay_ms,
            max_delay_ms: self.max_delay.map_or(base.max_delay_ms, |t| t.0).max(base_delay_ms),
            jitter: self.jitter.unwrap_or(base.jitter),
            on: self.on.as_ref().map_or(base.on, |on| on.iter().map(|word| word.kind()).collect()),
        }
    }
}
