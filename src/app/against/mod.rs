//! `plan --against`: what a change of document and catalogue means, for the person who reviews it.
//!
//! Both sides are read from files (the working tree, or what a commit holds, in a folder that is thrown
//! away), bound with the same stand-ins for the machine's paths, and resolved by somebody who remembers
//! nothing; [`taskmaster_core::difference`] compares them. Nothing is executed, and no ledger is read: the
//! same two trees, flags and variables give the same bytes anywhere.
//!
//! Reading order: [`target`] (what is compared with what), `tree` and `export` (the files of a side),
//! `side` (what they mean), [`compare`] (the use case), `view` and `commands` (what is shown).

mod commands;
pub mod compare;
mod export;
mod side;
pub mod target;
mod tree;
mod view;
