//! Rollouts of a cluster: Argo Rollouts and Flagger, by kubectl.

use super::error::RolloutError;
use super::model::Backend;
use crate::app::error::AppError;

/// Which cluster, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Context of the kubeconfig.
    pub context: Option<String>,
    /// Path of the kubeconfig.
    pub kubeconfig: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
}

/// A cluster as a backend.
///
/// # Errors
/// It cannot be reached.
pub fn backend(_place: &Place) -> Result<Box<dyn Backend>, AppError> {
    Err(RolloutError::Unreachable {
        what: "the cluster".to_owned(),
        why: "it is not part of this build".to_owned(),
        help: String::new(),
    }
    .into())
}
