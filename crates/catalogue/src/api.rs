//! What callers see.

use crate::load::Catalogue;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use taskmaster_core::action::Bindings;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::Document;
use taskmaster_core::id::{EnvironmentName, TaskId};
use taskmaster_core::journal::OutputValue;
use taskmaster_core::version::Wanted;

/// One catalogue file.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'a> {
    /// Its path as shown to people: `tasks/local.yaml`.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Every entry that could be understood.
    pub catalogue: Catalogue,
    /// Faults; `source` is the index of the text among those given to [`load`].
    pub diagnostics: Vec<Diagnostic>,
}

/// Outputs of tasks that are known so far.
pub type Outputs = BTreeMap<TaskId, BTreeMap<String, OutputValue>>;

/// The operating system that actions run on, as `when: {os: …}` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatingSystem {
    /// `linux`
    Linux,
    /// `macos`
    Macos,
}

/// Variables of an environment, by their names.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Every fact from outside that binding depends on.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The document whose tasks are bound.
    pub document: &'a Document,
    /// Its path relative to the project's root; a file's `document:` names this or the document's id.
    pub document_path: &'a str,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// Variables given by `--var` and by the configuration; they win over those of catalogues.
    pub vars: &'a BTreeMap<String, String>,
    /// Looks up a variable of taskmaster's own environment, for `{from_env: NAME}`. Where it is none's environment, a
    /// default counts, and without one `<env NAME>` stands for the value.
    pub env_vars: Option<Variables<'a>>,
    /// Is there a program of this name on PATH?
    pub tool_on_path: &'a dyn Fn(&str) -> bool,
    /// The operating system.
    pub os: OperatingSystem,
    /// Absolute path of the project's root.
    pub project_root: &'a str,
    /// Absolute path of the state directory.
    pub state_dir: &'a str,
    /// Absolute path of the running program: some actions are commands of its own.
    pub program: &'a str,
    /// Outputs known so far.
    pub outputs: &'a Arc<Outputs>,
    /// Bind actions that stand in the document.
    pub allow_inline: bool,
}

impl fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("document_path", &self.document_path)
            .field("environment", &self.environment)
            .field("vars", &self.vars)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

/// A program that a catalogue wants in certain versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Its name on PATH.
    pub tool: String,
    /// The versions that will do.
    pub version: Wanted,
    /// `tasks/local.yaml:3`
    pub place: String,
}

/// A document with the cells of its matrices.
#[derive(Debug, Default)]
pub struct Expanded {
    /// None where no task has a matrix here: the document is whole as it is.
    pub document: Option<Document>,
    /// Faults in catalogues, as in [`Bound::diagnostics`].
    pub diagnostics: Vec<Diagnostic>,
}

/// A document joined with a catalogue.
#[derive(Debug, Default)]
pub struct Bound {
    /// One for each task that something binds. A skipped task has no action.
    pub bindings: Bindings,
    /// Faults in catalogues; `source` is the index of the text among those given to [`load`].
    pub diagnostics: Vec<Diagnostic>,
    /// Faults of actions in the document, with places in its sources.
    pub document_diagnostics: Vec<Diagnostic>,
    /// Versions of programs that are wanted, in the order of the files.
    pub requires: Vec<Required>,
    /// Tasks that nothing binds, in document order. Parents of subtasks are not among them.
    pub unbound: Vec<TaskId>,
}
