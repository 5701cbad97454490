//! One rollout at work: a task that owns its processes, its proxy and its engine.
//!
//! Everything that happens comes to [`actor`] as a message; after each, and every quarter of a second, it
//! looks: what is seen goes to the engine, what that wants is stored, then done.

mod actor;
mod begin;
mod letters;
mod load;
mod perform;
mod shared;

pub use actor::{AtWork, Ending, Letter, spawn};
pub(crate) use actor::{replicas_key, rollout_key};
pub use begin::{Beginning, Resumed};
pub use shared::Shared;
