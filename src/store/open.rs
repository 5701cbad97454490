//! Opening the ledger: what is there is judged before anything is written.

use super::chain::Hashing;
use super::directory;
use super::error::StoreError;
use super::migrate::{self, MIGRATIONS, SCHEMA};
use super::read::Snapshot;
use super::types::Access;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the ledger inside the state directory.
pub(super) const FILE: &str = "ledger.db";
/// "TMLG", as `0001_events.sql` sets it.
const APPLICATION_ID: i32 = 0x544D_4C47;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long a writer waits for another one before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
const CACHED_STATEMENTS: usize = 64;
/// Pages of the log after which a commit moves them into the ledger, which waits for the disk: 16 MB,
/// four times SQLite's own choice, because a run of many small tasks commits all the time.
const PAGES_IN_LOG: u32 = 4000;

/// A handle on the ledger's file.
pub struct Store {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    pub(super) hashing: Hashing,
    pub(super) synced: bool,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// True where `dir` holds a ledger.
    pub fn exists(dir: &Path) -> bool {
        dir.join(FILE).exists()
    }

    /// Opens the ledger of a state directory.
    ///
    /// It is made where it is absent and [`Access::ReadWrite`] is asked for. An older schema is
    /// migrated (a backup stays beside it), a newer one refused. A damaged file is left exactly as
    /// it is, and where writing is allowed a copy of it is kept under a name of its own.
    pub fn open(dir: &Path, access: Access) -> Result<Self, StoreError> {
        let dir = std::path::absolute(dir).map_err(|source| StoreError::io(dir, source))?;
        let path = dir.join(FILE);
        match Self::open_file(&dir, &path, access) {
            Err(StoreError::Corrupt { path, what, .. }) if access == Access::ReadWrite => {
                let kept = super::aside::copy(&path).ok().flatten();
                Err(StoreError::Corrupt { path, what, kept })
            }
            opened => opened,
        }
    }

    /// Opens a ledger whose end may be cut off, to look at it and nothing else.
    pub fn open_damaged(dir: &Path) -> Result<Self, StoreError> {
        let dir = std::path::absolute(dir).map_err(|source| StoreError::io(dir, source))?;
        let path = dir.join(FILE);
        check_file(&path)?;
        let conn = connect(&path, Access::ReadOnly)?;
        match schema(&conn, &path)? {
            SCHEMA => Ok(Self { conn, path, hashing: Hashing::new(), synced: false }),
            found if found > SCHEMA => Err(StoreError::NewerSchema { path, found, known: SCHEMA }),
            found => Err(StoreError::OlderSchema { path, found, known: SCHEMA }),
        }
    }

    /// Opens a ledger to look at it, whatever its schema; no byte and no file changes by it. Tells the schema,
    /// and gives the store where that is the one known here.
    pub fn look(dir: &Path) -> Result<(u32, Option<Self>), StoreError> {
        let dir = std::path::absolute(dir).map_err(|source| StoreError::io(dir, source))?;
        let path = dir.join(FILE);
        if !exists(&path)? {
            return Err(StoreError::Absent { path });
        }
        check_file(&path)?;
        // With a log, its index is beside it already. Without one, even a reader would make both.
        let conn = if log_is_empty(&path) { connect_unchanging(&path) } else { connect_to_read(&path) };
        let conn = conn.map_err(|source| StoreError::of(&path, source))?;
        match schema(&conn, &path)? {
            found if found > SCHEMA => Err(StoreError::NewerSchema { path, found, known: SCHEMA }),
            SCHEMA => Ok((SCHEMA, Some(Self { conn, path, hashing: Hashing::new(), synced: false }))),
            found => Ok((found, None)),
        }
    }

    /// A ledger without events that vanishes with its handle: a place to project events into.
    pub fn scratch() -> Result<Self, StoreError> {
        let path = PathBuf::from("(scratch)");
        let open = || {
            // An empty name is a private file of SQLite's own, so memory stays bounded.
            let mut conn = Connection::open("")?;
            conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
            conn.pragma_update(None, "synchronous", "OFF")?;
            conn.pragma_update(None, "foreign_keys", false)?;
            migrate::apply(&mut conn, MIGRATIONS)?;
            Ok(conn)
        };
        let conn = open().map_err(|source| StoreError::of(&path, source))?;
        Ok(Self { conn, path, hashing: Hashing::new(), synced: false })
    }

    fn open_file(dir: &Path, path: &Path, access: Access) -> Result<Self, StoreError> {
        if access == Access::ReadWrite {
            directory::prepare(dir)?;
            if !exists(path)? {
                super::create::create(dir, path)?;
            }
        } else if !exists(path)? {
            return Err(StoreError::Absent { path: path.to_path_buf() });
        }
        check_file(path)?;
        let mut conn = connect(path, access)?;
        match schema(&conn, path)? {
            found if found > SCHEMA => {
                return Err(StoreError::NewerSchema { path: path.to_path_buf(), found, known: SCHEMA });
            }
            found if found < SCHEMA => {
                drop(conn);
                super::create::migrate(dir, path, found)?;
                conn = connect(path, access)?;
            }
            _ => {}
        }
        Snapshot { conn: &conn, path }.head()?;
        settle(&conn, access).map_err(|source| StoreError::of(path, source))?;
        Ok(Self { conn, path: path.to_path_buf(), hashing: Hashing::new(), synced: false })
    }
}

/// What may be done to a file only once it is known to be a whole ledger.
fn settle(conn: &Connection, access: Access) -> rusqlite::Result<()> {
    if access == Access::ReadWrite {
        // The file keeps this mode; a backup that was put back has lost it.
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    }
    // Until here a close must not move the log's pages into a file that may be damaged.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|source| StoreError::io(path, source))
}

/// What can be said of the file without SQLite. The ledger appears by a rename when it is whole,
/// so a file that is empty or short was never one of ours, or has lost its content.
fn check_file(path: &Path) -> Result<(), StoreError> {
    let corrupt =
        |what: &str| StoreError::Corrupt { path: path.to_path_buf(), what: what.to_owned(), kept: None };
    let io = |source| StoreError::io(path, source);
    let kind = fs::metadata(path).map_err(io)?;
    if kind.is_dir() {
        return Err(corrupt("it is a directory"));
    }
    let mut start = Vec::with_capacity(MAGIC.len());
    File::open(path).map_err(io)?.take(MAGIC.len() as u64).read_to_end(&mut start).map_err(io)?;
    match start.as_slice() {
        [] => Err(corrupt("it is empty")),
        start if start == MAGIC => Ok(()),
        _ => Err(corrupt("it is not a SQLite database")),
    }
}

/// The schema's number, once it is certain that the database is a ledger.
fn schema(conn: &Connection, path: &Path) -> Result<u32, StoreError> {
    let fault = |source| StoreError::of(path, source);
    let application: i32 =
        conn.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fault)?;
    if application != APPLICATION_ID {
        let what = "it is a SQLite database, but not a ledger".to_owned();
        return Err(StoreError::Corrupt { path: path.to_path_buf(), what, kept: None });
    }
    migrate::version(conn).map_err(fault)
}

/// Connects to an existing ledger.
pub(super) fn connect(path: &Path, access: Access) -> Result<Connection, StoreError> {
    let connected = match access {
        Access::ReadWrite => connect_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE),
        Access::ReadOnly => connect_to_read(path),
    };
    connected.map_err(|source| StoreError::of(path, source))
}

fn connect_with(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    conn.pragma_update(None, "wal_autocheckpoint", PAGES_IN_LOG)?;
    // The first read shows whether the file and its log can be used at all.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(conn)
}

/// A reader needs the log's index beside the ledger, which SQLite makes. In a directory where that
/// cannot be made (on a full disk, too), and where no log is left, the file is whole in itself and nobody can change it.
fn connect_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let refused = match connect_with(path, flags) {
        Err(error) => error,
        connected => return connected,
    };
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly};
    let cannot_write = matches!(refused.sqlite_error_code(), Some(CannotOpen | DiskFull | ReadOnly))
        || super::error::has_no_room(&refused);
    if !(cannot_write && log_is_empty(path)) {
        return Err(refused);
    }
    connect_unchanging(path)
}

fn log_is_empty(path: &Path) -> bool {
    fs::metadata(super::create::beside(path, "-wal")).map_or(true, |log| log.len() == 0)
}

/// Of a file that is whole in itself and that nobody changes.
fn connect_unchanging(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    connect_with(Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}
