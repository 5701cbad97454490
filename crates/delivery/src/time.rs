//! Points in time, in milliseconds.

use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: milliseconds since the Unix epoch. A clock may jump: all arithmetic saturates, and
/// what lies in the past is zero away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// How much later this is; nothing where it is earlier.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let second = Duration::from_secs(1);
        assert_eq!(Time(5) + second, Time(1_005));
        assert_eq!(Time(1_005) - Time(5), second);
        assert_eq!(Time(5) - Time(1_005), Duration::ZERO);
        assert_eq!(Time(i64::MAX) + Duration::MAX, Time(i64::MAX));
        assert_eq!(Time(i64::MAX) - Time(i64::MIN), Duration::from_millis(i64::MAX.unsigned_abs()));
    }
}
