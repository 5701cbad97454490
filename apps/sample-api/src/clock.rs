//! The only place that reads a clock.

use jiff::Timestamp;
use tokio::time::Instant;

/// The time of day, for people and for `/version`.
#[must_use]
pub fn wall() -> Timestamp {
    Timestamp::now()
}

/// The monotonic time, for durations; paused with the runtime's clock in tests.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// A seed that differs from start to start, for a service whose user named none.
#[must_use]
pub fn seed() -> u64 {
    let nanoseconds = wall().as_nanosecond().rem_euclid(i128::from(u32::MAX));
    u64::try_from(nanoseconds).unwrap_or(0) ^ (u64::from(std::process::id()) << 32)
}
