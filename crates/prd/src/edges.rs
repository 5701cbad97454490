//! The edges between tasks: explicit, child, order, barrier.
//!
//! Bounds: two neighbouring groups (or the ends of two phases) that would need more than
//! [`MOST_JOINED`] edges are joined through the first member of the later one; so are all, once there
//! are [`MOST_IMPLICIT`]. Explicit edges stop at [`MOST_EXPLICIT`] with an error. No text makes more
//! edges than memory can hold.

use crate::cycles::{self, Cycle};
use crate::draft::Draft;
use crate::forest::Forest;
use std::collections::{BTreeMap, HashMap, HashSet};
use taskmaster_core::document::{EdgeKind, Ordering};
use taskmaster_core::text::Span;

/// Edges between two neighbouring groups; above it they are joined through one member.
pub(crate) const MOST_JOINED: usize = 10_000;
/// Order edges, and barriers, of one document; above it every two groups are joined through one member.
pub(crate) const MOST_IMPLICIT: usize = 1_000_000;
/// Explicit edges of one document.
pub(crate) const MOST_EXPLICIT: usize = 1_000_000;
/// Steps of work for dropping edges one by one; beyond it those of a kind go together.
const MOST_WORK: usize = 1_000_000;

/// The task that waits, and the one it waits for.
type Pair = (usize, usize);
type Pairs = Vec<Pair>;

/// A written dependency: the task it names, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// Index of the task waited for.
    pub(crate) on: usize,
    /// Index of the source it is written in.
    pub(crate) source: usize,
    /// Where.
    pub(crate) span: Span,
    /// Line, from 1.
    pub(crate) line: usize,
}

/// What is written about dependencies.
pub(crate) struct Written {
    /// By waiting task.
    pub(crate) waits: Vec<Vec<Wait>>,
    /// Tasks that say that they depend on nothing.
    pub(crate) none: Vec<bool>,
    /// Phases that name what they wait for.
    pub(crate) phases: BTreeMap<usize, Vec<usize>>,
}

/// One edge by indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    /// The one that waits.
    pub(crate) task: usize,
    /// The one it waits for.
    pub(crate) on: usize,
    /// Why.
    pub(crate) kind: EdgeKind,
    /// Where it is written, else the line of the waiting task.
    pub(crate) line: usize,
}

/// All edges, and what had to go.
#[derive(Default)]
pub(crate) struct Drawn {
    /// By waiting task, then dependency; each pair once.
    pub(crate) edges: Vec<Link>,
    /// Explicit cycles.
    pub(crate) cycles: Vec<Cycle>,
    /// Implicit edges that would have closed a cycle.
    pub(crate) dropped: Vec<Link>,
    /// More edges than the bounds allow.
    pub(crate) too_many: bool,
}

/// Draws the edges of a draft.
pub(crate) fn draw(draft: &Draft, forest: &Forest, written: &Written, ordering: Ordering) -> Drawn {
    let mut drawn = Drawn::default();
    let child: Pairs = forest
        .children
        .iter()
        .enumerate()
        .flat_map(|(at, children)| children.iter().map(move |c| (at, *c)))
        .collect();
    let mut waits = inherited(forest, draft, &written.waits, &mut drawn.too_many);
    drawn.cycles = cycles::explicit(draft.tasks.len(), &waits, &child);
    let removed: HashSet<Pair> = drawn
        .cycles
        .iter()
        .flat_map(|cycle| cycle.edges.iter().map(|(task, wait)| (*task, wait.on)))
        .collect();
    for (task, waits) in waits.iter_mut().enumerate() {
        waits.retain(|wait| !removed.contains(&(task, wait.on)));
    }
    let own: Vec<bool> = (0..draft.tasks.len())
        .map(|task| {
            written.none[task] || written.waits[task].iter().any(|w| !removed.contains(&(task, w.on)))
        })
        .collect();
    let mut fixed: Pairs = waits
        .iter()
        .enumerate()
        .flat_map(|(task, waits)| waits.iter().map(move |wait| (task, wait.on)))
        .collect();
    fixed.extend(&child);
    let order = if ordering == Ordering::Sequential { order(draft, forest, &own) } else { Vec::new() };
    let barriers = Barriers::new(draft, &written.phases, ordering != Ordering::Explicit);
    let (order, barrier) = settle(draft, &fixed, order, &barriers, &mut drawn.dropped);
    drawn.too_many |= barrier.len() > 2 * MOST_IMPLICIT;
    drawn.edges = merged(draft, &waits, &child, &order, &barrier);
    drawn
}

/// Own dependencies, then those of each ancestor that lie outside it.
fn inherited(forest: &Forest, draft: &Draft, own: &[Vec<Wait>], too_many: &mut bool) -> Vec<Vec<Wait>> {
    let mut waits: Vec<Vec<Wait>> = vec![Vec::new(); own.len()];
    let mut room = MOST_EXPLICIT;
    for task in &forest.order {
        let parent = draft.tasks[*task].parent;
        if own[*task].is_empty() && parent.is_none_or(|parent| waits[parent].is_empty()) {
            continue;
        }
        let above =
            parent.into_iter().flat_map(|parent| waits[parent].iter().map(move |wait| (parent, wait)));
        let above = above.filter(|(parent, wait)| !forest.is_within(wait.on, *parent)).map(|(_, wait)| wait);
        let mut seen = HashSet::new();
        let all: Vec<Wait> =
            own[*task].iter().chain(above).filter(|wait| seen.insert(wait.on)).copied().collect();
        *too_many |= all.len() > room;
        waits[*task] = all.into_iter().take(room).collect();
        room -= waits[*task].len();
    }
    waits
}

/// Edges of document order: each item waits for the group before it.
fn order(draft: &Draft, forest: &Forest, own: &[bool]) -> Pairs {
    let groups = Groups::new(draft, forest);
    let mut waits_for: Vec<Option<usize>> = vec![None; draft.tasks.len()];
    let mut followers: Pairs = Vec::new();
    for task in &forest.order {
        let parent = draft.tasks[*task].parent;
        waits_for[*task] = match groups.before[groups.of[*task]] {
            _ if own[*task] => None,
            Some(group) => Some(group),
            None => parent.and_then(|parent| waits_for[parent]),
        };
        if let (Some(group), true) = (waits_for[*task], forest.children[*task].is_empty()) {
            followers.push((group, *task));
        }
    }
    followers.sort_unstable();
    let mut edges = Vec::new();
    for joined in followers.chunk_by(|one, next| one.0 == next.0) {
        let tasks: Vec<usize> = joined.iter().map(|(_, task)| *task).collect();
        join(&tasks, groups.members(joined[0].0), &mut edges);
    }
    edges.sort_unstable();
    edges
}

/// Every one of `tasks` waits for every one of `on`; through the first task where that is too many.
fn join(tasks: &[usize], on: &[usize], edges: &mut Pairs) {
    let Some((first, others)) = tasks.split_first() else { return };
    let count = tasks.len().saturating_mul(on.len());
    if on.len() <= 1 || (count <= MOST_JOINED && edges.len() + count <= MOST_IMPLICIT) {
        edges.extend(tasks.iter().flat_map(|task| on.iter().map(move |on| (*task, *on))));
    } else {
        edges.extend(on.iter().map(|on| (*first, *on)));
        edges.extend(others.iter().map(|task| (*task, *first)));
    }
}

/// Lists of siblings, cut into groups.
struct Groups {
    of: Vec<usize>,
    /// All lists one after the other.
    all: Vec<usize>,
    /// Where each group begins in `all`; it ends where the next one begins.
    starts: Vec<usize>,
    before: Vec<Option<usize>>,
}

impl Groups {
    fn new(draft: &Draft, forest: &Forest) -> Self {
        let mut groups = Self {
            of: vec![0; draft.tasks.len()],
            all: Vec::with_capacity(draft.tasks.len()),
            starts: Vec::new(),
            before: Vec::new(),
        };
        let mut top = vec![Vec::new(); draft.phases.len()];
        for (at, task) in draft.tasks.iter().enumerate().filter(|(_, task)| task.parent.is_none()) {
            top[task.phase].push(at);
        }
        for list in top.iter().chain(&forest.children) {
            groups.cut(draft, list);
        }
        groups
    }

    fn members(&self, group: usize) -> &[usize] {
        let end = self.starts.get(group + 1).copied().unwrap_or(self.all.len());
        &self.all[self.starts[group]..end]
    }

    fn cut(&mut self, draft: &Draft, list: &[usize]) {
        let mut last: Option<usize> = None;
        for at in list {
            let task = &draft.tasks[*at];
            let joins = last.is_some_and(|group| {
                let before = &draft.tasks[self.all[self.starts[group]]];
                let parallel = task.fields.parallel && before.fields.parallel;
                parallel && task.section == before.section && task.source == before.source
            });
            let group = match last {
                Some(group) if joins => group,
                _ => {
                    self.starts.push(self.all.len());
                    self.before.push(last);
                    self.starts.len() - 1
                }
            };
            self.all.push(*at);
            self.of[*at] = group;
            last = Some(group);
        }
    }
}

/// Which phases wait for which.
struct Barriers {
    /// Phases that hold tasks, each with its tasks and the phases before it.
    phases: Vec<(Vec<usize>, Vec<usize>)>,
}

impl Barriers {
    fn new(draft: &Draft, named: &BTreeMap<usize, Vec<usize>>, wanted: bool) -> Self {
        let mut tasks = vec![Vec::new(); draft.phases.len()];
        for (at, task) in draft.tasks.iter().enumerate() {
            tasks[task.phase].push(at);
        }
        let holding: Vec<usize> =
            (0..tasks.len()).filter(|phase| wanted && !tasks[*phase].is_empty()).collect();
        let place: HashMap<usize, usize> =
            holding.iter().enumerate().map(|(at, phase)| (*phase, at)).collect();
        let inside = Inside::new(draft, &holding);
        let mut before: Vec<Vec<usize>> =
            (0..holding.len()).map(|at| at.checked_sub(1).into_iter().collect()).collect();
        for (phase, waits) in named {
            let Some(first) = inside.of(*phase).first().and_then(|first| place.get(first)) else { continue };
            let waits =
                waits.iter().flat_map(|wait| inside.of(*wait)).filter_map(|wait| place.get(wait).copied());
            before[*first] = waits.filter(|wait| wait != first).collect();
            before[*first].sort_unstable();
            before[*first].dedup();
        }
        let phases =
            holding.iter().zip(before).map(|(phase, before)| (std::mem::take(&mut tasks[*phase]), before));
        Self { phases: phases.collect() }
    }

    /// The barriers that the other edges leave necessary.
    fn draw(&self, draft: &Draft, edges: &[&[Pair]], gone: &HashSet<Pair>) -> Pairs {
        let mut waits_inside = vec![false; draft.tasks.len()];
        let mut waited_for = vec![false; draft.tasks.len()];
        for (task, on) in edges.iter().flat_map(|edges| edges.iter()) {
            if draft.tasks[*task].phase == draft.tasks[*on].phase {
                waits_inside[*task] = true;
                waited_for[*on] = true;
            }
        }
        let mut barriers = Vec::new();
        for (tasks, before) in self.phases.iter().filter(|(_, before)| !before.is_empty()) {
            let first: Vec<usize> = tasks.iter().copied().filter(|task| !waits_inside[*task]).collect();
            let ends = before.iter().flat_map(|phase| self.phases[*phase].0.iter().copied());
            let ends: Vec<usize> = ends.filter(|task| !waited_for[*task]).collect();
            if barriers.len() > 2 * MOST_IMPLICIT {
                break;
            }
            join(&first, &ends, &mut barriers);
        }
        barriers.retain(|edge| !gone.contains(edge));
        barriers.sort_unstable();
        barriers.dedup();
        barriers
    }
}

/// Phases that hold tasks inside each phase, itself included, in document order.
struct Inside(Vec<Vec<usize>>);

impl Inside {
    fn new(draft: &Draft, holding: &[usize]) -> Self {
        let mut inside = vec![Vec::new(); draft.phases.len()];
        for phase in holding {
            let mut at = Some(*phase);
            while let Some(one) = at {
                inside[one].push(*phase);
                at = draft.phases[one].parent;
            }
        }
        Self(inside)
    }

    fn of(&self, phase: usize) -> &[usize] {
        self.0.get(phase).map_or(&[], Vec::as_slice)
    }
}

/// Drops implicit edges until no cycle is left: the latest order edge on one goes, and barriers are
/// drawn anew; where no order edge is on a cycle, the latest barrier.
fn settle(
    draft: &Draft,
    fixed: &[Pair],
    mut order: Pairs,
    barriers: &Barriers,
    dropped: &mut Vec<Link>,
) -> (Pairs, Pairs) {
    let mut gone = HashSet::new();
    let mut work = 0_usize;
    loop {
        let barrier = barriers.draw(draft, &[fixed, &order], &gone);
        let component = cycles::components(draft.tasks.len(), &[fixed, &order, &barrier]);
        work += draft.tasks.len() + fixed.len() + order.len() + barrier.len();
        let on_cycle = |edge: &&Pair| component.same(edge.0, edge.1);
        let one_by_one = if work > MOST_WORK { usize::MAX } else { 1 };
        let mut latest = |edges: &[Pair], kind| -> HashSet<Pair> {
            let drop: Pairs = edges.iter().rev().filter(on_cycle).take(one_by_one).copied().collect();
            let link = |(task, on): &Pair| Link { task: *task, on: *on, kind, line: draft.tasks[*task].line };
            dropped.extend(drop.iter().map(link));
            drop.into_iter().collect()
        };
        let drop = latest(&order, EdgeKind::Order);
        if !drop.is_empty() {
            order.retain(|edge| !drop.contains(edge));
            continue;
        }
        let drop = latest(&barrier, EdgeKind::Barrier);
        if drop.is_empty() {
            return (order, barrier);
        }
        gone.extend(drop);
    }
}

/// All kinds together, sorted; of a pair the first kind stays.
fn merged(draft: &Draft, waits: &[Vec<Wait>], child: &[Pair], order: &[Pair], barrier: &[Pair]) -> Vec<Link> {
    let mut edges: Vec<Link> = Vec::new();
    for (task, waits) in waits.iter().enumerate() {
        edges.extend(waits.iter().map(|wait| Link {
            task,
            on: wait.on,
            kind: EdgeKind::Explicit,
            line: wait.line,
        }));
    }
    for (kind, pairs) in [(EdgeKind::Child, child), (EdgeKind::Order, order), (EdgeKind::Barrier, barrier)] {
        edges.extend(pairs.iter().map(|(task, on)| Link {
            task: *task,
            on: *on,
            kind,
            line: draft.tasks[*task].line,
        }));
    }
    edges.sort_unstable();
    edges.dedup_by_key(|edge| (edge.task, edge.on));
    edges
}
