//! Blocks of rollouts that are finished, kept so that a run which was stopped goes on.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Rollouts of a block.
pub(crate) const SIZE: u64 = 1_000;

/// Which block it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    /// What ran.
    pub(crate) code: String,
    /// Digest of the specification and the scenario.
    pub(crate) of: String,
    /// Place among the blocks of these: its first seed by [`SIZE`].
    pub(crate) block: u64,
}

/// What came of some rollouts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) runs: u64,
    pub(crate) rolled_back: u64,
    pub(crate) completed: u64,
}

impl Count {
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.rolled_back += other.rolled_back;
        self.completed += other.completed;
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    count: Count,
}

/// Finished blocks, a line of JSON each.
pub(crate) struct Blocks {
    found: BTreeMap<Key, Count>,
    file: File,
}

impl Blocks {
    /// Reads what is there. A line that was not finished counts as none.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let found = lines.map(|line| (line.key, line.count)).collect();
        let mut file =
            OpenOptions::new().create(true).append(true).open(path).context("cannot keep blocks")?;
        if !text.is_empty() && !text.ends_with('\n') {
            writeln!(file)?;
        }
        Ok(Self { found, file })
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Count> {
        self.found.get(key).copied()
    }

    pub(crate) fn put(&mut self, key: Key, count: Count) -> Result<()> {
        writeln!(self.file, "{}", serde_json::to_string(&Line { key: key.clone(), count })?)?;
        self.found.insert(key, count);
        Ok(())
    }
}
