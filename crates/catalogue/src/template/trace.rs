//! What happened while one text was rendered.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use taskmaster_core::action::Value;
use taskmaster_core::id::TaskId;

/// Notes of one rendering, written by the objects in the context.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Secrets in the order of insertion; the marker in the text holds the index.
    pub(crate) secrets: Vec<Value>,
    /// Names of secrets that were shown otherwise than by insertion.
    pub(crate) mangled: Vec<String>,
    /// Names of secrets that were looked at.
    pub(crate) seen_secrets: Vec<String>,
    /// Placeholders of values that are known only after a run.
    pub(crate) unknown: BTreeSet<String>,
    /// Tasks whose outputs were referred to.
    pub(crate) awaits: BTreeSet<TaskId>,
    /// A variable that has a fault of its own was used: no second report.
    pub(crate) used_failed: bool,
    /// Better words for an undefined value: what was asked for, code, message, help.
    pub(crate) explanations: Vec<Explanation>,
    /// Bytes written by expressions.
    pub(crate) written: usize,
}

/// Why something is not defined.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    /// The name that was asked for.
    pub(crate) name: String,
    /// Code of the diagnostic.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// What helps.
    pub(crate) help: Option<String>,
}

/// Shared between an engine and the objects in its context.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Arc<Mutex<Notes>>);

impl Trace {
    /// The notes. A panic elsewhere cannot make them unusable: they are plain data.
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the notes and begins anew.
    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut *self.notes())
    }
}
