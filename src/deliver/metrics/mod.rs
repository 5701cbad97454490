//! What is measured of a rollout: by the proxy's own counters, and by Prometheus.
//!
//! Invariants: a measurement ends in bounded time and memory, whatever a server sends; it never fails, for silence is an
//! answer that the engine judges; no secret and no address is in a message.
//!
//! Absent on purpose: what a number means ([`taskmaster_delivery::analysis`]), and when it is asked for (the engine).
//!
//! Reading order: [`Settings`] and [`Prometheus`] (whom to ask, and how), `answer` and `wire` (what comes), [`measure`]
//! (what follows), `own` (the proxy), `counters` and `looks` (counters of others), [`gate`] (a task that waits for an
//! answer).

mod answer;
mod counters;
#[cfg(test)]
mod fuzzed;
pub mod gate;
mod http;
mod looks;
mod measure;
mod own;
mod prometheus;
mod settings;
mod wire;

pub use answer::{Answered, QueryError, Ranged, RangedSeries};
pub use measure::{Context, Meter, Sources, measure};
pub use own::bounds_ms;
pub use prometheus::{Prometheus, Range};
pub use settings::{BadSettings, Settings, look_up};
