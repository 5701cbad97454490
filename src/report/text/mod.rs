//! Views as text for a terminal.

mod lists;
mod plan;
mod report;
mod sheet;
pub(super) mod simulation;

pub(super) use lists::{changes, history, task, task_list};
pub(super) use plan::plan;
pub(super) use report::report;
pub use sheet::TextOptions;
pub(super) use simulation::{rehearsal, simulation};
