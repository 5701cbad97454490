//! The counters of an analysis, as an `AnalysisRun` of Argo Rollouts keeps them.
//!
//! A run measures each of its metrics again and again until each has a phase that stays. [`Run::due`]
//! says what to measure, [`Run::measured`] takes what was found, [`Run::next_time`] when to look again.
//! The rules are those of `analysis/analysis.go` at 9f8d111d8, under both policies:
//!
//! - The first measurement comes after the initial delay, the next an interval after the last ended, and
//!   10 s after one that was an error. Errors do not count as measurements.
//! - Without a count there is one measurement, or with an interval no end.
//! - A metric fails, is inconclusive, or is an error once a counter is *more* than its limit. If several
//!   are, error stands before inconclusive before failed.
//! - Enough healthy measurements in a row end a metric early. Where they are asked for and the count is
//!   used up without them, it is inconclusive, or failed if no limit of failures is set.
//! - The phase of the run is that of its worst metric: failed, then error, inconclusive, successful. One
//!   metric that ended badly ends the others. Metrics of a dry run do neither.
//!
//! Where [`Policy::Own`] departs: nothing ends well that was never healthy (AR#4479), and no measurement
//! at all is inconclusive. New beside them: a limit of failures in a row (AR#4792).
//!
//! Two things are told apart more sharply than there: a run that has failed ends at once, whatever is
//! still being measured; another bad end waits for what was begun, since it may be worse.

mod engine;
mod metric;
mod spec;

pub use engine::{Refused, Run};
pub use metric::{Counts, Measurement, MetricState};
pub use spec::{MetricSpec, Policy, Retention, RunSpec, SpecFault};

use serde::{Deserialize, Serialize};

/// Where a metric or a run is. The last four stay; the drawing is `docs/state-machines.md#an-analysis`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not measured yet.
    #[default]
    Pending,
    /// Being measured.
    Running,
    /// Healthy enough.
    Successful,
    /// Unhealthy too often.
    Failed,
    /// It says neither.
    Inconclusive,
    /// It could not be measured.
    Error,
}

impl Phase {
    /// True where nothing changes any more.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// True for an end that is not a success.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Inconclusive | Self::Error)
    }

    /// How bad an end is; the phases before the end stand lowest.
    fn badness(self) -> u8 {
        match self {
            Self::Pending | Self::Running => 0,
            Self::Successful => 1,
            Self::Inconclusive => 2,
            Self::Error => 3,
            Self::Failed => 4,
        }
    }
}
