//! The one checkout of a mirror: a folder whose tracked files are those of a commit.
//!
//! What is not tracked there stays. Index and state lie beside the folder, so that a mirror which is thrown
//! away and fetched anew still knows what it put there. The commit that is being checked out is written down
//! first: who comes after a kill finishes that one before another, and so leaves no file of it behind.

use super::commit::CommitId;
use super::error::GitError;
use super::lock::beside;
use super::mirror::Mirror;
use super::tree::{Entries, shown};
use crate::crash;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// No conversion of any kind, for all files.
const ATTRIBUTES: &str = "* -text -ident -filter !working-tree-encoding\n";

/// How far a checkout is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// It may have begun.
    Going(CommitId),
    /// It is done.
    At(CommitId),
}

/// The folder and what lies beside it.
struct Place<'t> {
    tree: &'t Path,
    index: PathBuf,
    state: PathBuf,
}

impl Mirror {
    /// Makes the tracked files of `tree` those of `commit`; the folder is made where it is missing. May be
    /// repeated after any interruption. Nothing is written through a symbolic link that leads out.
    ///
    /// # Errors
    /// [`GitError::InTheWay`] where an untracked file would have to be removed; those of git and the system.
    pub fn checkout(&self, commit: &CommitId, tree: &Path) -> Result<(), GitError> {
        let place = Place::at(tree)?;
        place.prepare()?;
        match place.state()? {
            Some(State::Going(before)) if before != *commit && self.has(&before)? => {
                self.finish(&before, &place)?;
            }
            _ => {}
        }
        self.finish(commit, &place)
    }

    /// The commit that `tree` was checked out at; none while that is not finished.
    ///
    /// # Errors
    /// Those of the system.
    pub fn checked_out(&self, tree: &Path) -> Result<Option<CommitId>, GitError> {
        match Place::at(tree)?.state()? {
            Some(State::At(commit)) => Ok(Some(commit)),
            _ => Ok(None),
        }
    }

    fn finish(&self, commit: &CommitId, place: &Place<'_>) -> Result<(), GitError> {
        match self.write(commit, place) {
            Err(GitError::Corrupt { .. } | GitError::Failed { .. }) if !self.can_read_index(place) => {
                self.recall(place)?;
                self.write(commit, place)
            }
            other => other,
        }
    }

    fn write(&self, commit: &CommitId, place: &Place<'_>) -> Result<(), GitError> {
        self.check_ways(commit, place)?;
        self.write_bytes_as_they_are()?;
        place.set(&State::Going(commit.clone()))?;
        let read = ["read-tree", "--reset", "-u", "--no-recurse-submodules", commit.as_str()];
        let read = self.remote_command(read).env("GIT_INDEX_FILE", &place.index);
        read.env("GIT_WORK_TREE", place.tree).in_folder(place.tree).bytes()?;
        place.set(&State::At(commit.clone()))
    }

    /// What is checked out is what was looked at, byte for byte: a commit may ask for other encodings (`judged ＞`
    /// becomes `run >`), line ends, words or filters of the user by attributes. These come before its own.
    fn write_bytes_as_they_are(&self) -> Result<(), GitError> {
        let folder = self.dir().join("info");
        let path = folder.join("attributes");
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, ATTRIBUTES));
        written.map_err(|source| fault("write", &path, source))
    }

    fn can_read_index(&self, place: &Place<'_>) -> bool {
        let list = self.command(["ls-files", "--stage"]).env("GIT_INDEX_FILE", &place.index);
        list.at_most(u64::MAX).pieces(&mut |_| Ok(())).is_ok()
    }

    /// A damaged index is made anew from the commit that it stood for.
    fn recall(&self, place: &Place<'_>) -> Result<(), GitError> {
        remove(&place.index)?;
        let Some(State::At(commit) | State::Going(commit)) = place.state()? else { return Ok(()) };
        if !self.has(&commit)? {
            return Ok(());
        }
        let read = self.command(["read-tree", commit.as_str()]).env("GIT_INDEX_FILE", &place.index);
        read.bytes().map(drop)
    }

    /// Git would remove an untracked folder where the commit has a file, and an untracked file or link
    /// where it has a folder.
    fn check_ways(&self, commit: &CommitId, place: &Place<'_>) -> Result<(), GitError> {
        let mut reader = Entries::default();
        let mut folders = Vec::new();
        let diff = ["diff-index", "--cached", "--raw", "-z", "--no-renames", "--diff-filter=A", "-R"];
        let diff = self.command(diff).arg(commit.as_str()).env("GIT_INDEX_FILE", &place.index);
        diff.slowly().at_most(u64::MAX).records(0, |record| {
            let Some(entry) = reader.next(record)? else { return Ok(()) };
            if is_folder(&place.tree.join(entry.as_path())) {
                folders.push(entry.path);
            } else if let Some(above) = not_a_folder_above(place.tree, entry.as_path()) {
                folders.push(above);
            }
            Ok(())
        })?;
        folders.dedup();
        folders.iter().try_for_each(|path| self.check_untracked(path, place))
    }

    fn check_untracked(&self, path: &[u8], place: &Place<'_>) -> Result<(), GitError> {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;
        let pathspec = OsString::from_vec([b":(top,literal)", path].concat());
        let list = self.command(["ls-files", "--others", "-z", "--"]).arg(pathspec);
        let list = list.env("GIT_INDEX_FILE", &place.index).env("GIT_WORK_TREE", place.tree);
        list.in_folder(place.tree)
            .at_most(u64::MAX)
            .records(0, |record| Err(GitError::InTheWay { path: shown(record) }))
    }
}

/// The first part above `path` that is there and no folder.
fn not_a_folder_above(tree: &Path, path: &Path) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt;
    let mut above: Vec<&Path> =
        path.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty()).collect();
    above.reverse();
    let found = above
        .into_iter()
        .find(|part| fs::symlink_metadata(tree.join(part)).is_ok_and(|meta| !meta.is_dir()))?;
    Some(found.as_os_str().as_bytes().to_vec())
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

impl<'t> Place<'t> {
    fn at(tree: &'t Path) -> Result<Self, GitError> {
        if !tree.is_absolute() || tree.file_name().is_none() {
            let why = "it is an absolute path";
            return Err(GitError::Name {
                kind: "folder for a checkout",
                text: tree.display().to_string(),
                why,
            });
        }
        Ok(Self { tree, index: beside(tree, "index"), state: beside(tree, "commit") })
    }

    /// The folder is there and no link; no lock of a dead git is in the way.
    fn prepare(&self) -> Result<(), GitError> {
        match fs::symlink_metadata(self.tree) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => {
                return Err(GitError::InTheWay { path: shown(self.tree.as_os_str().as_encoded_bytes()) });
            }
            Err(_) => {
                let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(self.tree);
                made.map_err(|source| fault("make the folder", self.tree, source))?;
            }
        }
        remove(&beside(&self.index, "lock"))
    }

    fn state(&self) -> Result<Option<State>, GitError> {
        let text = match fs::read_to_string(&self.state) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|source| fault("read", &self.state, source))?,
        };
        let (word, id) = text.trim().split_once(' ').unwrap_or_default();
        Ok(match (word, id.parse()) {
            ("going", Ok(commit)) => Some(State::Going(commit)),
            ("at", Ok(commit)) => Some(State::At(commit)),
            _ => None,
        })
    }

    fn set(&self, state: &State) -> Result<(), GitError> {
        let text = match state {
            State::Going(commit) => format!("going {commit}\n"),
            State::At(commit) => format!("at {commit}\n"),
        };
        let new = beside(&self.state, "new");
        let rename = || crash::around("note the checkout", || fs::rename(&new, &self.state));
        let written = fs::write(&new, text).and_then(|()| rename());
        written.map_err(|source| fault("write", &self.state, source))
    }
}

fn remove(path: &Path) -> Result<(), GitError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault("remove", path, error)),
        _ => Ok(()),
    }
}

fn fault(doing: &str, path: &Path, source: io::Error) -> GitError {
    GitError::System { doing: format!("{doing} {}", path.display()), source }
}
