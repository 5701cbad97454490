//! What is remembered of a rollout.

use super::gates::Gates;
use super::judge::Judging;
use super::phase::Phase;
use super::world::{Direction, Revision};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

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
    /// Changes of data that are made, oldest first.
    pub applied: Vec<Applied>,
    /// The changes that this version needs, oldest first.
    pub needs: Vec<Applied>,
    /// The changes that the stable version needs, oldest first.
    pub reads: Vec<Applied>,
    /// The change that was asked for and whose end is not known, or that cannot be taken back.
    pub asked: Option<Asked>,
    /// How many times a change was asked for.
    pub attempts: u64,
    /// How many times the analysis of this move has passed.
    pub passes: u32,
    /// The version that was stable before this one, until it is asked for again.
    pub former: Option<Revision>,
    /// Versions out of service, and when their pods go: never where there is no time. Those that have none
    /// any more are forgotten.
    pub retiring: BTreeMap<Revision, Option<Time>>,
    /// What was measured.
    pub judging: Judging,
    /// What gates have said.
    #[serde(default)]
    pub gates: Gates,
    /// Most pods of the new version and its highest share since it came to this move, to see progress.
    pub(super) seen: (i32, u32),
}

/// A change of data that a version's migration makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Whose.
    pub revision: Revision,
    /// The version's number.
    pub number: u64,
    /// Older versions can read the data as well.
    pub is_compatible: bool,
    /// Something takes it back.
    pub has_down: bool,
    /// Longest time for it.
    pub timeout: Duration,
}

impl Applied {
    /// What a version needs that serves already: whatever it was, it is there.
    pub(super) fn before(revision: Revision) -> Self {
        Self { revision, number: 0, is_compatible: true, has_down: false, timeout: Duration::ZERO }
    }
}

/// A change of data that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whose.
    pub revision: Revision,
    /// Made or taken back.
    pub direction: Direction,
    /// Its number among all that were asked for: an answer to another one does not count.
    pub attempt: u64,
    /// It failed, and nothing goes on before it is asked for again.
    pub has_failed: bool,
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
            Self::OneWay => "its data cannot be brought back: mend that and resume, or promote".to_owned(),
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
            applied: Vec::new(),
            needs: Vec::new(),
            reads: Vec::new(),
            asked: None,
            attempts: 0,
            passes: 0,
            former: None,
            retiring: BTreeMap::new(),
            judging: Judging::default(),
            gates: Gates::default(),
            seen: (0, 0),
        }
    }

    /// A service that runs this version already.
    pub fn serving(stable: Revision, now: Time) -> Self {
        let reads = vec![Applied::before(stable.clone())];
        let applied = reads.clone();
        Self { revision: stable.clone(), stable: Some(stable), applied, reads, ..Self::new(now) }
    }
}
