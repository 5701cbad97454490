//! Rollouts of a cluster by kubectl: objects of Argo Rollouts and Flagger.
//!
//! Everything is asked anew from the cluster, so any of it may be ended at any time and started again.
//! What a patch says and what an object means is decided in `crates/kube-api`.
//!
//! - [`drive`](mod@drive): what the catalogue's `rollout` actions run: verbs, and waits for a goal.
//! - [`look`]: which object a name means, and what belongs to it.
//! - [`argo`] and [`flagger`]: the verbs that people give.
//!
//! Bounds: a request takes at most `kubectl::REQUEST_TIMEOUT`, a wait its timeout, a controller has
//! [`OBSERVED_WITHIN`] to see the last change, a changed template is tried [`TRIES`] times.

pub mod argo;
pub mod drive;
mod error;
pub mod flagger;
mod kubectl;
pub mod look;
mod send;
mod wait;

use std::time::Duration;

pub use error::KubeError;
pub use kubectl::{Cluster, Kubectl, KubectlError, is_name};

/// Resource of a Rollout, with its group: others have rollouts too.
pub const ROLLOUTS: &str = "rollouts.argoproj.io";
/// Resource of a Canary.
pub const CANARIES: &str = "canaries.flagger.app";

/// How long a controller has to see the last change before a verb looks at its status.
const OBSERVED_WITHIN: Duration = Duration::from_secs(30);
/// How often a template is changed anew that somebody else changed meanwhile.
const TRIES: usize = 5;
