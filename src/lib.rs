//! taskmaster: a PRD that executes itself.
//!
//! The root package is everything that touches the world; the pure decisions live in `crates/`.
//! Modules in reading order; who may import whom is proved by `tests/it/tidy.rs`.

pub mod agent;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crash;
pub mod deliver;
#[cfg(test)]
#[path = "../tests/tools/drawing.rs"]
mod drawing;
pub mod exec;
pub mod git;
pub mod process;
pub mod read;
pub mod report;
pub mod store;
pub mod web;

pub use app::api;
