//! The change of data before a version, and its way back.

use super::decide::Delivery;
use super::phase::Phase;
use super::state::{Data, Hold};
use super::world::{Direction, Effect, Observation};
use crate::mutant::{self, Mutant};
use crate::spec::{Migration, Strategy};

impl Delivery {
    pub(super) fn migration(&self) -> Option<&Migration> {
        match &self.spec().strategy {
            Strategy::Rolling(rolling) => rolling.migration.as_ref(),
            _ => None,
        }
    }

    /// True until the data are there that the new version needs.
    pub(super) fn lacks_data(&self) -> bool {
        self.migration().is_some() && self.state().data != Data::New && !mutant::is(Mutant::SkipsMigration)
    }

    /// True while the stable version could not read the data, or nobody knows whether it could: they come
    /// before its pods on the way back.
    pub(super) fn owes_data(&self) -> bool {
        let is_compatible = self.migration().is_none_or(|migration| migration.is_compatible);
        match self.state().data {
            Data::Old => false,
            Data::Changing => self.migration().is_some(),
            Data::New => !is_compatible,
        }
    }

    /// True where the way back is closed, or may be once the migration has ended.
    pub(super) fn is_one_way(&self) -> bool {
        let is_one_way = self.migration().is_some_and(Migration::is_one_way);
        self.state().is_closed || (is_one_way && self.state().data != Data::Old)
    }

    /// Holds because the way back is closed.
    pub(super) fn hold_for_data(&mut self, why: String) {
        if self.state().held != Some(Hold::OneWay) {
            self.hold(Hold::OneWay);
        }
        self.state_mut().why = Some(why);
    }

    /// Which migration is to be made, or waited for.
    fn due_migration(&self) -> Option<Direction> {
        let state = self.state();
        let down = self.migration()?.down.as_ref().map(|_| Direction::Down);
        match (state.phase, state.data) {
            (Phase::Initializing | Phase::Analyzing | Phase::Promoting, Data::Old)
                if state.held.is_some() =>
            {
                None
            }
            (Phase::Initializing | Phase::Analyzing | Phase::Promoting, Data::Old | Data::Changing)
            | (Phase::RollingBack, Data::Changing) => Some(Direction::Up),
            (Phase::RollingBack, Data::New) if self.owes_data() => down,
            _ => None,
        }
    }

    /// Takes note of a migration that ended, and says which one is to be made.
    pub(super) fn migrating(&mut self, seen: &Observation) -> Option<Effect> {
        let direction = self.due_migration()?;
        let revision = self.state().revision.clone();
        let found = seen.migration.as_ref().filter(|at| at.revision == revision && at.direction == direction);
        let end = found.and_then(|at| at.end.clone());
        let now = self.now();
        let state = self.state_mut();
        match (end, direction) {
            (None, direction) => {
                if direction == Direction::Up {
                    state.data = Data::Changing;
                }
                return Some(Effect::Migrate { revision, direction });
            }
            (Some(Ok(())), Direction::Up) => (state.data, state.progressed) = (Data::New, now),
            (Some(Ok(())), Direction::Down) => state.data = Data::Old,
            (Some(Err(why)), Direction::Up) => {
                // It has changed nothing: there is nothing to take back.
                state.data = Data::Old;
                self.give_up(format!("the migration failed: {why}"));
            }
            (Some(Err(why)), Direction::Down) => {
                self.hold_for_data(format!("the migration cannot be taken back: {why}"));
            }
        }
        None
    }
}
