//! Finds phases and tasks by what a person types.

use serde::{Deserialize, Serialize};

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
