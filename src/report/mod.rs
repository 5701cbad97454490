//! Views of plans and runs as text, JSON, Markdown and HTML; reports also as JUnit XML, Mermaid and CSV,
//! a run also as a trace.
//!
//! [`view`] holds plain structs of facts that `app` fills from a document, a plan and the ledger.
//! Everything that can be derived from them (counts, percentages, the status of a requirement, the
//! result of a phase) is derived here, in [`summary`], [`plan_summary`], [`difference_summary`], [`drift_summary`] and [`rollout_summary`], so that no two faces can
//! disagree. [`Render`] turns a view into a face.
//!
//! Invariants: equal views give equal bytes in every format; no clock is read ("generated" is a
//! field of the view); foreign text is made inert in every format. A view must hold no secret,
//! because nothing here redacts. Absent on purpose: files, terminals and the ledger.

mod chart;
mod csv;
pub mod difference_summary;
mod difference_words;
mod doctor_words;
pub mod drift_summary;
mod environment_words;
mod html;
mod human;
pub mod json;
mod junit;
mod markdown;
mod mermaid;
pub mod otlp;
pub mod plan_summary;
pub mod promotion_summary;
mod render;
pub mod rollout_summary;
mod rollout_words;
pub mod summary;
pub mod sync_words;
mod text;
pub mod view;

pub(crate) use human::lines as clean_lines;
pub use render::Render;
pub use sync_words::line as sync_line;
pub use text::{TextOptions, wrapped};

/// Version of the JSON of every view; raised only by an incompatible change.
pub const SCHEMA_VERSION: u32 = 1;
