//! What a person may ask of a rollout.

use super::decide::Delivery;
use super::judge::Judging;
use super::phase::Phase;
use super::program::Move;
use super::state::Hold;
use super::world::{Observation, Revision};
use crate::mutant::{self, Mutant};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use thiserror::Error;

/// What a person may ask of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Passes what it stands at: a pause by a person, or a doubt, or a gate, or else the pause or analysis of
    /// a move.
    Promote,
    /// To the end, without moves and analysis, once all pods are there. Also brings in what was taken back.
    /// Only a migration is never left out.
    PromoteFull,
    /// Stops it where it is: the move at hand is finished, none begins. What fails is taken back all the same.
    Pause,
    /// Lets it go on, and passes the pause that it stands at. A migration that could not be taken back is
    /// taken back once more.
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
    /// The way back is closed.
    #[error("its data cannot be brought back: mend that and resume, or promote")]
    OneWay,
    /// There is no such version.
    #[error("there is no such version")]
    NoVersion,
}

impl Delivery {
    /// Nobody has looked for so long: the machine was off, or whoever looks was. What had a time in which to
    /// come, and could not, has that time yet.
    pub fn was_away(&mut self, span: Duration) {
        let state = self.state_mut();
        state.progressed = state.progressed + span;
        state.held_since = state.held_since + span;
        state.judging.tests.values_mut().for_each(|tested| tested.fresh = tested.fresh + span);
    }

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
                if self.state().held == Some(Hold::OneWay) && self.is_closed() {
                    return Err(Refusal::OneWay);
                }
                self.give_up("a person gave it up".to_owned());
                Ok(())
            }
            Verb::Retry => self.retry(false),
        }
    }

    /// An error unless it goes forward, and shall.
    fn under_way(&self) -> Result<(), Refusal> {
        match self.state().phase {
            _ if self.state().is_homeward => Err(Refusal::GoesBack),
            Phase::Initializing | Phase::Analyzing | Phase::Promoting => Ok(()),
            Phase::RollingBack => Err(Refusal::GoesBack),
            Phase::Completed | Phase::RolledBack => Err(Refusal::AtRest),
        }
    }

    /// Passes a person's pause, or a doubt, or a gate, or else one move: never two of them. The analysis of a
    /// move goes with its own doubt.
    fn promote_one(&mut self) -> Result<(), Refusal> {
        self.under_way()?;
        let is_open = self.is_open();
        let at = self.moves().get(self.state().place).filter(|_| is_open);
        let (is_pause, is_analysis) =
            (matches!(at, Some(Move::Pause(_))), matches!(at, Some(Move::Analysis(..))));
        match self.state().held {
            Some(Hold::Person) => {
                self.let_go();
                if mutant::is(Mutant::PromotesTwice) {
                    self.pass();
                }
            }
            Some(Hold::Inconclusive(_) | Hold::OneWay) => {
                self.trust_by_hand();
                self.forgive();
                if is_analysis {
                    self.pass();
                }
            }
            None if !is_open => {
                let gate = self.gate_at_hand().ok_or(Refusal::NotWaiting)?;
                self.pass_by_hand(gate);
            }
            None if is_pause || is_analysis => self.pass(),
            None => return Err(Refusal::NotWaiting),
        }
        Ok(())
    }

    fn pass(&mut self) {
        if self.state().place < self.moves().len() {
            let next = self.state().place + 1;
            self.step_to(next);
        }
    }

    /// A person knows better than the analysis: what it said is forgotten, and what comes is judged anew.
    fn forgive(&mut self) {
        self.let_go();
        let state = self.state_mut();
        state.why = None;
        state.judging = Default::default();
        state.gates.forgive();
        self.watch_again();
    }

    fn let_go(&mut self) {
        let now = self.now();
        let state = self.state_mut();
        state.held = None;
        state.progressed = now;
    }

    /// Also brings in what was taken back. What is left out is passed at the next look: only a migration
    /// comes before it.
    fn promote_all(&mut self) -> Result<(), Refusal> {
        if self.retry(true).is_err() {
            self.under_way()?;
        }
        self.let_go();
        self.leave_door();
        let state = self.state_mut();
        (state.why, state.judging, state.is_full) = (None, Judging::default(), true);
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
        if self.state().asked.as_ref().is_some_and(|asked| asked.has_failed) {
            // What could not be taken back is asked for once more.
            self.let_go();
            self.state_mut().asked = None;
            return Ok(());
        }
        self.under_way()?;
        let is_held = self.state().held.is_some();
        let stands = self.is_open() && matches!(self.moves().get(self.state().place), Some(Move::Pause(_)));
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
                if matches!(self.moves().get(place), Some(Move::Analysis(..))) {
                    self.step_to(place);
                }
            }
            _ => self.let_go(),
        }
    }

    fn retry(&mut self, is_full: bool) -> Result<(), Refusal> {
        let is_changing_back = self.owes_data() && self.state().held.is_none();
        match self.state().phase {
            Phase::RollingBack if self.state().is_homeward || is_changing_back => Err(Refusal::GoesBack),
            Phase::RollingBack | Phase::RolledBack => {
                self.begin_again(is_full);
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
