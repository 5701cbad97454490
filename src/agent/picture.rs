//! A rollout as it stands, for those who make views of it.

use super::senses::Recent;
use super::service::known::Known;
use crate::deliver::backend::local::{Driver, Seen};
use crate::deliver::notify::HookState;
use std::collections::BTreeMap;
use taskmaster_delivery::time::Time;

/// A rollout as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// The rollout.
    pub driver: &'a Driver,
    /// What was seen of the world.
    pub seen: &'a Seen,
    /// Its processes.
    pub replicas: &'a [Known],
    /// Receivers of notices.
    pub hooks: &'a [HookState],
    /// Receivers that cannot be told: their name, and why.
    pub mute: &'a [(String, String)],
    /// The last numbers of metrics, by their place.
    pub recent: &'a BTreeMap<usize, Recent>,
    /// Upper bounds of the latencies that are counted.
    pub bounds_ms: &'a [f64],
    /// The built-in load sends.
    pub is_loaded: bool,
    /// What keeps the agent from going on, in words.
    pub fault: Option<&'a str>,
    /// When it was taken.
    pub now: Time,
}

/// Makes views: `app` does, for the agent knows no view.
pub trait Show: Send + Sync + 'static {
    /// A rollout as a view, in JSON.
    fn show(&self, picture: &Picture<'_>) -> serde_json::Value;
}
