//! Making a ledger and bringing an older one to this program's schema.
//!
//! Both happen under one lock. A new ledger is built under another name and appears by a rename,
//! so nobody ever meets half of one, whenever we are killed.

use super::directory;
use super::error::StoreError;
use super::migrate::{self, MIGRATIONS};
use super::open::{connect, exists};
use super::types::Access;
use crate::crash;
use rusqlite::Connection;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// `ledger.db` → `ledger.db-wal`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the ledger, unless another process has made it by now.
pub(super) fn create(dir: &Path, path: &Path) -> Result<(), StoreError> {
    let _lock = directory::lock(dir)?;
    if exists(path)? {
        return Ok(());
    }
    // A log whose ledger was taken away would be read into the new one.
    super::aside::stray_log(path)?;
    let fresh = beside(path, ".new");
    for suffix in ["", "-wal", "-shm", "-journal"] {
        remove(&beside(&fresh, suffix))?;
    }
    let io = |source| StoreError::io(&fresh, source);
    let file = directory::private().read(true).create_new(true).open(&fresh).map_err(io)?;
    build(&fresh).map_err(|source| StoreError::of(&fresh, source))?;
    file.sync_all().map_err(io)?;
    crash::around("create the ledger", || fs::rename(&fresh, path))
        .map_err(|source| StoreError::io(path, source))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|source| StoreError::io(dir, source))
}

/// Fills an empty file. Nothing is synced here: the caller syncs the whole once.
fn build(path: &Path) -> rusqlite::Result<()> {
    let mut conn = Connection::open(path)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    conn.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))?;
    migrate::apply(&mut conn, MIGRATIONS)?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.close().map_err(|(_, error)| error)
}

/// Migrates a ledger of schema `found`, after a backup of it.
pub(super) fn migrate(dir: &Path, path: &Path, found: u32) -> Result<(), StoreError> {
    let known = migrate::SCHEMA;
    let migrated = directory::lock(dir).and_then(|_lock| {
        let mut conn = connect(path, Access::ReadWrite)?;
        let fault = |source| StoreError::of(path, source);
        // Another process may have done it while we waited for the lock.
        if migrate::version(&conn).map_err(fault)? < known {
            crash::around("back the ledger up", || backup(&conn, path, found))?;
            migrate::apply(&mut conn, MIGRATIONS).map_err(fault)?;
        }
        Ok(())
    });
    migrated.map_err(|error| match error {
        StoreError::ReadOnly { .. } => StoreError::OlderSchema { path: path.to_path_buf(), found, known },
        error => error,
    })
}

/// Copies the ledger, its log included, to `ledger.db.schema-1`, or the next name that is free.
fn backup(conn: &Connection, path: &Path, found: u32) -> Result<(), StoreError> {
    let copy = super::aside::free_name(path, &format!(".schema-{found}"))?;
    conn.backup("main", &copy, None::<fn(rusqlite::backup::Progress)>).map_err(|source| {
        let _ = fs::remove_file(&copy);
        StoreError::of(&copy, source)
    })?;
    File::open(&copy).and_then(|file| file.sync_all()).map_err(|source| StoreError::io(&copy, source))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io(path, error)),
        _ => Ok(()),
    }
}
