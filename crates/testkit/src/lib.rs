//! Helpers for tests: a hermetic command-line environment, and plain tasks.
//!
//! A [`Sandbox`] is a folder of its own with a home of its own; the program under test sees none
//! of the developer's settings. It is removed when dropped.

mod plan;
mod sandbox;
mod wait;

pub use plan::{known_task, planned_task};
pub use sandbox::{Finished, Running, Sandbox};
pub use wait::until;
