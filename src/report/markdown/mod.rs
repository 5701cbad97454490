//! Views as Markdown (GitHub's), fit for a pull request's comment.

mod difference;
mod doctor;
mod drift;
mod environments;
mod escape;
mod lists;
mod plan;
mod report;
mod rollout;
mod simulation;
mod sync;

pub(super) use difference::difference;
pub(super) use doctor::doctor;
pub(super) use drift::{drift, drift_history};
pub(super) use environments::{deployments, environments, promotion};
pub(super) use lists::{changes, history, task, task_list};
pub(super) use plan::plan;
pub(super) use report::report;
pub(super) use rollout::{agent, rollout, rollout_history, rollout_list};
pub(super) use simulation::{rehearsal, simulation};
pub(super) use sync::sync_status;
