//! One process works in a mirror.
//!
//! The lock is the kernel's, on a file beside the mirror, and so ends with the process that holds it,
//! however that dies. What is left then is a git that this process had started: it carries the holder's
//! mark, and has ended before anything of it is taken for a leftover. It may do so by itself for a while, and is ended
//! then: the git of an origin on the same machine carries the mark as well, and one that is ended in the middle of a
//! push can leave a lock there that stops everybody.

use super::error::GitError;
use crate::process::child::Remains;
use crate::process::proc;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a git of a dead process may take to end by itself, and then after TERM.
const GRACE: Duration = Duration::from_secs(2);
/// A holder is named in fewer bytes than this.
const MAX_TEXT: u64 = 4096;
/// How often a lock without a name is tried, and how long between two tries.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(5);

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    start_ticks: u64,
    boot_id: String,
}

impl Holder {
    fn me() -> Self {
        let pid = std::process::id();
        let start_ticks = proc::start_ticks(pid).unwrap_or_default();
        Self { pid, start_ticks, boot_id: proc::boot_id().to_owned() }
    }

    /// What the processes that it starts carry.
    fn mark(&self) -> String {
        format!("git-{}-{}-{}", self.boot_id, self.pid, self.start_ticks)
    }
}

/// The right to work in one mirror, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    mark: String,
}

impl Lock {
    /// Takes the lock of the mirror in `dir`, or says who has it. Never waits for it.
    pub(super) fn take(dir: &Path) -> Result<Self, GitError> {
        let path = beside(dir, "lock");
        let fault = |source| GitError::System { doing: format!("lock {}", path.display()), source };
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(fault)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return Self::named(file, fault),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(fault(source)),
            }
            // The name is written after the lock is held, and taken away before it goes.
            let mut other = File::open(&path).map_err(fault)?;
            match read(&mut other) {
                Some(holder) => return Err(GitError::Busy { pid: Some(holder.pid) }),
                None => std::thread::sleep(PAUSE),
            }
        }
        Err(GitError::Busy { pid: None })
    }

    fn named(mut file: File, fault: impl Fn(io::Error) -> GitError) -> Result<Self, GitError> {
        let me = Holder::me();
        if let Some(before) = read(&mut file).filter(|before| *before != me) {
            end_remains(&before)?;
        }
        write(&mut file, &me).map_err(fault)?;
        Ok(Self { file, mark: me.mark() })
    }

    /// What every command in the mirror carries, as the value of [`proc::ATTEMPT_VARIABLE`].
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }
}

impl Drop for Lock {
    /// Takes the name away before the lock goes. Failure is harmless: a name without a lock only makes the
    /// next one look for remains. The lock is given back by itself, because a child of another thread may hold
    /// the file for a moment longer, between fork and exec.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// `repo` and `lock`: `repo.lock`, in the same folder.
pub(super) fn beside(dir: &Path, ending: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    dir.with_file_name(name)
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(MAX_TEXT).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    let text = serde_json::to_string(holder).map_err(io::Error::other)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

/// Returns once what a dead holder had started has ended. In a thread of its own, because the caller may be in a runtime.
fn end_remains(before: &Holder) -> Result<(), GitError> {
    let mark = before.mark();
    let ended = std::thread::spawn(move || -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let remains = Remains::new(&mark, &[]);
            match tokio::time::timeout(GRACE, remains.ended()).await {
                Ok(()) => Ok(()),
                Err(_) => remains.stop(GRACE).await.map_err(io::Error::other),
            }
        })
    });
    let ended = ended.join().unwrap_or_else(|_| Err(io::Error::other("its thread ended early")));
    ended.map_err(|source| GitError::System { doing: "end a git that was left at work".to_owned(), source })
}
