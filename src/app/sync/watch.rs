//! A run that waits for a person does not hold up the repository: somebody looks meanwhile whether a newer commit came,
//! and ends the run for it.

use super::act::Syncer;
use super::standing;
use crate::app::error::AppError;
use crate::app::run::{RunOptions, RunResult, Session};
use crate::clock::Steady;
use crate::exec::ports::Observer;
use crate::git::commit::CommitId;
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use taskmaster_core::id::{TaskId, TaskKey};
use taskmaster_core::journal::{Entry, Record};
use taskmaster_core::state::{TaskState, WaitFor};

/// So often it is looked whether anybody asks.
const LOOK: Duration = Duration::from_millis(250);

/// What the run and who looks tell each other.
#[derive(Default)]
struct Shared {
    /// Nothing is at work; a person is waited for.
    idle: AtomicBool,
    /// The run is over.
    over: AtomicBool,
}

impl Syncer {
    /// Executes; while it only waits for a person a newer commit ends it, as a Ctrl-C does.
    pub(super) fn execute_watched(
        &self,
        session: Session,
        options: &RunOptions,
        commit: &CommitId,
        observer: &mut dyn Observer,
    ) -> Result<RunResult, AppError> {
        let shared = Shared::default();
        std::thread::scope(|scope| {
            scope.spawn(|| self.look_for_newer(commit, &shared));
            let mut watched =
                Watched { inner: observer, busy: HashSet::new(), asks: HashSet::new(), shared: &shared };
            let ran = session.execute(options, &mut watched);
            shared.over.store(true, Ordering::SeqCst);
            ran
        })
    }

    fn look_for_newer(&self, commit: &CommitId, shared: &Shared) {
        let next = |at| self.pace().next(self.name(), at, 0);
        let clock = Steady::start();
        let mut due = next(clock.now());
        let mut nudges = Nudges::new(self);
        let mut is_owed = false;
        while !shared.over.load(Ordering::SeqCst) && !self.bell().is_stopped() {
            is_owed |= self.bell().wait(LOOK) || nudges.came();
            if (clock.now() < due && !is_owed) || !shared.idle.load(Ordering::SeqCst) {
                continue;
            }
            due = next(clock.now());
            is_owed = false;
            // Who cannot be reached now is asked again by the next sync at the latest.
            if self.mirror.fetch(self.git_ref()).is_ok_and(|newest| newest != *commit) {
                let slot = self.bell().run_slot();
                if let Some(run) = &*slot.lock().unwrap_or_else(PoisonError::into_inner) {
                    run.stop();
                }
                return;
            }
        }
        if is_owed {
            // What was asked for while the run was at work is done after it.
            self.bell().ring();
        }
    }
}

/// Requests of other processes that stand in the ledger.
struct Nudges<'a> {
    syncer: &'a Syncer,
    seen: Option<Timestamp>,
}

impl<'a> Nudges<'a> {
    fn new(syncer: &'a Syncer) -> Self {
        let mut nudges = Self { syncer, seen: None };
        nudges.seen = nudges.last();
        nudges
    }

    fn last(&self) -> Option<Timestamp> {
        let ledger = self.syncer.ledger().ok()?;
        standing::nudged(&ledger, self.syncer.name()).ok().flatten()
    }

    fn came(&mut self) -> bool {
        let last = self.last();
        std::mem::replace(&mut self.seen, last) != last
    }
}

/// Looks on for somebody else, and notes whether only a person is waited for.
struct Watched<'a> {
    inner: &'a mut dyn Observer,
    busy: HashSet<TaskKey>,
    asks: HashSet<TaskKey>,
    shared: &'a Shared,
}

impl Observer for Watched<'_> {
    fn entry(&mut self, entry: &Entry) {
        if let Record::TaskState { key, to, .. } = &entry.record {
            let is_busy = matches!(
                to,
                TaskState::Ready
                    | TaskState::Checking
                    | TaskState::Running { .. }
                    | TaskState::Verifying { .. }
                    | TaskState::Waiting { on: WaitFor::Retry { .. } }
            );
            let asks = matches!(to, TaskState::Waiting { on: WaitFor::Approval { .. } | WaitFor::Manual });
            for (set, holds) in [(&mut self.busy, is_busy), (&mut self.asks, asks)] {
                if holds {
                    set.insert(key.clone())
                } else {
                    set.remove(key)
                };
            }
            let idle = self.busy.is_empty() && !self.asks.is_empty();
            self.shared.idle.store(idle, Ordering::SeqCst);
        }
        self.inner.entry(entry);
    }

    fn output(&mut self, task: &TaskId, last_line: &str) {
        self.inner.output(task, last_line);
    }

    fn note(&mut self, task: &TaskId, text: &str) {
        self.inner.note(task, text);
    }

    fn stopping(&mut self, wishes: u32, at_work: usize) {
        self.inner.stopping(wishes, at_work);
    }

    fn tick(&mut self) {
        self.inner.tick();
    }
}
