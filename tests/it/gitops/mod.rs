//! GitOps of the document: drift, syncs from Git, comparisons of commits, write-back, environments.

mod against;
mod against_faults;
mod against_hostile;
mod against_page;
mod against_world;
mod audit;
mod deployments;
mod drift;
mod environments;
mod faults;
mod git;
mod hostile;
pub(crate) mod origin;
mod promotion;
mod property;
mod scene;
mod story;
mod sync_write_back;
mod telemetry;
mod verify;
mod waiting;
#[path = "../../../fuzz/checks/webhook.rs"]
mod webhook_checks;
mod webhooks;
mod write_back;

use taskmaster::web::{signature, webhook};

pub(crate) use story::Shop;
