//! The one place where clocks are read.

use jiff::Timestamp;
use std::time::Instant;

/// The time now, for records and for people. It may jump, so durations are never taken from it.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    #[cfg(feature = "crashpoints")]
    let now = jumps::jumped(now);
    now
}

/// The time now on a clock that never jumps: for durations and deadlines.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// A time of day that never jumps: that of its beginning and what has passed since. For deadlines that are also
/// told to people; it is off by the jumps of the clock since then.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    began: Timestamp,
    since: Instant,
}

impl Steady {
    /// From now on.
    pub fn start() -> Self {
        Self { began: now(), since: monotonic() }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let passed = monotonic().saturating_duration_since(self.since);
        self.began.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

/// A clock that jumps, for tests: `TASKMASTER_CLOCK_JUMPS=0,86400,-86400` sets it by so many seconds, at each look
/// by the next of them and then from the first again.
#[cfg(feature = "crashpoints")]
mod jumps {
    use jiff::{SignedDuration, Timestamp};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static LOOKS: AtomicUsize = AtomicUsize::new(0);
    static SECONDS: LazyLock<Vec<i64>> = LazyLock::new(|| {
        let all = std::env::var("TASKMASTER_CLOCK_JUMPS").unwrap_or_default();
        all.split(',').filter_map(|one| one.trim().parse().ok()).collect()
    });

    pub(super) fn jumped(now: Timestamp) -> Timestamp {
        let Some(number) = LOOKS.fetch_add(1, Ordering::Relaxed).checked_rem(SECONDS.len()) else {
            return now;
        };
        now.saturating_add(SignedDuration::from_secs(SECONDS[number])).unwrap_or(now)
    }
}
