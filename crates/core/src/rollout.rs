//! What is recorded of a rollout of this machine, and the words for it.
//!
//! Facts are for people and reports; what an engine needs to go on is kept elsewhere. A fact is recorded before
//! its effect is performed.

use crate::id::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the new version takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutStrategy {
    /// By degrees.
    Canary,
    /// All at once, behind a preview.
    BlueGreen,
    /// For some users, told by what they send.
    Ab,
    /// Pod by pod.
    Rolling,
    /// It cannot be told.
    Unknown,
}

/// Where a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutPhase {
    /// The new version gets what it needs before users reach it.
    Initializing,
    /// It is watched: a step's weight, pause or analysis.
    Analyzing,
    /// It takes over: pods and traffic follow.
    Promoting,
    /// It is the stable version.
    Completed,
    /// The stable version takes back pods and traffic.
    RollingBack,
    /// The stable version has all of the traffic again.
    RolledBack,
    /// It does not go on, and nothing takes it back: a specification that its controller refuses.
    Degraded,
    /// It cannot be told.
    Unknown,
}

impl RolloutPhase {
    /// True where nothing changes any more by itself.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack | Self::Degraded)
    }

    /// True where the new version was given up.
    #[must_use]
    pub fn is_back(self) -> bool {
        matches!(self, Self::RollingBack | Self::RolledBack)
    }
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The end of the rollout.
    Over,
    /// It stands still: it waits for a person or a gate.
    Held,
    /// So many steps are done.
    Step(usize),
    /// The new version has so much of the users, in percent.
    Weight(u32),
}

/// A text that is nothing to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("want `over`, `held`, `step N` or `weight N`")]
pub struct NoState;

impl FromStr for Until {
    type Err = NoState;

    fn from_str(text: &str) -> Result<Self, NoState> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["over"] => Ok(Self::Over),
            ["held"] => Ok(Self::Held),
            ["step", number] => number.parse().map(Self::Step).map_err(|_| NoState),
            ["weight", percent] => match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::Weight(percent)),
                _ => Err(NoState),
            },
            _ => Err(NoState),
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over => f.write_str("over"),
            Self::Held => f.write_str("held"),
            Self::Step(number) => write!(f, "step {number}"),
            Self::Weight(percent) => write!(f, "weight {percent}"),
        }
    }
}

/// What a rollout stands still for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldBy {
    /// A person has paused it.
    Person,
    /// A step waits for a person.
    Step,
    /// An analysis could not tell.
    Doubt,
    /// The way back is closed: the data cannot be brought back.
    OneWay,
    /// A gate has not said yes.
    Gate,
}

/// What a version is to its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionRole {
    /// It serves.
    Stable,
    /// The new one, by degrees.
    Canary,
    /// The new one, behind a preview.
    Preview,
    /// Out of service, not ended yet.
    Old,
}

/// What a metric says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricVerdict {
    /// Nothing was measured yet.
    Pending,
    /// It is measured, and no fault was found so far.
    Measuring,
    /// No fault was found.
    Passed,
    /// The new version is worse.
    Failed,
    /// It could not tell.
    Inconclusive,
    /// It could not be measured.
    Error,
}

/// What a gate has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// It was not asked yet.
    Pending,
    /// It was asked, and has not answered.
    Asked,
    /// It said yes.
    Yes,
    /// It said no.
    No,
    /// It does not answer.
    Silent,
    /// A person passed it.
    Passed,
}

/// What a metric came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricEnd {
    /// Its name.
    pub metric: String,
    /// What it says.
    pub verdict: MetricVerdict,
    /// What that rests on, in words.
    pub words: String,
    /// Nothing hangs on it.
    pub dry_run: bool,
}

/// What was counted of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionEnd {
    /// Its name.
    pub version: String,
    /// What it is to its users at the end.
    pub role: VersionRole,
    /// Requests since the rollout began.
    pub requests: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// Half of the answers came within so many milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of a hundred did.
    pub p99_ms: Option<f64>,
}

/// What the built-in load came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadEnd {
    /// Requests a second that it was to send.
    pub rate: f64,
    /// Requests that it sent.
    pub requests: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// Half of the answers came within so many milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of a hundred did.
    pub p99_ms: Option<f64>,
}

/// One thing that happened in a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum RolloutFact {
    /// A version was asked for.
    Started {
        /// The version.
        version: String,
        /// The one that serves; none before the first.
        stable: Option<String>,
        /// How it takes over.
        strategy: RolloutStrategy,
        /// Its steps in words: `weight 25 %`, `pause 5 min`.
        steps: Vec<String>,
        /// What is measured, by name.
        metrics: Vec<String>,
        /// The rollout file, as the user wrote it.
        file: String,
        /// Digest of its text.
        digest: Option<Digest>,
        /// Who asked.
        by: Option<String>,
    },
    /// It came to a phase.
    Phase {
        /// The phase.
        phase: RolloutPhase,
        /// Why, where it was given up.
        why: Option<String>,
    },
    /// It came to a step.
    Step {
        /// Counted from 0.
        step: usize,
    },
    /// It stands still.
    Held {
        /// What for.
        by: HoldBy,
        /// In words.
        words: String,
    },
    /// It goes on.
    Released,
    /// The router gave the new version this share.
    Weight {
        /// The version.
        version: String,
        /// In percent.
        weight: u32,
    },
    /// A metric says something else than before.
    Verdict {
        /// What it says.
        #[serde(flatten)]
        end: MetricEnd,
    },
    /// A gate was asked, or answered.
    Gate {
        /// Its name.
        gate: String,
        /// What it guards: `confirm-promotion`.
        guards: String,
        /// What it has said.
        state: GateState,
        /// Its words.
        words: Option<String>,
    },
    /// A person asked for something.
    Asked {
        /// The verb: `promote`, `abort`.
        verb: String,
        /// Who.
        by: Option<String>,
    },
    /// Something happened to a version's processes.
    Pods {
        /// The version.
        version: String,
        /// What.
        words: String,
    },
    /// A change of data was made or taken back, or could not be.
    Migration {
        /// The version whose it is.
        version: String,
        /// What.
        words: String,
    },
    /// A receiver of notices took one, or did not.
    Notice {
        /// Its name.
        receiver: String,
        /// It took it.
        is_sent: bool,
        /// What it was about, or why it was not taken.
        words: String,
    },
    /// It ended.
    Ended {
        /// Completed, or rolled back; unknown where another version was asked for before its end.
        phase: RolloutPhase,
        /// Why, where it was taken back.
        why: Option<String>,
        /// The evidence.
        metrics: Vec<MetricEnd>,
        /// What its users met.
        versions: Vec<VersionEnd>,
        /// What the built-in load came to.
        load: Option<LoadEnd>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_strictly() {
        for (text, until) in [
            ("over", Until::Over),
            ("held", Until::Held),
            ("step 3", Until::Step(3)),
            ("weight 25", Until::Weight(25)),
        ] {
            assert_eq!(text.parse(), Ok(until));
            assert_eq!(until.to_string(), text);
        }
        assert_eq!(" weight  25 ".parse(), Ok(Until::Weight(25)));
        for text in ["", "weight", "weight 101", "step -1", "step 1 2", "completed", "over now"] {
            assert_eq!(text.parse::<Until>(), Err(NoState), "{text}");
        }
    }
}
