//! The policy of Flagger: a check at every tick, and a budget of failed ones.
//!
//! The rules are those of `pkg/controller/scheduler.go` at 15bd6ad5: failed checks are added up and never
//! taken back by a success; the rollback happens at the tick *after* the one that used up the budget, so
//! between `threshold` and `threshold + 1` intervals after a fault began. Absent, as elsewhere in
//! [`super`]: weights, hooks, and what advancing means.

use super::rule::{Finding, Outcome};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Flagger's `analysis.interval` where none is set.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
/// The shortest interval that Flagger keeps.
pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);

/// The failed checks of one canary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    threshold: u32,
    interval: Duration,
    failed_checks: u32,
    ticked_at: Option<Time>,
    is_rolled_back: bool,
}

/// What a tick came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tick {
    /// Every check passed: more traffic, or the next iteration.
    Advance,
    /// A check failed: the weight stays.
    Halt,
    /// The budget was used up before this tick. It stays so.
    RollBack,
}

impl Checks {
    /// A budget of `threshold` failed checks, at least one, at ticks of `interval`, at least ten seconds.
    pub fn new(threshold: u32, interval: Duration) -> Self {
        Self {
            threshold: threshold.max(1),
            interval: interval.max(SHORTEST_INTERVAL),
            failed_checks: 0,
            ticked_at: None,
            is_rolled_back: false,
        }
    }

    /// When the next tick is; nothing before the first, which is at once.
    pub fn next_time(&self) -> Option<Time> {
        self.ticked_at.map(|last| last + self.interval)
    }

    /// True where the next tick asks the metrics. The tick that rolls back does not.
    pub fn needs_findings(&self) -> bool {
        !self.is_rolled_back && self.failed_checks < self.threshold
    }

    /// One tick. Anything but healthy is a failed check, and several in one tick are one.
    pub fn tick(&mut self, now: Time, findings: &[Finding]) -> Tick {
        self.ticked_at = Some(now);
        if !self.needs_findings() {
            self.is_rolled_back = true;
            return Tick::RollBack;
        }
        if findings.iter().all(|finding| finding.outcome == Outcome::Healthy) {
            return Tick::Advance;
        }
        self.failed_checks += 1;
        Tick::Halt
    }

    /// Checks that failed so far.
    pub fn failed_checks(&self) -> u32 {
        self.failed_checks
    }
}
