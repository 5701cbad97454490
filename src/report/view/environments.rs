//! Environments and their locks.

use jiff::Timestamp;
use serde::Serialize;
use taskmaster_core::environment::Lock;
use taskmaster_core::id::EnvironmentName;

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentRow {
    /// Its name.
    pub name: EnvironmentName,
    /// Commands take it when none is named.
    pub is_default: bool,
    /// A catalogue names it.
    pub in_catalogue: bool,
    /// Its lock, while that holds.
    pub lock: Option<Lock>,
    /// How many runs there were.
    pub runs: u64,
    /// When the newest of them began.
    pub last_started: Option<Timestamp>,
    /// Its exit code; none where its end is not recorded.
    pub last_exit_code: Option<i32>,
}

impl EnvironmentRow {
    /// One of which only the name is known.
    pub fn new(name: &EnvironmentName) -> Self {
        Self {
            name: name.clone(),
            is_default: false,
            in_catalogue: false,
            lock: None,
            runs: 0,
            last_started: None,
            last_exit_code: None,
        }
    }
}

/// `taskmaster env list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentListView {
    /// When this view was made: a lock that ends by itself held then.
    pub generated: Timestamp,
    /// Environments by name.
    pub environments: Vec<EnvironmentRow>,
}
