//! Files of one commit, in a folder that is thrown away.

use crate::app::error::AppError;
use crate::git::commit::CommitId;
use crate::git::repository::Repository;
use std::path::{Path, PathBuf};

/// Files of one commit. They lie as in the repository, and more can be brought when they are known.
#[derive(Debug)]
pub(super) struct Export {
    repository: Repository,
    commit: CommitId,
    // Removed when dropped.
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Export {
    pub(super) fn new(repository: &Repository, commit: &CommitId) -> Result<Self, AppError> {
        repository.check_size(commit)?;
        let fault = |source| AppError::Io { path: std::env::temp_dir(), source };
        let dir = tempfile::Builder::new().prefix("taskmaster-").tempdir().map_err(fault)?;
        let root = std::fs::canonicalize(dir.path()).map_err(fault)?;
        Ok(Self { repository: repository.clone(), commit: commit.clone(), _dir: dir, root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Brings what matches pathspecs, and what links among it lead to.
    pub(super) fn bring(&self, paths: &[String]) -> Result<(), AppError> {
        Ok(self.repository.bring(&self.commit, paths, &self.root)?)
    }
}

/// A pathspec of exactly this path, and all below it.
pub(super) fn literal(path: &str) -> String {
    if path.is_empty() { ".".to_owned() } else { format!(":(literal){path}") }
}

/// A relative path as Git writes it.
pub(super) fn slashed(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
