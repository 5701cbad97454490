//! The agent, and what it owns.

use super::rollout::RolloutRow;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `taskmaster agent status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// When this view was made.
    pub generated: Timestamp,
    /// The state directory that it serves.
    pub state_dir: String,
    /// The agent; none where none runs.
    pub agent: Option<AgentProcess>,
    /// What it keeps running.
    pub services: Vec<ServiceView>,
    /// What it steps.
    pub rollouts: Vec<RolloutRow>,
}

/// An agent at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentProcess {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it began.
    pub since: Timestamp,
    /// Times that it began anew after it had died.
    pub restarts: u64,
    /// Its log file.
    pub log: String,
}

/// A service of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// Its name.
    pub name: String,
    /// Where users reach it: `http://127.0.0.1:8080`.
    pub address: Option<String>,
    /// Its processes.
    pub replicas: Vec<ReplicaView>,
}

/// A process of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaView {
    /// Its version.
    pub version: String,
    /// Its number among those of the version.
    pub number: u32,
    /// Where it is: `starting`, `ready`, `draining`, `stopping`, `waiting to start again`.
    pub state: String,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// Its port.
    pub port: Option<u16>,
    /// When the process began.
    pub since: Option<Timestamp>,
    /// Times that it began anew after it had ended by itself.
    pub restarts: u64,
    /// What is wrong with it, in words.
    pub trouble: Option<String>,
}
