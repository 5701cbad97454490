//! One notice to one receiver, while somebody waits for it to be over.

use super::http::{Post, post};
use super::notifier::LONGEST_ANSWER;
use super::retry::{Limits, Outcome, outcome, pause};
use super::secret::Secret;
use crate::clock;
use std::time::Duration;

/// Sends JSON, again where that may help, at most so long in all. With a key it is signed, and every try says by
/// the same `id` that it is the same.
///
/// # Errors
/// Why it was given up, without a word of where it went.
pub async fn send(
    url: &Secret,
    key: Option<&Secret>,
    id: &str,
    body: &[u8],
    within: Duration,
) -> Result<(), String> {
    let limits = Limits::default();
    let end = clock::monotonic() + within;
    let headers = [("X-Taskmaster-Delivery", id)];
    let mut tried = 0;
    loop {
        tried += 1;
        let left = end.saturating_duration_since(clock::monotonic()).as_millis();
        // Whole milliseconds, since people are told how long it was.
        let timeout = Duration::from_millis(u64::try_from(left + 1).unwrap_or(u64::MAX)).min(limits.timeout);
        let request =
            Post { url, key, is_signed: true, headers: &headers, body, timeout, limit: LONGEST_ANSWER };
        let (why, after) = match outcome(post(&request).await) {
            Outcome::Sent => return Ok(()),
            Outcome::Never { why } => return Err(why),
            Outcome::Again { why, after } => (why, after),
        };
        let pause = pause(&limits, tried, after, id);
        if tried >= limits.tries || clock::monotonic() + pause >= end {
            return Err(why);
        }
        tokio::time::sleep(pause).await;
    }
}
