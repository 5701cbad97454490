//! A working tree of a user. Only read: no command here touches its index, its files or its refs.

mod worktree;

use super::command::Git;
use super::commit::CommitId;
use super::error::GitError;
use super::export;
use super::follow;
use super::tree::{STREAM, walk};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Longest text that names a commit, in bytes.
const MAX_REVISION: usize = 4096;

/// The repository that a folder belongs to.
#[derive(Clone, Debug)]
pub struct Repository {
    git: Git,
    root: PathBuf,
}

impl Repository {
    /// The repository whose working tree `dir` is, or is in.
    ///
    /// # Errors
    /// [`GitError::NotARepository`], or git is not there.
    pub fn around(dir: &Path) -> Result<Self, GitError> {
        Self::with(Git::new(), dir)
    }

    /// The same, with a git of the caller's settings.
    ///
    /// # Errors
    /// See [`Repository::around`].
    pub fn with(git: Git, dir: &Path) -> Result<Self, GitError> {
        git.check()?;
        if !dir.is_dir() {
            return Err(GitError::NotARepository { path: dir.to_owned() });
        }
        let top = git.command(dir, ["rev-parse", "--show-toplevel"]).bytes();
        let mut top = top.map_err(|error| match error {
            GitError::Failed { said, .. } | GitError::Corrupt { said } if is_none(&said.to_string()) => {
                GitError::NotARepository { path: dir.to_owned() }
            }
            other => other,
        })?;
        top.pop();
        Ok(Self { git, root: PathBuf::from(OsString::from_vec(top)) })
    }

    /// The top folder of its working tree, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that `revision` names: an id, a branch, a tag, `HEAD~2`, whatever git takes.
    ///
    /// # Errors
    /// [`GitError::NoRef`] where there is none.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, GitError> {
        let none = || GitError::NoRef { name: revision.to_owned() };
        if revision.is_empty()
            || revision.len() > MAX_REVISION
            || revision.starts_with('-')
            || revision.contains(['\0', '\n'])
        {
            return Err(none());
        }
        let commit = format!("{revision}^{{commit}}");
        let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        let (code, out) = self.git.command(&self.root, words).answer(&[0, 1, 128])?;
        if code != 0 {
            return Err(none());
        }
        String::from_utf8_lossy(&out).trim().parse().map_err(|_| none())
    }

    /// The newest commit that both come from; none where they have nothing in common.
    ///
    /// # Errors
    /// Those of git.
    pub fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, GitError> {
        let words = ["merge-base", "--end-of-options", a.as_str(), b.as_str()];
        let (_, out) = self.git.command(&self.root, words).answer(&[0, 1])?;
        Ok(String::from_utf8_lossy(&out).trim().parse().ok())
    }

    /// Refuses a commit of more files than are ever looked at: exporting any of them may go through all.
    ///
    /// # Errors
    /// [`GitError::TooLarge`]; those of git.
    pub fn check_size(&self, commit: &CommitId) -> Result<(), GitError> {
        walk(self.git.command(&self.root, STREAM).arg(commit.as_str()), |_| Ok(()))
    }

    /// Writes the files of `commit` that `pathspecs` name into the folder `into`, which is made where it is
    /// missing. Paths are below the repository's root. See [`export`] for what is refused.
    ///
    /// # Errors
    /// [`GitError::Unsafe`] where something of it leads out of the folder; those of git and the system.
    pub fn export<S: AsRef<str>>(
        &self,
        commit: &CommitId,
        pathspecs: &[S],
        into: &Path,
    ) -> Result<(), GitError> {
        let commands = |args: &[&str]| self.git.command(&self.root, args.iter().copied());
        export::export(&commands, commit, pathspecs, into)
    }

    /// The same, with what links among them lead to; see [`follow`].
    ///
    /// # Errors
    /// See [`Repository::export`].
    pub fn bring(&self, commit: &CommitId, pathspecs: &[String], into: &Path) -> Result<(), GitError> {
        follow::bring(into, pathspecs, &|paths| self.export(commit, paths, into))
    }
}

fn is_none(said: &str) -> bool {
    ["not a git repository", "must be run in a work tree", "cannot use bare repository"]
        .iter()
        .any(|words| said.contains(words))
}
