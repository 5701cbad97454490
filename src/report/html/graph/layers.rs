//! Which column a cluster and which row a node stands in: longest-path layering.

use std::collections::{BTreeSet, HashSet};

/// The layer of every node: one more than the deepest of what it waits for. Edges are
/// (dependency, dependant). Edges that close a cycle are ignored, lowest index first, so that any
/// input has layers.
pub(super) fn longest_path(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut successors = vec![Vec::new(); count];
    let mut missing = vec![0usize; count];
    let unique: HashSet<(usize, usize)> = edges.iter().copied().filter(|(from, to)| from != to).collect();
    for &(from, to) in &unique {
        successors[from].push(to);
        missing[to] += 1;
    }
    let mut layer = vec![0; count];
    let mut ready: BTreeSet<usize> = (0..count).filter(|&node| missing[node] == 0).collect();
    let mut open: BTreeSet<usize> = (0..count).collect();
    while let Some(node) = ready.pop_first().or_else(|| open.first().copied()) {
        open.remove(&node);
        for &next in successors[node].iter().filter(|next| open.contains(next)) {
            layer[next] = layer[next].max(layer[node] + 1);
            missing[next] -= 1;
            if missing[next] == 0 {
                ready.insert(next);
            }
        }
    }
    layer
}

/// Rows of at most `widest` nodes, top to bottom; nodes of one layer that do not fit beside each
/// other follow below each other, which keeps every edge pointing down.
pub(super) fn rows(layers: &[usize], widest: usize) -> Vec<Vec<usize>> {
    let deepest = layers.iter().max().map_or(0, |deepest| deepest + 1);
    let mut by_layer = vec![Vec::new(); deepest];
    for (node, &layer) in layers.iter().enumerate() {
        by_layer[layer].push(node);
    }
    by_layer.iter().flat_map(|layer| layer.chunks(widest.max(1)).map(<[usize]>::to_vec)).collect()
}

/// Which edges are implied by a longer way (transitive reduction). Edges are (dependency,
/// dependant) of a graph without cycles; an edge written twice is implied from the second on.
pub(in crate::report) fn implied(count: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    let mut successors = vec![Vec::new(); count];
    for &(from, to) in edges {
        successors[from].push(to);
    }
    let reach = reachable(&successors, &longest_path(count, edges));
    let mut seen = HashSet::new();
    edges
        .iter()
        .map(|&(from, to)| {
            let longer = successors[from].iter().any(|&via| via != to && reach[via].contains(to));
            !seen.insert((from, to)) || longer
        })
        .collect()
}

/// A set of node numbers as bits.
#[derive(Clone)]
struct Bits(Vec<u64>);

impl Bits {
    fn contains(&self, node: usize) -> bool {
        self.0[node / 64] >> (node % 64) & 1 == 1
    }

    fn insert(&mut self, node: usize) {
        self.0[node / 64] |= 1 << (node % 64);
    }

    fn extend(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

/// What can be reached from each node, itself not included.
fn reachable(successors: &[Vec<usize>], layers: &[usize]) -> Vec<Bits> {
    let count = successors.len();
    let mut reach = vec![Bits(vec![0; count.div_ceil(64)]); count];
    let mut deepest_first: Vec<usize> = (0..count).collect();
    deepest_first.sort_by_key(|&node| std::cmp::Reverse(layers[node]));
    for node in deepest_first {
        let mut mine = reach[node].clone();
        for &next in successors[node].iter().filter(|&&next| layers[next] > layers[node]) {
            mine.insert(next);
            mine.extend(&reach[next]);
        }
        reach[node] = mine;
    }
    reach
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_with_a_shortcut() {
        let edges = [(0, 1), (1, 2), (0, 2)];
        assert_eq!(longest_path(3, &edges), [0, 1, 2]);
        assert_eq!(implied(3, &edges), [false, false, true]);
        assert_eq!(rows(&[0, 1, 1, 1, 2], 2), [vec![0], vec![1, 2], vec![3], vec![4]]);
    }

    #[test]
    fn a_cycle_still_has_layers() {
        let layers = longest_path(3, &[(0, 1), (1, 2), (2, 0)]);
        assert_eq!(layers, [0, 1, 2]);
    }

    /// Edges from lower to higher numbers: never a cycle.
    fn dag() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (2usize..30).prop_flat_map(|count| {
            let edge = (0..count - 1).prop_flat_map(move |from| (Just(from), from + 1..count));
            (Just(count), proptest::collection::vec(edge, 0..60))
        })
    }

    /// Whether `to` is reached without the direct edge, by plain search.
    fn detour(edges: &[(usize, usize)], from: usize, to: usize) -> bool {
        let mut open: Vec<usize> =
            edges.iter().filter(|(f, t)| *f == from && *t != to).map(|(_, t)| *t).collect();
        let mut seen = HashSet::new();
        while let Some(node) = open.pop() {
            if node == to {
                return true;
            }
            if seen.insert(node) {
                open.extend(edges.iter().filter(|(f, _)| *f == node).map(|(_, t)| *t));
            }
        }
        false
    }

    proptest! {
        #[test]
        fn every_edge_points_to_a_deeper_row((count, edges) in dag(), widest in 1usize..5) {
            let layers = longest_path(count, &edges);
            let rows = rows(&layers, widest);
            let row = |node: usize| rows.iter().position(|row| row.contains(&node)).unwrap();
            for &(from, to) in &edges {
                prop_assert!(layers[from] < layers[to]);
                prop_assert!(row(from) < row(to));
            }
            prop_assert_eq!(rows.iter().map(Vec::len).sum::<usize>(), count);
            prop_assert!(rows.iter().all(|row| row.len() <= widest));
        }

        #[test]
        fn an_edge_is_implied_exactly_when_there_is_a_detour((count, edges) in dag()) {
            let mut unique = edges;
            unique.sort_unstable();
            unique.dedup();
            let implied = implied(count, &unique);
            for (&(from, to), implied) in unique.iter().zip(implied) {
                prop_assert_eq!(implied, detour(&unique, from, to));
            }
        }
    }
}
