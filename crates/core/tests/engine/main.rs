//! The engine from outside: scripts of single rules, and properties over random plans and answers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod build;
mod chance;
mod fold;
mod properties;
mod recalls;
mod script;
mod sim;
mod speed;
mod stops;
mod tries;
