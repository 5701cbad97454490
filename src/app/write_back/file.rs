//! One file gets another text, if it still holds the one that was read.

use crate::crash;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// It holds the new text.
    Yes,
    /// It holds another text than the one that was read: somebody else wrote it.
    Changed,
}

/// Gives the file at `path` the text `new`, if it holds `old`. A file that takes its place has mode and owner of
/// the one before; where `path` is a link, that is the file it leads to.
///
/// # Errors
/// It may not be written, or its owner could not be kept; it is as it was then.
pub(super) fn replace(path: &Path, old: &str, new: &str) -> io::Result<Replaced> {
    let target = fs::canonicalize(path)?;
    let meta = fs::metadata(&target)?;
    check(&target, &meta)?;
    let beside = beside(&target);
    remove(&beside)?;
    let replaced = write(&beside, &meta, new).and_then(|()| {
        // As late as can be: what is written between this look and the next line would be lost.
        if !holds(&target, old)? {
            return Ok(Replaced::Changed);
        }
        crash::around("write marks back", || fs::rename(&beside, &target))?;
        Ok(Replaced::Yes)
    });
    if !matches!(replaced, Ok(Replaced::Yes)) {
        remove(&beside)?;
    }
    replaced
}

fn check(target: &Path, meta: &Metadata) -> io::Result<()> {
    if !meta.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if meta.permissions().mode() & 0o222 == 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    rustix::fs::access(target, rustix::fs::Access::WRITE_OK).map_err(Into::into)
}

/// A name of its own, so that one which a kill left behind is overwritten. Hidden: folders of documents are read
/// without such files.
fn beside(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".taskmaster");
    target.with_file_name(name)
}

fn write(beside: &Path, meta: &Metadata, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text.as_bytes())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (meta.uid(), meta.gid()) {
        let owner = std::os::unix::fs::fchown(&file, Some(meta.uid()), Some(meta.gid()));
        owner.map_err(|error| io::Error::new(error.kind(), "its owner cannot be kept"))?;
    }
    // After the owner: a change of owner may take bits of the mode away.
    file.set_permissions(meta.permissions())?;
    file.sync_data()
}

fn holds(target: &Path, text: &str) -> io::Result<bool> {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    File::open(target)?.take(text.len() as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes == text.as_bytes())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.md");
        fs::write(&path, text).unwrap();
        (dir, path)
    }

    fn names(dir: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn mode_and_link_stay_and_nothing_is_left_beside() {
        let (dir, path) = folder("old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(dir.path().join(".a.md.taskmaster"), "left by a kill").unwrap();
        symlink("a.md", dir.path().join("link.md")).unwrap();
        assert_eq!(replace(&dir.path().join("link.md"), "old", "new").unwrap(), Replaced::Yes);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(dir.path().join("link.md")).unwrap().is_symlink());
        assert_eq!(names(&dir), ["a.md", "link.md"]);
    }

    #[test]
    fn another_text_is_left_alone() {
        for now in ["other", "old and more", "ol", ""] {
            let (dir, path) = folder(now);
            assert_eq!(replace(&path, "old", "new").unwrap(), Replaced::Changed);
            assert_eq!(fs::read_to_string(&path).unwrap(), now);
            assert_eq!(names(&dir), ["a.md"]);
        }
    }

    #[test]
    fn what_may_not_be_written_is_not() {
        let (dir, path) = folder("old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(replace(&path, "old", "new").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert!(replace(&dir.path().join("none.md"), "old", "new").is_err());
        assert!(replace(dir.path(), "old", "new").is_err());
        assert_eq!(names(&dir), ["a.md"]);
    }
}
