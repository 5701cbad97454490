//! What is compared with what: `git:main`, `git:main...`, `git:A..B`.

use crate::app::error::AppError;
use crate::git::commit::CommitId;
use crate::git::error::GitError;
use crate::git::repository::Repository;

/// Where the comparison begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Base {
    /// At this commit.
    Commit(String),
    /// At the last commit that the head has in common with this one.
    MergeBase(String),
}

/// What is compared with what, by names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    base: Base,
    /// The working tree where none is named.
    head: Option<String>,
}

/// The same as commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// What stands.
    pub base: CommitId,
    /// What is to come; none is the working tree.
    pub head: Option<CommitId>,
}

const HELP: &str = "git:main (that commit), git:main... (where this branch left it), git:A..B (two commits)";

impl Target {
    /// Reads the value of `--against`.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let wrong = || AppError::usage(format!("`{text}` names nothing to compare with"), HELP);
        let range = text.strip_prefix("git:").filter(|range| !range.is_empty()).ok_or_else(wrong)?;
        let (base, head) = match (range.split_once("..."), range.split_once("..")) {
            (Some((base, head)), _) => {
                (Base::MergeBase(base.to_owned()), Some(head).filter(|h| !h.is_empty()))
            }
            (None, Some((base, head))) if !head.is_empty() => (Base::Commit(base.to_owned()), Some(head)),
            (None, Some(_)) => return Err(wrong()),
            (None, None) => (Base::Commit(range.to_owned()), None),
        };
        let (Base::Commit(name) | Base::MergeBase(name)) = &base;
        if [name.as_str()].into_iter().chain(head).any(|name| name.is_empty() || name.starts_with('-')) {
            return Err(wrong());
        }
        Ok(Self { base, head: head.map(str::to_owned) })
    }

    /// Finds the commits.
    pub fn find(&self, repository: &Repository) -> Result<Ends, AppError> {
        let head = self.head.as_deref().map(|head| resolve(repository, head)).transpose()?;
        let base = match &self.base {
            Base::Commit(name) => resolve(repository, name)?,
            Base::MergeBase(name) => {
                let other = resolve(repository, name)?;
                let own = head.clone().map_or_else(|| resolve(repository, "HEAD"), Ok)?;
                repository.merge_base(&other, &own)?.ok_or_else(|| no_merge_base(name))?
            }
        };
        Ok(Ends { base, head })
    }
}

const SHALLOW: &str = "`git fetch --unshallow` (actions/checkout: `fetch-depth: 0`, GitLab: `GIT_DEPTH: 0`)";

fn resolve(repository: &Repository, name: &str) -> Result<CommitId, AppError> {
    repository.resolve(name).map_err(|fault| match fault {
        GitError::NoRef { name } => AppError::usage(
            format!("`{name}` names no commit of this repository"),
            format!(
                "a branch, a tag or a commit that was fetched; a shallow clone has few of them: {SHALLOW}"
            ),
        ),
        fault => fault.into(),
    })
}

fn no_merge_base(name: &str) -> AppError {
    AppError::usage(
        format!("no commit is known that `{name}` and this branch have in common"),
        format!("a shallow clone does not know it: {SHALLOW}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(base: Base, head: Option<&str>) -> Target {
        Target { base, head: head.map(str::to_owned) }
    }

    #[test]
    fn ranges_are_read_as_git_reads_them() {
        let commit = |name: &str| Base::Commit(name.to_owned());
        let merge_base = |name: &str| Base::MergeBase(name.to_owned());
        let read = |text| Target::parse(text).unwrap();
        assert_eq!(read("git:main"), target(commit("main"), None));
        assert_eq!(read("git:v1.2~3"), target(commit("v1.2~3"), None));
        assert_eq!(read("git:origin/main..."), target(merge_base("origin/main"), None));
        assert_eq!(read("git:a..b"), target(commit("a"), Some("b")));
        assert_eq!(read("git:a...b"), target(merge_base("a"), Some("b")));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in
            ["main", "git:", "git:..", "git:...", "git:a..", "git:..b", "git:-a", "git:a..-b", "svn:1"]
        {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
