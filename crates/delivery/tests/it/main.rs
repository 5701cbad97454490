//! Rules of progressive delivery, from outside of the crate.

mod analysis;
#[path = "../../../../tests/tools/drawing.rs"]
mod drawing;
mod drawn;
mod engine;
#[cfg(feature = "mutants")]
mod mutants;
mod rehearse;
mod replicas;
mod sim;
mod spec;
mod spec_parts;
mod stats;
