//! From clusters of nodes to places and paths.
//!
//! A cluster (a phase) is a box; boxes stand in columns by longest path, so that work flows from
//! left to right. Inside a box the nodes stand in rows by longest path, so that it flows downwards;
//! a box with too many rows is folded into several stacks. Edges inside a stack are curves; every
//! other edge takes the gutters between the stacks, and the channel above them where it has to pass
//! one, so no edge hides behind a node it does not belong to for long.

use super::layers;
use super::route::{self, Way};
use super::segment::{self, Segment, Sizes};
use std::collections::{BTreeMap, HashMap};

pub(super) const NODE_WIDTH: f64 = 148.0;
pub(super) const NODE_HEIGHT: f64 = 50.0;
pub(super) const ROW: f64 = NODE_HEIGHT + 20.0;
pub(super) const PAD: f64 = 10.0;
pub(super) const HEADER: f64 = 36.0;
const GUTTER: f64 = 18.0;
const LANE: f64 = 5.0;
const MOST_LANES: usize = 8;
const STACKED: f64 = 18.0;
const SIZES: Sizes = Sizes { node: NODE_WIDTH, bend: 10.0, gap: 10.0 };

/// What is to be laid out. Edges are (dependency, dependant).
pub(super) struct Input<'a> {
    /// The cluster of each node.
    pub clusters: &'a [usize],
    /// Edges by node.
    pub edges: &'a [(usize, usize)],
    /// Edges that need no room of their own.
    pub implied: &'a [bool],
}

/// A box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// The result, in pixels.
pub(super) struct Layout {
    pub width: f64,
    pub height: f64,
    /// Upper left corner of each node.
    pub nodes: Vec<(f64, f64)>,
    /// The box of each cluster that has nodes.
    pub frames: BTreeMap<usize, Frame>,
    /// The path of each edge, as the `d` of an SVG path.
    pub paths: Vec<String>,
}

/// A stack of rows inside a cluster.
pub(super) struct Stack {
    pub rows: Vec<Vec<usize>>,
    /// Edges that run inside it.
    pub edges: Vec<usize>,
    pub laid: Segment,
    pub left: f64,
    pub top: f64,
}

/// Where an edge runs between stacks: right of one, left of another.
pub(super) struct Detour {
    pub edge: usize,
    pub from_gutter: usize,
    pub to_gutter: usize,
}

/// Lays out.
pub(super) fn layout(input: &Input<'_>) -> Layout {
    let count = input.clusters.len();
    let fold = ((2.0 * count as f64).sqrt().ceil() as usize).max(12);
    let columns = columns(input);
    let mut stacks: Vec<Stack> = Vec::new();
    let mut stack_of = vec![0; count];
    // Stacks of each cluster, in order.
    let mut of_cluster: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (cluster, nodes) in members(input.clusters) {
        for rows in folded(input, &nodes, fold) {
            rows.iter().flatten().for_each(|&node| stack_of[node] = stacks.len());
            of_cluster.entry(cluster).or_default().push(stacks.len());
            stacks.push(Stack { rows, edges: vec![], laid: empty(), left: 0.0, top: 0.0 });
        }
    }
    for (edge, &(from, to)) in input.edges.iter().enumerate() {
        if stack_of[from] == stack_of[to] && !input.implied[edge] {
            stacks[stack_of[from]].edges.push(edge);
        }
    }
    for stack in &mut stacks {
        let edges: Vec<(usize, usize)> = stack.edges.iter().map(|&edge| input.edges[edge]).collect();
        let down = downward(&stack.rows, &edges);
        stack.edges = stack.edges.iter().zip(&down).filter(|(_, down)| **down).map(|(e, _)| *e).collect();
        let edges: Vec<(usize, usize)> = stack.edges.iter().map(|&edge| input.edges[edge]).collect();
        stack.laid = segment::layout(&stack.rows, &edges, SIZES);
    }
    let gutters = Gutters::new(&columns, &of_cluster, stacks.len());
    let detours = detours(input, &stack_of, &gutters);
    arrange(input, stacks, &columns, &of_cluster, &gutters, &detours)
}

fn empty() -> Segment {
    Segment { centres: HashMap::new(), bends: vec![], width: 0.0 }
}

fn members(clusters: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (node, &cluster) in clusters.iter().enumerate() {
        members.entry(cluster).or_default().push(node);
    }
    members
}

/// The column of each cluster.
fn columns(input: &Input<'_>) -> Vec<usize> {
    let count = input.clusters.iter().max().map_or(0, |last| last + 1);
    let between: Vec<(usize, usize)> =
        input.edges.iter().map(|&(from, to)| (input.clusters[from], input.clusters[to])).collect();
    layers::longest_path(count, &between)
}

/// The rows of a cluster, folded into stacks.
fn folded(input: &Input<'_>, nodes: &[usize], fold: usize) -> Vec<Vec<Vec<usize>>> {
    let local: HashMap<usize, usize> = nodes.iter().enumerate().map(|(at, &node)| (node, at)).collect();
    let edges: Vec<(usize, usize)> =
        input.edges.iter().filter_map(|(from, to)| Some((*local.get(from)?, *local.get(to)?))).collect();
    let alone = input.clusters.iter().all(|cluster| *cluster == input.clusters[nodes[0]]);
    let widest = if alone { 5 } else { 3 };
    let rows = layers::rows(&layers::longest_path(nodes.len(), &edges), widest);
    let rows: Vec<Vec<usize>> =
        rows.into_iter().map(|row| row.into_iter().map(|at| nodes[at]).collect()).collect();
    let stacks = rows.len().div_ceil(fold).max(1);
    rows.chunks(rows.len().div_ceil(stacks).max(1)).map(<[Vec<usize>]>::to_vec).collect()
}

/// Which edges run from a higher to a lower row; those of a cycle may not.
fn downward(rows: &[Vec<usize>], edges: &[(usize, usize)]) -> Vec<bool> {
    let row: HashMap<usize, usize> =
        rows.iter().enumerate().flat_map(|(at, row)| row.iter().map(move |&node| (node, at))).collect();
    edges.iter().map(|(from, to)| row[from] < row[to]).collect()
}

/// The spaces between stacks, numbered from left to right: each column has one before each of its
/// inner stacks, and one before itself; the last is behind the last column.
struct Gutters {
    before: Vec<usize>,
    after: Vec<usize>,
    count: usize,
}

impl Gutters {
    fn new(columns: &[usize], of_cluster: &BTreeMap<usize, Vec<usize>>, stacks: usize) -> Self {
        let last = columns.iter().max().map_or(0, |last| last + 1);
        let mut inner = vec![1; last];
        for (&cluster, of_it) in of_cluster {
            inner[columns[cluster]] = inner[columns[cluster]].max(of_it.len());
        }
        let mut first = vec![0; last + 1];
        for column in 0..last {
            first[column + 1] = first[column] + inner[column];
        }
        let (mut before, mut after) = (vec![0; stacks], vec![0; stacks]);
        for (&cluster, of_it) in of_cluster {
            let column = columns[cluster];
            for (at, &stack) in of_it.iter().enumerate() {
                before[stack] = first[column] + at;
                let is_last = at + 1 == of_it.len();
                after[stack] = if is_last { first[column + 1] } else { first[column] + at + 1 };
            }
        }
        Self { before, after, count: first[last] + 1 }
    }
}

/// The edges between stacks.
fn detours(input: &Input<'_>, stack_of: &[usize], gutters: &Gutters) -> Vec<Detour> {
    let detour = |(edge, &(from, to)): (usize, &(usize, usize))| {
        let (from, to) = (stack_of[from], stack_of[to]);
        let (from_gutter, to_gutter) = (gutters.after[from], gutters.before[to]);
        (from != to).then_some(Detour { edge, from_gutter, to_gutter })
    };
    input.edges.iter().enumerate().filter_map(detour).collect()
}

/// Gives every edge in a gutter a lane; edges out of one node share theirs.
pub(super) struct Lanes {
    of: HashMap<(usize, usize), usize>,
    used: BTreeMap<usize, usize>,
}

impl Lanes {
    fn new(input: &Input<'_>, detours: &[Detour], channel: usize) -> Self {
        let mut lanes = Self { of: HashMap::new(), used: BTreeMap::new() };
        for detour in detours {
            let source = input.edges[detour.edge].0;
            lanes.take(detour.from_gutter, source);
            if detour.from_gutter != detour.to_gutter {
                lanes.take(detour.to_gutter, source);
                lanes.take(channel, source);
            }
        }
        lanes
    }

    fn take(&mut self, gutter: usize, source: usize) {
        if !self.of.contains_key(&(gutter, source)) {
            let used = self.used.entry(gutter).or_default();
            self.of.insert((gutter, source), *used % MOST_LANES);
            *used += 1;
        }
    }

    fn count(&self, gutter: usize) -> usize {
        self.used.get(&gutter).copied().unwrap_or(0).min(MOST_LANES)
    }

    fn width(&self, gutter: usize) -> f64 {
        GUTTER + LANE * self.count(gutter) as f64
    }

    /// The middle of a lane, from the gutter's left (or upper) side.
    pub(super) fn at(&self, gutter: usize, source: usize) -> f64 {
        let lane = self.of.get(&(gutter, source)).copied().unwrap_or(0);
        GUTTER / 2.0 + LANE * (lane as f64 + 0.5)
    }
}

fn arrange(
    input: &Input<'_>,
    mut stacks: Vec<Stack>,
    columns: &[usize],
    of_cluster: &BTreeMap<usize, Vec<usize>>,
    gutters: &Gutters,
    detours: &[Detour],
) -> Layout {
    let channel = gutters.count;
    let lanes = Lanes::new(input, detours, channel);
    let top = if lanes.count(channel) > 0 { lanes.width(channel) } else { 0.0 };
    let mut gutter_left = vec![0.0; gutters.count];
    let mut frames = BTreeMap::new();
    let (mut x, mut height) = (0.0_f64, 0.0_f64);
    for column in 0..columns.iter().max().map_or(0, |last| last + 1) {
        let here: Vec<(&usize, &Vec<usize>)> =
            of_cluster.iter().filter(|(cluster, _)| columns[**cluster] == column).collect();
        let Some(first) = here.first().and_then(|(_, of_it)| of_it.first()) else { continue };
        let before = gutters.before[*first];
        gutter_left[before] = x;
        // Nothing runs before the first column of most documents: no room is wasted there.
        let lead = if column == 0 && lanes.count(before) == 0 { 0.0 } else { lanes.width(before) };
        let left = x + lead;
        let inner = inner_lefts(&here, &stacks, left + PAD, &lanes, gutters, &mut gutter_left);
        let (mut y, mut right) = (top, left);
        for (&cluster, of_it) in here {
            let frame = frame(of_it, &mut stacks, left, y, &inner);
            right = right.max(frame.x + frame.width);
            y += frame.height + STACKED;
            frames.insert(cluster, frame);
        }
        height = height.max(y - STACKED);
        x = right;
    }
    let last = gutters.count - 1;
    gutter_left[last] = x;
    let width = if lanes.count(last) > 0 { x + lanes.width(last) } else { x };
    let nodes = places(&stacks, input.clusters.len());
    let paths = route::paths(
        input,
        &stacks,
        &nodes,
        detours,
        &Way { lanes: &lanes, gutter_left: &gutter_left, channel },
    );
    Layout { width, height, nodes, frames, paths }
}

/// Left sides of the first, second … stack of a column: all clusters of the column share them.
fn inner_lefts(
    here: &[(&usize, &Vec<usize>)],
    stacks: &[Stack],
    left: f64,
    lanes: &Lanes,
    gutters: &Gutters,
    gutter_left: &mut [f64],
) -> Vec<f64> {
    let most = here.iter().map(|(_, of_it)| of_it.len()).max().unwrap_or(0);
    let mut lefts = Vec::with_capacity(most);
    let mut x = left;
    for at in 0..most {
        let in_it = || here.iter().filter_map(|(_, of_it)| of_it.get(at).copied());
        if at > 0
            && let Some(stack) = in_it().next()
        {
            let gutter = gutters.before[stack];
            gutter_left[gutter] = x;
            x += lanes.width(gutter);
        }
        lefts.push(x);
        x += in_it().map(|stack| stacks[stack].laid.width).fold(0.0, f64::max);
    }
    lefts
}

/// Places the stacks of a cluster and draws its box around them.
fn frame(of_it: &[usize], stacks: &mut [Stack], x: f64, y: f64, lefts: &[f64]) -> Frame {
    let (mut right, mut bottom) = (x, y);
    for (&stack, &left) in of_it.iter().zip(lefts) {
        let stack = &mut stacks[stack];
        (stack.left, stack.top) = (left, y + HEADER);
        right = right.max(left + stack.laid.width);
        bottom = bottom.max(stack.top + stack.rows.len() as f64 * ROW - (ROW - NODE_HEIGHT));
    }
    Frame { x, y, width: right + PAD - x, height: bottom + PAD - y }
}

fn places(stacks: &[Stack], count: usize) -> Vec<(f64, f64)> {
    let mut places = vec![(0.0, 0.0); count];
    for stack in stacks {
        for (row, nodes) in stack.rows.iter().enumerate() {
            for node in nodes {
                let x = stack.left + stack.laid.centres[node] - NODE_WIDTH / 2.0;
                places[*node] = (x, stack.top + row as f64 * ROW);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lay(clusters: &[usize], edges: &[(usize, usize)]) -> Layout {
        let implied = layers::implied(clusters.len(), edges);
        layout(&Input { clusters, edges, implied: &implied })
    }

    #[test]
    fn phases_flow_to_the_right_and_tasks_downwards() {
        let laid = lay(&[0, 0, 1], &[(0, 1), (1, 2)]);
        assert!(laid.nodes[0].1 < laid.nodes[1].1);
        assert!(laid.nodes[1].0 < laid.nodes[2].0);
        assert!(laid.frames[&0].x + laid.frames[&0].width < laid.frames[&1].x);
    }

    #[test]
    fn independent_phases_stand_below_each_other() {
        let laid = lay(&[0, 1], &[]);
        assert_eq!(laid.frames[&0].x, laid.frames[&1].x);
        assert!(laid.frames[&0].y + laid.frames[&0].height < laid.frames[&1].y);
    }

    #[test]
    fn a_long_chain_is_folded() {
        let edges: Vec<(usize, usize)> = (1..60).map(|node| (node - 1, node)).collect();
        let laid = lay(&vec![0; 60], &edges);
        assert!(laid.height < 16.0 * ROW, "{}", laid.height);
        assert!(laid.width > 3.0 * NODE_WIDTH);
    }

    #[test]
    fn nothing_at_all_is_laid_out_too() {
        assert_eq!(lay(&[], &[]).width, 0.0);
    }

    proptest! {
        #[test]
        fn nodes_never_overlap_and_every_edge_has_a_way(
            clusters in proptest::collection::vec(0usize..5, 1..60),
            raw in proptest::collection::vec((0usize..60, 0usize..60), 0..120),
        ) {
            // Any direction: cycles between clusters and inside them are part of the input.
            let count = clusters.len();
            let edges: Vec<(usize, usize)> =
                raw.into_iter().map(|(a, b)| (a % count, b % count)).filter(|(a, b)| a != b).collect();
            let laid = lay(&clusters, &edges);
            prop_assert_eq!(laid.paths.len(), edges.len());
            prop_assert!(laid.paths.iter().all(|path| path.starts_with('M') && !path.contains("NaN")));
            for (a, one) in laid.nodes.iter().enumerate() {
                for two in &laid.nodes[a + 1..] {
                    let apart = (one.0 - two.0).abs() >= NODE_WIDTH || (one.1 - two.1).abs() >= NODE_HEIGHT;
                    prop_assert!(apart, "{:?} and {:?} overlap", one, two);
                }
                let frame = laid.frames[&clusters[a]];
                prop_assert!(one.0 >= frame.x && one.0 + NODE_WIDTH <= frame.x + frame.width + 1e-6);
                prop_assert!(one.1 >= frame.y && one.1 + NODE_HEIGHT <= frame.y + frame.height + 1e-6);
                prop_assert!(frame.x + frame.width <= laid.width + 1e-6);
            }
        }
    }
}
