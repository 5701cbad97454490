//! How many pods each version has, and how much traffic.
//!
//! Two ways to share the work between two versions:
//!
//! - as Argo Rollouts does it ([`basic`], [`routed`], [`drain`], [`BlueGreen::preview`]), number for number,
//!   so that a rollout may change hands. Where a number looks odd, it is upstream's: a peer in Go that calls
//!   upstream's own functions is the judge (`make differential`);
//! - the plain form ([`split`]): the canary's share, rounded up.
//!
//! [`shift`] says which weight the traffic should have, [`completed`] whether a step is done. What
//! upstream does not look at are clamps on top: pods that are still terminating
//! ([`Clamp::terminating`]), a minimum of the stable version ([`at_least`]), and no weight on a version
//! without pods ([`safe_weight`]).
//!
//! Sums and products are made in 64 bits and end saturated in 32, where upstream's wrap around: only
//! inputs whose numbers leave 32 bits on the way differ. Nothing panics, whatever the numbers: a
//! share of a whole that is not positive is nothing.
//!
//! Absent on purpose: delays and deadlines of scaling down, weights of experiments, and combinations that
//! upstream's validation refuses (dynamic stable scale or a minimum of pods without traffic routing, a
//! step of two kinds).

mod approximate;
mod basic;
mod blue_green;
mod clamp;
mod limits;
mod number;
mod older;
mod plain;
mod plan;
mod position;
mod ready;
mod routed;
mod sets;
mod shift;

pub use approximate::approximate;
pub use basic::basic;
pub use blue_green::{BlueGreen, Preview};
pub use clamp::{Clamp, at_least, safe_weight};
pub use limits::{Amount, Limits, NotAnAmount};
pub use older::drain;
pub use plain::split;
pub use plan::{AbortDelay, AbortRule, Canary, Scale, Step, Threshold, Traffic};
pub use position::{Aim, Course, Position};
pub use ready::{Evidence, at_desired_counts, completed};
pub use routed::routed;
pub use sets::{Counts, Set, Sets, Stable, Weights};
pub use shift::{Shift, enough_stable, shift};
