//! What is remembered of a replica: enough for another agent to find it again.

use crate::process::proc;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use taskmaster_delivery::engine::Revision;

/// One replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its identity, which its processes carry in their environment.
    pub id: String,
    /// Its version.
    pub revision: Revision,
    /// Its number among the replicas of its version, from 0.
    pub number: u32,
    /// Where it listens; 0 before it was started for the first time.
    pub port: u16,
    /// Its process, while there is one.
    pub process: Option<ProcessId>,
    /// How it is.
    pub state: ReplicaState,
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Times that it was started again because it had ended by itself.
    pub restarts: u32,
    /// What is wrong with it.
    pub why: Option<String>,
}

/// A process that can be told from every other one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Its id.
    pub pid: u32,
    /// When it began, in clock ticks since boot.
    pub start_ticks: u64,
    /// Which boot.
    pub boot_id: String,
}

/// How a replica is; the drawing is `docs/state-machines.md#a-process-of-a-service`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// Started, or about to be; it has not served yet.
    Starting,
    /// It serves.
    Ready,
    /// It served, and does not now.
    Unready,
    /// It ended by itself, and is started again after a pause.
    Waiting,
    /// No new requests reach it; those in flight end.
    Draining,
    /// It was told to end.
    Stopping,
}

impl ReplicaState {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unready => "not ready",
            Self::Waiting => "waiting to start again",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
        }
    }

    /// True where `next` may follow; what is told again of a start or a pause as well.
    pub fn leads_to(self, next: Self) -> bool {
        use ReplicaState::{Draining, Ready, Starting, Stopping, Unready, Waiting};
        match self {
            Starting => matches!(next, Starting | Ready | Waiting | Draining),
            Ready => matches!(next, Unready | Waiting | Starting | Draining),
            Unready => matches!(next, Ready | Waiting | Starting | Draining),
            Waiting => matches!(next, Waiting | Starting | Draining),
            Draining | Stopping => next == Stopping,
        }
    }

    /// True where it is on its way out.
    pub fn leaves(self) -> bool {
        matches!(self, Self::Draining | Self::Stopping)
    }
}

impl Known {
    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

impl ProcessId {
    /// The identity of a process that runs now. A child that has ended before anybody looked has no start
    /// time any more, and none is needed.
    pub fn of(pid: u32) -> Self {
        let start_ticks = proc::start_ticks(pid).unwrap_or_default();
        Self { pid, start_ticks, boot_id: proc::boot_id().to_owned() }
    }

    /// True while it runs.
    pub fn is_alive(&self) -> bool {
        proc::liveness(self.pid, self.start_ticks, &self.boot_id) == proc::Liveness::Alive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_in_the_documentation_is_the_function() {
        use ReplicaState::{Draining, Ready, Starting, Stopping, Unready, Waiting};
        let all = [
            ("starting", Starting),
            ("ready", Ready),
            ("unready", Unready),
            ("waiting", Waiting),
            ("draining", Draining),
            ("stopping", Stopping),
        ];
        let mut edges = Vec::new();
        for (from, before) in all {
            let follows = all.iter().filter(|(_, after)| before != *after && before.leads_to(*after));
            edges.extend(follows.map(|(to, _)| format!("{from} --> {to}")));
        }
        edges.sort();
        let drawn = crate::drawing::edges("A process of a service");
        let drawn: Vec<&str> = drawn.iter().filter_map(|edge| edge.split(':').next()).collect();
        assert_eq!(drawn, edges);
    }
}
