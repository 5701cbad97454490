//! The faces of views: text and Markdown by snapshot, JSON by value, files for other programs by their readers.

mod csv;
mod difference;
pub(crate) mod environments;
mod faces;
mod json;
mod junit;
mod junit_rules;
mod lists;
mod mermaid;
mod otlp;
pub(crate) mod otlp_rules;
pub(crate) mod rollouts;
mod sample;
mod widths;

pub(crate) use sample::{platform, report};
