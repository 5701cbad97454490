//! What is seen, and what is to be done: the values that go in and out of a decision.

use crate::spec::{Event, HeaderRoute, Mirror};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A version of what is released, such as a pod template's hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub String);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The world, as far as it was seen. It may be older than it looks: nothing is decided that a second look
/// could not mend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// The version that is asked for.
    pub wanted: Revision,
    /// Pods in full service, as an autoscaler may have set them; those of the specification unless given.
    pub replicas: Option<i32>,
    /// Every version that has pods, the one that is asked for, and those that somebody may go back to. One
    /// that is missing has no pods.
    pub versions: Vec<Version>,
    /// What the router does; nothing where that could not be told, or where there is none.
    pub routes: Option<Routes>,
    /// What was measured since the last look.
    pub measured: Vec<Measured>,
    /// Where a migration is.
    pub migration: Option<Migrated>,
    /// What gates have said since the last look.
    pub answers: Vec<super::gates::Answered>,
}

impl Observation {
    /// The pods of a version: none where it was not seen.
    pub fn pods(&self, revision: &Revision) -> Pods {
        self.version(revision).map(|version| version.pods).unwrap_or_default()
    }

    /// A version that was seen.
    pub fn version(&self, revision: &Revision) -> Option<&Version> {
        self.versions.iter().find(|version| version.revision == *revision)
    }
}

/// A version that was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Version {
    /// Which.
    pub revision: Revision,
    /// Its place among all versions that ever were: later ones are higher. It keeps it when it is asked for
    /// again.
    pub number: u64,
    /// Its pods.
    pub pods: Pods,
}

/// Pods of a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// Wanted.
    pub wanted: i32,
    /// There, ending ones left out.
    pub created: i32,
    /// Able to serve.
    pub available: i32,
    /// Ending.
    pub terminating: i32,
}

/// Which version users reach, whole: one value, so that one write brings it about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Routes {
    /// Where users go who are not sent elsewhere.
    pub active: Revision,
    /// The share of the users that goes to another version, in percent.
    pub share: Option<Share>,
    /// Where the preview leads.
    pub preview: Option<Revision>,
    /// Requests that go to the share's version by what they carry.
    pub headers: Vec<HeaderRoute>,
    /// Copies for the share's version.
    pub mirror: Option<Mirror>,
}

impl Routes {
    /// The share of a version, in percent.
    pub fn weight(&self, revision: &Revision) -> u32 {
        let share = self.share.as_ref().map_or(0, |share| share.weight.min(100));
        let of_share =
            if self.share.as_ref().is_some_and(|share| share.revision == *revision) { share } else { 0 };
        of_share + if self.active == *revision { 100 - share } else { 0 }
    }
}

impl Routes {
    /// True where any request may reach a version.
    pub fn reaches(&self, revision: &Revision) -> bool {
        let is_share = self.share.as_ref().is_some_and(|share| share.revision == *revision);
        self.active == *revision || is_share || self.preview.as_ref() == Some(revision)
    }

    /// True where any request of a user may reach a version: a preview is none.
    pub fn reaches_but_preview(&self, revision: &Revision) -> bool {
        Self { preview: None, ..self.clone() }.reaches(revision)
    }
}

/// A part of the traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Whose.
    pub revision: Revision,
    /// Percent.
    pub weight: u32,
}

/// The answer to one measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Place in the analysis' metrics.
    pub metric: usize,
    /// The version that was new when it was asked for: answers about another one are dropped.
    pub revision: Revision,
    /// What came.
    pub reading: super::judge::Reading,
}

/// Where a migration is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrated {
    /// Of which version.
    pub revision: Revision,
    /// Which way.
    pub direction: Direction,
    /// Which of those that were asked for.
    pub attempt: u64,
    /// How it ended; nothing while it is at work.
    pub end: Option<Result<(), String>>,
}

/// Which way a migration goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the new version.
    Up,
    /// Back.
    Down,
}

/// What is to be done. Doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A version gets so many pods.
    Scale {
        /// Which.
        revision: Revision,
        /// How many are wanted.
        replicas: i32,
    },
    /// The router does this and nothing else.
    Route(Routes),
    /// A metric is asked for, of this version against the stable one.
    Measure {
        /// Place in the analysis' metrics.
        metric: usize,
        /// The new version.
        revision: Revision,
    },
    /// A migration is made, unless this attempt is at work already or has ended.
    Migrate {
        /// Of which version: its specification says how, and it may be an older one's.
        revision: Revision,
        /// Which way.
        direction: Direction,
        /// Which of those that were asked for.
        attempt: u64,
    },
    /// A gate is asked, unless this question is at work already. Whoever asks answers in any case: where
    /// nothing comes in the gate's time, that is [`Answer::Nothing`](super::Answer::Nothing).
    Ask {
        /// Place of the gate in the specification.
        gate: usize,
        /// The version that it is about.
        revision: Revision,
        /// Its number among all questions.
        question: u64,
    },
    /// Somebody may want to know.
    Tell(Notice),
}

/// What somebody may want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Notice {
    /// A rollout began.
    Begun {
        /// To which version.
        revision: Revision,
    },
    /// A step began, counted from 0.
    Step {
        /// Which.
        step: usize,
    },
    /// It waits.
    Paused {
        /// Why.
        why: String,
    },
    /// A gate is waited for, or said something else than before.
    Gate {
        /// Its place in the specification.
        gate: usize,
        /// Its name.
        name: String,
        /// What it said.
        said: super::gates::Said,
    },
    /// The new version is the stable one.
    Completed {
        /// Which.
        revision: Revision,
    },
    /// The way back began.
    RollingBack {
        /// Why.
        why: String,
    },
    /// The stable version has all of the traffic again.
    RolledBack {
        /// Why.
        why: String,
    },
}

impl Notice {
    /// What it is about, by the names of a rollout file.
    pub fn event(&self) -> Event {
        match self {
            Self::Begun { .. } => Event::Begun,
            Self::Step { .. } => Event::Step,
            Self::Paused { .. } => Event::Paused,
            Self::Gate { .. } => Event::Gate,
            Self::Completed { .. } => Event::Completed,
            Self::RollingBack { .. } => Event::RollingBack,
            Self::RolledBack { .. } => Event::RolledBack,
        }
    }
}
