//! A running child and the process group that it leads.

use super::proc::{self, Found};
use super::waiter::{self, Waiter};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::future::Future;
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

/// How long ended processes may take to vanish after KILL. Only one in an uninterruptible system
/// call (a dead network file system) lasts longer, and nothing can be done about that.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// No group at all; kernel threads are in it, nobody's child is.
const NO_GROUP: u32 = 0;

/// First and longest pause between two looks at a group that should be empty soon.
const LOOK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// A child that was started and leads its own process group.
#[derive(Debug)]
pub struct Child {
    handle: Arc<duct::Handle>,
    waiter: Waiter,
    group: Group,
    status: Option<ExitStatus>,
}

impl Child {
    pub(super) fn new(handle: duct::Handle, attempt: String) -> Self {
        let pid = handle.pids().first().copied().unwrap_or_default();
        Self {
            handle: Arc::new(handle),
            waiter: Waiter::new(pid),
            group: Group { id: pid, attempt },
            status: None,
        }
    }

    /// Its process id, which is its group's too.
    pub fn pid(&self) -> u32 {
        self.group.id
    }

    /// Returns once it has ended, and reaps it. May be dropped and called again.
    ///
    /// # Errors
    /// The system's; somebody else reaped our child.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.status {
                return Ok(status);
            }
            self.waiter.ended(&self.handle).await?;
            self.status = self.handle.try_wait()?.map(|output| output.status);
        }
    }

    /// Ends the child, its group and whatever else carries its attempt's mark: TERM, then KILL
    /// once `grace` has passed or `hurry` says so. Reaps it.
    ///
    /// # Errors
    /// See [`StopError`].
    pub async fn stop(
        &mut self,
        grace: Duration,
        hurry: impl Future<Output = ()>,
    ) -> Result<ExitStatus, StopError> {
        let group = self.group.clone();
        let gone = async {
            let status = self.wait().await?;
            group.vanished(Scope::Attempt).await;
            Ok::<_, io::Error>(status)
        };
        let status = end(&group, Scope::Attempt, grace, hurry, gone).await;
        match status {
            Some(Ok(status)) => Ok(status),
            Some(Err(error)) => Err(StopError::Wait(error)),
            None => Err(StopError::Survived(group.describe(Scope::Attempt))),
        }
    }

    /// After the child has ended by itself: ends what is left of its group (TERM, then KILL once
    /// `grace` has passed or `hurry` says so) and returns what that was.
    ///
    /// A process that made itself a session or a group of its own (`setsid`) is a service started
    /// on purpose, and is left alone.
    ///
    /// # Errors
    /// [`StopError::Survived`].
    pub async fn sweep(
        &self,
        grace: Duration,
        hurry: impl Future<Output = ()>,
    ) -> Result<Vec<Found>, StopError> {
        if self.status.is_none() || !self.group.may_have_members() {
            return Ok(Vec::new());
        }
        let left = self.group.members(Scope::Group);
        if left.is_empty() {
            return Ok(left);
        }
        match end(&self.group, Scope::Group, grace, hurry, self.group.vanished(Scope::Group)).await {
            Some(()) => Ok(left),
            None => Err(StopError::Survived(self.group.describe(Scope::Group))),
        }
    }
}

/// Why something could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It survived KILL, which only a process inside an uninterruptible system call does.
    #[error("still running after KILL: {0}")]
    Survived(String),
    /// The child could not be waited for.
    #[error("its end cannot be read: {0}")]
    Wait(io::Error),
}

/// What belongs to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Members of the group.
    Group,
    /// Members of the group and every process that carries the attempt's mark.
    Attempt,
}

/// The process group of one child, and the mark that its processes carry.
#[derive(Clone, Debug)]
struct Group {
    id: u32,
    attempt: String,
}

impl Group {
    fn members(&self, scope: Scope) -> Vec<Found> {
        match scope {
            Scope::Attempt if self.id == NO_GROUP => proc::find_by_attempt(&self.attempt),
            Scope::Attempt => proc::members(self.id, &self.attempt),
            Scope::Group => proc::group_members(self.id),
        }
    }

    /// One system call that says no in nearly every case; zombies and a reused id make it say yes,
    /// so a yes is looked at more closely.
    fn may_have_members(&self) -> bool {
        raw_pid(self.id).is_some_and(|pid| test_kill_process_group(pid) != Err(rustix::io::Errno::SRCH))
    }

    fn signal(&self, scope: Scope, signal: Signal) {
        if let Some(pid) = raw_pid(self.id) {
            // "No such group" means that it is gone already, which is what we want.
            let _ = kill_process_group(pid, signal);
        }
        if scope == Scope::Attempt {
            for found in proc::find_by_attempt(&self.attempt) {
                if found.group != self.id {
                    signal_process(&found, signal);
                }
            }
        }
    }

    /// Returns once nothing of it is there. A process in the middle of `exec` shows no mark for a moment, so
    /// where marks count nothing is looked at twice.
    async fn vanished(&self, scope: Scope) {
        let mut pause = LOOK.0;
        let mut empty = 0;
        while empty < if scope == Scope::Attempt { 2 } else { 1 } {
            if self.members(scope).is_empty() {
                empty += 1;
                tokio::time::sleep(LOOK.0).await;
                continue;
            }
            empty = 0;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK.1);
        }
    }

    fn describe(&self, scope: Scope) -> String {
        describe(&self.members(scope))
    }
}

/// Names and ids of processes, for people: `sleep (4711), sh (4712)`.
pub fn describe(found: &[Found]) -> String {
    found.iter().map(|one| format!("{} ({})", one.name, one.pid)).collect::<Vec<_>>().join(", ")
}

/// Ends every process that carries the attempt's mark: TERM, then KILL after `grace`. For what was
/// started on the attempt's behalf and is out of sight.
///
/// # Errors
/// [`StopError::Survived`].
pub async fn stop_strangers(attempt: &str, grace: Duration) -> Result<(), StopError> {
    Remains::new(attempt, &[]).stop(grace).await
}

/// What an earlier taskmaster may have left at work for an attempt.
#[derive(Clone, Debug)]
pub struct Remains {
    attempt: String,
    /// Recorded processes that may still run: pid and start ticks.
    known: Vec<(u32, u64)>,
}

impl Remains {
    /// `processes` are those that were recorded: pid, start ticks, boot id.
    pub fn new(attempt: &str, processes: &[(u32, u64, String)]) -> Self {
        let here = processes.iter().filter(|(_, _, boot)| boot == proc::boot_id());
        Self {
            attempt: attempt.to_owned(),
            known: here.map(|(pid, start_ticks, _)| (*pid, *start_ticks)).collect(),
        }
    }

    /// What still runs, by pid, start time and boot, and by the mark in the environment.
    ///
    /// Between fork and exec a child still shows our own environment. Where no process was
    /// recorded, the executor may have died at that very moment; so nothing found is looked at
    /// twice.
    pub async fn running(&self) -> Vec<Found> {
        let found = self.look();
        if !found.is_empty() || !self.known.is_empty() {
            return found;
        }
        tokio::time::sleep(LOOK.1).await;
        self.look()
    }

    fn look(&self) -> Vec<Found> {
        let mut found = proc::find_by_attempt(&self.attempt);
        for (pid, start_ticks) in &self.known {
            let listed = found.iter().any(|one| one.pid == *pid);
            if !listed && proc::liveness(*pid, *start_ticks, proc::boot_id()) == proc::Liveness::Alive {
                found.extend(proc::find(*pid));
            }
        }
        found
    }

    /// Returns once nothing of it runs any more.
    pub async fn ended(&self) {
        while let Some(one) = self.look().first() {
            waiter::stranger_ended(one.pid, one.start_ticks).await;
        }
    }

    /// Returns once the recorded processes have ended. What they started may go on.
    pub async fn leaders_ended(&self) {
        for (pid, start_ticks) in &self.known {
            waiter::stranger_ended(*pid, *start_ticks).await;
        }
    }

    /// Ends it: TERM, then KILL after `grace`.
    ///
    /// # Errors
    /// [`StopError::Survived`].
    pub async fn stop(&self, grace: Duration) -> Result<(), StopError> {
        let found = self.look();
        if found.is_empty() {
            return Ok(());
        }
        // The leader's whole group, if the leader still lives: only then is the group surely the
        // attempt's. All others are reached by their mark.
        let id = found.iter().find(|one| one.group == one.pid).map_or(NO_GROUP, |leader| leader.group);
        let group = Group { id, attempt: self.attempt.clone() };
        let gone = group.vanished(Scope::Attempt);
        match end(&group, Scope::Attempt, grace, std::future::pending(), gone).await {
            Some(()) => Ok(()),
            None => Err(StopError::Survived(group.describe(Scope::Attempt))),
        }
    }
}

/// TERM, then KILL once `grace` has passed or `hurry` says so; none where `gone` never came.
async fn end<T>(
    group: &Group,
    scope: Scope,
    grace: Duration,
    hurry: impl Future<Output = ()>,
    gone: impl Future<Output = T>,
) -> Option<T> {
    let mut gone = pin!(gone);
    group.signal(scope, Signal::TERM);
    // A stopped process cannot act on TERM before it goes on.
    group.signal(scope, Signal::CONT);
    tokio::select! {
        biased;
        done = &mut gone => return Some(done),
        () = hurry => {}
        () = tokio::time::sleep(grace) => {}
    }
    let mut pause = LOOK.0;
    let kill = async {
        loop {
            // Again and again: a process may have been forked between the look and the signal.
            group.signal(scope, Signal::KILL);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK.1);
        }
    };
    tokio::select! {
        biased;
        done = &mut gone => Some(done),
        () = kill => None,
        () = tokio::time::sleep(KILL_WAIT) => None,
    }
}

/// A signal that cannot hit another process which got the id in the meantime.
#[cfg(target_os = "linux")]
fn signal_process(found: &Found, signal: Signal) {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    let Some(pid) = raw_pid(found.pid) else { return };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) if proc::start_ticks(found.pid) == Some(found.start_ticks) => {
            let _ = pidfd_send_signal(fd, signal);
        }
        _ => {}
    }
}

/// Without `/proc` nothing is ever found, so there is nothing to signal.
#[cfg(not(target_os = "linux"))]
fn signal_process(_: &Found, _: Signal) {}

/// Ids 0 and 1 mean "my own group" and "everything" to the system: never a child's.
fn raw_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw)
}
