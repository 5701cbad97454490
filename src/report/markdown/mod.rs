//! Views as Markdown (GitHub's), fit for a pull request's comment.

mod difference;
mod escape;
mod lists;
mod mermaid;
mod plan;
mod report;
mod rollout;
mod simulation;

pub(super) use difference::difference;
pub(super) use lists::{changes, history, task, task_list};
pub(super) use plan::plan;
pub(super) use report::report;
pub(super) use rollout::{agent, rollout, rollout_history, rollout_list};
pub(super) use simulation::{rehearsal, simulation};
