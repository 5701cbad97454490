//! GitOps of the document: drift, syncs from Git, comparisons of commits, write-back, environments.

mod drift;
mod faults;
mod git;
pub(crate) mod origin;
mod property;
pub(crate) mod server;
mod story;
mod sync_write_back;
mod waiting;
mod webhooks;
mod write_back;
