//! What the tests of git share.

use crate::gitops::origin::Origin;
use std::path::{Path, PathBuf};
use std::process::Command;
use taskmaster::git::command::Git;
use taskmaster::git::commit::CommitId;
use taskmaster::git::mirror::Mirror;
use taskmaster::git::remote::{Access, Remote};

/// The git under test, without the developer's settings.
pub(super) fn git(origin: &Origin) -> Git {
    origin.env().into_iter().fold(Git::new(), |git, (name, value)| git.env(name, value))
}

/// Where the mirrors of a test lie.
pub(super) fn place(origin: &Origin) -> PathBuf {
    origin.scratch().join("state/repo")
}

/// A mirror over HTTP.
pub(super) fn mirror(origin: &Origin) -> Mirror {
    mirror_of(origin, &origin.url())
}

pub(super) fn mirror_of(origin: &Origin, url: &str) -> Mirror {
    let remote = Remote::new(url, Access::None).unwrap();
    Mirror::with(git(origin), &place(origin), remote).unwrap()
}

pub(super) fn id(text: &str) -> CommitId {
    text.parse().unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

/// A program in the test's folder. Written by another process: a child that a parallel test forks must not hold
/// it open for writing, or it cannot be started.
pub(super) fn program(origin: &Origin, name: &str, text: &str) -> PathBuf {
    let (source, made) = (origin.scratch().join(format!("{name}.text")), origin.scratch().join(name));
    std::fs::create_dir_all(made.parent().unwrap()).unwrap();
    std::fs::write(&source, text).unwrap();
    let status = Command::new("install").args(["-m", "755"]).arg(&source).arg(&made).status();
    assert!(status.unwrap().success());
    made
}

/// Every file below a folder with its content, links as `-> target`, by an own walk.
pub(in crate::gitops) fn files(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                open.push(path);
            } else if meta.is_symlink() {
                found.push((name, format!("-> {}", std::fs::read_link(&path).unwrap().display())));
            } else {
                found.push((name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned()));
            }
        }
    }
    found.sort();
    found
}

/// Names and contents as a test writes them.
pub(super) fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    all.sort();
    all
}
