//! Which files of a working tree belong to it, and which of them are other than a commit has them.

use super::Repository;
use crate::git::commit::CommitId;
use crate::git::error::GitError;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Most bytes of one list of names.
const MAX_NAMES: u64 = 256 << 20;

impl Repository {
    /// Files of the working tree that pathspecs name and that are, or could be, part of a commit: tracked
    /// ones, and new ones that nothing ignores. Paths are below the root.
    ///
    /// # Errors
    /// Those of git.
    pub fn listed(&self, pathspecs: &[String]) -> Result<BTreeSet<PathBuf>, GitError> {
        self.names(&["ls-files", "--cached", "--others", "--exclude-standard", "-z"], None, pathspecs)
    }

    /// Tracked files that pathspecs name and that are other than the commit has them, by git's own rules: a
    /// file that was only written to the disk in another way, with other line ends or by a filter, is the
    /// same.
    ///
    /// # Errors
    /// Those of git.
    pub fn changed_since(
        &self,
        commit: &CommitId,
        pathspecs: &[String],
    ) -> Result<BTreeSet<PathBuf>, GitError> {
        let words = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"];
        self.names(&words, Some(commit), pathspecs)
    }

    fn names(
        &self,
        words: &[&str],
        commit: Option<&CommitId>,
        pathspecs: &[String],
    ) -> Result<BTreeSet<PathBuf>, GitError> {
        let mut names = BTreeSet::new();
        if pathspecs.is_empty() {
            return Ok(names);
        }
        let command = self.git.command(&self.root, words.iter().copied());
        let command = command.args(commit.map(|commit| OsString::from(commit.as_str())));
        let command = command.arg("--").args(pathspecs);
        command.at_most(MAX_NAMES).records(0, |name| {
            names.insert(PathBuf::from(OsStr::from_bytes(name)));
            Ok(())
        })?;
        Ok(names)
    }
}
