//! What the ledger recorded of one run, for its trace.

use std::collections::BTreeMap;
use taskmaster_core::id::RunId;
use taskmaster_core::journal::Entry;

/// One run, entry by entry.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceView {
    /// The run.
    pub run: RunId,
    /// Title of its document, else its path.
    pub title: String,
    /// True while an executor works on it.
    pub is_live: bool,
    /// What is said of the program that made it; `service.name` among them.
    pub resource: BTreeMap<String, String>,
    /// What was recorded from its beginning to its end, oldest first; entries of others are passed over.
    pub entries: Vec<Entry>,
}
