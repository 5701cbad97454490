//! The ledger's file: a hash-chained list of opaque events, and the tables that are made from them.

mod directory;
mod error;
mod lease;
mod types;

pub use error::StoreError;
pub use lease::{ExecutorLease, LeaseError, LeaseHolder};
pub use types::{Access, AuditReport, Durability, EventRow, Finding, Head};
