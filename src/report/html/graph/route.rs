//! The ways of edges: curves inside a stack, rounded corners through gutters.

use super::layout::{Detour, Input, Lanes, NODE_HEIGHT, NODE_WIDTH, PAD, ROW, Stack};
use std::fmt::Write as _;

const CORNER: f64 = 6.0;

/// What the ways between stacks need to know.
pub(super) struct Way<'a> {
    pub lanes: &'a Lanes,
    pub gutter_left: &'a [f64],
    pub channel: usize,
}

/// The path of each edge, as the `d` of an SVG path.
pub(super) fn paths(
    input: &Input<'_>,
    stacks: &[Stack],
    nodes: &[(f64, f64)],
    detours: &[Detour],
    way: &Way<'_>,
) -> Vec<String> {
    let mut paths = vec![String::new(); input.edges.len()];
    for stack in stacks {
        for (&edge, bends) in stack.edges.iter().zip(&stack.laid.bends) {
            let (from, to) = input.edges[edge];
            let bends =
                bends.iter().map(|&(row, centre)| (stack.left + centre, stack.top + row as f64 * ROW));
            paths[edge] = curve(nodes[from], nodes[to], bends);
        }
    }
    let (first, last) = ends_of_rows(stacks, nodes);
    for detour in detours {
        let (from, to) = input.edges[detour.edge];
        // What stands inside a row is left by its bottom and reached by its top, so that no line
        // runs into a neighbour and seems to belong to it.
        let start = if last[from] { side(nodes[from], 1.0) } else { foot(nodes[from], 1.0) };
        let end = if first[to] { side(nodes[to], 0.0) } else { foot(nodes[to], 0.0) };
        paths[detour.edge] = rounded(&corners(detour, from, &start, &end, way));
    }
    for (path, &(from, to)) in paths.iter_mut().zip(input.edges).filter(|(path, _)| path.is_empty()) {
        *path = aside(nodes[from], nodes[to]);
    }
    paths
}

/// Which nodes are the first of their row, and which the last.
fn ends_of_rows(stacks: &[Stack], nodes: &[(f64, f64)]) -> (Vec<bool>, Vec<bool>) {
    let (mut first, mut last) = (vec![false; nodes.len()], vec![false; nodes.len()]);
    for row in stacks.iter().flat_map(|stack| &stack.rows) {
        let by_place = |a: &&usize, b: &&usize| nodes[**a].0.total_cmp(&nodes[**b].0);
        row.iter().min_by(by_place).into_iter().for_each(|&node| first[node] = true);
        row.iter().max_by(by_place).into_iter().for_each(|&node| last[node] = true);
    }
    (first, last)
}

/// The middle of the left (0) or right (1) side.
fn side(node: (f64, f64), right: f64) -> Vec<(f64, f64)> {
    vec![(node.0 + right * NODE_WIDTH, node.1 + NODE_HEIGHT / 2.0)]
}

/// From the middle of the upper (0) or lower (1) side into the space between the rows.
fn foot(node: (f64, f64), lower: f64) -> Vec<(f64, f64)> {
    let x = node.0 + NODE_WIDTH / 2.0;
    let y = node.1 + lower * NODE_HEIGHT;
    vec![(x, y), (x, y + (2.0 * lower - 1.0) * (ROW - NODE_HEIGHT) / 2.0)]
}

/// From the left side of one node to the left side of another of the same stack: for edges that are
/// implied by others (or close a cycle) and have no room of their own.
fn aside(from: (f64, f64), to: (f64, f64)) -> String {
    let (y1, y2) = (from.1 + NODE_HEIGHT / 2.0, to.1 + NODE_HEIGHT / 2.0);
    let out = from.0.min(to.0) - 2.0 * PAD;
    format!("M{:.1} {y1:.1}C{out:.1} {y1:.1} {out:.1} {y2:.1} {:.1} {y2:.1}", from.0, to.0)
}

/// From the bottom of one node to the top of another; past a row straight down beside its nodes.
fn curve(from: (f64, f64), to: (f64, f64), bends: impl Iterator<Item = (f64, f64)>) -> String {
    let mut at = (from.0 + NODE_WIDTH / 2.0, from.1 + NODE_HEIGHT);
    let mut path = format!("M{:.1} {:.1}", at.0, at.1);
    let end = (to.0 + NODE_WIDTH / 2.0, to.1);
    let mut step = |next: (f64, f64), path: &mut String| {
        if (next.0 - at.0).abs() < 0.5 {
            let _ = write!(path, "L{:.1} {:.1}", next.0, next.1);
        } else {
            let middle = (at.1 + next.1) / 2.0;
            let _ = write!(
                path,
                "C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
                at.0, next.0, next.0, next.1
            );
        }
        at = next;
    };
    for (x, y) in bends {
        step((x, y), &mut path);
        step((x, y + NODE_HEIGHT), &mut path);
    }
    step(end, &mut path);
    path
}

/// The corners of a way through gutters. `start` leads out of the source, `end` (seen from the
/// target) out of the target.
fn corners(
    detour: &Detour,
    source: usize,
    start: &[(f64, f64)],
    end: &[(f64, f64)],
    way: &Way<'_>,
) -> Vec<(f64, f64)> {
    let lane = |gutter: usize| way.gutter_left[gutter] + way.lanes.at(gutter, source);
    let height = |points: &[(f64, f64)]| points.last().map_or(0.0, |point| point.1);
    let first = lane(detour.from_gutter);
    let mut points = start.to_vec();
    points.push((first, height(start)));
    if detour.from_gutter == detour.to_gutter {
        points.push((first, height(end)));
    } else {
        let (second, above) = (lane(detour.to_gutter), way.lanes.at(way.channel, source));
        points.extend([(first, above), (second, above), (second, height(end))]);
    }
    points.extend(end.iter().rev());
    points
}

/// Straight lines with rounded corners.
fn rounded(points: &[(f64, f64)]) -> String {
    let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for window in points.windows(3) {
        let (a, b, c) = (window[0], window[1], window[2]);
        let (before, after) = (towards(b, a), towards(b, c));
        let _ = write!(
            path,
            "L{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}",
            before.0, before.1, b.0, b.1, after.0, after.1
        );
    }
    let end = points[points.len() - 1];
    let _ = write!(path, "L{:.1} {:.1}", end.0, end.1);
    path
}

/// A little way from one point towards another, at most half of it.
fn towards(from: (f64, f64), to: (f64, f64)) -> (f64, f64) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    let share = if length > 0.0 { (CORNER / length).min(0.5) } else { 0.0 };
    (from.0 + dx * share, from.1 + dy * share)
}
