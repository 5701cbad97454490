//! The timers that the scheduler asked for: at most one for each task.

use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};

#[derive(Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Timestamp, usize)>,
    by_task: HashMap<usize, Timestamp>,
}

impl Timers {
    /// Sets the timer of a task; an earlier one of the same task is forgotten.
    pub(super) fn set(&mut self, task: usize, at: Timestamp) {
        if let Some(before) = self.by_task.insert(task, at) {
            self.order.remove(&(before, task));
        }
        self.order.insert((at, task));
    }

    /// When the next is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes a task whose timer is due.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<usize> {
        let (at, task) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.order.pop_first();
        self.by_task.remove(&task);
        Some(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_timer_replaces_the_one_before() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut timers = Timers::default();
        timers.set(1, at(10));
        timers.set(2, at(20));
        timers.set(1, at(30));
        assert_eq!(timers.next(), Some(at(20)));
        assert_eq!(timers.due(at(19)), None);
        assert_eq!(timers.due(at(25)), Some(2));
        assert_eq!(timers.due(at(25)), None);
        assert_eq!(timers.due(at(30)), Some(1));
        assert_eq!(timers.next(), None);
    }
}
