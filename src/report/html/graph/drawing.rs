//! Draws the DAG. A document too big for a picture is drawn with its biggest phases collapsed to one
//! node each, and says so; every task stands in the table in any case.

use super::layers;
use super::layout::{self, Frame, HEADER, Input, Layout, NODE_HEIGHT, NODE_WIDTH};
use crate::report::html::parts::{self, Page};
use crate::report::human;
use crate::report::summary::{Counts, Group};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use taskmaster_core::document::EdgeKind;
use taskmaster_core::id::TaskId;
use unicode_width::UnicodeWidthStr;

/// More nodes are no picture any more.
const MOST_NODES: usize = 400;
/// More edges are a blot.
const MOST_EDGES: usize = 4_000;
/// Columns of a title's line in a node, by the widest usual font.
const TITLE_COLUMNS: usize = 20;

/// A node of the picture.
#[derive(Clone, Copy)]
enum Node {
    Task(usize),
    Phase(usize),
}

/// An edge of the picture, by node.
struct Drawn {
    from: usize,
    to: usize,
    kind: Option<EdgeKind>,
    /// Edges of the DAG that it stands for.
    bundled: usize,
}

struct Picture {
    nodes: Vec<Node>,
    clusters: Vec<usize>,
    edges: Vec<Drawn>,
    implied: Vec<bool>,
    collapsed: BTreeSet<usize>,
}

/// The section of the graph; nothing where there are no tasks.
pub(crate) fn section(page: &Page<'_>) -> Markup {
    if page.view.tasks.is_empty() {
        return html! {};
    }
    let picture = picture(page);
    let note = note(page, &picture);
    html! {
        section id="graph" aria-labelledby="graph-h" {
            (parts::heading("graph-h", "Graph", &tally(page)))
            @if let Some(note) = &note { p.note { (note) } }
            @if picture.nodes.len() <= MOST_NODES { (drawing(page, &picture)) (legend()) }
        }
    }
}

fn tally(page: &Page<'_>) -> String {
    let tasks = human::count(page.view.tasks.len(), "task", "tasks");
    format!("{tasks}, {}", human::count(page.view.edges.len(), "dependency", "dependencies"))
}

fn picture(page: &Page<'_>) -> Picture {
    let view = page.view;
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    (0..view.tasks.len()).for_each(|at| members.entry(page.phase_of(at)).or_default().push(at));
    let collapsed = collapsed(&members, view.edges.len());
    let mut nodes = Vec::new();
    let mut clusters = Vec::new();
    let mut node_of = vec![0; view.tasks.len()];
    for (&phase, tasks) in &members {
        if collapsed.contains(&phase) {
            tasks.iter().for_each(|&task| node_of[task] = nodes.len());
            nodes.push(Node::Phase(phase));
            clusters.push(phase);
        } else {
            for &task in tasks {
                node_of[task] = nodes.len();
                nodes.push(Node::Task(task));
                clusters.push(phase);
            }
        }
    }
    let edges = edges(page, &node_of, &nodes);
    let pairs: Vec<(usize, usize)> = edges.iter().map(|edge| (edge.from, edge.to)).collect();
    // Bounded: beyond the limits nothing is drawn, or phases stand for their tasks.
    let implied = if nodes.len() <= MOST_NODES { layers::implied(nodes.len(), &pairs) } else { Vec::new() };
    Picture { nodes, clusters, edges, implied, collapsed }
}

/// The phases to collapse, biggest first, until the picture is small enough.
fn collapsed(members: &BTreeMap<usize, Vec<usize>>, edges: usize) -> BTreeSet<usize> {
    let mut nodes: usize = members.values().map(Vec::len).sum();
    if edges > MOST_EDGES {
        return members.keys().copied().collect();
    }
    let mut by_size: Vec<(usize, usize)> =
        members.iter().map(|(&phase, of_it)| (of_it.len(), phase)).collect();
    by_size.sort_by_key(|&(size, phase)| (std::cmp::Reverse(size), phase));
    let mut collapsed = BTreeSet::new();
    for (size, phase) in by_size {
        if nodes <= MOST_NODES {
            break;
        }
        nodes = nodes - size + 1;
        collapsed.insert(phase);
    }
    collapsed
}

/// The DAG's edges between the nodes of the picture: each on its own between two tasks, bundled where
/// a collapsed phase is an end, none inside a collapsed phase.
fn edges(page: &Page<'_>, node_of: &[usize], nodes: &[Node]) -> Vec<Drawn> {
    let mut edges: Vec<Drawn> = Vec::new();
    let mut bundles: HashMap<(usize, usize), usize> = HashMap::new();
    let index = |id: &TaskId| page.index.get(id).map(|&at| node_of[at]);
    for edge in &page.view.edges {
        let (Some(from), Some(to)) = (index(&edge.dependency), index(&edge.task)) else { continue };
        let single = matches!((nodes[from], nodes[to]), (Node::Task(_), Node::Task(_)));
        if single {
            edges.push(Drawn { from, to, kind: edge.kind, bundled: 1 });
        } else if from != to {
            let at = *bundles.entry((from, to)).or_insert_with(|| {
                edges.push(Drawn { from, to, kind: edge.kind, bundled: 0 });
                edges.len() - 1
            });
            edges[at].bundled += 1;
        }
    }
    edges
}

/// What the picture does not show, in words.
fn note(page: &Page<'_>, picture: &Picture) -> Option<String> {
    if picture.collapsed.is_empty() {
        return None;
    }
    if picture.nodes.len() > MOST_NODES {
        return Some(format!(
            "{} phases are too many for a picture. Every task stands in the table below.",
            picture.collapsed.len()
        ));
    }
    let drawn: usize = picture.edges.iter().map(|edge| edge.bundled).sum();
    Some(format!(
        "This document is too big to draw every task: {} drawn as one node each, the biggest first. \
         {} of {} dependencies are shown, bundled; the others lie inside those phases. Every task stands in \
         the table below.",
        human::count(picture.collapsed.len(), "phase is", "phases are"),
        drawn,
        page.view.edges.len()
    ))
}

fn drawing(page: &Page<'_>, picture: &Picture) -> Markup {
    let pairs: Vec<(usize, usize)> = picture.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    let laid =
        layout::layout(&Input { clusters: &picture.clusters, edges: &pairs, implied: &picture.implied });
    let (width, height) = (laid.width.ceil() + 2.0, laid.height.ceil() + 2.0);
    html! {
        div.scroll.canvas tabindex="0" role="region" aria-label="Graph of tasks, scrollable" {
            svg.dag width=(width) height=(height) viewBox={ "-1 -1 " (width) " " (height) }
                role="group" aria-label="Each task is a link to its row in the table; lines run from a task to what waits for it" {
                defs {
                    marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" {
                        path d="M0 1 L7 4 L0 7 Z" {}
                    }
                }
                @for (phase, frame) in &laid.frames { (frame_of(page, *phase, frame)) }
                g.edges { (all_edges(picture, &laid)) }
                @for (node, place) in picture.nodes.iter().zip(&laid.nodes) {
                    @match node {
                        Node::Task(task) => (task_node(page, *task, *place)),
                        Node::Phase(phase) => (phase_node(page, *phase, *place)),
                    }
                }
            }
        }
    }
}

/// Implied edges first, so that the others lie above them.
fn all_edges(picture: &Picture, laid: &Layout) -> Markup {
    let drawn = |implied: bool| (0..picture.edges.len()).filter(move |&at| picture.implied[at] == implied);
    html! {
        @for at in drawn(true) { (edge(picture, at, &laid.paths[at], true)) }
        @for at in drawn(false) { (edge(picture, at, &laid.paths[at], false)) }
    }
}

fn edge(picture: &Picture, at: usize, path: &str, implied: bool) -> Markup {
    let edge = &picture.edges[at];
    let class = match (edge.kind, implied) {
        (_, true) => "implied",
        (Some(EdgeKind::Explicit), _) => "explicit",
        (None, _) => "catalogue",
        _ => "plain",
    };
    // A task's number is its place in the document; a phase has none.
    let number = |node: usize| match picture.nodes[node] {
        Node::Task(task) => task.to_string(),
        Node::Phase(phase) => format!("p{phase}"),
    };
    let single = edge.bundled == 1
        && matches!((picture.nodes[edge.from], picture.nodes[edge.to]), (Node::Task(_), Node::Task(_)));
    let bundled = (!single).then_some(edge.bundled);
    html! {
        path class=(class) data-edge=[single.then(|| kind(edge.kind))] data-bundle=[bundled]
            data-from=(number(edge.from)) data-to=(number(edge.to)) d=(path) {}
    }
}

fn kind(kind: Option<EdgeKind>) -> &'static str {
    match kind {
        Some(EdgeKind::Explicit) => "explicit",
        Some(EdgeKind::Child) => "subtask",
        Some(EdgeKind::Order) => "order",
        Some(EdgeKind::Barrier) => "phase",
        None => "catalogue",
    }
}

fn frame_of(page: &Page<'_>, phase: usize, frame: &Frame) -> Markup {
    let title = page.phase_title(phase);
    let room = ((frame.width - 16.0) / 7.0) as usize;
    html! {
        g.phase {
            rect x=(frame.x) y=(frame.y) width=(round(frame.width)) height=(round(frame.height)) rx="10" {}
            text x=(round(frame.x + 11.0)) y=(round(frame.y + HEADER - 17.0)) { (parts::cut(&title, room)) title { (title) } }
        }
    }
}

fn task_node(page: &Page<'_>, at: usize, place: (f64, f64)) -> Markup {
    let task = &page.view.tasks[at];
    let group = Group::of(&task.state);
    let lines = two_lines(&task.title);
    let reason = human::reason(&task.state, &page.names).map(|reason| format!(": {reason}"));
    let title =
        format!("{} {}\n{}{}", task.ordinal, task.title, task.state.name(), reason.unwrap_or_default());
    let kind = task.kind.map_or("", human::kind);
    html! {
        a href={ "#t" (at) } data-node=(at) {
            title { (title) }
            svg.node.{ "s-" (group.name()) } x=(round(place.0)) y=(round(place.1)) width=(NODE_WIDTH) height=(NODE_HEIGHT) {
                rect.box x="0.75" y="0.75" width=(NODE_WIDTH - 1.5) height=(NODE_HEIGHT - 1.5) rx="8" {}
                use href={ "#i-" (group.name()) } x="7" y="5" width="13" height="13" {}
                text.ord x="24" y="15.5" { (parts::cut(&task.ordinal, 8)) }
                text.kind x=(NODE_WIDTH - 8.0) y="15.5" text-anchor="end" { (kind) }
                text.name x="8" y="29.5" { (lines.0) }
                @if !lines.1.is_empty() { text.name x="8" y="42.5" { (lines.1) } }
            }
        }
    }
}

fn phase_node(page: &Page<'_>, phase: usize, place: (f64, f64)) -> Markup {
    let states = page.tasks_of(phase).map(|at| &page.view.tasks[at].state);
    let counts = Counts::of(states);
    let percent = counts.percent().map_or("–".to_owned(), |percent| format!("{percent} % done"));
    let tasks = human::count(counts.total, "task", "tasks");
    html! {
        a href="#tasks" data-phase-node=(phase) {
            title { (page.phase_title(phase)) ": " (tasks) ", " (percent) }
            svg.node.{ "s-" (parts::worst(&counts).name()) } x=(round(place.0)) y=(round(place.1)) width=(NODE_WIDTH) height=(NODE_HEIGHT) {
                rect.box x="0.75" y="0.75" width=(NODE_WIDTH - 1.5) height=(NODE_HEIGHT - 1.5) rx="8" {}
                use href={ "#i-" (parts::worst(&counts).name()) } x="7" y="5" width="13" height="13" {}
                text.ord x="24" y="15.5" { (tasks) }
                text.name x="8" y="30" { (percent) }
                text.name x="8" y="43" { (if counts.failed > 0 { format!("{} failed", counts.failed) } else { String::new() }) }
            }
        }
    }
}

/// A title in two lines, the second cut. Broken at white space where that is possible.
fn two_lines(title: &str) -> (String, String) {
    let words: Vec<&str> = title.split_whitespace().collect();
    let mut first = String::new();
    let mut used = 0;
    for word in &words {
        let longer = if first.is_empty() { (*word).to_owned() } else { format!("{first} {word}") };
        if longer.width() > TITLE_COLUMNS {
            break;
        }
        first = longer;
        used += 1;
    }
    if used == 0 {
        let whole = words.join(" ");
        let head: String = parts::head(&whole, TITLE_COLUMNS).to_owned();
        let rest = parts::cut(&whole[head.len()..], TITLE_COLUMNS);
        return (head, rest);
    }
    (first, parts::cut(&words[used..].join(" "), TITLE_COLUMNS))
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn legend() -> Markup {
    html! {
        ul.legend.lines aria-label="Lines" {
            li { (line("explicit")) "written in the document" }
            li { (line("plain")) "order and phases" }
            li { (line("catalogue")) "added by the catalogue" }
            li { (line("implied")) "implied by others" }
        }
    }
}

fn line(class: &str) -> Markup {
    html! { svg.dag width="28" height="8" aria-hidden="true" { path.{ (class) } d="M1 4 H27" {} } }
}
