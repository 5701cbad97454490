//! The guard: a process that holds descriptors for the agent and starts it anew when it dies.
//!
//! It does so little that it has no reason to die: no threads, no timers, one blocking read. The lock of the
//! state directory and the control socket are among what it holds, so that both outlive either of the two.
//! A guard whose agent lives on takes the line to that over (`agent guard --adopt`).

use super::files::{Files, SocketPath};
use super::log;
use super::passing::{Line, Word};
use crate::clock;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, Permissions, TryLockError};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Name under which the lock of the state directory is held.
pub const LOCK: &str = "lock";
/// Name under which the control socket is held.
pub const CONTROL: &str = "control";
/// Tells an agent how many died before it.
pub const RESTARTS: &str = "TASKMASTER_AGENT_RESTARTS";
/// Descriptors that are held at most.
const MOST_HELD: usize = 900;
/// Agents that may die before the first one is at work.
const TRIES: u32 = 3;
/// Deaths in a minute before each further start waits.
const DEATHS_A_MINUTE: usize = 120;

/// How a role of this program is started: in a session of its own, by the file that runs now, whatever
/// stands at its path by then.
pub fn command(files: &Files, role: &str) -> Command {
    let running = PathBuf::from("/proc/self/exe");
    let exe = if running.exists() { running } else { std::env::current_exe().unwrap_or(running) };
    let mut command = Command::new(exe);
    command.arg0("taskmaster").args(["-v", "agent", role, "--state-dir"]).arg(files.dir()).current_dir("/");
    command
}

/// Is the guard of a state directory until its agent ends on purpose. Where another one is, it ends at once.
/// False where no agent comes to work, which has said why in the log.
///
/// # Errors
/// The control socket cannot be made, or no agent can be started.
pub fn run(files: &Files, adopts: bool) -> io::Result<bool> {
    // One that leads its session already was started so.
    let _ = rustix::process::setsid();
    let mut guard = Guard {
        files: files.clone(),
        held: BTreeMap::new(),
        pace: Pace::default(),
        deaths: restarts(),
        was_ready: adopts,
        has_all: !adopts,
    };
    let mut line = None;
    if adopts {
        line = Some(Line::from_stdin()?);
    } else if !guard.take_place()? {
        return Ok(true);
    }
    loop {
        let end = match line.take() {
            Some(line) => guard.hear(&line),
            None => guard.keep_one(),
        };
        let end = match end {
            // A want of memory, processes or disk may pass, and what is held is held by nobody else.
            Err(fault) if guard.was_ready => {
                tracing::warn!(%fault, "no agent can be started");
                End::Death { was_ready: false }
            }
            end => end?,
        };
        match end {
            End::OnPurpose => return guard.leave().map(|()| true),
            // The agent died while it handed over: the next command starts another one.
            End::Death { .. } if !guard.has_all => return Ok(false),
            End::Death { was_ready } => {
                tracing::warn!(was_ready, "the agent died");
                guard.deaths = guard.deaths.saturating_add(1);
                guard.was_ready |= was_ready;
                let pause = guard.pace.pause(was_ready, clock::monotonic());
                if !guard.was_ready && guard.pace.early >= TRIES {
                    // Nothing is held for anybody, and who waits for an answer is to know.
                    return guard.leave().map(|()| false);
                }
                std::thread::sleep(pause);
            }
        }
    }
}

/// How an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It said so.
    OnPurpose,
    /// It did not.
    Death {
        /// It was at work.
        was_ready: bool,
    },
}

struct Guard {
    files: Files,
    held: BTreeMap<String, OwnedFd>,
    pace: Pace,
    deaths: u64,
    /// An agent has been at work.
    was_ready: bool,
    /// It has all that an agent can be started with.
    has_all: bool,
}

/// Agents that died before this process began.
pub fn restarts() -> u64 {
    std::env::var(RESTARTS).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

impl Guard {
    /// Takes the lock and makes the socket; false where another one is there.
    fn take_place(&mut self) -> io::Result<bool> {
        Files::make(self.files.dir())?;
        let lock = Files::append(&self.files.lock())?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        self.held.insert(CONTROL.to_owned(), listen(&self.files)?.into());
        self.held.insert(LOCK.to_owned(), lock.into());
        Ok(true)
    }

    /// Starts an agent and stays with it to its end.
    fn keep_one(&mut self) -> io::Result<End> {
        let (ours, theirs) = UnixStream::pair()?;
        let out = log::open(&self.files).or_else(|_| File::options().write(true).open("/dev/null"))?;
        let mut agent = command(&self.files, "serve");
        agent.env(RESTARTS, self.deaths.to_string());
        agent.stdin(OwnedFd::from(theirs)).stdout(out.try_clone()?).stderr(out).process_group(0);
        let mut child = agent.spawn()?;
        // It has the other end of the line now, and nobody else: its death ends the line.
        drop(agent);
        let line = Line::new(ours);
        let end = self.hand_over(&line).and_then(|()| self.hear(&line));
        // What speaks garbage, or cannot be spoken to, is no agent.
        end.or_else(|fault| {
            tracing::warn!(%fault, "the line to the agent broke");
            Ok(End::Death { was_ready: false })
        })
        .inspect(|end| reap(&mut child, *end))
    }

    fn hand_over(&self, line: &Line) -> io::Result<()> {
        for (name, descriptor) in &self.held {
            line.say(&Word::Hold(name.clone()), Some(descriptor.as_fd()))?;
        }
        line.say(&Word::All, None)
    }

    /// Does what the agent says, to its end.
    fn hear(&mut self, line: &Line) -> io::Result<End> {
        let mut was_ready = false;
        while let Some((word, descriptor)) = line.hear()? {
            match (word, descriptor) {
                (Word::Hold(name), Some(descriptor)) => {
                    if self.held.len() < MOST_HELD || self.held.contains_key(&name) {
                        self.held.insert(name, descriptor);
                    } else {
                        tracing::error!(name, "too much is held already: it is lost with the agent");
                    }
                }
                (Word::Release(name), _) => drop(self.held.remove(&name)),
                (Word::Ready, _) => was_ready = true,
                (Word::Bye, _) => return Ok(End::OnPurpose),
                (Word::All, _) => self.has_all = true,
                (Word::Hold(_), _) => {}
            }
        }
        Ok(End::Death { was_ready })
    }

    /// The socket goes before the lock does, so that nobody takes away that of the next guard.
    fn leave(self) -> io::Result<()> {
        match std::fs::remove_file(self.files.socket()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn reap(child: &mut Child, end: End) {
    if end != End::OnPurpose {
        // It is dead or of no use.
        let _ = child.kill();
    }
    match child.wait() {
        Ok(status) if end != End::OnPurpose => tracing::warn!(%status, "its end"),
        _ => {}
    }
}

/// The control socket. A stale one is replaced by a rename: who comes meets the old one or the new one, and
/// never one that others may speak to.
pub(super) fn listen(files: &Files) -> io::Result<UnixListener> {
    let socket = files.socket();
    match std::fs::symlink_metadata(&socket) {
        Ok(meta) if !meta.file_type().is_socket() => {
            let what = format!("{} is in the way: it is no socket", socket.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let fresh = files.dir().join("agent.sock.new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let path = SocketPath::new(files.dir(), "agent.sock.new")?;
    let listener = UnixListener::bind(path.path())?;
    std::fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, &socket)?;
    Ok(listener)
}

/// When a dead agent is started again: at once, unless it dies again and again.
#[derive(Debug, Default)]
struct Pace {
    deaths: VecDeque<Instant>,
    /// Deaths in a row of agents that were not at work yet.
    early: u32,
}

impl Pace {
    fn pause(&mut self, was_ready: bool, now: Instant) -> Duration {
        self.early = if was_ready { 0 } else { self.early.saturating_add(1) };
        self.deaths.push_back(now);
        while self.deaths.front().is_some_and(|at| now - *at > Duration::from_secs(60)) {
            self.deaths.pop_front();
        }
        let of_early = match self.early {
            0..=2 => Duration::ZERO,
            early => Duration::from_millis(20 << (early - 3).min(8)),
        };
        let is_often = self.deaths.len() > DEATHS_A_MINUTE;
        of_early.max(if is_often { Duration::from_millis(500) } else { Duration::ZERO })
    }
}

/// Starts a guard for an agent that lives, and returns the line to it.
///
/// # Errors
/// The system's.
pub fn start_anew(files: &Files) -> io::Result<(Line, Child)> {
    let (ours, theirs) = UnixStream::pair()?;
    let out: File = log::open(files)?;
    let mut guard = command(files, "guard");
    guard.arg("--adopt").stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(out);
    let child = guard.spawn()?;
    Ok((Line::new(ours), child))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_death_costs_no_time_and_many_do() {
        let (mut pace, now) = (Pace::default(), clock::monotonic());
        assert_eq!(pace.pause(true, now), Duration::ZERO);
        let early: Vec<u128> = (0..12).map(|_| pace.pause(false, now).as_millis()).collect();
        assert_eq!(early, [0, 0, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 5120]);
        assert_eq!(pace.pause(true, now), Duration::ZERO);
        for _ in 0..200 {
            pace.pause(true, now);
        }
        assert_eq!(pace.pause(true, now), Duration::from_millis(500));
        assert_eq!(pace.pause(true, now + Duration::from_secs(90)), Duration::ZERO);
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::of(folder.path()).unwrap();
        drop(listen(&files).unwrap());
        assert!(UnixStream::connect(files.socket()).is_err(), "it is stale");
        let _listener = listen(&files).unwrap();
        UnixStream::connect(files.socket()).unwrap();
        assert_eq!(std::fs::metadata(files.socket()).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_file(files.socket()).unwrap();
        std::fs::write(files.socket(), "precious").unwrap();
        assert!(listen(&files).unwrap_err().to_string().contains("is no socket"));
    }

    #[test]
    fn one_guard_has_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let guard = || Guard {
            files: Files::of(folder.path()).unwrap(),
            held: BTreeMap::new(),
            pace: Pace::default(),
            deaths: 0,
            was_ready: false,
            has_all: true,
        };
        let mut first = guard();
        assert!(first.take_place().unwrap());
        assert!(!guard().take_place().unwrap());
        // The lock goes with the last descriptor of it, whoever has that.
        let kept = first.held.get(LOCK).unwrap().try_clone().unwrap();
        drop(first);
        assert!(!guard().take_place().unwrap());
        drop(kept);
        assert!(guard().take_place().unwrap());
    }
}
