//! Statistics of releases: is the new version worse than the old one?
//!
//! Two kinds of tests. Those in [`proportion`], [`latency`] and [`bounded_mean`] may be looked at
//! after every unit, for as long as a rollout takes: each keeps an *e-process*, evidence `e` that
//! starts at 1 and, while the new version is no worse, is not expected to grow at any time at which
//! one may stop. By Ville (1939) it then ever reaches 1/α with a probability of at most α. A canary is
//! rejected at that moment, and a healthy one is rolled back with a probability of at most α.
//! Those in [`classical`] hold for one look that was fixed beforehand, and for that alone.
//!
//! In reading order:
//!
//! - [`alpha`]: the false-rollback rate, and when evidence is enough;
//! - [`proportion`]: failures among counted units;
//! - [`latency`]: the same, for the share of units above some bounds;
//! - [`bounded_mean`]: the mean of bounded differences, for buckets of time;
//! - [`budget`]: one false-rollback rate for all metrics of a rollout;
//! - [`power`]: what would have been detected;
//! - [`evidence`]: all of that in words;
//! - [`classical`]: Welch's interval, and Mann and Whitney's test.
//!
//! What every bound of them rests on: units are sent to a version at random, and what is counted is
//! what was sent. Where a session sticks to its version, the session is the unit and not its requests;
//! where errors come in clusters, the cluster is. A test that counts smaller units than those sent
//! takes one fault for many and rejects healthy versions.
//!
//! Absent on purpose: clocks, thresholds of policies, and which metric is asked for when.

pub mod alpha;
pub mod bounded_mean;
pub mod budget;
pub mod classical;
pub mod evidence;
pub mod latency;
pub mod power;
pub mod proportion;

pub use alpha::Alpha;
pub use bounded_mean::BoundedMean;
pub use evidence::Evidence;
pub use latency::Latency;
pub use proportion::{Arm, Look, Proportion};
