//! Use cases. They join the pure crates with the store, the driver and the views; they know
//! nothing of command lines and terminals.

pub mod ledger;
pub mod source;
