//! Waiting for something to become true, with a deadline.

use std::time::{Duration, Instant};

/// Asks `condition` every few milliseconds until it gives a value.
///
/// # Panics
/// After `seconds`, with `what` in the message.
pub fn until<T>(what: &str, seconds: u64, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
