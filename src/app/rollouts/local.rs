//! Rollouts of this machine: a client of the agent.

use super::error::RolloutError;
use super::model::Backend;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;

/// The agent of this state directory as a backend.
///
/// # Errors
/// It cannot be reached, or started.
pub fn backend(_workspace: &Workspace) -> Result<Box<dyn Backend>, AppError> {
    Err(RolloutError::Unreachable {
        what: "the agent".to_owned(),
        why: "it is not part of this build".to_owned(),
        help: String::new(),
    }
    .into())
}
