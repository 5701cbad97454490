//! The faces of views: text and Markdown by snapshot, JSON by value.

mod difference;
pub(crate) mod environments;
mod faces;
mod json;
mod lists;
pub(crate) mod rollouts;
mod sample;

pub(crate) use sample::{platform, report};
