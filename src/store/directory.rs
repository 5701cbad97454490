//! The state directory: private to its owner, invisible to Git.

use super::error::StoreError;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Makes the state directory where it is absent, and returns it.
///
/// Permissions and `.gitignore` are given to a directory that is ours alone: one that was absent
/// or empty. Somebody's own directory is used as it is.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, StoreError> {
    if !dir.is_dir() {
        create(dir).map_err(|source| StoreError::io(dir, source))?;
    }
    let mut entries = fs::read_dir(dir).map_err(|source| StoreError::io(dir, source))?;
    if entries.next().is_none() {
        ignore_in_git(dir).map_err(|source| StoreError::io(dir, source))?;
    }
    Ok(dir.to_path_buf())
}

fn create(dir: &Path) -> std::io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        // Another process was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        result => result,
    }
}

fn ignore_in_git(dir: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options);
    options.open(dir.join(".gitignore"))?.write_all(b"*\n")
}

/// Files made with these options are for their owner alone.
pub(super) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}
