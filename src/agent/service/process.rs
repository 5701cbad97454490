//! The process of a replica: a child of ours, or one that an earlier agent started.

use super::known::ProcessId;
use crate::agent::limits;
use crate::process::child::{Child, Remains, StopError};
use crate::process::launch::{Launch, SpawnError, launch};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// How long what a service left behind may take to end.
const SWEEP: Duration = Duration::from_secs(2);

/// A process of a replica.
#[derive(Debug)]
pub(super) enum Process {
    /// Our child.
    Child(Child),
    /// Somebody else's.
    Found {
        /// Which.
        id: ProcessId,
        /// It, and what it started.
        remains: Remains,
    },
}

impl Process {
    /// Starts one.
    pub(super) fn start(what: Launch) -> Result<Self, SpawnError> {
        let child = launch(what)?;
        limits::give_usual(child.pid());
        Ok(Self::Child(child))
    }

    /// Finds the process of a replica: the recorded one, or by its mark one of which nothing could be recorded
    /// any more. What a dead one left behind is ended.
    pub(super) async fn find(replica: &str, recorded: Option<&ProcessId>) -> Option<Self> {
        if let Some(id) = recorded.filter(|id| id.is_alive()) {
            return Some(Self::found(replica, id.clone()));
        }
        let remains = Remains::new(replica, &[]);
        let running = remains.running().await;
        let leader = running.iter().find(|one| one.pid == one.group);
        match (recorded, leader) {
            (None, Some(leader)) => Some(Self::found(replica, ProcessId::of(leader.pid))),
            _ => {
                if let Err(fault) = remains.stop(SWEEP).await {
                    tracing::warn!(replica, %fault, "what a service left behind");
                }
                None
            }
        }
    }

    fn found(replica: &str, id: ProcessId) -> Self {
        let known = (id.pid, id.start_ticks, id.boot_id.clone());
        Self::Found { remains: Remains::new(replica, &[known]), id }
    }

    /// Its identity.
    pub(super) fn id(&self) -> ProcessId {
        match self {
            Self::Child(child) => ProcessId::of(child.pid()),
            Self::Found { id, .. } => id.clone(),
        }
    }

    /// Returns once it has ended, with how it did in words. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> String {
        match self {
            Self::Child(child) => match child.wait().await {
                Ok(status) => words(status),
                Err(fault) => format!("it ended: {fault}"),
            },
            Self::Found { remains, .. } => {
                remains.leaders_ended().await;
                "it ended while nobody looked".to_owned()
            }
        }
    }

    /// Ends it with all that it started: TERM, then KILL once `grace` has passed.
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<(), StopError> {
        match self {
            Self::Child(child) => child.stop(grace, std::future::pending()).await.map(drop),
            Self::Found { remains, .. } => remains.stop(grace).await,
        }
    }

    /// After it has ended by itself: ends what it left behind.
    pub(super) async fn sweep(&mut self) {
        if let Err(fault) = self.stop(SWEEP).await {
            tracing::warn!(%fault, "what a service left behind");
        }
    }
}

fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit code {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}
