//! Views as text for a terminal.

mod difference;
mod doctor;
mod drift;
mod environments;
mod lists;
mod plan;
mod report;
mod rollout;
pub(super) mod rollout_lists;
mod sheet;
pub(super) mod simulation;
mod sync;

pub(super) use difference::difference;
pub(super) use doctor::doctor;
pub(super) use drift::{drift, drift_history};
pub(super) use environments::{deployments, environments, promotion};
pub(super) use lists::{changes, history, task, task_list};
pub(super) use plan::plan;
pub(super) use report::report;
pub(super) use rollout::{rollout, rollout_line, rollout_live};
pub(super) use rollout_lists::{agent, rollout_history, rollout_list};
pub use sheet::{TextOptions, wrapped};
pub(super) use simulation::{rehearsal, simulation};
pub(super) use sync::sync_status;
