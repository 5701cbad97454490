//! Cycles, by strongly connected components. petgraph's Kosaraju is iterative, so a chain of any
//! length is safe.

use crate::edges::Wait;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Tasks that wait for each other by what is written.
pub(crate) struct Cycle {
    /// The explicit edges among them, by line.
    pub(crate) edges: Vec<(usize, Wait)>,
    /// A shortest way round, by task.
    pub(crate) round: Vec<usize>,
}

/// Which tasks wait for each other.
pub(crate) struct Components {
    of: Vec<usize>,
    size: Vec<usize>,
}

impl Components {
    /// True where an edge between the two is on a cycle.
    pub(crate) fn same(&self, a: usize, b: usize) -> bool {
        self.of[a] == self.of[b] && (a == b || self.size[self.of[a]] > 1)
    }
}

/// The components of the tasks under all `edges`.
pub(crate) fn components(tasks: usize, edges: &[&[(usize, usize)]]) -> Components {
    // Where each waits for one before it, or each for one behind, there is no way back.
    let all = || edges.iter().flat_map(|edges| edges.iter());
    if all().all(|(task, on)| on < task) || all().all(|(task, on)| on > task) {
        return Components { of: (0..tasks).collect(), size: vec![1; tasks] };
    }
    let count = edges.iter().map(|edges| edges.len()).sum();
    let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(tasks, count);
    for _ in 0..tasks {
        graph.add_node(());
    }
    for (task, on) in edges.iter().flat_map(|edges| edges.iter()) {
        graph.add_edge(NodeIndex::new(*task), NodeIndex::new(*on), ());
    }
    let mut of = vec![0; tasks];
    let mut size = Vec::new();
    for (component, nodes) in kosaraju_scc(&graph).into_iter().enumerate() {
        size.push(nodes.len());
        for node in nodes {
            of[node.index()] = component;
        }
    }
    Components { of, size }
}

/// Cycles among explicit and child edges, by the line where each begins.
pub(crate) fn explicit(tasks: usize, waits: &[Vec<Wait>], child: &[(usize, usize)]) -> Vec<Cycle> {
    let written: Vec<(usize, usize)> = waits
        .iter()
        .enumerate()
        .flat_map(|(task, waits)| waits.iter().map(move |wait| (task, wait.on)))
        .collect();
    let components = components(tasks, &[&written, child]);
    let mut by_component: BTreeMap<usize, Vec<(usize, Wait)>> = BTreeMap::new();
    for (task, wait) in
        waits.iter().enumerate().flat_map(|(task, waits)| waits.iter().map(move |wait| (task, *wait)))
    {
        if components.same(task, wait.on) {
            by_component.entry(components.of[task]).or_default().push((task, wait));
        }
    }
    let mut structure: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    for (task, on) in child.iter().filter(|(task, on)| components.same(*task, *on)) {
        structure.entry(components.of[*task]).or_default().push((*task, *on));
    }
    let mut cycles: Vec<Cycle> = by_component
        .into_iter()
        .map(|(component, mut edges)| {
            edges.sort_by_key(|(task, wait)| (wait.source, wait.line, *task, wait.on));
            let round = round(&edges, structure.get(&component).map_or(&[], Vec::as_slice));
            Cycle { edges, round }
        })
        .collect();
    cycles.sort_by_key(|cycle| cycle.edges.first().map(|(_, wait)| (wait.source, wait.line)));
    cycles
}

/// A shortest way from the first edge's dependency back to its task, inside the component.
fn round(edges: &[(usize, Wait)], child: &[(usize, usize)]) -> Vec<usize> {
    let Some((start, first)) = edges.first() else { return Vec::new() };
    let mut next: HashMap<usize, Vec<usize>> = HashMap::new();
    for (task, wait) in edges {
        next.entry(*task).or_default().push(wait.on);
    }
    for (task, on) in child {
        next.entry(*task).or_default().push(*on);
    }
    let mut from = HashMap::from([(first.on, first.on)]);
    let mut open = VecDeque::from([first.on]);
    while let Some(at) = open.pop_front().filter(|at| at != start) {
        for to in next.get(&at).into_iter().flatten() {
            from.entry(*to).or_insert_with(|| {
                open.push_back(*to);
                at
            });
        }
    }
    let mut way = vec![*start];
    let mut at = *start;
    while at != first.on {
        match from.get(&at) {
            Some(before) => at = *before,
            None => break,
        }
        way.push(at);
    }
    way.reverse();
    way.insert(0, *start);
    way
}
