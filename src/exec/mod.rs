//! Performs what the scheduler decides: attempts, probes, timers and stops.
//!
//! Invariants:
//! - The scheduler decides, the driver performs: nothing here knows why a task runs.
//! - Intent before effect: all records of a tick are in one commit, and nothing of that tick is
//!   started before the commit has returned.
//! - One thread does everything; a child costs no thread, and waiting costs nothing.
//! - A secret's value is read when it is needed, given to one child or request, and wiped. It is
//!   in no record, no log, no message and no argv.
//!
//! Absent on purpose: the store (a [`ports::Journal`]), the catalogue (a [`ports::Render`]) and
//! the terminal (a [`ports::Observer`]); `app` joins them.
//!
//! Reading order: [`ports`] (what is needed from outside), [`driver`] (the loop), `attempt` and
//! `probe` (what is at work), `steps` and `http` (how it works), `diagnose` (why it went wrong), [`secret`] and `outputs` (values),
//! [`stop`] (signals), [`recovery`], [`destroy`], [`check`], [`dry_run`].

mod attempt;
pub mod check;
pub mod destroy;
mod diagnose;
pub mod driver;
pub mod dry_run;
pub mod http;
mod outputs;
pub mod ports;
mod probe;
pub mod recovery;
pub mod secret;
pub mod show;
mod steps;
pub mod stop;
mod timers;
