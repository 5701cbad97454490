//! Rollouts as they are written in a file: read, simulated.

mod read;
pub mod simulate;

pub use read::read;
