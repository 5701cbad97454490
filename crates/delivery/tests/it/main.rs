//! Rules of progressive delivery, from outside of the crate.

mod analysis;
mod replicas;
mod stats;
