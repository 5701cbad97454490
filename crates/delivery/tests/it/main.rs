//! Rules of progressive delivery, from outside of the crate.

mod analysis;
mod engine;
mod rehearse;
mod replicas;
mod spec;
mod stats;
