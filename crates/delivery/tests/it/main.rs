//! Rules of progressive delivery, from outside of the crate.

mod analysis;
#[cfg(feature = "mutants")]
mod mutants;
mod replicas;
mod stats;
