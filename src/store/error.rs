//! What can be wrong with the ledger's file.

use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use std::path::{Path, PathBuf};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading was asked for and nothing was ever written.
    #[error("no ledger at {}", path.display())]
    Absent {
        /// Where it would be.
        path: PathBuf,
    },
    /// A newer taskmaster wrote it (exit 41).
    #[error("{} has schema {found}, this program knows {known}", path.display())]
    NewerSchema {
        /// The ledger.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// An older taskmaster wrote it, and it may not be written to here.
    #[error("{} has schema {found} and cannot be brought to {known} without writing", path.display())]
    OlderSchema {
        /// The ledger.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The schema that is needed.
        known: u32,
    },
    /// It is not a ledger, or it is damaged (exit 42). It was left exactly as it is.
    #[error("{} is damaged: {what}{}", path.display(), kept_aside(kept.as_deref()))]
    Corrupt {
        /// The ledger.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// The copy that was made of it.
        kept: Option<PathBuf>,
    },
    /// Another process wrote for longer than we wait.
    #[error("{} is locked by another process", path.display())]
    Busy {
        /// The ledger.
        path: PathBuf,
    },
    /// No room is left.
    #[error("no room left to write {}", path.display())]
    Full {
        /// The ledger.
        path: PathBuf,
    },
    /// It may not be written to.
    #[error("{} cannot be written to", path.display())]
    ReadOnly {
        /// The ledger or its directory.
        path: PathBuf,
    },
    /// A file or directory of the state could not be made or read.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else that SQLite refuses.
    #[error("cannot use {}", path.display())]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

fn kept_aside(kept: Option<&Path>) -> String {
    kept.map_or_else(String::new, |kept| format!(" (a copy is kept at {})", kept.display()))
}

impl StoreError {
    /// The exit code of a command that ends for this reason (design §6).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NewerSchema { .. } => 41,
            Self::Corrupt { .. } => 42,
            _ => 1,
        }
    }

    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Absent { .. } => Some("run `taskmaster parse` on a document first".to_owned()),
            Self::NewerSchema { .. } => Some("use the taskmaster that wrote it, or a newer one".to_owned()),
            Self::OlderSchema { .. } => {
                Some("run `taskmaster audit` once where the state directory can be written to".to_owned())
            }
            Self::Corrupt { path, .. } => Some(format!(
                "nothing was changed; to begin with an empty ledger move {} away: checks then decide what is done",
                path.display()
            )),
            Self::Full { .. } => Some("free some room and repeat the command".to_owned()),
            Self::ReadOnly { .. } => {
                Some("let this user write there, or name another place by --state-dir".to_owned())
            }
            Self::Busy { .. } => Some("repeat the command in a moment".to_owned()),
            Self::Io { .. } | Self::Sqlite { .. } => None,
        }
    }

    /// Gives a failure of SQLite its meaning.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            None if is_content(&source) => Self::Corrupt { path, what: source.to_string(), kept: None },
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => {
                Self::Corrupt { path, what: source.to_string(), kept: None }
            }
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy { path },
            Some(Code::DiskFull) => Self::Full { path },
            _ if has_no_room(&source) => Self::Full { path },
            Some(Code::ReadOnly) => Self::ReadOnly { path },
            _ => Self::Sqlite { path, source },
        }
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let path = path.to_path_buf();
        match source.kind() {
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::ReadOnly { path },
            Kind::StorageFull => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }
}

/// The index of the log grows by whole pages beforehand, and that fails for want of room alone.
pub(super) fn has_no_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_SHMSIZE)
}

/// True where a column held what this program never writes.
fn is_content(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
    )
}
