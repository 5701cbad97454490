//! Progressive delivery as pure decisions.
//!
//! A rollout replaces a stable version by a new one (the *canary*, or the *preview* of a blue-green
//! release) by degrees, and takes it back when it turns out worse. What is observed enters as a value,
//! what is to be done leaves as a value, and time is an argument: the same code runs on a laptop, on
//! Kubernetes, in the simulator and on recorded data. In reading order:
//!
//! - [`time`]: points in time, in milliseconds;
//! - [`replicas`]: how many pods each version has;
//! - [`stats`]: tests that may be looked at any time, and the classical ones;
//! - [`analysis`]: measurements, conditions, counters and verdicts with their evidence;
//! - [`spec`]: what a rollout is to do;
//! - [`engine`]: the state machine that does it;
//! - [`rehearse`]: what it would have done with recorded data.

pub mod analysis;
#[cfg(test)]
#[path = "../../../tests/tools/drawing.rs"]
pub(crate) mod drawing;
pub mod engine;
pub mod mutant;
pub mod rehearse;
pub mod replicas;
pub mod sim;
pub mod spec;
pub mod stats;
pub mod time;
