//! Which task of the one document is which of the other, by the rules that the ledger goes by.

use super::model::Change;
use crate::document::Document;
use crate::id::{TaskId, TaskKey};
use crate::identity::match_tasks;
use crate::journal::{KnownTask, TaskChange};
use std::collections::{BTreeMap, HashMap, HashSet};

/// One task, by its place in each document that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) base: Option<usize>,
    pub(super) head: Option<usize>,
}

/// All tasks of both sides.
#[derive(Debug)]
pub(super) struct Pairs {
    /// Those of the head in its order, then those that are gone.
    pub(super) all: Vec<Pair>,
    /// The pair of each task of the base.
    pub(super) of_base: Vec<usize>,
    /// Pairs that were found by likeness alone: what was done does not count.
    pub(super) history_only: HashSet<usize>,
    changes: BTreeMap<usize, Vec<Change>>,
}

impl Pairs {
    pub(super) fn of(base: &Document, head: &Document) -> Self {
        let mut made = 0_usize;
        let mut new_key = || {
            made += 1;
            TaskKey::new(made.to_string())
        };
        let old = match_tasks(&[], base, &mut new_key).tasks;
        let matched = match_tasks(&old, head, &mut new_key);
        let place_of: HashMap<&TaskKey, usize> =
            old.iter().enumerate().map(|(place, known)| (&known.key, place)).collect();
        let base_of = |known: &KnownTask| place_of.get(&known.key).copied();
        let mut all: Vec<Pair> = matched
            .tasks
            .iter()
            .enumerate()
            .map(|(place, known)| Pair { base: base_of(known), head: Some(place) })
            .collect();
        let mut of_base = vec![usize::MAX; old.len()];
        for (pair, sides) in all.iter().enumerate() {
            sides.base.into_iter().for_each(|place| of_base[place] = pair);
        }
        for (place, pair) in of_base.iter_mut().enumerate().filter(|(_, pair)| **pair == usize::MAX) {
            *pair = all.len();
            all.push(Pair { base: Some(place), head: None });
        }
        let head_of: HashMap<&TaskId, usize> =
            matched.tasks.iter().enumerate().map(|(place, known)| (&known.id, place)).collect();
        let history_only = matched.history_only.iter().filter_map(|found| head_of.get(&found.id).copied());
        let mut pairs = Self { history_only: history_only.collect(), all, of_base, changes: BTreeMap::new() };
        let old_places: HashMap<&TaskId, usize> =
            old.iter().enumerate().map(|(place, known)| (&known.id, place)).collect();
        for change in &matched.changes {
            pairs.note(change, &old, &head_of, &old_places);
        }
        pairs
    }

    fn note(
        &mut self,
        change: &TaskChange,
        old: &[KnownTask],
        head_of: &HashMap<&TaskId, usize>,
        old_places: &HashMap<&TaskId, usize>,
    ) {
        let (id, told) = match change {
            TaskChange::Removed { id } => {
                let pair = old_places.get(id).map(|place| self.of_base[*place]);
                pair.into_iter().for_each(|pair| self.changes.entry(pair).or_default().push(Change::Removed));
                return;
            }
            TaskChange::Added { id } => (id, Change::Added),
            TaskChange::Renamed { from, id } => {
                let before = old_places.get(from).map(|place| &old[*place]);
                let from_title = before.map(|known| known.title.clone()).unwrap_or_default();
                let carried = head_of.get(id).is_some_and(|pair| !self.history_only.contains(pair));
                (id, Change::Renamed { from: from.clone(), from_title, carried })
            }
            TaskChange::Moved { id, from_phase, to_phase } => {
                let (from, to) = (from_phase.as_str().into(), to_phase.as_str().into());
                (id, Change::Moved { from, to })
            }
            TaskChange::Reprioritised { id, from, to } => {
                (id, Change::Reprioritised { from: from.clone(), to: to.clone() })
            }
            TaskChange::Reopened { id } => (id, Change::Reopened),
        };
        if let Some(&pair) = head_of.get(id) {
            self.changes.entry(pair).or_default().push(told);
        }
    }

    /// What the matching found about a pair.
    pub(super) fn changes_of(&self, pair: usize) -> Vec<Change> {
        self.changes.get(&pair).cloned().unwrap_or_default()
    }
}
