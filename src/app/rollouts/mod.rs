//! One set of verbs over every kind of rollout: the agent's own, Argo Rollouts' and Flagger's.

pub mod cluster;
mod error;
pub mod local;
mod model;
pub mod story;
mod wait;

pub use error::RolloutError;
pub use model::{Ask, Backend, Images, Named, StartFile, StartRequest};
pub use taskmaster_core::rollout::Until;
pub use wait::{Waited, wait};
