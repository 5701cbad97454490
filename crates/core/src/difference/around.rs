//! The changed tasks among their neighbours: what a picture shows, bounded.

use super::Side;
use super::model::TieKind;
use super::pairs::Pairs;
use super::ties::Ties;
use crate::document::{Document, Phase, Task};
use crate::id::{PhaseId, TaskId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most tasks and counts of phases in a picture.
pub const MOST_NODES: usize = 60;

/// Why a task is in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Only the head has it.
    Added,
    /// Only the base had it.
    Removed,
    /// Something about it differs.
    Changed,
    /// It waits for a changed task, or a changed one for it.
    Neighbour,
}

/// One task of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its address: in the head, or in the base where it is gone.
    pub id: TaskId,
    /// Its phase there.
    pub phase: PhaseId,
    /// Why it is shown.
    pub role: Role,
}

/// What became of a tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TieFate {
    /// It is on both sides, or follows from the order of the document.
    Kept,
    /// It is new.
    Gained,
    /// It is gone.
    Lost,
}

/// A tie between two tasks of the picture, by their places in [`Around::nodes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The one that waits.
    pub task: usize,
    /// The one it waits for.
    pub dependency: usize,
    /// What became of it.
    pub fate: TieFate,
}

/// A phase of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseRest {
    /// Which.
    pub phase: PhaseId,
    /// How many of its tasks are counted instead of shown; those that are not even counted are in
    /// [`Around::others_left_out`].
    pub others: usize,
    /// Phases of the picture that it waits for, by their places in [`Around::phases`].
    pub after: Vec<usize>,
}

/// The changed tasks, their neighbours, and how many there are besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Around {
    /// Tasks in the order of the documents, the head's first.
    pub nodes: Vec<Node>,
    /// Ties between them. Those between whole phases are in [`PhaseRest::after`].
    pub lines: Vec<Line>,
    /// Phases that hold tasks, in the order of the documents, the head's first.
    pub phases: Vec<PhaseRest>,
    /// Changed tasks that found no room.
    pub changed_left_out: usize,
    /// Other tasks that are not even counted in a phase.
    pub others_left_out: usize,
}

struct Places<'a> {
    base: &'a Document,
    head: &'a Document,
    pairs: &'a Pairs,
}

impl<'a> Places<'a> {
    fn task(&self, pair: usize) -> Option<&'a Task> {
        let sides = self.pairs.all[pair];
        match (sides.head, sides.base) {
            (Some(place), _) => self.head.tasks.get(place),
            (None, Some(place)) => self.base.tasks.get(place),
            (None, None) => None,
        }
    }

    fn phases(&self) -> Vec<&'a Phase> {
        let gone = self.base.phases.iter().filter(|phase| self.head.phase(phase.id.as_str()).is_none());
        self.head.phases.iter().chain(gone).collect()
    }
}

/// Finds what to show around the changed pairs.
pub(super) fn around(
    base: &Side<'_>,
    head: &Side<'_>,
    pairs: &Pairs,
    ties: &Ties,
    changed: &[usize],
) -> Around {
    let places = Places { base: base.document, head: head.document, pairs };
    let lines = lines(ties);
    let mut touched: BTreeSet<usize> = changed.iter().copied().collect();
    for ((task, _), fate) in &lines {
        // Who waits for something else than before has changed, too.
        if *fate != TieFate::Kept {
            touched.insert(*task);
        }
    }
    let mut neighbours = BTreeSet::new();
    for (task, dependency) in lines.keys() {
        match (touched.contains(task), touched.contains(dependency)) {
            (true, false) => drop(neighbours.insert(*dependency)),
            (false, true) => drop(neighbours.insert(*task)),
            _ => {}
        }
    }
    if touched.is_empty() {
        return Around::default();
    }
    let room = MOST_NODES;
    let shown_changed: Vec<usize> = touched.iter().copied().take(room * 2 / 3).collect();
    let near: Vec<usize> = neighbours.into_iter().take(room / 4).collect();
    let mut shown: Vec<usize> = shown_changed.iter().chain(&near).copied().collect();
    shown.sort_unstable();
    let mut around = Around { changed_left_out: touched.len() - shown_changed.len(), ..Around::default() };
    around.nodes = shown.iter().filter_map(|pair| node(&places, *pair, &touched)).collect();
    let place_of: BTreeMap<usize, usize> = shown.iter().enumerate().map(|(at, pair)| (*pair, at)).collect();
    let drawn = lines.iter().filter_map(|((task, dependency), fate)| {
        Some(Line { task: *place_of.get(task)?, dependency: *place_of.get(dependency)?, fate: *fate })
    });
    around.lines = drawn.collect();
    phases(&mut around, &places, ties, room - shown.len());
    around
}

/// Every tie but the barriers between phases, and what became of it.
fn lines(ties: &Ties) -> BTreeMap<(usize, usize), TieFate> {
    let near = |kind: &TieKind| *kind != TieKind::Barrier;
    let kept = ties.head.iter().filter(|(_, kind)| near(kind)).map(|(ends, kind)| {
        let is_new = kind.is_written() && !ties.base.contains_key(ends);
        (*ends, if is_new { TieFate::Gained } else { TieFate::Kept })
    });
    let gone = ties.base.iter().filter(|(ends, kind)| kind.is_written() && !ties.head.contains_key(*ends));
    kept.chain(gone.map(|(ends, _)| (*ends, TieFate::Lost))).collect()
}

fn node(places: &Places<'_>, pair: usize, touched: &BTreeSet<usize>) -> Option<Node> {
    let task = places.task(pair)?;
    let sides = places.pairs.all[pair];
    let role = match (sides.base, sides.head) {
        _ if !touched.contains(&pair) => Role::Neighbour,
        (None, _) => Role::Added,
        (_, None) => Role::Removed,
        _ => Role::Changed,
    };
    Some(Node { id: task.id.clone(), phase: task.phase.clone(), role })
}

/// Counts what is not shown, phase by phase: beside shown tasks first where there is too little room.
fn phases(around: &mut Around, places: &Places<'_>, ties: &Ties, mut room: usize) {
    let mut others: BTreeMap<&PhaseId, usize> = BTreeMap::new();
    for task in &places.head.tasks {
        *others.entry(&task.phase).or_default() += 1;
    }
    let mut shown: BTreeSet<&PhaseId> = BTreeSet::new();
    for node in &around.nodes {
        shown.insert(&node.phase);
        if let Some(others) = others.get_mut(&node.phase).filter(|_| node.role != Role::Removed) {
            *others -= 1;
        }
    }
    let all = places.phases();
    let count = |phase: &PhaseId| others.get(phase).copied().unwrap_or(0);
    let mut counted: BTreeSet<&PhaseId> = BTreeSet::new();
    for beside in [true, false] {
        let of_kind = all.iter().map(|phase| &phase.id).filter(|id| shown.contains(id) == beside);
        for phase in of_kind.filter(|id| count(id) > 0).take(room).collect::<Vec<_>>() {
            room -= 1;
            counted.insert(phase);
        }
    }
    let kept: Vec<&PhaseId> =
        all.iter().map(|phase| &phase.id).filter(|id| shown.contains(id) || counted.contains(id)).collect();
    let others_of = |phase: &PhaseId| if counted.contains(phase) { count(phase) } else { 0 };
    let after = barriers(places, ties, &kept);
    let phases: Vec<PhaseRest> = kept
        .iter()
        .zip(after)
        .map(|(phase, after)| PhaseRest { phase: (*phase).clone(), others: others_of(phase), after })
        .collect();
    let all_others: usize = others.values().sum();
    around.others_left_out = all_others - phases.iter().map(|phase| phase.others).sum::<usize>();
    around.phases = phases;
}

/// Which of these phases wait for which, by the order of the document.
fn barriers(places: &Places<'_>, ties: &Ties, phases: &[&PhaseId]) -> Vec<Vec<usize>> {
    let place: BTreeMap<&PhaseId, usize> = phases.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut after = vec![BTreeSet::new(); phases.len()];
    for ((task, dependency), _) in ties.head.iter().filter(|(_, kind)| **kind == TieKind::Barrier) {
        let phase = |pair: usize| places.task(pair).and_then(|task| place.get(&task.phase)).copied();
        if let (Some(task), Some(dependency)) = (phase(*task), phase(*dependency))
            && task != dependency
        {
            after[task].insert(dependency);
        }
    }
    after.into_iter().map(|places| places.into_iter().collect()).collect()
}
