//! The DAG as inline SVG.

mod drawing;
mod layers;
mod layout;
mod route;
mod segment;

pub(super) use drawing::section;
pub(in crate::report) use layers::implied;
