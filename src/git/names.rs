//! Names that others chose, before git sees them.

use super::error::GitError;

/// Longest name of a ref or of a file, in bytes.
const MAX_NAME: usize = 4096;

/// Refuses what is no name of a branch, a tag or a ref, by the rules of `git check-ref-format`.
pub(super) fn check_ref(name: &str) -> Result<(), GitError> {
    let is_component = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let no = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let is_name = name.len() <= MAX_NAME
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(no)
        && name.split('/').all(is_component);
    if is_name {
        return Ok(());
    }
    let why = "git takes no name of a branch or tag that is written so";
    Err(GitError::Name { kind: "branch, tag or ref", text: name.to_owned(), why })
}

/// The branch that a name stands for, if it can be one: `main` and `refs/heads/main`. `HEAD`, tags by their full
/// name, other refs and ids are none.
pub fn branch(name: &str) -> Option<&str> {
    let is_id = || name.parse::<super::commit::CommitId>().is_ok();
    match name.strip_prefix("refs/heads/") {
        Some(branch) => Some(branch),
        None => (name != "HEAD" && !name.starts_with("refs/") && !is_id()).then_some(name),
    }
}

/// Refuses what is no path below the top of a repository.
pub(super) fn check_path(path: &str) -> Result<(), GitError> {
    let is_path = !path.is_empty()
        && path.len() <= MAX_NAME
        && !path.contains('\0')
        && !path.split('/').any(|part| super::tree::is_forbidden(part.as_bytes()));
    if is_path {
        return Ok(());
    }
    let why = "it is a path below the repository's top folder, without `.`, `..` and `.git`";
    Err(GitError::Name { kind: "file of a repository", text: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_refs() {
        let long = "x".repeat(MAX_NAME + 1);
        for name in ["main", "HEAD", "feature/a-b_c.d", "refs/pull/1/head", "grün", "a@b"] {
            assert!(check_ref(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "-d",
            "--upload-pack=x",
            "a..b",
            "a b",
            "a\nb",
            "a:b",
            "+a:b^",
            "a~1",
            "a^",
            "a*",
            "a[",
            "a\\b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "@",
            "@{1}",
            "a\0",
            &long,
        ] {
            assert!(check_ref(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_of_branches() {
        for name in ["main", "refs/heads/main"] {
            assert_eq!(branch(name), Some("main"));
        }
        for name in ["HEAD", "refs/tags/v1", "refs/pull/1/head", &"a".repeat(40)] {
            assert_eq!(branch(name), None, "{name}");
        }
    }

    #[test]
    fn names_of_files() {
        for path in ["a", "prd/platform.md", "-x", ":(top)x", "a b/ü.md"] {
            assert!(check_path(path).is_ok(), "{path}");
        }
        for path in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", ".git/config", "a/.GIT/x", "a\0b"] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
    }
}
