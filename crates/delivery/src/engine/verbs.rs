//! What a person may ask of a rollout.

use super::decide::Delivery;
use super::phase::{Phase, Signal};
use super::program::Move;
use super::state::Hold;
use super::world::{Observation, Revision};
use crate::mutant::{self, Mutant};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a person may ask of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Passes what it stands at: a pause by a person, else one move.
    Promote,
    /// To the end, without moves and analysis.
    PromoteFull,
    /// Stops it where it is.
    Pause,
    /// Lets it go on, and passes the pause that it stands at.
    Resume,
    /// Takes the stable version back into full service.
    Abort,
    /// Begins again what was taken back.
    Retry,
}

/// Why a verb was refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is at rest.
    #[error("nothing is under way")]
    AtRest,
    /// It goes back.
    #[error("it is being taken back")]
    GoesBack,
    /// It was not taken back.
    #[error("it was not taken back: there is nothing to retry")]
    NotBack,
    /// Nothing is paused.
    #[error("it is not paused")]
    NotPaused,
    /// It is paused already.
    #[error("it is paused already")]
    AlreadyPaused,
    /// It waits for something that only itself can bring.
    #[error("it does not wait for a person: it gets its pods or its traffic")]
    NotWaiting,
    /// There is no such version.
    #[error("there is no such version")]
    NoVersion,
}

impl Delivery {
    /// Does what a person asks. What follows from it, [`Delivery::handle`] says at the next look.
    ///
    /// # Errors
    /// Where that means nothing now.
    pub fn ask(&mut self, verb: Verb, now: Time) -> Result<(), Refusal> {
        self.set_now(now);
        match verb {
            Verb::Promote => self.promote_one(),
            Verb::PromoteFull => self.promote_all(),
            Verb::Pause => self.pause(),
            Verb::Resume => self.resume(),
            Verb::Abort => {
                self.under_way()?;
                self.give_up("a person gave it up".to_owned());
                Ok(())
            }
            Verb::Retry => self.retry(),
        }
    }

    /// An error unless it goes forward.
    fn under_way(&self) -> Result<(), Refusal> {
        match self.state().phase {
            Phase::Initializing | Phase::Analyzing | Phase::Promoting => Ok(()),
            Phase::RollingBack => Err(Refusal::GoesBack),
            Phase::Completed | Phase::RolledBack => Err(Refusal::AtRest),
        }
    }

    /// Passes a person's pause, or else one move: never both.
    fn promote_one(&mut self) -> Result<(), Refusal> {
        self.under_way()?;
        match self.state().held.clone() {
            Some(Hold::Person) => {
                self.let_go();
                if mutant::is(Mutant::PromotesTwice) {
                    self.pass();
                }
                Ok(())
            }
            Some(Hold::Inconclusive(_) | Hold::OneWay) => {
                self.forgive();
                self.pass();
                Ok(())
            }
            None => match self.moves().get(self.state().place) {
                Some(Move::Pause(_) | Move::Analysis(..)) => {
                    self.pass();
                    Ok(())
                }
                _ => Err(Refusal::NotWaiting),
            },
        }
    }

    fn pass(&mut self) {
        if self.state().place < self.moves().len() {
            let next = self.state().place + 1;
            self.step_to(next);
        }
    }

    /// A person knows better than the analysis: what it said is forgotten, and what comes is judged anew.
    fn forgive(&mut self) {
        let state = self.state_mut();
        state.held = None;
        state.why = None;
        state.judging = Default::default();
    }

    fn let_go(&mut self) {
        let now = self.now();
        let state = self.state_mut();
        state.held = None;
        state.progressed = now;
    }

    fn promote_all(&mut self) -> Result<(), Refusal> {
        self.under_way()?;
        self.forgive();
        self.state_mut().is_full = true;
        let end = self.moves().len();
        self.step_to(end);
        self.signal(Signal::Passed);
        Ok(())
    }

    fn pause(&mut self) -> Result<(), Refusal> {
        self.under_way()?;
        if self.state().held.is_some() {
            return Err(Refusal::AlreadyPaused);
        }
        self.hold(Hold::Person);
        Ok(())
    }

    fn resume(&mut self) -> Result<(), Refusal> {
        self.under_way()?;
        let is_held = self.state().held.is_some();
        let stands = matches!(self.moves().get(self.state().place), Some(Move::Pause(_)));
        if !is_held && !stands {
            return Err(Refusal::NotPaused);
        }
        if is_held {
            self.forgive_doubt();
        }
        if stands {
            self.pass();
        }
        Ok(())
    }

    /// Goes on measuring after a doubt; a pause by a person ends.
    fn forgive_doubt(&mut self) {
        match self.state().held {
            Some(Hold::Inconclusive(_) | Hold::OneWay) => {
                self.forgive();
                let place = self.state().place;
                self.step_to(place);
            }
            _ => self.let_go(),
        }
    }

    fn retry(&mut self) -> Result<(), Refusal> {
        match self.state().phase {
            Phase::RollingBack | Phase::RolledBack => {
                let revision = self.state().revision.clone();
                self.begin(revision);
                Ok(())
            }
            _ => Err(Refusal::NotBack),
        }
    }
}

/// The version that an undo asks for: the one of this number, or the newest but one.
///
/// # Errors
/// There is no such version.
pub fn undo_target(seen: &Observation, number: Option<u64>) -> Result<Revision, Refusal> {
    let mut versions: Vec<_> = seen.versions.iter().collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.number));
    let found = match number {
        Some(number) => versions.into_iter().find(|version| version.number == number),
        None => versions.into_iter().find(|version| version.revision != seen.wanted),
    };
    found.map(|version| version.revision.clone()).ok_or(Refusal::NoVersion)
}
