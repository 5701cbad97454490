//! What waits for one receiver: bounded, and what matters least goes first where there is no room.

use super::event::Event;
use std::collections::VecDeque;
use std::time::Instant;
use taskmaster_delivery::spec::Event as Kind;

/// An event and when it was told.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) event: Event,
    pub(super) since: Instant,
}

/// What waits for one receiver, oldest first.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    limit: usize,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self { waiting: VecDeque::new(), limit: limit.max(1) }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        self.waiting.pop_front()
    }

    /// Adds an event. Where there is no room the oldest of the least important ones is lost, which may be
    /// this one: true where nothing was.
    pub(super) fn push(&mut self, event: Event, since: Instant) -> bool {
        self.waiting.push_back(Waiting { event, since });
        if self.waiting.len() <= self.limit {
            return true;
        }
        let least = self.waiting.iter().enumerate().min_by_key(|(at, waiting)| (rank(waiting), *at));
        if let Some((at, _)) = least {
            self.waiting.remove(at);
        }
        false
    }
}

/// How much an event matters to somebody who hears of nothing else.
fn rank(waiting: &Waiting) -> u8 {
    match waiting.event.what {
        Kind::Step => 0,
        Kind::Gate | Kind::Begun => 1,
        Kind::Paused | Kind::RollingBack => 2,
        Kind::Completed | Kind::RolledBack => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn queue(kinds: &[Kind]) -> (Queue, Vec<bool>) {
        let mut queue = Queue::new(3);
        let pushed = kinds.iter().enumerate().map(|(at, what)| {
            let event = Event { id: at.to_string(), what: *what, ..super::super::event::sample() };
            queue.push(event, clock::monotonic())
        });
        let pushed = pushed.collect();
        (queue, pushed)
    }

    fn left(mut queue: Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop()).map(|waiting| waiting.event.id).collect()
    }

    #[test]
    fn what_matters_least_goes_first() {
        use Kind::{Begun, Completed, RolledBack, Step};
        let rows: [(&[Kind], &[&str]); 4] = [
            (&[Begun, Step, Completed], &["0", "1", "2"]),
            (&[Begun, Step, Step, RolledBack], &["0", "2", "3"]),
            (&[RolledBack, Completed, RolledBack, Step], &["0", "1", "2"]),
            (&[RolledBack, Completed, RolledBack, RolledBack], &["1", "2", "3"]),
        ];
        for (kinds, expected) in rows {
            let (queue, pushed) = queue(kinds);
            assert_eq!(queue.len(), expected.len());
            assert_eq!(pushed.iter().all(|fits| *fits), kinds.len() <= 3, "{kinds:?}");
            assert_eq!(left(queue), expected, "{kinds:?}");
        }
    }
}
