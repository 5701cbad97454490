//! The reverse proxy: splits requests over the versions of a service by weight, header or cookie.
//!
//! A [`Proxy`] owns threads of its own, each with a runtime of one thread: a request, its connection to the
//! service and its answer stay on one of them, so nothing is handed from thread to thread and no lock is
//! contended. Requests are dealt in randomly permuted blocks of 100, which makes weights exact over a block
//! and random within (`deal`). A table is replaced whole ([`Proxy::set`]); what is under way ends where it
//! began. What is counted per version is in [`Counts`].
//!
//! Absent on purpose: decisions about weights, TLS, HTTP/2 to the service, buffering of bodies.

mod admin;
mod answer;
mod connection;
mod deal;
mod endpoint;
mod exchange;
mod exposition;
mod framing;
#[cfg(test)]
mod fuzzed;
mod headers;
mod matching;
mod meter;
mod mirror;
mod plan;
mod proxy;
mod reply;
mod send;
mod session;
mod settings;
mod shared;
mod socket;
mod tunnel;
mod upload;
mod upstream;
mod watch;
mod worker;

pub use admin::serve_metrics;
pub use meter::{Counts, Snapshot};
pub use proxy::Proxy;
pub use settings::{Door, Limits, Settings, Sticky, Table};
