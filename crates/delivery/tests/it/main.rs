//! Rules of progressive delivery, from outside of the crate.

mod analysis;
<<<<<<< HEAD
mod engine;
mod rehearse;
=======
#[cfg(feature = "mutants")]
mod mutants;
>>>>>>> delivery-experiments
mod replicas;
mod spec;
mod stats;
