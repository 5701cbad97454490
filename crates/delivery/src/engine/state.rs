//! What is remembered of a rollout.

use super::judge::Judging;
use super::phase::Phase;
use super::world::Revision;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is remembered of a rollout: all of it, so that another process can go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The version that it brings.
    pub revision: Revision,
    /// The version that serves; none before the first one was completed.
    pub stable: Option<Revision>,
    /// Where it is.
    pub phase: Phase,
    /// The move that it is at, counted from 0; past the last one when it promotes.
    pub place: usize,
    /// When that move, or that phase, began.
    pub since: Time,
    /// When something last came nearer to its end.
    pub progressed: Time,
    /// Why it stands still, where it does.
    pub held: Option<Hold>,
    /// Since when it does.
    pub held_since: Time,
    /// Why it was given up.
    pub why: Option<String>,
    /// It goes back because the stable version is asked for again.
    pub is_homeward: bool,
    /// Moves are skipped: a person wants it so, or the version was in service not long ago.
    pub is_full: bool,
    /// Where the data is that the migration of this version changes.
    pub data: Data,
    /// A version before this one has changed data so that the stable version cannot read them: there is no
    /// way back.
    pub is_closed: bool,
    /// How many times the analysis of this move has passed.
    pub passes: u32,
    /// The version that was stable before this one, until it is asked for again.
    pub former: Option<Revision>,
    /// Versions out of service, and when their pods go: never where there is no time. Those that have none
    /// any more are forgotten.
    pub retiring: BTreeMap<Revision, Option<Time>>,
    /// What was measured.
    pub judging: Judging,
    /// Most pods of the new version and its highest share since it came to this move, to see progress.
    pub(super) seen: (i32, u32),
}

/// Where data are that a migration changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// As the stable version wants them; so they still are after a migration that failed.
    Old,
    /// The migration was asked for, and its end is not known.
    Changing,
    /// As the new version wants them.
    New,
}

/// Why a rollout stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// A person has paused it.
    Person,
    /// An analysis could not tell.
    Inconclusive(String),
    /// The way back is closed: its migration cannot be taken back.
    OneWay,
}

impl Hold {
    /// It in words.
    pub fn words(&self) -> String {
        match self {
            Self::Person => "paused by a person".to_owned(),
            Self::Inconclusive(why) => format!("the analysis could not tell: {why}"),
            Self::OneWay => {
                "it should go back, but its migration is not compatible and has no `down`: mend it, or promote".to_owned()
            }
        }
    }
}

impl State {
    /// A service of which nothing was ever released.
    pub fn new(now: Time) -> Self {
        Self {
            revision: Revision::default(),
            stable: None,
            phase: Phase::Completed,
            place: 0,
            since: now,
            progressed: now,
            held: None,
            held_since: now,
            why: None,
            is_homeward: false,
            is_full: false,
            data: Data::Old,
            is_closed: false,
            passes: 0,
            former: None,
            retiring: BTreeMap::new(),
            judging: Judging::default(),
            seen: (0, 0),
        }
    }

    /// A service that runs this version already.
    pub fn serving(stable: Revision, now: Time) -> Self {
        Self { revision: stable.clone(), stable: Some(stable), ..Self::new(now) }
    }
}
