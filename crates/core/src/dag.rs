//! Graphs of tasks by index: order, cycles, critical path, what depends on what.
//!
//! Everything is linear in tasks and edges (the order, in their logarithm too), and nothing
//! recurses: a chain of a hundred thousand tasks is as good as any other graph.

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graph::{DiGraph, NodeIndex};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Why dependencies make no DAG.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Each waits for the next, the last for the first. A shortest one among the tasks involved.
    #[error("tasks wait for each other: {0:?}")]
    Cycle(Vec<usize>),
    /// A dependency that is no task.
    #[error("task {task} waits for {dependency}, which does not exist")]
    NoSuchTask {
        /// The one that waits.
        task: usize,
        /// What it waits for.
        dependency: usize,
    },
}

/// The longest chain of dependent tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// Its tasks, first to last.
    pub tasks: Vec<usize>,
    /// Sum of their durations.
    pub duration_ms: u64,
}

/// A directed graph without cycles. An edge leads from a dependency to the task that waits for it.
#[derive(Clone, Debug)]
pub struct Dag {
    graph: DiGraph<(), ()>,
    order: Vec<usize>,
}

impl Dag {
    /// The graph in which task `i` waits for each of `dependencies[i]`. An edge given twice counts
    /// once.
    pub fn new<D: AsRef<[usize]>>(dependencies: &[D]) -> Result<Self, GraphError> {
        let edges = dependencies.iter().map(|list| list.as_ref().len()).sum();
        let mut graph = DiGraph::with_capacity(dependencies.len(), edges);
        for _ in dependencies {
            graph.add_node(());
        }
        for (task, list) in dependencies.iter().enumerate() {
            let mut list = list.as_ref().to_vec();
            list.sort_unstable();
            list.dedup();
            for dependency in list {
                if dependency >= dependencies.len() {
                    return Err(GraphError::NoSuchTask { task, dependency });
                }
                graph.add_edge(NodeIndex::new(dependency), NodeIndex::new(task), ());
            }
        }
        match order(&graph) {
            Some(order) => Ok(Self { graph, order }),
            None => Err(GraphError::Cycle(shortest_cycle(&graph))),
        }
    }

    /// How many tasks.
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// True without tasks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every task after all of its dependencies; where several may come next, the first by index.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Tasks that wait for `task` directly.
    pub fn dependants(&self, task: usize) -> impl Iterator<Item = usize> + '_ {
        self.graph.neighbors_directed(NodeIndex::new(task), Outgoing).map(NodeIndex::index)
    }

    /// Tasks that `task` waits for directly.
    pub fn dependencies(&self, task: usize) -> impl Iterator<Item = usize> + '_ {
        self.graph.neighbors_directed(NodeIndex::new(task), Incoming).map(NodeIndex::index)
    }

    /// For every task the longest time from its start to the end of all that depends on it.
    pub fn lengths_to_end(&self, durations_ms: &[u64]) -> Vec<u64> {
        let mut lengths = vec![0_u64; self.len()];
        for &task in self.order.iter().rev() {
            let after = self.dependants(task).map(|next| lengths[next]).max().unwrap_or(0);
            lengths[task] = after.saturating_add(durations_ms[task]);
        }
        lengths
    }

    /// The longest chain; among equal ones the first by index. Empty without tasks.
    pub fn critical_path(&self, durations_ms: &[u64]) -> CriticalPath {
        let lengths = self.lengths_to_end(durations_ms);
        let longest =
            |tasks: &mut dyn Iterator<Item = usize>| tasks.max_by_key(|&task| (lengths[task], Reverse(task)));
        let roots = &mut (0..self.len()).filter(|&task| self.dependencies(task).next().is_none());
        let mut path = CriticalPath::default();
        let mut next = longest(roots);
        path.duration_ms = next.map_or(0, |task| lengths[task]);
        while let Some(task) = next {
            path.tasks.push(task);
            next = longest(&mut self.dependants(task));
        }
        path
    }

    /// Which tasks depend on one of `starts`, directly or not; the starts themselves included.
    pub fn descendants(&self, starts: impl IntoIterator<Item = usize>) -> Vec<bool> {
        self.reach(starts, Outgoing)
    }

    /// Which tasks one of `starts` depends on, directly or not; the starts themselves included.
    pub fn ancestors(&self, starts: impl IntoIterator<Item = usize>) -> Vec<bool> {
        self.reach(starts, Incoming)
    }

    fn reach(&self, starts: impl IntoIterator<Item = usize>, way: petgraph::Direction) -> Vec<bool> {
        let mut seen = vec![false; self.len()];
        let mut stack: Vec<usize> = starts.into_iter().collect();
        while let Some(task) = stack.pop() {
            if !std::mem::replace(&mut seen[task], true) {
                let next = self.graph.neighbors_directed(NodeIndex::new(task), way);
                stack.extend(next.map(NodeIndex::index).filter(|&next| !seen[next]));
            }
        }
        seen
    }
}

/// Kahn's order with a heap, which keeps the document's order where it can. None with a cycle.
fn order(graph: &DiGraph<(), ()>) -> Option<Vec<usize>> {
    let mut open: Vec<usize> =
        graph.node_indices().map(|node| graph.neighbors_directed(node, Incoming).count()).collect();
    let mut ready: BinaryHeap<Reverse<usize>> =
        open.iter().enumerate().filter(|(_, open)| **open == 0).map(|(task, _)| Reverse(task)).collect();
    let mut order = Vec::with_capacity(open.len());
    while let Some(Reverse(task)) = ready.pop() {
        order.push(task);
        for next in graph.neighbors_directed(NodeIndex::new(task), Outgoing) {
            open[next.index()] -= 1;
            if open[next.index()] == 0 {
                ready.push(Reverse(next.index()));
            }
        }
    }
    (order.len() == open.len()).then_some(order)
}

/// A shortest cycle through the first task that is on one, each waiting for the next.
fn shortest_cycle(graph: &DiGraph<(), ()>) -> Vec<usize> {
    let on_cycle = |part: &Vec<NodeIndex>| {
        part.len() > 1 || part.first().is_some_and(|&node| graph.contains_edge(node, node))
    };
    let parts = petgraph::algo::kosaraju_scc(graph);
    let Some(start) = parts.iter().filter(|part| on_cycle(part)).flatten().min().copied() else {
        return Vec::new();
    };
    // Breadth first from the start along "waits for" until it is met again.
    let mut came_from: Vec<Option<NodeIndex>> = vec![None; graph.node_count()];
    let mut queue = VecDeque::from([start]);
    while let Some(task) = queue.pop_front() {
        let mut dependencies: Vec<_> = graph.neighbors_directed(task, Incoming).collect();
        dependencies.sort_unstable();
        for dependency in dependencies {
            if dependency == start {
                return path_back(&came_from, start, task);
            }
            if came_from[dependency.index()].is_none() {
                came_from[dependency.index()] = Some(task);
                queue.push_back(dependency);
            }
        }
    }
    Vec::new()
}

fn path_back(came_from: &[Option<NodeIndex>], start: NodeIndex, end: NodeIndex) -> Vec<usize> {
    let mut path = vec![end.index()];
    let mut task = end;
    while task != start {
        let Some(before) = came_from[task.index()] else { break };
        path.push(before.index());
        task = before;
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dag(dependencies: &[&[usize]]) -> Dag {
        Dag::new(dependencies).unwrap()
    }

    #[test]
    fn order_keeps_the_document_where_it_can() {
        assert_eq!(dag(&[&[2], &[], &[], &[0, 1]]).order(), [1, 2, 0, 3]);
        assert_eq!(dag(&[&[], &[], &[]]).order(), [0, 1, 2]);
        assert!(dag(&[]).is_empty());
    }

    #[test]
    fn an_edge_given_twice_counts_once() {
        let twice = dag(&[&[], &[0, 0]]);
        assert_eq!(twice.dependants(0).collect::<Vec<_>>(), [1]);
        assert_eq!(twice.dependencies(1).collect::<Vec<_>>(), [0]);
        assert_eq!(twice.len(), 2);
        assert!(!twice.is_empty());
    }

    #[test]
    fn a_cycle_is_named_each_waiting_for_the_next() {
        let cycle = |list: &[&[usize]]| Dag::new(list).unwrap_err();
        assert_eq!(cycle(&[&[0]]), GraphError::Cycle(vec![0]));
        assert_eq!(cycle(&[&[], &[0, 3], &[1], &[2]]), GraphError::Cycle(vec![1, 3, 2]));
        // The shortest of two through the same task.
        assert_eq!(cycle(&[&[1, 3], &[2], &[0], &[0]]), GraphError::Cycle(vec![0, 3]));
        assert_eq!(cycle(&[&[7]]), GraphError::NoSuchTask { task: 0, dependency: 7 });
    }

    #[test]
    fn the_critical_path_is_the_longest_in_time() {
        //   0 ─ 1 ─ 3     1 takes 5, 2 takes 9
        //    └─ 2 ─┘
        let diamond = dag(&[&[], &[0], &[0], &[1, 2], &[]]);
        let durations = [1, 5, 9, 2, 11];
        assert_eq!(diamond.lengths_to_end(&durations), [12, 7, 11, 2, 11]);
        let path = diamond.critical_path(&durations);
        assert_eq!((path.tasks, path.duration_ms), (vec![0, 2, 3], 12));
        assert_eq!(dag(&[]).critical_path(&[]), CriticalPath::default());
        let equal = dag(&[&[], &[], &[0], &[0]]);
        assert_eq!(equal.critical_path(&[1, 2, 1, 1]).tasks, [0, 2]);
    }

    #[test]
    fn reach_goes_both_ways() {
        let diamond = dag(&[&[], &[0], &[0], &[1, 2], &[]]);
        assert_eq!(diamond.descendants([1]), [false, true, false, true, false]);
        assert_eq!(diamond.ancestors([3]), [true, true, true, true, false]);
    }

    #[test]
    fn a_very_long_chain_is_no_trouble() {
        let n = 100_000;
        let chain: Vec<Vec<usize>> = (0..n).map(|i| if i == 0 { vec![] } else { vec![i - 1] }).collect();
        let long = Dag::new(&chain).unwrap();
        assert_eq!(long.critical_path(&vec![1; n]).duration_ms, n as u64);
        assert!(long.descendants([0]).iter().all(|reached| *reached));
        let mut ring = chain;
        ring[0] = vec![n - 1];
        let GraphError::Cycle(tasks) = Dag::new(&ring).unwrap_err() else { panic!("a ring") };
        assert_eq!(tasks.len(), n);
    }

    proptest! {
        #[test]
        fn any_graph_is_ordered_or_shows_a_true_cycle(
            edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..30)
        ) {
            let mut list = vec![Vec::new(); 12];
            for (task, dependency) in edges {
                list[task].push(dependency);
            }
            match Dag::new(&list) {
                Ok(dag) => {
                    let mut place = vec![usize::MAX; list.len()];
                    for (i, &task) in dag.order().iter().enumerate() {
                        place[task] = i;
                    }
                    for (task, dependencies) in list.iter().enumerate() {
                        prop_assert!(dependencies.iter().all(|&d| place[d] < place[task]));
                    }
                }
                Err(GraphError::Cycle(cycle)) => {
                    prop_assert!(!cycle.is_empty());
                    for (i, task) in cycle.iter().enumerate() {
                        prop_assert!(list[*task].contains(&cycle[(i + 1) % cycle.len()]));
                    }
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
