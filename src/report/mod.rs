//! Views of plans and runs as text, JSON, Markdown and HTML.
//!
//! [`view`] holds plain structs of facts that `app` fills from a document, a plan and the ledger.
//! Everything that can be derived from them (counts, percentages, the status of a requirement, the
//! result of a phase) is derived here, in [`summary`], so that no two faces can disagree.
//!
//! Invariants: equal views give equal bytes in every format; no clock is read ("generated at" is a
//! field of the view); a view holds no secret, because nothing here redacts. Absent on purpose:
//! files, terminals and the ledger.

pub mod summary;
pub mod view;

/// Version of the JSON of every view; raised only by an incompatible change.
pub const SCHEMA_VERSION: u32 = 1;
