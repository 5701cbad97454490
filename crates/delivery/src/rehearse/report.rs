//! What came of a rehearsal.

use super::exposure::Exposure;
use super::series::Gap;
use crate::engine::Direction;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// What came of a rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// When the rollout began.
    pub began: Time,
    /// When it ended; nothing where the recording ended before it.
    pub ended: Option<Time>,
    /// The end of the recording.
    pub last: Time,
    /// Time between two looks, in milliseconds: no event is later than that.
    pub look_ms: u64,
    /// How it ended.
    pub ending: Ending,
    /// What happened, in time.
    pub events: Vec<Event>,
    /// What users met of the new version, by each test of errors.
    pub exposure: Vec<Exposure>,
    /// What is not as it should be in the data between beginning and end.
    pub gaps: Vec<Gap>,
    /// Flaws of the recording that were not kept.
    pub more_gaps: usize,
    /// What this does not say, in sentences.
    pub cannot_show: Vec<String>,
}

impl Rehearsal {
    /// How long it took; nothing where the recording ended before it.
    pub fn took(&self) -> Option<Duration> {
        self.ended.map(|ended| ended - self.began)
    }
}

/// How a rehearsed rollout ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ending")]
pub enum Ending {
    /// The new version is the stable one.
    Completed,
    /// The stable version has all of the users again.
    RolledBack {
        /// Why.
        why: String,
    },
    /// The recording ended before it.
    Unfinished {
        /// Where it stood.
        why: String,
    },
}

impl Display for Ending {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::RolledBack { why } => write!(f, "rolled back: {why}"),
            Self::Unfinished { why } => write!(f, "the recording ended before it: {why}"),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Time,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum What {
    /// The rollout began.
    Begun,
    /// A step began, counted from 0.
    Step {
        /// Which.
        step: usize,
    },
    /// The new version has this share of the users.
    Weight {
        /// Percent.
        weight_percent: f64,
    },
    /// It waits.
    Paused {
        /// Why.
        why: String,
    },
    /// A pause without a time was passed, as if a person had come.
    Passed {
        /// Of which step.
        step: usize,
    },
    /// A migration was made.
    Migrated {
        /// Which way.
        direction: Direction,
    },
    /// What a metric says, with its evidence.
    Verdict {
        /// The metric, or several that are counted together.
        metric: String,
        /// In words.
        words: String,
    },
    /// The way back began.
    RollingBack {
        /// Why.
        why: String,
    },
    /// The stable version has all of the users again.
    RolledBack {
        /// Why.
        why: String,
    },
    /// The new version is the stable one.
    Completed,
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", super::words::clock(self.at), self.what)
    }
}

impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun => f.write_str("begun"),
            Self::Step { step } => write!(f, "step {}", step.saturating_add(1)),
            Self::Weight { weight_percent } => write!(f, "weight {weight_percent} %"),
            Self::Paused { why } => write!(f, "paused: {why}"),
            Self::Passed { step } => write!(f, "step {} passed by a person", step.saturating_add(1)),
            Self::Migrated { direction: Direction::Up } => f.write_str("migrated"),
            Self::Migrated { direction: Direction::Down } => f.write_str("migration taken back"),
            Self::Verdict { metric, words } => write!(f, "{metric}: {words}"),
            Self::RollingBack { why } => write!(f, "rolling back: {why}"),
            // Why, was said when it began.
            Self::RolledBack { .. } => f.write_str("rolled back"),
            Self::Completed => f.write_str("completed"),
        }
    }
}
