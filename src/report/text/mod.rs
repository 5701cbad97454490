//! Views as text for a terminal.

mod lists;
mod plan;
mod report;
mod rollout;
mod sheet;
pub(super) mod simulation;

pub(super) use lists::{changes, history, task, task_list};
pub(super) use plan::plan;
pub(super) use report::report;
pub(super) use rollout::{agent, rollout, rollout_history, rollout_list};
pub use sheet::TextOptions;
pub(super) use simulation::{rehearsal, simulation};
