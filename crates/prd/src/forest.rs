//! The trees of tasks and subtasks, walked once without recursion.

use crate::draft::Draft;

/// Children of each task, and a numbering that tells who is below whom.
pub(crate) struct Forest {
    /// Subtasks in document order.
    pub(crate) children: Vec<Vec<usize>>,
    /// All tasks, parents before their subtasks.
    pub(crate) order: Vec<usize>,
    enter: Vec<usize>,
    leave: Vec<usize>,
}

impl Forest {
    /// Reads the parents of `draft`, which form no cycle.
    pub(crate) fn new(draft: &Draft) -> Self {
        let count = draft.tasks.len();
        let mut children = vec![Vec::new(); count];
        for (at, task) in draft.tasks.iter().enumerate() {
            if let Some(parent) = task.parent {
                children[parent].push(at);
            }
        }
        let mut forest =
            Self { children, order: Vec::with_capacity(count), enter: vec![0; count], leave: vec![0; count] };
        for root in (0..count).filter(|at| draft.tasks[*at].parent.is_none()) {
            forest.walk(root);
        }
        forest
    }

    fn walk(&mut self, root: usize) {
        let mut open = vec![(root, 0)];
        self.enter[root] = self.order.len();
        self.order.push(root);
        while let Some((at, next)) = open.last_mut() {
            match self.children[*at].get(*next) {
                Some(child) => {
                    *next += 1;
                    self.enter[*child] = self.order.len();
                    self.order.push(*child);
                    open.push((*child, 0));
                }
                None => {
                    self.leave[*at] = self.order.len();
                    open.pop();
                }
            }
        }
    }

    /// True for `top` itself and everything below it.
    pub(crate) fn is_within(&self, task: usize, top: usize) -> bool {
        (self.enter[top]..self.leave[top]).contains(&self.enter[task])
    }
}
