//! Which task of an edited document is which: keys that outlive edits.
//!
//! The same id first, whether written in the text or made of phase and title; then the same title;
//! then a title that is alike, as Git finds renamed files. A key found by title alone carries the
//! history of the task, never its completion: `deploy to staging` and `deploy to production` are too
//! like each other for evidence about one to be evidence about the other.
//!
//! Absent on purpose: a guess which of two tasks with the same title in the same phase is which. Their
//! ids are numbered in document order, and that decides.

use crate::document::{Claim, Document, Priority, Task};
use crate::id::{TaskId, TaskKey};
use crate::journal::{KnownTask, TaskChange};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The tasks of a new revision with the ledger's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// Key of every task of the new revision.
    pub keys: BTreeMap<TaskId, TaskKey>,
    /// The tasks of the new revision, in document order, for [`crate::journal::Record::DocumentParsed`].
    pub tasks: Vec<KnownTask>,
    /// What differs from the old revision.
    pub changes: Vec<TaskChange>,
    /// Keys kept by position and similarity alone: their history is shown, their completion is not
    /// carried. Each has a [`TaskChange::Renamed`] whose `from` differs from `id`, by which
    /// the ledger drops the completion.
    pub history_only: Vec<SimilarityMatch>,
}

/// A task that was recognised by its likeness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimilarityMatch {
    /// The key, kept.
    pub key: TaskKey,
    /// Its address before.
    pub from: TaskId,
    /// Its address now.
    pub id: TaskId,
}

/// Least likeness of two titles (Sørensen–Dice over pairs of letters, case aside) for one task to be
/// taken for the other. Git detects a renamed file at half; titles are short and share words such as
/// `install` or `deploy`, so they must agree in more.
pub const LEAST_LIKENESS: f64 = 0.6;

/// Most pairs of titles that are compared. Beyond, each task is compared with those nearest to its
/// place only.
const MOST_PAIRS: usize = 40_000;

/// Gives every task of `new` its key: that of the old task with the same id, else of one that is
/// alike, else a fresh one from `new_key`.
///
/// An edit elsewhere in the document changes no key: ids are matched first, and what they matched is
/// out of the reach of likeness.
pub fn match_tasks(old: &[KnownTask], new: &Document, new_key: &mut dyn FnMut() -> TaskKey) -> Matched {
    let mut pairing = Pairing::by_id(old, &new.tasks);
    let by_id = pairing.old_of.clone();
    pairing.by_same_title(old, &new.tasks);
    pairing.by_like_title(old, &new.tasks);
    let moved = moved_in_place(&pairing.old_of);
    let mut matched = Matched::default();
    for (place, task) in new.tasks.iter().enumerate() {
        let before = pairing.old_of[place].map(|i| &old[i]);
        let key = before.map_or_else(&mut *new_key, |known| known.key.clone());
        match before {
            None => matched.changes.push(TaskChange::Added { id: task.id.clone() }),
            Some(known) => matched.changes.extend(changes(known, task, moved[place])),
        }
        if let (Some(known), None) = (before, by_id[place]) {
            let (key, from, id) = (key.clone(), known.id.clone(), task.id.clone());
            matched.history_only.push(SimilarityMatch { key, from, id });
        }
        matched.keys.insert(task.id.clone(), key.clone());
        matched.tasks.push(known(task, key));
    }
    let gone = old.iter().zip(&pairing.taken).filter(|(_, taken)| !**taken);
    matched.changes.extend(gone.map(|(known, _)| TaskChange::Removed { id: known.id.clone() }));
    matched
}

/// Which old task each new one is.
struct Pairing {
    old_of: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Pairing {
    fn by_id(old: &[KnownTask], new: &[Task]) -> Self {
        let index: HashMap<&TaskId, usize> =
            old.iter().enumerate().map(|(i, known)| (&known.id, i)).collect();
        let mut pairing = Self { old_of: vec![None; new.len()], taken: vec![false; old.len()] };
        for (place, task) in new.iter().enumerate() {
            if let Some(&i) = index.get(&task.id) {
                pairing.pair(place, i);
            }
        }
        pairing
    }

    fn pair(&mut self, place: usize, old: usize) {
        if !std::mem::replace(&mut self.taken[old], true) {
            self.old_of[place] = Some(old);
        }
    }

    fn open_old(&self) -> Vec<usize> {
        (0..self.taken.len()).filter(|&i| !self.taken[i]).collect()
    }

    fn open_new(&self) -> Vec<usize> {
        (0..self.old_of.len()).filter(|&i| self.old_of[i].is_none()).collect()
    }

    /// A task whose id changed with its phase, or that lost a number to a twin, has its title still.
    fn by_same_title(&mut self, old: &[KnownTask], new: &[Task]) {
        let mut titles: HashMap<String, VecDeque<usize>> = HashMap::new();
        for i in self.open_old() {
            titles.entry(old[i].title.to_lowercase()).or_default().push_back(i);
        }
        for place in self.open_new() {
            let found = titles.get_mut(&new[place].title.to_lowercase()).and_then(VecDeque::pop_front);
            if let Some(i) = found {
                self.pair(place, i);
            }
        }
    }

    /// The likest first, the same phase and the nearer place being preferred.
    fn by_like_title(&mut self, old: &[KnownTask], new: &[Task]) {
        let (open_old, open_new) = (self.open_old(), self.open_new());
        let mut found: Vec<(f64, usize, usize)> = Vec::new();
        for (nth, &place) in open_new.iter().enumerate() {
            for &i in near(&open_old, nth, open_new.len()) {
                let likeness =
                    strsim::sorensen_dice(&old[i].title.to_lowercase(), &new[place].title.to_lowercase());
                if likeness >= LEAST_LIKENESS {
                    let same_phase = f64::from(u8::from(old[i].phase == new[place].phase.as_str()));
                    let nearness = 1.0 - (share(i, old.len()) - share(place, new.len())).abs();
                    found.push((likeness + 0.1 * same_phase + 0.1 * nearness, place, i));
                }
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (_, place, i) in found {
            if self.old_of[place].is_none() {
                self.pair(place, i);
            }
        }
    }
}

/// How far down a list of so many something stands, from 0 to 1.
fn share(place: usize, of: usize) -> f64 {
    let whole = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    whole(place) / whole(of.max(1))
}

/// Those of the open old tasks with which the `nth` of `of` open new ones is compared.
fn near(open_old: &[usize], nth: usize, of: usize) -> &[usize] {
    let most = (MOST_PAIRS / of.max(1)).max(1);
    if open_old.len() <= most {
        return open_old;
    }
    let middle = nth * open_old.len() / of.max(1);
    let start = middle.saturating_sub(most / 2).min(open_old.len() - most);
    &open_old[start..start + most]
}

/// Which new tasks stand at another place among those that stayed: all but a longest run that kept
/// its order.
fn moved_in_place(old_of: &[Option<usize>]) -> Vec<bool> {
    // The last task of the best run of each length, and what came before each task in its run.
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; old_of.len()];
    for (place, old) in old_of.iter().enumerate() {
        let Some(old) = *old else { continue };
        let length = ends.partition_point(|(end, _)| *end < old);
        before[place] = length.checked_sub(1).map(|shorter| ends[shorter].1);
        if length == ends.len() {
            ends.push((old, place));
        } else {
            ends[length] = (old, place);
        }
    }
    let mut moved: Vec<bool> = old_of.iter().map(Option::is_some).collect();
    let mut kept = ends.last().map(|(_, place)| *place);
    while let Some(place) = kept {
        moved[place] = false;
        kept = before[place];
    }
    moved
}

fn changes(before: &KnownTask, task: &Task, moved_in_place: bool) -> Vec<TaskChange> {
    let id = || task.id.clone();
    let mut changes = Vec::new();
    if before.id != task.id || before.title != task.title {
        changes.push(TaskChange::Renamed { from: before.id.clone(), id: id() });
    }
    if before.phase != task.phase.as_str() || moved_in_place {
        let (from_phase, to_phase) = (before.phase.clone(), task.phase.as_str().to_owned());
        changes.push(TaskChange::Moved { id: id(), from_phase, to_phase });
    }
    let priority = priority_name(task.priority);
    if before.priority != priority {
        let (from, to) = (before.priority.clone(), priority.to_owned());
        changes.push(TaskChange::Reprioritised { id: id(), from, to });
    }
    let is_open = matches!(task.status, Claim::Pending | Claim::InProgress);
    if before.status == claim_name(Claim::Completed) && is_open {
        changes.push(TaskChange::Reopened { id: id() });
    }
    changes
}

fn known(task: &Task, key: TaskKey) -> KnownTask {
    KnownTask {
        key,
        id: task.id.clone(),
        title: task.title.clone(),
        phase: task.phase.as_str().to_owned(),
        priority: priority_name(task.priority).to_owned(),
        status: claim_name(task.status).to_owned(),
        explicit_id: task.explicit_id,
    }
}

/// As JSON writes it.
fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::Critical => "critical",
        Priority::High => "high",
        Priority::Medium => "medium",
        Priority::Low => "low",
    }
}

/// As JSON writes it.
fn claim_name(claim: Claim) -> &'static str {
    match claim {
        Claim::Pending => "pending",
        Claim::InProgress => "in_progress",
        Claim::Completed => "completed",
        Claim::Cancelled => "cancelled",
    }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
