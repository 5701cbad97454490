//! Whole rollouts in virtual time: the engine in a world in which things go wrong.
//!
//! One seed gives one run, on every machine. A run looks at the world once a [`Scenario::look`], lets the
//! engine decide, performs the effects as well as the trouble of the scenario allows, and checks what must
//! always hold ([`Broken`]).

mod any;
mod changes;
mod faults;
mod gates;
mod meaning;
mod pods;
mod rules;
mod run;
mod scenario;
mod service;
mod summary;
mod world;

pub use any::any;
pub use faults::Trouble;
pub use meaning::Meaning;
pub use rules::Broken;
pub use run::{Ending, Glance, Point, Report, run, watch};
pub use scenario::Scenario;
pub use service::{Behaviour, Counters, Incident, Service, Users};
pub use summary::{Summary, share_interval};
pub use world::{Exposure, meanings};
