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

mod engine;
mod event;

pub use engine::{Refused, Scheduler, Tick};
pub use event::{Effect, Event, Options, RunEnd};
