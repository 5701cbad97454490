//! The pods of versions, as they are and as they should be.

use serde::{Deserialize, Serialize};

/// The pods of one version (a ReplicaSet of Kubernetes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// How many it is told to have (`spec.replicas`).
    pub wanted: i32,
    /// How many there are (`status.replicas`).
    pub created: i32,
    /// How many of them serve (`status.availableReplicas`).
    pub available: i32,
}

/// The stable version's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stable {
    /// No version was promoted yet.
    Absent,
    /// The wanted version is the stable one: both have the same pods.
    Canary,
    /// Pods of its own.
    Other(Set),
}

/// The pods of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sets {
    /// Of the version that is wanted; none before it has a set.
    pub canary: Option<Set>,
    /// Of the version that was promoted last.
    pub stable: Stable,
    /// Of versions that are neither, the newest first.
    pub older: Vec<Set>,
}

impl Sets {
    /// The stable version's pods, whoever else has them.
    pub fn stable(&self) -> Option<Set> {
        match self.stable {
            Stable::Absent => None,
            Stable::Canary => self.canary,
            Stable::Other(set) => Some(set),
        }
    }

    /// The stable version's pods where the canary has others.
    pub(super) fn other_stable(&self) -> Option<Set> {
        match self.stable {
            Stable::Other(set) => Some(set),
            Stable::Absent | Stable::Canary => None,
        }
    }

    /// A sum over older versions.
    pub(super) fn sum_older(&self, number: fn(&Set) -> i32) -> i64 {
        self.older.iter().map(|set| i64::from(number(set))).sum()
    }
}

/// Pods that two versions should have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The new version's.
    pub canary: i32,
    /// The stable version's.
    pub stable: i32,
}

/// Traffic as it was set last, in parts of the whole ([`super::Traffic::max_weight`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// The new version's part.
    pub canary: i32,
    /// The stable version's part.
    pub stable: i32,
    /// The canary's part belongs to an earlier canary: what is wanted was changed since.
    pub outdated: bool,
}
