//! The ledger as the use cases see it: typed records in, typed facts out.

mod admit;
mod encode;
mod error;
mod handle;
mod ids;
mod lists;
mod project;
mod reads;
mod view;

pub use error::LedgerError;
pub use handle::{Ledger, Looked};
pub use ids::IdGenerator;
pub use view::{
    Approval, Attempt, AttemptEnd, KnownDocument, KnownEnvironment, ProbeAnswer, Retry, Revision, RunDetail,
    RunFilter, RunSummary, SpawnedProcess, SyncEntry, TaskEvidence, Work,
};
