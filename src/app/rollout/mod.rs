//! Rollouts as they are written in a file: read, simulated, rehearsed.

mod read;
pub mod rehearse;
pub mod simulate;

pub use read::{read, read_with_text};
