//! The state directory: private to its owner, invisible to Git.

use super::error::StoreError;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

const IGNORE: &str = ".gitignore";
const IGNORE_NEW: &str = ".gitignore.new";
/// Held while the ledger is made or migrated; like every lock here it ends with its process.
const LOCK: &str = "ledger.lock";

/// Makes the state directory where it is absent.
///
/// `.gitignore` and permissions are given to a directory that is ours alone: one that was absent
/// or empty, or that holds nothing but our own files because we were killed too early. Somebody's
/// own directory is used as it is.
pub(super) fn prepare(dir: &Path) -> Result<(), StoreError> {
    let prepared = (|| {
        if !dir.is_dir() {
            create(dir)?;
        }
        if !dir.join(IGNORE).try_exists()? && is_ours(dir)? {
            // A courtesy: where it cannot be written, whatever comes next says so better.
            let _ = ignore_in_git(dir);
        }
        Ok(())
    })();
    prepared.map_err(|source| StoreError::io(dir, source))
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

fn is_ours(dir: &Path) -> std::io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let ours = [IGNORE_NEW, "executor.lock"].map(OsStr::new).contains(&name.as_os_str())
            || ["ledger.", "agent."].iter().any(|ours| name.to_string_lossy().starts_with(ours));
        if !ours {
            return Ok(false);
        }
    }
    Ok(true)
}

/// By rename, so that a kill never leaves half of it.
fn ignore_in_git(dir: &Path) -> std::io::Result<()> {
    let new = dir.join(IGNORE_NEW);
    private().create(true).truncate(true).open(&new)?.write_all(b"*\n")?;
    match fs::rename(&new, dir.join(IGNORE)) {
        // Another process did the same and was faster.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && dir.join(IGNORE).exists() => Ok(()),
        result => result,
    }
}

/// Options to write a file that, where it is made, is for its owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Waits for the lock under which the ledger is made or migrated.
pub(super) fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK);
    let locked = private().create(true).truncate(false).open(&path).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    locked.map_err(|source| StoreError::io(dir, source))
}
