//! The edges of generated plans against a second reading of docs/notation.md §7, written plainly:
//! sets and searches over a model, nothing shared with the parser.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use taskmaster_core::document::{EdgeKind, Ordering};
use taskmaster_prd::{Options, parse};

/// A task of the model: its phase, its depth below, `[P]`, and what it says about dependencies.
#[derive(Clone, Debug)]
struct Model {
    phase: usize,
    heading: usize,
    parent: Option<usize>,
    parallel: bool,
    none: bool,
    waits: Vec<usize>,
}

type Edges = BTreeSet<(usize, usize)>;

fn plan() -> impl Strategy<Value = Vec<Model>> {
    let task = (
        0..3_usize,
        any::<bool>(),
        0..10_u8,
        0..3_u8,
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    );
    prop::collection::vec(task, 1..14).prop_map(|raw| {
        let count = raw.len();
        let mut tasks: Vec<Model> = Vec::new();
        let (mut phase, mut heading) = (0, 0);
        for (depth, parallel, cut, says, waits) in raw {
            phase += usize::from(cut == 0 && !tasks.is_empty());
            heading += usize::from(cut <= 1 && !tasks.is_empty());
            let mut parent = None;
            if cut > 1 && depth > 0 {
                parent = tasks.len().checked_sub(1);
                if let (Some(above), 1) = (parent, depth) {
                    parent = tasks[above].parent.or(parent);
                }
            }
            let waits = if says == 1 { waits.iter().map(|at| at.index(count)).collect() } else { Vec::new() };
            tasks.push(Model { phase, heading, parent, parallel, none: says == 2 && cut > 7, waits });
        }
        tasks
    })
}

/// The model as Markdown.
fn written(tasks: &[Model]) -> String {
    let mut text = String::new();
    let (mut phase, mut heading) = (usize::MAX, usize::MAX);
    for (at, task) in tasks.iter().enumerate() {
        if task.phase != phase {
            text.push_str(&format!("\n## Phase {}: P{}\n\n", task.phase + 1, task.phase));
        } else if task.heading != heading {
            text.push_str(&format!("\n### Part {}\n\n", task.heading));
        }
        (phase, heading) = (task.phase, task.heading);
        let ancestors = std::iter::successors(task.parent, |parent| tasks[*parent].parent).count();
        text.push_str(&"  ".repeat(ancestors));
        text.push_str(&format!("- [ ] T{at:03} {}work", if task.parallel { "[P] " } else { "" }));
        let names: Vec<String> = task.waits.iter().map(|on| format!("T{on:03}")).collect();
        if task.none {
            text.push_str(" (depends on: none)");
        } else if !names.is_empty() {
            text.push_str(&format!(" (depends on {})", names.join(", ")));
        }
        text.push('\n');
    }
    text
}

fn within(tasks: &[Model], task: usize, top: usize) -> bool {
    std::iter::successors(Some(task), |at| tasks[*at].parent).any(|at| at == top)
}

fn reaches(edges: &Edges, from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for (_, on) in edges.range((at, 0)..=(at, usize::MAX)) {
            if *on == to {
                return true;
            }
            if seen.insert(*on) {
                open.push(*on);
            }
        }
    }
    false
}

fn on_cycle(edges: &Edges, edge: (usize, usize)) -> bool {
    edge.0 == edge.1 || reaches(edges, edge.1, edge.0)
}

/// §7, step by step.
fn expected(tasks: &[Model], ordering: Ordering) -> BTreeMap<(usize, usize), EdgeKind> {
    let count = tasks.len();
    let child: Edges = (0..count).filter_map(|at| Some((tasks[at].parent?, at))).collect();
    let mut explicit = Edges::new();
    for task in 0..count {
        explicit.extend(tasks[task].waits.iter().map(|on| (task, *on)));
        for above in std::iter::successors(tasks[task].parent, |at| tasks[*at].parent) {
            let outside = tasks[above].waits.iter().filter(|on| !within(tasks, **on, above));
            explicit.extend(outside.map(|on| (task, *on)));
        }
    }
    let all: Edges = explicit.union(&child).copied().collect();
    explicit.retain(|edge| !on_cycle(&all, *edge));
    let says: Vec<bool> = (0..count)
        .map(|task| tasks[task].none || tasks[task].waits.iter().any(|on| explicit.contains(&(task, *on))))
        .collect();
    let mut order = Edges::new();
    if ordering == Ordering::Sequential {
        for task in (0..count).filter(|task| !child.iter().any(|(parent, _)| parent == task)) {
            order.extend(before(tasks, &says, task).into_iter().map(|on| (task, on)));
        }
    }
    let fixed: Edges = explicit.union(&child).copied().collect();
    let mut gone = Edges::new();
    loop {
        let inner: Edges = fixed.union(&order).copied().collect();
        let mut barrier = if ordering == Ordering::Explicit { Edges::new() } else { barriers(tasks, &inner) };
        barrier.retain(|edge| !gone.contains(edge));
        let whole: Edges = inner.union(&barrier).copied().collect();
        if let Some(edge) = order.iter().rev().find(|edge| on_cycle(&whole, **edge)).copied() {
            order.remove(&edge);
        } else if let Some(edge) = barrier.iter().rev().find(|edge| on_cycle(&whole, **edge)) {
            gone.insert(*edge);
        } else {
            let kinds = [
                (EdgeKind::Barrier, barrier),
                (EdgeKind::Order, order),
                (EdgeKind::Child, child),
                (EdgeKind::Explicit, explicit),
            ];
            return kinds
                .into_iter()
                .flat_map(|(kind, edges)| edges.into_iter().map(move |edge| (edge, kind)))
                .collect();
        }
    }
}

/// What an item depends on by document order, going up where it stands in the first group.
fn before(tasks: &[Model], says: &[bool], task: usize) -> Vec<usize> {
    if says[task] {
        return Vec::new();
    }
    let siblings: Vec<usize> = (0..tasks.len())
        .filter(|at| {
            let (one, own) = (&tasks[*at], &tasks[task]);
            one.parent == own.parent && (own.parent.is_some() || one.phase == own.phase)
        })
        .collect();
    let joined = |a: usize, b: usize| {
        let same_place = tasks[a].parent.is_some() || tasks[a].heading == tasks[b].heading;
        tasks[a].parallel && tasks[b].parallel && same_place
    };
    let mut at = siblings.iter().position(|one| *one == task).unwrap();
    while at > 0 && joined(siblings[at - 1], siblings[at]) {
        at -= 1;
    }
    if at == 0 {
        return tasks[task].parent.map_or_else(Vec::new, |parent| before(tasks, says, parent));
    }
    let mut group = vec![siblings[at - 1]];
    while at >= 2 && joined(siblings[at - 2], siblings[at - 1]) {
        group.push(siblings[at - 2]);
        at -= 1;
    }
    group
}

fn barriers(tasks: &[Model], inner: &Edges) -> Edges {
    let inside = |edge: &(usize, usize)| tasks[edge.0].phase == tasks[edge.1].phase;
    let mut edges = Edges::new();
    for phase in 1..=tasks.last().map_or(0, |task| task.phase) {
        let members = |phase: usize| (0..tasks.len()).filter(move |at| tasks[*at].phase == phase);
        for task in members(phase).filter(|task| !inner.iter().any(|edge| edge.0 == *task && inside(edge))) {
            let ends =
                members(phase - 1).filter(|end| !inner.iter().any(|edge| edge.1 == *end && inside(edge)));
            edges.extend(ends.map(|end| (task, end)));
        }
    }
    edges
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edges_are_as_a_second_reading_has_them(tasks in plan(), kind in 0..3_u8) {
        let ordering = [Ordering::Sequential, Ordering::Phases, Ordering::Explicit][usize::from(kind)];
        let text = written(&tasks);
        let parsed = parse(&text, &Options { dialect: None, ordering: Some(ordering) });
        prop_assert_eq!(parsed.document.tasks.len(), tasks.len(), "{}", text);
        let number = |id: &str| id.trim_start_matches('T').parse::<usize>().unwrap();
        let found: BTreeMap<(usize, usize), EdgeKind> = parsed
            .document
            .edges
            .iter()
            .map(|edge| ((number(edge.task.as_str()), number(edge.dependency.as_str())), edge.kind))
            .collect();
        prop_assert_eq!(found, expected(&tasks, ordering), "{}", text);
    }
}
