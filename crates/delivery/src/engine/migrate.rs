//! The changes of data that versions need, and the way from those that are made to those that are needed.
//!
//! What is made is a list ([`Applied`], oldest first). A version needs such a list too: the new one its
//! [`State::needs`], the stable one its [`State::reads`]. Forward the changes lead to the one, back to the
//! other, by the same function.

use super::decide::Delivery;
use super::phase::Phase;
use super::state::{Applied, Asked, Hold};
use super::world::{Direction, Effect, Observation, Revision};
use crate::mutant::{self, Mutant};
use crate::spec::{Migration, Strategy};

/// Changes of data that are remembered: more than anybody goes back over.
const REMEMBERED: usize = 20;

/// The next change on the way from what is made to what is needed. What an older version can read as well
/// stays. The newest goes first.
fn toward(made: &[Applied], needed: &[Applied]) -> Option<(Applied, Direction)> {
    let has = |list: &[Applied], one: &Applied| list.iter().any(|other| other.revision == one.revision);
    let taken_back = made.iter().rev().find(|one| !one.is_compatible && !has(needed, one));
    let brought = || needed.iter().find(|one| !has(made, one));
    taken_back
        .map(|one| (one.clone(), Direction::Down))
        .or_else(|| brought().map(|one| (one.clone(), Direction::Up)))
}

/// True where nothing makes a change.
fn is_impossible(change: &(Applied, Direction)) -> bool {
    change.1 == Direction::Down && !change.0.has_down
}

impl Delivery {
    pub(super) fn migration(&self) -> Option<&Migration> {
        match &self.spec().strategy {
            Strategy::Rolling(rolling) => rolling.migration.as_ref(),
            _ => None,
        }
    }

    /// The changes that a version needs which is asked for: those before it, and its own.
    pub(super) fn needed_by(&self, revision: &Revision, seen: &Observation) -> Vec<Applied> {
        let number = seen.version(revision).map_or(u64::MAX, |version| version.number);
        let made = &self.state().applied;
        let stays =
            |one: &&Applied| one.is_compatible || one.number <= number || mutant::is(Mutant::ForgetsDown);
        let mut needed: Vec<Applied> = made.iter().filter(stays).cloned().collect();
        if !needed.iter().any(|one| one.revision == *revision) {
            needed.extend(self.own(revision, number));
        }
        needed
    }

    /// Forgets the oldest changes: nobody goes back so far.
    pub(super) fn forget_changes(&mut self) {
        let state = self.state_mut();
        let too_many = state.applied.len().saturating_sub(REMEMBERED);
        for gone in state.applied.drain(..too_many) {
            state.reads.retain(|one| one.revision != gone.revision);
        }
    }

    /// The change that the specification has for a version.
    fn own(&self, revision: &Revision, number: u64) -> Option<Applied> {
        let migration = self.migration()?;
        Some(Applied {
            revision: revision.clone(),
            number,
            is_compatible: migration.is_compatible,
            has_down: migration.down.is_some(),
            timeout: migration.timeout,
        })
    }

    /// While a version is under way, its own change is as the specification says now: somebody may have
    /// brought a way back. Where the stable version is asked for again, that is all that it can say.
    pub(super) fn refresh_changes(&mut self) {
        let revision = self.state().revision.clone();
        let Some(own) = self.own(&revision, 0).filter(|_| !self.state().phase.is_over()) else { return };
        let state = self.state_mut();
        let is_homeward = state.is_homeward || state.held == Some(Hold::OneWay);
        for one in state.applied.iter_mut().chain(&mut state.needs).filter(|one| one.revision == revision) {
            let is_compatible = if is_homeward { one.is_compatible } else { own.is_compatible };
            let has_down = own.has_down || (is_homeward && one.has_down);
            *one = Applied { number: one.number, is_compatible, has_down, ..own.clone() };
        }
    }

    /// The next change on the way to the new version.
    pub(super) fn next_change(&self) -> Option<(Applied, Direction)> {
        toward(&self.state().applied, &self.state().needs)
    }

    /// The next change on the way back to the stable version.
    fn next_change_back(&self) -> Option<(Applied, Direction)> {
        toward(&self.state().applied, &self.state().reads)
    }

    /// True until the data are there that the new version needs.
    pub(super) fn lacks_data(&self) -> bool {
        (self.state().asked.is_some() || self.next_change().is_some()) && !mutant::is(Mutant::SkipsMigration)
    }

    /// True while the stable version could not read the data, or nobody knows whether it could: they come
    /// before its pods on the way back.
    pub(super) fn owes_data(&self) -> bool {
        !self.is_first() && (self.state().asked.is_some() || self.next_change_back().is_some())
    }

    /// True while the stable version is not to get a pod: it could not read the data.
    pub(super) fn is_stranded(&self) -> bool {
        let is_broken = mutant::is(Mutant::OldPodsOnNewData);
        !is_broken && !self.is_first() && self.next_change_back().is_some()
    }

    /// True where the way back is closed.
    pub(super) fn is_closed(&self) -> bool {
        !self.is_first() && self.next_change_back().as_ref().is_some_and(is_impossible)
    }

    /// Why the way to the new version is closed, where it is: it leads back over a change that nothing takes
    /// back.
    pub(super) fn barred(&self) -> Option<String> {
        let change = self.next_change().filter(is_impossible)?;
        Some(format!("the migration of {} has no `down`", change.0.revision))
    }

    /// A person has taken back by hand what nothing else takes back.
    pub(super) fn trust_by_hand(&mut self) {
        if let Some((one, Direction::Down)) = self.next_change().filter(is_impossible) {
            self.state_mut().applied.retain(|other| other.revision != one.revision);
        }
    }

    /// Holds because the way back is closed.
    pub(super) fn hold_for_data(&mut self, why: String) {
        if self.state().held != Some(Hold::OneWay) {
            self.hold(Hold::OneWay);
        }
        self.state_mut().why = Some(why);
    }

    /// Which change is to be made, or waited for.
    fn due_change(&mut self) -> Option<Asked> {
        let state = self.state();
        if state.phase.is_over() {
            return None;
        }
        if let Some(asked) = &state.asked {
            return Some(asked.clone()).filter(|asked| !asked.has_failed);
        }
        let next = match state.phase {
            Phase::RollingBack => self.next_change_back().filter(|_| !self.is_first()),
            _ => self.next_change().filter(|_| state.held.is_none() && !self.is_unconfirmed()),
        };
        let (one, direction) = next.filter(|change| !is_impossible(change))?;
        let state = self.state_mut();
        state.attempts += 1;
        let asked = Asked { revision: one.revision, direction, attempt: state.attempts, has_failed: false };
        state.asked = Some(asked.clone());
        Some(asked)
    }

    /// The change that is to be made, or is at work.
    pub(super) fn migrating(&mut self) -> Option<Effect> {
        let Asked { revision, direction, attempt, .. } = self.due_change()?;
        Some(Effect::Migrate { revision, direction, attempt })
    }

    /// Takes note of a change that ended.
    pub(super) fn note_change(&mut self, seen: &Observation) {
        let asked = self.state().asked.clone().filter(|asked| !asked.has_failed);
        let Some(Asked { revision, direction, attempt, .. }) = asked else { return };
        let found = seen.migration.as_ref().filter(|at| at.attempt == attempt);
        match found.and_then(|at| at.end.clone()) {
            None => {}
            Some(Ok(())) => self.made(&revision, direction),
            Some(Err(why)) => self.not_made(&revision, direction, &why),
        }
    }

    fn made(&mut self, revision: &Revision, direction: Direction) {
        let now = self.now();
        let state = self.state_mut();
        (state.asked, state.progressed) = (None, now);
        let one = state.needs.iter().chain(&state.reads).find(|one| one.revision == *revision).cloned();
        state.applied.retain(|other| other.revision != *revision);
        if direction == Direction::Up {
            state.applied.extend(one);
        }
    }

    /// It has changed nothing, so on the way to a version there is nothing more to take back. On the way
    /// home nothing can go on until it was made.
    fn not_made(&mut self, revision: &Revision, direction: Direction, why: &str) {
        let leads_back =
            self.next_change_back().is_some_and(|at| at.0.revision == *revision && at.1 == direction);
        let state = self.state_mut();
        if leads_back && state.phase == Phase::RollingBack {
            state.asked.iter_mut().for_each(|asked| asked.has_failed = true);
            self.hold_for_data(format!("the data cannot be brought back: {why}"));
        } else {
            state.asked = None;
            self.give_up(format!("the migration failed: {why}"));
        }
    }
}
