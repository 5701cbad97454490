//! How far the number of pods may leave what is wanted.

use super::number::{narrow, share_down, share_up};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A number of pods, or a share of all. As in Kubernetes a JSON number is pods; any text is a share, with
/// a percent sign or without (`"25"` is `"25%"`: upstream strips the signs, k8s.io/apimachinery
/// `intstr.GetValueFromIntOrPercent`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Amount {
    /// So many pods.
    Pods(i32),
    /// So many of a hundred.
    Percent(i32),
}

/// A text that is not a whole number of percent in 32 bits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a whole number of percent")]
pub struct NotAnAmount(String);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Pods(i32),
    Percent(String),
}

impl TryFrom<Written> for Amount {
    type Error = NotAnAmount;

    fn try_from(written: Written) -> Result<Self, NotAnAmount> {
        match written {
            Written::Pods(pods) => Ok(Self::Pods(pods)),
            Written::Percent(text) => text.parse(),
        }
    }
}

impl From<Amount> for Written {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Pods(pods) => Self::Pods(pods),
            Amount::Percent(_) => Self::Percent(amount.to_string()),
        }
    }
}

impl FromStr for Amount {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let percent = text.replace('%', "").parse();
        percent.map(Self::Percent).map_err(|_| NotAnAmount(text.to_owned()))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pods(pods) => write!(out, "{pods}"),
            Self::Percent(percent) => write!(out, "{percent}%"),
        }
    }
}

impl Amount {
    /// Upstream's default of surge and of unavailability: a quarter.
    pub const QUARTER: Self = Self::Percent(25);

    fn of(self, replicas: i32, share: fn(i32, i32, i32) -> i64) -> i32 {
        match self {
            Self::Pods(pods) => pods,
            Self::Percent(percent) => narrow(share(percent, replicas, 100)),
        }
    }
}

/// Bounds of a change, in pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How many pods there may be over what is wanted.
    pub surge: i32,
    /// How many of what is wanted need not serve.
    pub unavailable: i32,
}

impl Limits {
    /// Of a canary: surge rounds up and unavailability down. Were both nothing, no pod could ever be
    /// replaced: one may then be unavailable. Not more can be unavailable than are wanted.
    pub fn canary(replicas: i32, surge: Amount, unavailable: Amount) -> Self {
        let surge = surge.of(replicas, share_up);
        let unavailable = match unavailable.of(replicas, share_down) {
            0 if surge == 0 => 1,
            pods => pods,
        };
        Self { surge, unavailable: capped(unavailable, replicas) }
    }

    /// Of blue-green: there is no surge, for both versions may have all their pods.
    pub fn blue_green(replicas: i32, unavailable: Amount) -> Self {
        Self { surge: 0, unavailable: capped(unavailable.of(replicas, share_down), replicas) }
    }
}

fn capped(unavailable: i32, replicas: i32) -> i32 {
    if replicas == 0 { 0 } else { unavailable.min(replicas) }
}
