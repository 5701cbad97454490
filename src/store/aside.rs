//! Keeping things: copies of damaged ledgers, logs that have lost their ledger, names for backups.

use super::create::beside;
use super::directory;
use super::error::StoreError;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Names tried before giving up.
const NAMES: u32 = 1000;

/// Makes an empty private file whose name begins with `path` and `suffix`, and returns its name.
pub(super) fn free_name(path: &Path, suffix: &str) -> Result<PathBuf, StoreError> {
    for number in 1..=NAMES {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let name = beside(path, &format!("{suffix}{more}"));
        match directory::private().create_new(true).open(&name) {
            Ok(_) => return Ok(name),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io(&name, error)),
        }
    }
    Err(StoreError::io(path, ErrorKind::AlreadyExists.into()))
}

/// Copies a damaged ledger and its log to `ledger.db.corrupt-<first digits of its digest>`. The
/// same content is copied once, however often it is met. None for what is not a file.
pub(super) fn copy(path: &Path) -> io::Result<Option<PathBuf>> {
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    let digest = hasher.finalize().to_hex();
    let kept = beside(path, &format!(".corrupt-{}", &digest[..8]));
    copy_once(path, &kept)?;
    let log = beside(path, "-wal");
    if log.is_file() {
        copy_once(&log, &beside(&kept, "-wal"))?;
    }
    Ok(Some(kept))
}

/// By rename, so that a copy is whole or absent.
fn copy_once(from: &Path, to: &Path) -> io::Result<()> {
    if to.try_exists()? {
        return Ok(());
    }
    let dir = to.parent().unwrap_or(Path::new("."));
    let mut copy = tempfile::NamedTempFile::new_in(dir)?;
    io::copy(&mut File::open(from)?, copy.as_file_mut())?;
    copy.as_file().sync_all()?;
    match copy.persist_noclobber(to) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

/// Takes away a write-ahead log that stands beside no ledger, and keeps it under another name.
pub(super) fn stray_log(path: &Path) -> Result<(), StoreError> {
    let log = beside(path, "-wal");
    let io = |source| StoreError::io(&log, source);
    match fs::metadata(&log) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
        Ok(_) => fs::rename(&log, free_name(path, ".stray-wal")?).map_err(io)?,
    }
    match fs::remove_file(beside(path, "-shm")) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(error)),
        _ => Ok(()),
    }
}
