//! What a query of a metric asks for.

use super::model::TestKind;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// What an answer of a metric is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// The number that a metric with one query asks for.
    Result,
    /// The new version's number.
    Canary,
    /// The stable version's number.
    Baseline,
    /// Units of the new version, counted.
    CanaryTotal,
    /// Its units that failed, counted.
    CanaryFailures,
    /// Units of the stable version, counted.
    BaselineTotal,
    /// Its units that failed, counted.
    BaselineFailures,
    /// Units of the new version by latency: a histogram with `le` labels.
    CanaryBuckets,
    /// Units of the stable version likewise.
    BaselineBuckets,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Result,
        Self::Canary,
        Self::Baseline,
        Self::CanaryTotal,
        Self::CanaryFailures,
        Self::BaselineTotal,
        Self::BaselineFailures,
        Self::CanaryBuckets,
        Self::BaselineBuckets,
    ];

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Its key in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Canary => "canary",
            Self::Baseline => "baseline",
            Self::CanaryTotal => "canaryTotal",
            Self::CanaryFailures => "canaryFailures",
            Self::BaselineTotal => "baselineTotal",
            Self::BaselineFailures => "baselineFailures",
            Self::CanaryBuckets => "canaryBuckets",
            Self::BaselineBuckets => "baselineBuckets",
        }
    }

    /// True where it is counted: several series are summed up.
    pub fn is_counter(self) -> bool {
        !matches!(self, Self::Result | Self::Canary | Self::Baseline)
    }

    /// True where it has `le` labels.
    pub(crate) fn has_buckets(self) -> bool {
        matches!(self, Self::CanaryBuckets | Self::BaselineBuckets)
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TestKind {
    /// What is asked for where somebody else counts than the one who splits the traffic.
    pub fn roles(&self) -> &'static [Role] {
        match self {
            Self::Errors => {
                &[Role::CanaryTotal, Role::CanaryFailures, Role::BaselineTotal, Role::BaselineFailures]
            }
            Self::Latency(_) => &[Role::CanaryBuckets, Role::BaselineBuckets],
            Self::Mean(_) => &[Role::Canary, Role::Baseline],
        }
    }
}
