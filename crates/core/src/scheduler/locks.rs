//! Named locks: all of a task's or none, first come first served.
//!
//! A task that cannot have all of its locks queues for each of them at once. It is served when it is
//! at the head of all its queues and all are free. Since it joined them in one step, the longest
//! waiting task is at the head of every queue it is in: something always moves (no deadlock), and
//! nobody is overtaken for ever (no starvation).

use std::collections::{HashMap, VecDeque};

#[derive(Debug, Default)]
struct Lock {
    holder: Option<usize>,
    waiting: VecDeque<(usize, u64)>,
}

/// Who holds and who waits.
#[derive(Debug, Default)]
pub(super) struct Locks {
    locks: Vec<Lock>,
    /// The locks of each task.
    wanted: Vec<Box<[usize]>>,
    held: Vec<bool>,
    /// The turn of each task that waits. An entry of a queue with another turn is stale.
    turn: Vec<Option<u64>>,
    last_turn: u64,
}

impl Locks {
    /// Locks for tasks that want these names.
    pub(super) fn new<'a>(wanted: impl Iterator<Item = &'a [String]>) -> Self {
        let mut index: HashMap<&str, usize> = HashMap::new();
        let mut all = Vec::new();
        for names in wanted {
            let mut mine = Vec::with_capacity(names.len());
            for name in names {
                let next = index.len();
                mine.push(*index.entry(name).or_insert(next));
            }
            mine.sort_unstable();
            mine.dedup();
            all.push(mine.into_boxed_slice());
        }
        let locks = index.iter().map(|_| Lock::default()).collect();
        let (held, turn) = (vec![false; all.len()], vec![None; all.len()]);
        Self { locks, wanted: all, held, turn, last_turn: 0 }
    }

    /// Takes all of a task's locks, or queues for them. True where it has them now.
    pub(super) fn acquire(&mut self, task: usize) -> bool {
        if self.held[task] || self.wanted[task].is_empty() {
            return true;
        }
        if self.turn[task].is_some() {
            return false;
        }
        let wanted = std::mem::take(&mut self.wanted[task]);
        let free = wanted.iter().all(|&lock| self.locks[lock].holder.is_none() && self.head(lock).is_none());
        if free {
            self.take(task, &wanted);
        } else {
            self.last_turn += 1;
            self.turn[task] = Some(self.last_turn);
            for &lock in &wanted {
                self.locks[lock].waiting.push_back((task, self.last_turn));
            }
        }
        self.wanted[task] = wanted;
        free
    }

    /// Gives back what a task holds, or takes it out of the queues. Answers who has locks now.
    pub(super) fn release(&mut self, task: usize) -> Vec<usize> {
        let was_waiting = self.turn[task].take().is_some();
        let held = std::mem::replace(&mut self.held[task], false);
        if !was_waiting && !held {
            return Vec::new();
        }
        let wanted = std::mem::take(&mut self.wanted[task]);
        if held {
            for &lock in &wanted {
                self.locks[lock].holder = None;
            }
        }
        let served = wanted.iter().filter_map(|&lock| self.serve(lock)).collect();
        self.wanted[task] = wanted;
        served
    }

    /// Gives a free lock to the first in its queue, if that one can have all of its locks.
    fn serve(&mut self, lock: usize) -> Option<usize> {
        let task = self.head(lock).filter(|_| self.locks[lock].holder.is_none())?;
        let wanted = std::mem::take(&mut self.wanted[task]);
        let free =
            wanted.iter().all(|&lock| self.locks[lock].holder.is_none() && self.head(lock) == Some(task));
        if free {
            for &lock in &wanted {
                self.locks[lock].waiting.pop_front();
            }
            self.turn[task] = None;
            self.take(task, &wanted);
        }
        self.wanted[task] = wanted;
        free.then_some(task)
    }

    fn take(&mut self, task: usize, wanted: &[usize]) {
        for &lock in wanted {
            self.locks[lock].holder = Some(task);
        }
        self.held[task] = true;
    }

    /// The first that really waits for a lock.
    fn head(&mut self, lock: usize) -> Option<usize> {
        let waiting = &mut self.locks[lock].waiting;
        while let Some(&(task, turn)) = waiting.front() {
            if self.turn[task] == Some(turn) {
                return Some(task);
            }
            waiting.pop_front();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locks(wanted: &[&[&str]]) -> Locks {
        let names: Vec<Vec<String>> =
            wanted.iter().map(|list| list.iter().map(ToString::to_string).collect()).collect();
        Locks::new(names.iter().map(Vec::as_slice))
    }

    #[test]
    fn one_holds_and_the_next_follows() {
        let mut locks = locks(&[&["a"], &["a", "a"], &[], &["a"]]);
        assert!(locks.acquire(0) && locks.acquire(0) && locks.acquire(2));
        assert!(!locks.acquire(1) && !locks.acquire(1) && !locks.acquire(3));
        assert_eq!(locks.release(0), [1]);
        assert!(locks.release(0).is_empty());
        assert_eq!(locks.release(1), [3]);
        assert!(locks.release(3).is_empty());
    }

    #[test]
    fn all_or_none_and_nobody_is_overtaken() {
        let mut locks = locks(&[&["a"], &["a", "b"], &["b"], &["b"]]);
        assert!(locks.acquire(0));
        assert!(!locks.acquire(1), "a is held");
        assert!(!locks.acquire(2), "b is free, but 1 came first");
        assert_eq!(locks.release(0), [1]);
        assert_eq!(locks.release(1), [2]);
        assert!(!locks.acquire(3));
        assert_eq!(locks.release(2), [3]);
    }

    #[test]
    fn one_that_gives_up_lets_those_behind_it_pass() {
        let mut locks = locks(&[&["a"], &["a", "b"], &["b"], &["a"]]);
        assert!(locks.acquire(0));
        assert!(!locks.acquire(1) && !locks.acquire(2) && !locks.acquire(3));
        assert_eq!(locks.release(1), [2]);
        assert_eq!(locks.release(0), [3]);
        assert!(!locks.acquire(1), "it queues anew, behind 2 and 3");
        assert!(locks.release(2).is_empty());
        assert_eq!(locks.release(3), [1]);
    }

    #[test]
    fn who_gave_up_and_comes_again_has_no_earlier_place() {
        let mut locks = locks(&[&["a"], &["a"], &["a"], &["a"]]);
        assert!(locks.acquire(0));
        assert!(!locks.acquire(1) && !locks.acquire(2) && !locks.acquire(3));
        assert!(locks.release(2).is_empty());
        assert!(!locks.acquire(2));
        assert_eq!(locks.release(0), [1]);
        assert_eq!(locks.release(1), [3]);
        assert_eq!(locks.release(3), [2]);
    }
}
