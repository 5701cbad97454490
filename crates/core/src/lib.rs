//! The pure heart of taskmaster: what a document is, what a plan is, and what happens next.
//!
//! Nothing here reads a clock, a file, the network or the environment: time and facts enter as
//! values, decisions leave as values. `clippy.toml` beside this crate enforces it.
//!
//! Reading order: [`text`] and [`diagnostic`] (places in files and what is wrong there),
//! [`document`] (what is wanted), [`action`] (how it is done), [`state`] (the life of a task),
//! [`plan`] (the immutable, numbered DAG), [`journal`] (what is recorded).

pub mod action;
pub mod diagnostic;
pub mod document;
pub mod id;
pub mod journal;
pub mod plan;
pub mod scheduler;
pub mod state;
pub mod text;
