//! Finds phases and tasks by what a person types.
//!
//! The ways to name something are tried in turn, the strictest first, and the first that matches
//! anything decides: one match is meant, several are listed. A match that holds all the others (a
//! phase its sub-phases, a task its subtasks) is the one that is meant.
//!
//! 1. the id;
//! 2. the number of a phase (`2`, `Phase 2`) or the ordinal of a task (`1.3`);
//! 3. the whole title, or the part of a task's id after the phase;
//! 4. whole words of the title, all of those given;
//! 5. beginnings of words of the title.

use crate::dag::Dag;
use crate::diagnostic::did_you_mean;
use crate::document::Document;
use crate::text::slug;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Which tasks are meant. Empty is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// `--phase`: number, id, slug or any unambiguous word; sub-phases included.
    pub phases: Vec<String>,
    /// `--task`: id, ordinal, slug or any unambiguous word; subtasks included.
    pub tasks: Vec<String>,
    /// `--from`: this task (or the first of this phase), everything after it in the document and
    /// everything that depends on it. Narrows `phases` and `tasks` where those are given.
    pub from: Option<String>,
    /// Adds unmet dependencies instead of refusing.
    pub with_dependencies: bool,
}

/// What was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sought {
    /// A phase.
    Phase,
    /// A task.
    Task,
}

/// Something that could have been meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Number of a phase, ordinal of a task.
    pub number: Option<String>,
    /// Its title.
    pub title: String,
}

/// A word that names nothing, or more than one thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{} {} `{query}`", if *.ambiguous { "more than one" } else { "no" }, match .sought { Sought::Phase => "phase matches", Sought::Task => "task matches" })]
pub struct SelectError {
    /// What was looked for.
    pub sought: Sought,
    /// As typed.
    pub query: String,
    /// True where several match; else none does.
    pub ambiguous: bool,
    /// Those that match, or, where none does, those that exist (tasks: the nearest ten).
    pub candidates: Vec<Candidate>,
    /// The nearest, where one is near enough.
    pub did_you_mean: Option<String>,
}

/// Most tasks that are listed where none matches.
const NEAREST: usize = 10;

/// Something that can be named.
struct Named<'a> {
    id: &'a str,
    number: Option<&'a str>,
    title: &'a str,
    /// Index of what holds it.
    parent: Option<usize>,
}

impl Named<'_> {
    fn candidate(&self) -> Candidate {
        Candidate {
            id: self.id.to_owned(),
            number: self.number.map(ToOwned::to_owned),
            title: self.title.to_owned(),
        }
    }

    /// The id without the phase, as far as it has one.
    fn tail(&self) -> &str {
        self.id.rsplit_once('/').map_or(self.id, |(_, tail)| tail)
    }
}

/// The index of the phase that `query` names.
pub fn find_phase(document: &Document, query: &str) -> Result<usize, SelectError> {
    Ok(phase_match(document, query)?.index)
}

/// The index of the task that `query` names.
pub fn find_task(document: &Document, query: &str) -> Result<usize, SelectError> {
    Ok(task_match(document, query)?.index)
}

/// What was found, and by which of the ways at the head of this file: less is stricter.
struct Match {
    index: usize,
    way: usize,
}

fn phase_match(document: &Document, query: &str) -> Result<Match, SelectError> {
    let place: HashMap<&str, usize> =
        document.phases.iter().enumerate().map(|(i, phase)| (phase.id.as_str(), i)).collect();
    let named = document.phases.iter().map(|phase| Named {
        id: phase.id.as_str(),
        number: phase.number.as_deref(),
        title: &phase.title,
        parent: phase.parent.as_ref().and_then(|parent| place.get(parent.as_str()).copied()),
    });
    find(Sought::Phase, &named.collect::<Vec<_>>(), query)
}

fn task_match(document: &Document, query: &str) -> Result<Match, SelectError> {
    let place: HashMap<&str, usize> =
        document.tasks.iter().enumerate().map(|(i, task)| (task.id.as_str(), i)).collect();
    let named = document.tasks.iter().map(|task| Named {
        id: task.id.as_str(),
        number: Some(task.ordinal.as_str()),
        title: &task.title,
        parent: task.parent.as_ref().and_then(|parent| place.get(parent.as_str()).copied()),
    });
    find(Sought::Task, &named.collect::<Vec<_>>(), query)
}

fn find(sought: Sought, all: &[Named<'_>], query: &str) -> Result<Match, SelectError> {
    let query = query.trim();
    let wanted = slug(query);
    let words: Vec<&str> = wanted.split('-').filter(|word| !word.is_empty()).collect();
    // `Phase 2`: one word and a number.
    let number = match (sought, query.split_whitespace().collect::<Vec<_>>().as_slice()) {
        (Sought::Phase, [_, number]) => *number,
        _ => query,
    };
    let by_number = |named: &Named<'_>| named.number.is_some_and(|have| have.eq_ignore_ascii_case(number));
    let by_title =
        |named: &Named<'_>| !wanted.is_empty() && [named.tail(), &slug(named.title)].contains(&&*wanted);
    let by_words = |named: &Named<'_>, same: fn(&str, &str) -> bool| {
        let title = slug(named.title);
        !words.is_empty() && words.iter().all(|word| title.split('-').any(|have| same(have, word)))
    };
    let ways: [&dyn Fn(&Named<'_>) -> bool; 5] = [
        &|named| named.id == query,
        &by_number,
        &by_title,
        &|named| by_words(named, |have, word| have == word),
        &|named| by_words(named, |have, word| have.starts_with(word)),
    ];
    for (way, matching) in ways.into_iter().enumerate() {
        let matches: Vec<usize> = (0..all.len()).filter(|&i| matching(&all[i])).collect();
        match holder_of_all(all, &matches) {
            Some(index) => return Ok(Match { index, way }),
            None if matches.is_empty() => {}
            None => {
                let candidates = matches.iter().map(|&i| all[i].candidate()).collect();
                return Err(SelectError {
                    sought,
                    query: query.to_owned(),
                    ambiguous: true,
                    candidates,
                    did_you_mean: None,
                });
            }
        }
    }
    Err(no_match(sought, all, query, &wanted))
}

/// The one match that is, or holds, all the others.
fn holder_of_all(all: &[Named<'_>], matches: &[usize]) -> Option<usize> {
    let first = *matches.first()?;
    let outer = outermost(all, first, matches);
    matches.iter().all(|&i| outermost(all, i, matches) == outer).then_some(outer)
}

/// The furthest holder of `i` that matches too. A chain of parents is no longer than the list.
fn outermost(all: &[Named<'_>], i: usize, matches: &[usize]) -> usize {
    let chain = std::iter::successors(Some(i), |&at| all[at].parent).take(all.len());
    chain.filter(|at| matches.binary_search(at).is_ok()).last().unwrap_or(i)
}

fn no_match(sought: Sought, all: &[Named<'_>], query: &str, wanted: &str) -> SelectError {
    let words = all.iter().flat_map(|named| named.title.split_whitespace());
    let nearest = did_you_mean(query, all.iter().map(|named| named.id))
        .or_else(|| did_you_mean(query, all.iter().map(|named| named.title)))
        .or_else(|| did_you_mean(query, words));
    let mut listed: Vec<&Named<'_>> = all.iter().collect();
    if sought == Sought::Task && listed.len() > NEAREST {
        let score = |named: &Named<'_>| strsim::jaro_winkler(wanted, &slug(named.title));
        listed.sort_by(|a, b| score(b).total_cmp(&score(a)));
        listed.truncate(NEAREST);
    }
    SelectError {
        sought,
        query: query.to_owned(),
        ambiguous: false,
        candidates: listed.into_iter().map(Named::candidate).collect(),
        did_you_mean: nearest.map(ToOwned::to_owned),
    }
}

impl Selection {
    /// True where everything is meant.
    pub fn is_all(&self) -> bool {
        self.phases.is_empty() && self.tasks.is_empty() && self.from.is_none()
    }

    /// Which tasks are meant, by index; `dag` is the graph of all tasks of the document.
    pub fn members(&self, document: &Document, dag: &Dag) -> Result<Vec<bool>, SelectError> {
        let unnamed = self.phases.is_empty() && self.tasks.is_empty();
        let mut chosen = vec![unnamed; document.tasks.len()];
        for query in &self.phases {
            let phases = subtree_of_phase(document, find_phase(document, query)?);
            for (task, chosen) in document.tasks.iter().zip(&mut chosen) {
                *chosen |= phases.contains(task.phase.as_str());
            }
        }
        let mut starts = vec![false; document.tasks.len()];
        for query in &self.tasks {
            starts[find_task(document, query)?] = true;
        }
        if !self.tasks.is_empty() {
            add_subtasks(document, &mut starts);
            for (chosen, start) in chosen.iter_mut().zip(starts) {
                *chosen |= start;
            }
        }
        if let Some(query) = &self.from {
            let first = find_start(document, query)?;
            let after = dag.descendants([first]);
            for (task, chosen) in chosen.iter_mut().enumerate() {
                *chosen &= task >= first || after[task];
            }
        }
        Ok(chosen)
    }
}

/// `--from` names a task or a phase (its first task), whichever it names more strictly.
fn find_start(document: &Document, query: &str) -> Result<usize, SelectError> {
    let task = task_match(document, query);
    let phase = match (phase_match(document, query), &task) {
        (Ok(phase), Ok(task)) if task.way <= phase.way => return Ok(task.index),
        (Ok(phase), _) => phase,
        (Err(_), _) => return Ok(task?.index),
    };
    let phases = subtree_of_phase(document, phase.index);
    let first = document.tasks.iter().position(|task| phases.contains(task.phase.as_str()));
    match first {
        Some(first) => Ok(first),
        None => Ok(task?.index),
    }
}

/// Ids of a phase and of all phases below it.
pub fn subtree_of_phase(document: &Document, phase: usize) -> HashSet<&str> {
    let mut found = HashSet::from([document.phases[phase].id.as_str()]);
    // Parents come before their children in document order.
    for phase in &document.phases {
        if phase.parent.as_ref().is_some_and(|parent| found.contains(parent.as_str())) {
            found.insert(phase.id.as_str());
        }
    }
    found
}

/// Marks the subtasks, at any depth, of marked tasks.
fn add_subtasks(document: &Document, marked: &mut [bool]) {
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, task) in document.tasks.iter().enumerate() {
        if let Some(parent) = &task.parent {
            children.entry(parent.as_str()).or_default().push(place);
        }
    }
    let mut stack: Vec<usize> = (0..marked.len()).filter(|&task| marked[task]).collect();
    while let Some(task) = stack.pop() {
        for &child in children.get(document.tasks[task].id.as_str()).into_iter().flatten() {
            if !std::mem::replace(&mut marked[child], true) {
                stack.push(child);
            }
        }
    }
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
