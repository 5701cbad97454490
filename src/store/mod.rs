//! The ledger's file: a hash-chained list of events, and tables that are made from them.
//!
//! An event is opaque here: a stream, a kind and a JSON text. The tables ("read models") are typed,
//! but what a record means, and which rows it makes, is known to the layer above, which projects.
//!
//! Invariants: an event is never changed and never removed; a write is one immediate transaction
//! that reads the head, checks, appends and projects, or leaves nothing; readers never wait and see
//! one snapshot; nothing damaged is ever overwritten; every lock is the kernel's and ends with its
//! process. Absent on purpose: clocks, retries, caches of rows.
//!
//! Reading order: [`types`], [`chain`], [`open`] (with [`create`], [`migrate`], [`directory`],
//! [`aside`]), [`write`], [`read`] (with [`rows`]), [`work`], [`audit`], [`lease`].

mod aside;
mod audit;
mod chain;
mod create;
mod directory;
mod error;
mod lease;
mod migrate;
mod open;
mod read;
mod rows;
mod types;
mod work;
mod write;

pub use error::StoreError;
pub use lease::{ExecutorLease, LeaseError, LeaseHolder};
pub use open::Store;
pub use read::Snapshot;
pub use rows::{
    AttemptKeys, AttemptRow, DocumentRow, DriftRow, Notes, ProcessRow, RunEndRow, RunKeys, RunQuery, RunRow,
    Scope, TaskStateRow,
};
pub use types::{Access, AuditReport, ChainedEvent, Durability, EventRow, Finding, Head};
pub use work::{EnvironmentRow, WorkRow};
pub use write::Tx;
