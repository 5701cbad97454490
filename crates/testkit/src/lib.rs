//! Helpers for tests: a hermetic command-line environment, plain tasks, and the inputs of fuzz targets.
//!
//! A [`Sandbox`] is a folder of its own with a home of its own; the program under test sees none
//! of the developer's settings. It is removed when dropped.

mod plan;
mod sandbox;
mod seeds;
mod wait;

pub use plan::{known_task, planned_task};
pub use sandbox::{Finished, Running, Sandbox};
pub use seeds::fuzz_inputs;
pub use wait::until;
