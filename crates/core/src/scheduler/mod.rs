//! Decides what happens next in a run: events in, effects out.
//!
//! The scheduler owns the state of every task of one plan. The driver gives it events and the
//! time, and performs what it answers: all [`Effect::Record`]s of a tick are committed before any
//! other effect of that tick begins. Replaying the records gives the same states as living them.
//!
//! What the scheduler records itself: `task.state`, `probe.ended`, `attempt.ended` and
//! `retry.scheduled`. The driver records `run.started` before [`Event::Begin`], `attempt.started`
//! when it performs [`Effect::Attempt`], `attempt.spawned` after each spawn, and `run.ended` after
//! [`Effect::Finish`].
//!
//! The rules:
//!
//! - Ready tasks start critical path first, then by priority, then in document order; never more
//!   probes and attempts at work than `jobs`.
//! - A try is check, attempt, verify. The check is asked before every attempt, retries included:
//!   true ends the task, false leads on, an error is retried by policy and never leads to an attempt.
//!   Tries are counted together, so an attempt bears the number of its try. A failure whose cause is
//!   known to stay ([`crate::cause`]) is the last try; the cause comes with the end and is recorded with it.
//! - A task takes all of its locks at once before its first probe and gives them back when nothing
//!   of it is at work or being verified. Waiting tasks are served in the order in which they first
//!   came to the lock, so none starves, and because all are taken at once none can deadlock.
//! - After a failure without `keep_going`, and after [`Event::Interrupt`], nothing new starts, not
//!   even a retry; what runs ends, verify included. [`Event::Terminate`] stops that too. Whatever is
//!   not done then goes back to pending, for the next run.
//! - Dependants of a failed, blocked or unknown task are blocked by the task at the root of it, and
//!   freed if a person sets that one right during the run.
//! - The run is over once, when nothing is at work and nothing can go on without a person (and
//!   nobody waits for one, unless `end_when_waiting`).
//!
//! Absent on purpose: rendering, spawning, time-outs of processes, the ledger. A timer that comes
//! for a task that does not wait any more is passed over; every other event out of place is
//! [`Refused`] and changes nothing.

mod counts;
mod dispatch;
#[cfg(test)]
mod drawn;
mod engine;
mod event;
mod flow;
mod locks;
mod queue;

pub use engine::{Refused, Scheduler, Tick};
pub use event::{Effect, Event, Options, RunEnd};
