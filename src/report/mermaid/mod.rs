//! Flowcharts of Mermaid: what changes, and where a report stands.
//!
//! Foreign text stands in quoted labels only, and there every character that is neither a letter, a digit
//! nor plain punctuation is written as its number. So nothing ends a label, a line or the fence around it,
//! and nothing is markup, a directive or a comment of Mermaid.

mod difference;
mod label;
mod report;

pub(super) use difference::{left_out, picture};
pub(super) use report::report;
