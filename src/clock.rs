//! The one place where clocks are read.

use jiff::Timestamp;
use std::time::Instant;

/// The time now, for records and for people. It may jump, so durations are never taken from it.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The time now on a clock that never jumps: for durations and deadlines.
pub fn monotonic() -> Instant {
    Instant::now()
}
