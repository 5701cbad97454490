//! The pure heart of taskmaster: what a document is, what a plan is, and what happens next.
//!
//! Nothing here reads a clock, a file, the network or the environment: time and facts enter as
//! values, decisions leave as values. `clippy.toml` beside this crate enforces it.
//!
//! Reading order: [`text`] and [`diagnostic`] (places in files and what is wrong there),
//! [`document`] (what is wanted), [`action`] (how it is done), [`identity`] (which task of an edited
//! document is which), [`difference`] (what an edit means), [`matrix`] (one task for many values), [`select`] and [`resolve`] (document and
//! catalogue become a [`plan`], the immutable, numbered DAG), [`state`] (the life of a task), [`scheduler`] (what happens next, with
//! [`dag`], [`retry`] and [`cause`], which knows a [`tool`] by its words), [`journal`] (what is recorded) with [`rollout`] (of rollouts), [`recovery`] (what is done about an end that
//! is not). Beside them: [`environment`] (locks), [`promotion`] (what one environment has proved and another
//! has not), [`deployments`] (what a time of runs comes to), [`host`] (which addresses lead to this machine),
//! [`trace`] (which spans a run and its parts are),
//! [`version`] (which versions of a program will do).

pub mod action;
#[cfg(test)]
pub(crate) mod build;
pub mod cause;
pub mod dag;
pub mod deployments;
pub mod diagnostic;
pub mod difference;
pub mod document;
#[cfg(test)]
#[path = "../../../tests/tools/drawing.rs"]
pub(crate) mod drawing;
pub mod drift;
pub mod environment;
pub mod estimate;
pub mod host;
pub mod id;
pub mod identity;
pub mod journal;
pub mod matrix;
pub mod plan;
pub mod production;
pub mod promotion;
pub mod recovery;
pub mod resolve;
pub mod retry;
pub mod rollout;
pub mod scheduler;
pub mod select;
pub mod state;
pub mod sync;
pub mod text;
pub mod tool;
pub mod trace;
pub mod version;
pub mod warnings;
pub mod window;
