//! Sends patches.

use super::kubectl::{Kubectl, KubectlError};
use taskmaster_kube_api::{Patch, Subresource, Target};

/// Sends a patch of an object, or of the workload behind it, and tells it.
pub(super) fn send(
    kubectl: &Kubectl,
    (resource, name): (&str, &str),
    patch: &Patch,
    say: &mut dyn FnMut(&str),
) -> Result<(), KubectlError> {
    let (resource, name) = match &patch.target {
        Target::Rollout => (resource, name),
        Target::Workload { resource, name } => (*resource, name.as_str()),
    };
    kubectl.patch(resource, name, patch)?;
    let part = if patch.subresource == Subresource::Status { " status" } else { "" };
    say(&format!("patched {resource}/{name}{part}: {}", patch.body));
    Ok(())
}
