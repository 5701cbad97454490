//! Marks in a document, written from recorded evidence (`--write-back`).
//!
//! The text alone: [`texts`] takes texts and gives those that change. Around it, [`WriteBack`] looks on while a
//! run is at work and keeps the files up to date.
//!
//! Invariants:
//! - Exactly the bytes of marks change. What would be read otherwise afterwards is not written.
//! - What somebody else wrote meanwhile stays: evidence is laid over the text as it is now, by the tasks' ids.
//! - A file is replaced whole or not at all, and nothing that goes wrong here changes how a run ends.

mod evidence;
mod file;
mod gather;
mod observer;
mod text;

pub use evidence::Evidence;
pub use observer::{Marks, Subject, WriteBack};
pub use text::{TextFault, texts};
