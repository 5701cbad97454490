//! One stack of rows: the order inside each row (barycentres) and the place of every node.
//!
//! An edge that passes rows gets a bend in each of them, so that it runs between the nodes and not
//! behind them. Edges that share an end share their bends.

use std::collections::{BTreeMap, HashMap};

/// Sizes in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Width of a node.
    pub node: f64,
    /// Width of a bend.
    pub bend: f64,
    /// Between two items of a row.
    pub gap: f64,
}

/// A stack of rows, laid out.
#[derive(Debug)]
pub(super) struct Segment {
    /// Centre of each node by its number.
    pub centres: HashMap<usize, f64>,
    /// Bends of each edge of the input, as (row, centre), top to bottom.
    pub bends: Vec<Vec<(usize, f64)>>,
    /// Width of the whole.
    pub width: f64,
}

const SWEEPS: usize = 8;
/// A node is not pushed aside by an edge that passes it.
const NODE_WEIGHT: f64 = 1_000.0;

/// The items of all rows: nodes first, then bends.
struct Items {
    row: Vec<usize>,
    is_bend: Vec<bool>,
    /// Neighbours in the row above.
    above: Vec<Vec<usize>>,
    /// Neighbours in the row below.
    below: Vec<Vec<usize>>,
}

impl Items {
    fn add(&mut self, row: usize, is_bend: bool) -> usize {
        self.row.push(row);
        self.is_bend.push(is_bend);
        self.above.push(Vec::new());
        self.below.push(Vec::new());
        self.row.len() - 1
    }

    fn link(&mut self, upper: usize, lower: usize) {
        if !self.below[upper].contains(&lower) {
            self.below[upper].push(lower);
            self.above[lower].push(upper);
        }
    }
}

/// Lays out `rows` of node numbers; `edges` run from a higher to a lower row (by node number).
pub(super) fn layout(rows: &[Vec<usize>], edges: &[(usize, usize)], sizes: Sizes) -> Segment {
    let mut items = Items { row: vec![], is_bend: vec![], above: vec![], below: vec![] };
    let mut item_of = HashMap::new();
    for (row, nodes) in rows.iter().enumerate() {
        for &node in nodes {
            item_of.insert(node, items.add(row, false));
        }
    }
    let ways = bend(&mut items, &item_of, edges);
    let order = order(&items, rows.len());
    let (centres, width) = place(&items, &order, sizes);
    Segment {
        centres: item_of.iter().map(|(&node, &item)| (node, centres[item])).collect(),
        bends: ways
            .iter()
            .map(|way| way.iter().map(|&item| (items.row[item], centres[item])).collect())
            .collect(),
        width,
    }
}

/// Adds the bends; gives those of each edge.
fn bend(items: &mut Items, item_of: &HashMap<usize, usize>, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let ends: Vec<(usize, usize)> = edges.iter().map(|(from, to)| (item_of[from], item_of[to])).collect();
    let long = |items: &Items, (from, to): (usize, usize)| items.row[to] > items.row[from] + 1;
    let (mut leaving, mut arriving) = (HashMap::new(), HashMap::new());
    for &(from, to) in ends.iter().filter(|&&edge| long(items, edge)) {
        *leaving.entry(from).or_insert(0) += 1;
        *arriving.entry(to).or_insert(0) += 1;
    }
    // The bends of one bundle by row. A bundle leaves one node or arrives at one, never both.
    let mut bundles: BTreeMap<(usize, bool, usize), usize> = BTreeMap::new();
    let mut ways = Vec::with_capacity(ends.len());
    for &(from, to) in &ends {
        let mut way = Vec::new();
        let by_source = leaving.get(&from) >= arriving.get(&to);
        let key = if by_source { from } else { to };
        for row in items.row[from] + 1..items.row[to] {
            let bend = *bundles.entry((key, by_source, row)).or_insert_with(|| items.add(row, true));
            way.push(bend);
        }
        let mut upper = from;
        for &next in way.iter().chain([&to]) {
            items.link(upper, next);
            upper = next;
        }
        ways.push(way);
    }
    ways
}

/// Rows of items in an order with few crossings: the best of some sweeps down and up.
fn order(items: &Items, rows: usize) -> Vec<Vec<usize>> {
    let mut order = vec![Vec::new(); rows];
    for item in 0..items.row.len() {
        order[items.row[item]].push(item);
    }
    let mut best = order.clone();
    let mut fewest = crossings(items, &order);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let down = sweep % 2 == 0;
        let mut position = positions(items, &order);
        let sequence: Vec<usize> = if down { (0..rows).collect() } else { (0..rows).rev().collect() };
        for row in sequence {
            let neighbours = if down { &items.above } else { &items.below };
            let mut keyed: Vec<(f64, usize)> = order[row]
                .iter()
                .map(|&item| (mean(&neighbours[item], &position).unwrap_or(position[item]), item))
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            order[row] = keyed.into_iter().map(|(_, item)| item).collect();
            for (at, &item) in order[row].iter().enumerate() {
                position[item] = at as f64;
            }
        }
        let crossed = crossings(items, &order);
        if crossed < fewest {
            fewest = crossed;
            best.clone_from(&order);
        }
    }
    best
}

fn positions(items: &Items, order: &[Vec<usize>]) -> Vec<f64> {
    let mut position = vec![0.0; items.row.len()];
    for row in order {
        for (at, &item) in row.iter().enumerate() {
            position[item] = at as f64;
        }
    }
    position
}

fn mean(of: &[usize], values: &[f64]) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().map(|&item| values[item]).sum::<f64>() / of.len() as f64)
}

fn crossings(items: &Items, order: &[Vec<usize>]) -> usize {
    let position = positions(items, order);
    let mut crossed = 0;
    for row in order {
        let links: Vec<(f64, f64)> = row
            .iter()
            .flat_map(|&upper| items.below[upper].iter().map(move |&lower| (upper, lower)))
            .map(|(upper, lower)| (position[upper], position[lower]))
            .collect();
        for (at, a) in links.iter().enumerate() {
            crossed += links[at + 1..].iter().filter(|b| (a.0 - b.0) * (a.1 - b.1) < 0.0).count();
        }
    }
    crossed
}

/// Centres of all items and the width: each row comes as near to its neighbours as the distances
/// allow.
fn place(items: &Items, order: &[Vec<usize>], sizes: Sizes) -> (Vec<f64>, f64) {
    let half = |item: usize| if items.is_bend[item] { sizes.bend / 2.0 } else { sizes.node / 2.0 };
    let apart = |a: usize, b: usize| half(a) + half(b) + sizes.gap;
    let mut centres = vec![0.0; items.row.len()];
    for row in order {
        let total: f64 = row.windows(2).map(|pair| apart(pair[0], pair[1])).sum();
        let mut at = -total / 2.0;
        for (index, &item) in row.iter().enumerate() {
            at += if index == 0 { 0.0 } else { apart(row[index - 1], item) };
            centres[item] = at;
        }
    }
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let rows: Vec<&Vec<usize>> = if down { order.iter().collect() } else { order.iter().rev().collect() };
        for row in rows {
            let neighbours = if down { &items.above } else { &items.below };
            let wanted: Vec<(f64, f64)> = row
                .iter()
                .map(|&item| {
                    let weight = if items.is_bend[item] { 1.0 } else { NODE_WEIGHT };
                    (pull(items, item, &neighbours[item], &centres), weight)
                })
                .collect();
            let gaps: Vec<f64> = row.windows(2).map(|pair| apart(pair[0], pair[1])).collect();
            for (&item, centre) in row.iter().zip(spread(&wanted, &gaps)) {
                centres[item] = centre;
            }
        }
    }
    let left = (0..centres.len()).map(|item| centres[item] - half(item)).fold(f64::INFINITY, f64::min);
    let right = (0..centres.len()).map(|item| centres[item] + half(item)).fold(f64::NEG_INFINITY, f64::max);
    if centres.is_empty() {
        return (centres, 0.0);
    }
    (centres.into_iter().map(|centre| centre - left).collect(), right - left)
}

/// Where an item wants to stand: in line with its neighbours. To a node other nodes matter alone, so
/// that a chain stays straight beside what passes it.
fn pull(items: &Items, item: usize, neighbours: &[usize], centres: &[f64]) -> f64 {
    let nodes: Vec<usize> = neighbours.iter().copied().filter(|&other| !items.is_bend[other]).collect();
    let among = if items.is_bend[item] || nodes.is_empty() { neighbours } else { &nodes };
    mean(among, centres).unwrap_or(centres[item])
}

/// The places nearest to the wanted ones (value, weight) that keep the gaps: weighted least squares
/// under an order, by pooling adjacent violators (Ayer et al. 1955).
fn spread(wanted: &[(f64, f64)], gaps: &[f64]) -> Vec<f64> {
    // With the gaps taken out, the order alone remains.
    let mut offset = vec![0.0; wanted.len()];
    for index in 1..wanted.len() {
        offset[index] = offset[index - 1] + gaps[index - 1];
    }
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (index, &(value, weight)) in wanted.iter().enumerate() {
        let mut pool = (value - offset[index], weight, 1);
        while let Some(&(before, heavy, size)) = pools.last() {
            if before <= pool.0 {
                break;
            }
            pools.pop();
            let both = heavy + pool.1;
            pool = ((before * heavy + pool.0 * pool.1) / both, both, size + pool.2);
        }
        pools.push(pool);
    }
    let values = pools.iter().flat_map(|&(value, _, size)| std::iter::repeat_n(value, size));
    values.zip(offset).map(|(value, offset)| value + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { node: 100.0, bend: 10.0, gap: 10.0 };

    #[test]
    fn a_chain_is_straight_beside_an_edge_that_passes() {
        let rows = [vec![0], vec![1], vec![2], vec![3]];
        let segment = layout(&rows, &[(0, 1), (1, 2), (2, 3), (0, 3)], SIZES);
        let first = segment.centres[&0];
        assert!(rows.iter().flatten().all(|node| (segment.centres[node] - first).abs() < 1.0));
        let bends = &segment.bends[3];
        assert_eq!(bends.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1, 2]);
        for (row, at) in bends {
            let node = segment.centres[&rows[*row][0]];
            assert!((at - node).abs() >= 50.0 + 5.0, "the edge passes beside the node");
        }
    }

    #[test]
    fn barycentres_untangle_a_crossing() {
        let rows = [vec![0, 1], vec![2, 3]];
        let segment = layout(&rows, &[(0, 3), (1, 2)], SIZES);
        assert!(segment.centres[&3] < segment.centres[&2]);
        assert!((segment.width - 210.0).abs() < 1.0);
    }

    #[test]
    fn nodes_of_a_row_never_touch() {
        let rows = [vec![0], vec![1, 2, 3], vec![4]];
        let edges = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (0, 4)];
        let segment = layout(&rows, &edges, SIZES);
        let mut row: Vec<f64> = rows[1].iter().map(|node| segment.centres[node]).collect();
        row.sort_by(f64::total_cmp);
        assert!(row.windows(2).all(|pair| pair[1] - pair[0] >= 110.0 - 1e-6), "{row:?}");
    }

    #[test]
    fn many_edges_out_of_one_node_share_their_bends() {
        let rows: Vec<Vec<usize>> = std::iter::once(vec![0]).chain((1..6).map(|n| vec![n])).collect();
        let edges: Vec<(usize, usize)> = (1..6).map(|node| (0, node)).collect();
        let segment = layout(&rows, &edges, SIZES);
        assert_eq!(segment.bends[4][..3], segment.bends[3][..]);
    }

    #[test]
    fn spreading_is_the_least_change() {
        assert_eq!(spread(&[(0.0, 1.0), (0.0, 1.0)], &[10.0]), [-5.0, 5.0]);
        assert_eq!(spread(&[(0.0, 1.0), (50.0, 1.0)], &[10.0]), [0.0, 50.0]);
        assert_eq!(spread(&[(0.0, 3.0), (0.0, 1.0)], &[8.0]), [-2.0, 6.0]);
    }
}
