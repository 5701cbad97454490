//! The ledger: its file, its chain, its read models, its locks.

mod chain;
mod child;
mod concurrency;
mod files;
mod lease;
#[path = "../../../fuzz/checks/ledger.rs"]
mod lives;
mod reads;
mod replay;
mod rollouts;
mod rules;
mod speed;
mod support;

pub(crate) use files::first_schema;
