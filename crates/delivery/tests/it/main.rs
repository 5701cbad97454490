//! Rules of progressive delivery, from outside of the crate.

mod analysis;
mod rehearse;
mod replicas;
mod stats;
