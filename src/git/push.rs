//! A commit of ours becomes a branch of the remote, if that still is what we took it for.

use super::commit::CommitId;
use super::error::{GitError, Said};
use super::mirror::Mirror;
use super::names;

/// Why the remote did not take a commit.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The branch is not what it was taken for: somebody else pushed.
    #[error("the branch moved meanwhile")]
    Moved,
    /// The commit does not come from the branch, so that something of it would be lost.
    #[error("the commit does not come from the branch's own")]
    NotAfter,
    /// The server does not want it: a protected branch, a hook.
    #[error("the server refuses the push: {said}")]
    Refused {
        /// Its words.
        said: Said,
    },
    /// It did not get that far.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl PushError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Moved => Some("it is tried again on the new commit"),
            Self::NotAfter => None,
            Self::Refused { .. } => {
                Some("let the token or key push to this branch, or name another branch for write-back")
            }
            Self::Git(error) => error.help(),
        }
    }
}

impl Mirror {
    /// Makes `commit` the tip of `branch`, if its tip is `expected`; none expects that there is no such branch.
    ///
    /// # Errors
    /// [`PushError::Moved`] where it is another by now, [`PushError::NotAfter`] where commits would be lost.
    pub fn push(
        &self,
        commit: &CommitId,
        branch: &str,
        expected: Option<&CommitId>,
    ) -> Result<(), PushError> {
        if let Some(expected) = expected
            && !self.is_ancestor(expected, commit)?
        {
            return Err(PushError::NotAfter);
        }
        self.replace(commit, branch, expected)
    }

    /// The same, also where commits of the branch are lost by it.
    ///
    /// # Errors
    /// [`PushError::Moved`] where the tip is another than `expected`.
    pub fn replace(
        &self,
        commit: &CommitId,
        branch: &str,
        expected: Option<&CommitId>,
    ) -> Result<(), PushError> {
        let full =
            if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") };
        names::check_ref(branch)?;
        let lease = format!("--force-with-lease={full}:{}", expected.map_or("", CommitId::as_str));
        let words = [
            "push",
            "--porcelain",
            "--quiet",
            "--no-verify",
            "--no-follow-tags",
            "--no-signed",
            "--recurse-submodules=no",
            &lease,
            "--end-of-options",
            "origin",
        ];
        let push = self.remote_command(words).arg(format!("{commit}:{full}"));
        let (code, out, said) = push.outcome()?;
        if code == Some(0) {
            return Ok(());
        }
        let out = String::from_utf8_lossy(&out);
        let refused = out.lines().find(|line| line.starts_with('!'));
        match refused.and_then(|line| line.rsplit('\t').next()) {
            Some(why) if is_move(why) => Err(PushError::Moved),
            Some(why) => Err(PushError::Refused { said: said.with(why) }),
            None => Err(GitError::classify("push".to_owned(), code, said).into()),
        }
    }
}

/// Also where two pushes reached the server at once: the later one finds the ref locked or changed.
fn is_move(why: &str) -> bool {
    [
        "(stale info)",
        "(non-fast-forward)",
        "(fetch first)",
        "(needs force)",
        "cannot lock ref",
        "failed to update ref",
        "incorrect old value",
        "reference already exists",
        "(remote ref updated since checkout)",
    ]
    .iter()
    .any(|words| why.contains(words))
}
