//! Files of one commit, in a folder that is thrown away.

use crate::app::error::AppError;
use crate::git::commit::CommitId;
use crate::git::repository::Repository;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// How often links are followed to what they lead to.
const MOST_LINKS: usize = 16;

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
        self.repository.export(&self.commit, paths, &self.root)?;
        let mut known = BTreeSet::new();
        for _ in 0..MOST_LINKS {
            let found: BTreeSet<String> =
                self.dangling()?.into_iter().filter(|to| !known.contains(to)).collect();
            if found.is_empty() {
                break;
            }
            let paths: Vec<String> = found.iter().map(|path| literal(path)).collect();
            self.repository.export(&self.commit, &paths, &self.root)?;
            known.extend(found);
        }
        Ok(())
    }

    /// Where links lead that lead to nothing yet, relative to the root.
    fn dangling(&self) -> Result<Vec<String>, AppError> {
        let mut found = Vec::new();
        let mut open = vec![self.root.clone()];
        while let Some(dir) = open.pop() {
            let fault = |source| AppError::Io { path: dir.clone(), source };
            for entry in std::fs::read_dir(&dir).map_err(fault)? {
                let entry = entry.map_err(fault)?;
                let kind = entry.file_type().map_err(fault)?;
                if kind.is_dir() {
                    open.push(entry.path());
                } else if kind.is_symlink() && !entry.path().exists() {
                    let target = std::fs::read_link(entry.path()).map_err(fault)?;
                    let target = normal(&dir.join(target));
                    found.extend(target.strip_prefix(&self.root).ok().map(slashed));
                }
            }
        }
        Ok(found)
    }
}

/// A pathspec of exactly this path, and all below it.
pub(super) fn literal(path: &str) -> String {
    if path.is_empty() { ".".to_owned() } else { format!(":(literal){path}") }
}

/// The path without `.` and `..`, by its words alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// A relative path as Git writes it.
pub(super) fn slashed(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
