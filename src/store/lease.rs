//! The executor lease: one executor per state directory.
//!
//! The lease is the kernel's lock on `executor.lock`, not the file: it ends with the process that
//! holds it, however that dies, and so never needs to be taken away by hand. The file's text only
//! tells others whom to name. It is written after the lock is held, so whoever is refused may see
//! the text of an earlier holder for a moment; it then tries again until the holder it reads lives.

use super::error::StoreError;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

/// Name of the file inside the state directory.
const FILE: &str = "executor.lock";
/// How often a refused process looks for the holder's text, and how long between two looks.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(5);

/// Who holds the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHolder {
    /// Process id.
    pub pid: u32,
    /// Start time of the process in clock ticks since boot; 0 where the system does not tell.
    pub start_ticks: u64,
    /// Boot id of the machine; empty where the system does not tell.
    pub boot_id: String,
    /// Its command line, for people.
    pub command: String,
}

/// Why the lease was not given.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another process holds it (exit 40).
    #[error("{}", busy(holder.as_ref()))]
    Busy {
        /// Who; none where the holder has not written its name yet.
        holder: Option<LeaseHolder>,
    },
    /// The file could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn busy(holder: Option<&LeaseHolder>) -> String {
    match holder {
        Some(holder) => format!("process {} is at work here: {}", holder.pid, holder.command),
        None => "another process is at work here".to_owned(),
    }
}

impl LeaseError {
    /// The exit code of a command that ends for this reason (design §6).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Busy { .. } => 40,
            Self::Store(error) => error.exit_code(),
        }
    }
}

/// The right to execute in one state directory, held until it is dropped.
#[derive(Debug)]
pub struct ExecutorLease {
    file: File,
}

impl ExecutorLease {
    /// Takes the lease of `state_dir`, or says who has it. Never waits for it.
    pub fn acquire(state_dir: &Path, holder: &LeaseHolder) -> Result<Self, LeaseError> {
        super::directory::prepare(state_dir)?;
        let path = state_dir.join(FILE);
        let file = open(&path)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return Self::named(file, &path, holder),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(StoreError::io(&path, source).into()),
            }
            match read_holder(&path)? {
                Some(holder) if lives(holder.pid) => return Err(LeaseError::Busy { holder: Some(holder) }),
                _ => std::thread::sleep(PAUSE),
            }
        }
        Err(LeaseError::Busy { holder: read_holder(&path)? })
    }

    fn named(mut file: File, path: &Path, holder: &LeaseHolder) -> Result<Self, LeaseError> {
        write_holder(&mut file, holder).map_err(|source| StoreError::io(path, source))?;
        Ok(Self { file })
    }

    /// Who executes in `state_dir` right now, if anybody does.
    pub fn current(state_dir: &Path) -> Result<Option<LeaseHolder>, LeaseError> {
        let path = state_dir.join(FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::io(&path, source).into()),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(read_holder(&path)?),
            Err(TryLockError::Error(source)) => Err(StoreError::io(&path, source).into()),
        }
    }
}

impl Drop for ExecutorLease {
    /// Takes the name away before the lock goes. Failure is harmless: a name without a lock means nothing.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    let mut options = super::directory::private();
    options.read(true).create(true).truncate(false);
    options.open(path).map_err(|source| StoreError::io(path, source))
}

fn write_holder(file: &mut File, holder: &LeaseHolder) -> std::io::Result<()> {
    let text = serde_json::to_string(holder).map_err(std::io::Error::other)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

fn read_holder(path: &Path) -> Result<Option<LeaseHolder>, StoreError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    read.map_err(|source| StoreError::io(path, source))?;
    Ok(serde_json::from_str(&text).ok())
}

fn lives(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}
