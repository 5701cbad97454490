//! The engine from outside: scripts of single rules, and properties over random plans and answers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod build;
mod properties;
mod scripts;
mod sim;
mod speed;
