//! Ready tasks, the most urgent first.

use crate::document::Priority;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Greater is more urgent: the longest way to the end, the highest priority, the first in the
/// document. The ticket tells whether the entry still stands.
type Entry = (u64, Reverse<Priority>, Reverse<usize>, u64);

/// A heap whose entries are taken back by their tickets, not by searching.
#[derive(Debug)]
pub(super) struct ReadyQueue {
    heap: BinaryHeap<Entry>,
    urgency: Vec<(u64, Priority)>,
}

impl ReadyQueue {
    /// A queue for tasks of this length to the end and this priority.
    pub(super) fn new(urgency: Vec<(u64, Priority)>) -> Self {
        Self { heap: BinaryHeap::new(), urgency }
    }

    /// Adds a task under a ticket.
    pub(super) fn push(&mut self, task: usize, ticket: u64) {
        let (length, priority) = self.urgency[task];
        self.heap.push((length, Reverse(priority), Reverse(task), ticket));
    }

    /// The most urgent task and its ticket.
    pub(super) fn pop(&mut self) -> Option<(usize, u64)> {
        self.heap.pop().map(|(_, _, Reverse(task), ticket)| (task, ticket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_then_priority_then_document() {
        use Priority::{Critical, High, Low};
        let mut queue = ReadyQueue::new(vec![(5, Low), (9, Low), (5, Critical), (5, Low), (5, High)]);
        for task in [3, 0, 4, 1, 2] {
            queue.push(task, 0);
        }
        let order: Vec<usize> = std::iter::from_fn(|| queue.pop()).map(|(task, _)| task).collect();
        assert_eq!(order, [1, 2, 4, 0, 3]);
    }
}
