//! Syncs: what came of one, and when the next one is due.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What came of a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum SyncResult {
    /// The place stands at the commit.
    Synced,
    /// The place would stand at the commit, but a person is waited for.
    Waiting,
    /// Something failed, or its end is unknown.
    Failed {
        /// Exit code that a run would end with.
        exit_code: i32,
        /// Why, in one line.
        message: String,
    },
    /// The commit is not accepted: what stood before stays in force.
    Refused {
        /// Why, each in one line.
        reasons: Vec<String>,
    },
    /// The repository could not be fetched: what is known of it stays in force.
    Unreachable {
        /// Why, in one line.
        message: String,
    },
    /// Something is to be done, and no window is open for it, or the environment is locked.
    Closed,
}

impl SyncResult {
    /// Its name, as in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Waiting => "waiting",
            Self::Failed { .. } => "failed",
            Self::Refused { .. } => "refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Closed => "closed",
        }
    }

    /// True where nobody has to look after it.
    pub const fn is_healthy(&self) -> bool {
        matches!(self, Self::Synced | Self::Waiting | Self::Closed)
    }

    /// True where trying the same again soon may help.
    pub const fn is_retried(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Unreachable { .. })
    }

    /// The exit code of `sync --once`.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Synced => 0,
            Self::Waiting | Self::Closed => 21,
            Self::Failed { exit_code, .. } => *exit_code as u8,
            Self::Refused { .. } => 10,
            Self::Unreachable { .. } => 32,
        }
    }
}

/// How often a sync looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time between two looks.
    pub interval: SignedDuration,
    /// First delay after a failure; it doubles with each failure that follows, up to `longest_delay`.
    pub first_delay: SignedDuration,
    /// Longest delay after a failure.
    pub longest_delay: SignedDuration,
}

impl Default for Pace {
    /// Every three minutes; after failures 10 s, 20 s, … 15 min.
    fn default() -> Self {
        Self {
            interval: SignedDuration::from_mins(3),
            first_delay: SignedDuration::from_secs(10),
            longest_delay: SignedDuration::from_mins(15),
        }
    }
}

/// No time between two looks is longer: a year.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

impl Pace {
    /// When the look after one at `at` is due. `failures` counts those in a row that are retried.
    ///
    /// `at + d · (0.9 + 0.2 u)` with `u` in `[0, 1)` from the hash of `seed` and `at`, so that many syncs that began
    /// together drift apart; `d` is the interval, or `min(first_delay · 2^(failures − 1), longest_delay)`.
    pub fn next(&self, seed: &str, at: Timestamp, failures: u32) -> Timestamp {
        let delay = match failures {
            0 => self.interval,
            n => {
                let doubled = 1_i32.checked_shl((n - 1).min(30)).unwrap_or(i32::MAX);
                self.first_delay.checked_mul(doubled).unwrap_or(SignedDuration::MAX).min(self.longest_delay)
            }
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(seed.as_bytes()).update(&at.as_microsecond().to_le_bytes());
        let bytes = hasher.finalize();
        let draw = u32::from_le_bytes([bytes.as_bytes()[0], bytes.as_bytes()[1], bytes.as_bytes()[2], 0]);
        let share = 0.9 + 0.2 * f64::from(draw) / f64::from(1_u32 << 24);
        at.checked_add(delay.min(LONGEST).mul_f64(share)).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(failures: u32, seed: &str) -> f64 {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        Pace::default().next(seed, at, failures).duration_since(at).as_secs_f64()
    }

    #[test]
    fn a_look_follows_after_the_interval_with_a_tenth_of_jitter() {
        let draws: Vec<f64> = (0..500).map(|n| seconds(0, &n.to_string())).collect();
        assert!(draws.iter().all(|s| (162.0..198.0).contains(s)));
        let mean = draws.iter().sum::<f64>() / 500.0;
        assert!((178.0..182.0).contains(&mean), "{mean}");
        assert!((seconds(0, "a") - seconds(0, "a")).abs() < f64::EPSILON);
    }

    #[test]
    fn failures_wait_longer_and_longer_up_to_a_bound() {
        for (failures, wanted) in
            [(1, 10.0), (2, 20.0), (3, 40.0), (6, 320.0), (7, 640.0), (8, 900.0), (400, 900.0)]
        {
            let found = seconds(failures, "a");
            assert!((wanted * 0.9..wanted * 1.1).contains(&found), "{failures}: {found}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_is_the_end_of_time() {
        let pace = Pace { interval: SignedDuration::MAX, ..Pace::default() };
        assert_eq!(pace.next("a", Timestamp::MAX, 0), Timestamp::MAX);
    }
}
