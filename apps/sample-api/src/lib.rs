//! The demo service: what taskmaster's rollouts roll out, and what measures them.
//!
//! One binary has three jobs. It *serves* a small web application that can be told to be slow,
//! faulty or late to become ready; it *probes* a URL until it answers as expected; it puts *load*
//! on one or several URLs and reports what came back. So a demo needs no second tool.
//!
//! Reading order: [`cli`] (the three jobs), [`config`] (settings), [`server`] and [`shutdown`]
//! (one life of the service), [`routes`], [`pages`], [`faults`] and [`metrics`] (what it answers),
//! [`client`], [`probe`] and [`load`] (the other side of the wire).
//!
//! Absent on purpose: TLS, a database, state on disk. A version of the service differs from the
//! next one by its settings alone, so a test of a rollout tests the rollout.

pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod faults;
pub mod load;
pub mod metrics;
pub mod pages;
pub mod probe;
pub mod routes;
pub mod server;
pub mod shutdown;

/// The name under which the service presents itself.
pub const NAME: &str = "sample-api";

/// The response header that tells which version answered, so that a client can count versions.
pub const VERSION_HEADER: &str = "x-app-version";
