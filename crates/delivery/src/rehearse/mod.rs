//! What a rollout would have done with data that was recorded.
//!
//! A [`Recording`] holds answers of Prometheus. [`rehearse`] lets the engine decide as it decides live, in
//! virtual time, and answers what it measures from the recording as of that time. In reading order:
//!
//! - [`Recording::read`] and [`Recording::fits`]: what was recorded, and whether it is what a rollout asks for;
//! - [`rehearse`] and [`Options`]: the replay;
//! - [`Rehearsal`]: what came of it, and what it cannot show.
//!
//! Absent on purpose: pods, the router's delays, and the load that another weight would have brought. None of
//! them is in recorded numbers, so pods are there at once, the router does what it is told, and
//! [`Rehearsal::cannot_show`] says so.

mod answers;
mod exposure;
mod read;
mod recording;
mod report;
mod run;
mod series;
mod words;
mod world;

pub use crate::spec::Role;
pub use answers::Misfit;
pub use exposure::{Exposure, Scaled};
pub use recording::{BadRecording, Recording};
pub use report::{Ending, Event, Rehearsal, What};
pub use run::{Options, Person, rehearse};
pub use series::{Flaw, Gap};
