//! Servers of continuous integration that read what is printed: GitHub Actions and GitLab.
//!
//! Findings and failures become annotations, logs of failures fold, and a summary is left where GitHub looks
//! for one. Invariant: whatever a document, a catalogue or a program says, none of its lines is a command to the
//! server ([`harmless`]). Nothing here knows or shows a secret, and no fault here changes an exit code.

mod github;
mod gitlab;
mod host;
mod say;
mod summary;

pub(crate) use host::{Host, settle};
pub(crate) use say::{fault, findings, fold, harmless, harmless_json, unfold, views};
pub(crate) use summary::{plan_summary, run_summary};
