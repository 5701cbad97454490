//! Something for one receiver, while somebody waits for it to be over: a notice, or the traces of a run.

use super::http::{JSON, Post, post};
use super::notifier::LONGEST_ANSWER;
use super::retry::{Limits, Outcome, may_do_later, outcome, pause};
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
    let headers = [("X-Taskmaster-Delivery", id)];
    let request = Post {
        url,
        key,
        is_signed: true,
        headers: &headers,
        secret_headers: &[],
        content_type: JSON,
        body,
        timeout: limits.timeout,
        limit: LONGEST_ANSWER,
    };
    repeat(request, &limits, id, within, may_do_later).await.map(drop)
}

/// Traces for a receiver that speaks OTLP over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Traces<'a> {
    /// Where they go.
    pub url: &'a Secret,
    /// Headers that nobody may see.
    pub headers: &'a [(String, Secret)],
    /// What they are written in.
    pub content_type: &'static str,
    /// The traces.
    pub body: &'a [u8],
    /// Draws the pauses between two tries.
    pub id: &'a str,
}

/// Sends traces, again where OTLP asks for it, at most so long in all. Returns the body of the answer.
///
/// # Errors
/// Why it was given up, without a word of where they went.
pub async fn export(traces: &Traces<'_>, within: Duration) -> Result<Vec<u8>, String> {
    let request = Post {
        url: traces.url,
        key: None,
        is_signed: false,
        headers: &[],
        secret_headers: traces.headers,
        content_type: traces.content_type,
        body: traces.body,
        timeout: within,
        limit: LONGEST_ANSWER,
    };
    let limits = Limits { timeout: within, ..Limits::default() };
    let is_transient = |status| matches!(status, 429 | 502..=504);
    repeat(request, &limits, traces.id, within, is_transient).await
}

/// Tries until it is sent, cannot be, or the time is over. Returns the body of the answer.
async fn repeat(
    request: Post<'_>,
    limits: &Limits,
    id: &str,
    within: Duration,
    again: fn(u16) -> bool,
) -> Result<Vec<u8>, String> {
    let end = clock::monotonic() + within;
    let mut tried = 0;
    loop {
        tried += 1;
        let left = end.saturating_duration_since(clock::monotonic()).as_millis();
        // Whole milliseconds, since people are told how long it was.
        let timeout = Duration::from_millis(u64::try_from(left + 1).unwrap_or(u64::MAX)).min(limits.timeout);
        let reply = post(&Post { timeout, ..request }).await;
        let (why, after) = match outcome(&reply, again) {
            Outcome::Sent => return Ok(reply.map(|reply| reply.body).unwrap_or_default()),
            Outcome::Never { why } => return Err(why),
            Outcome::Again { why, after } => (why, after),
        };
        let pause = pause(limits, tried, after, id);
        if tried >= limits.tries || clock::monotonic() + pause >= end {
            return Err(why);
        }
        tokio::time::sleep(pause).await;
    }
}
