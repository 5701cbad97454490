//! Who waits for whom on each side, and what of it is new or gone.

use super::Side;
use super::model::{Tie, TieKind};
use super::pairs::{Pair, Pairs};
use crate::dag::{Dag, GraphError};
use crate::document::{Document, EdgeKind};
use crate::id::TaskId;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// `(waits, for)` by pair, with the plainest reason.
pub(super) type Ends = BTreeMap<(usize, usize), TieKind>;

/// The ties of both sides.
pub(super) struct Ties {
    pub(super) base: Ends,
    pub(super) head: Ends,
}

pub(super) fn compare(base: &Side<'_>, head: &Side<'_>, pairs: &Pairs) -> Ties {
    let of_head: Vec<usize> = (0..head.document.tasks.len()).collect();
    Ties { base: ends(base, &pairs.of_base), head: ends(head, &of_head) }
}

/// Every edge of a side, as resolving draws them; its tasks renamed to their pairs.
fn ends(side: &Side<'_>, pair_of: &[usize]) -> Ends {
    let document = side.document;
    let place: HashMap<&TaskId, usize> =
        document.tasks.iter().enumerate().map(|(place, task)| (&task.id, place)).collect();
    let mut ends = Ends::new();
    let mut add = |task: &TaskId, dependency: &TaskId, kind: TieKind| {
        if let (Some(task), Some(dependency)) = (place.get(task), place.get(dependency)) {
            let known = ends.entry((pair_of[*task], pair_of[*dependency])).or_insert(kind);
            *known = kind.min(*known);
        }
    };
    for edge in &document.edges {
        add(&edge.task, &edge.dependency, kind(edge.kind));
    }
    let drawn: BTreeSet<(&TaskId, &TaskId)> =
        document.edges.iter().map(|edge| (&edge.task, &edge.dependency)).collect();
    for task in &document.tasks {
        // Whoever made the document may have drawn no edges.
        for dependency in task.dependencies.iter().filter(|id| !drawn.contains(&(&task.id, *id))) {
            add(&task.id, dependency, TieKind::Written);
        }
        task.parent.iter().for_each(|parent| add(parent, &task.id, TieKind::Subtask));
    }
    for binding in side.bindings.values() {
        let reads = |id: &TaskId| if binding.awaits.contains(id) { TieKind::Reads } else { TieKind::Needs };
        binding.needs.iter().chain(&binding.awaits).for_each(|need| add(&binding.task, need, reads(need)));
    }
    ends
}

fn kind(kind: EdgeKind) -> TieKind {
    match kind {
        EdgeKind::Explicit => TieKind::Written,
        EdgeKind::Child => TieKind::Subtask,
        EdgeKind::Order => TieKind::Order,
        EdgeKind::Barrier => TieKind::Barrier,
    }
}

impl Ties {
    /// Written ties that only the head has (`gained`), or only the base. Those of a task that is gone went
    /// with it.
    pub(super) fn written(&self, base: &Side<'_>, head: &Side<'_>, pairs: &Pairs, gained: bool) -> Vec<Tie> {
        let (own, other) = if gained { (&self.head, &self.base) } else { (&self.base, &self.head) };
        let id = |pair: usize| match (pairs.all[pair], gained) {
            (Pair { head: Some(place), .. }, true) => Some(id_of(head.document, place)),
            (Pair { base: Some(place), .. }, false) => Some(id_of(base.document, place)),
            _ => None,
        };
        let told = own.iter().filter(|(ends, kind)| {
            kind.is_written() && !other.contains_key(*ends) && pairs.all[ends.0].head.is_some()
        });
        told.filter_map(|(&(task, dependency), kind)| {
            Some(Tie { task: id(task)?, dependency: id(dependency)?, kind: *kind })
        })
        .collect()
    }

    /// Tasks of both sides that wait for others of both sides than before, by order alone. What stands
    /// between two tasks, or stands there no more, changes nothing about which of them comes first.
    pub(super) fn reordered(&self, head: &Side<'_>, pairs: &Pairs) -> Result<Vec<TaskId>, GraphError> {
        let mut tasks = changed_order(&self.head, &self.base, pairs)?;
        tasks.extend(changed_order(&self.base, &self.head, pairs)?);
        Ok(tasks.into_iter().filter_map(|pair| Some(id_of(head.document, pairs.all[pair].head?))).collect())
    }
}

/// Tasks that wait by order, on their own side, for one that they do not wait for on the other, however
/// far.
fn changed_order(own: &Ends, other: &Ends, pairs: &Pairs) -> Result<BTreeSet<usize>, GraphError> {
    let both = |pair: usize| pairs.all[pair].base.is_some() && pairs.all[pair].head.is_some();
    let implied = own.iter().filter(|(ends, kind)| !kind.is_written() && !other.contains_key(*ends));
    let implied: Vec<(usize, usize)> =
        implied.map(|(ends, _)| *ends).filter(|(a, b)| both(*a) && both(*b)).collect();
    if implied.is_empty() {
        return Ok(BTreeSet::new());
    }
    let before = everything_before(other, pairs.all.len())?;
    let is_new = |(task, dependency): &(usize, usize)| !before[*task].contains(*dependency);
    Ok(implied.into_iter().filter(is_new).map(|(task, _)| task).collect())
}

/// For every task all that it waits for, however far.
fn everything_before(ends: &Ends, tasks: usize) -> Result<Vec<Bits>, GraphError> {
    let mut dependencies = vec![Vec::new(); tasks];
    ends.keys().for_each(|(task, dependency)| dependencies[*task].push(*dependency));
    let dag = Dag::new(&dependencies)?;
    let mut before = vec![Bits::default(); tasks];
    for &task in dag.order() {
        let mut all = Bits(vec![0; tasks.div_ceil(64)]);
        for &dependency in &dependencies[task] {
            all.join(&before[dependency]);
            all.insert(dependency);
        }
        before[task] = all;
    }
    Ok(before)
}

/// A set of small numbers.
#[derive(Clone, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn insert(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    fn contains(&self, number: usize) -> bool {
        self.0[number / 64] & (1 << (number % 64)) != 0
    }

    fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

fn id_of(document: &Document, place: usize) -> TaskId {
    document.tasks[place].id.clone()
}
