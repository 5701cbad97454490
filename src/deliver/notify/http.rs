//! One POST to a receiver that nobody here trusts: bounded in size and time, no redirects, no kept
//! connections.
//!
//! A loopback address is asked directly, whatever `HTTP_PROXY` says; all others as the usual variables say.

use super::secret::{Secret, redactor};
use super::sign::{SIGNATURE, TIMESTAMP, signature};
use crate::clock;
use crate::process::show::harmless;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::Value;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A connection that takes longer will not do better later in the same request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest words of an answer that are kept, in characters.
const LONGEST_WORDS: usize = 200;

/// Names under which receivers say in JSON what they mean, in order.
const WORDS: [&str; 6] = ["message", "why", "reason", "error", "detail", "status"];

/// A request.
pub(super) struct Post<'a> {
    /// Where to.
    pub(super) url: &'a Secret,
    /// The receiver's key, which no words of its answer may show.
    pub(super) key: Option<&'a Secret>,
    /// The body is signed with the key, where there is one.
    pub(super) is_signed: bool,
    /// Further headers.
    pub(super) headers: &'a [(&'static str, &'a str)],
    /// JSON.
    pub(super) body: &'a [u8],
    /// Longest time for all of it.
    pub(super) timeout: Duration,
    /// Longest body of the answer that is read, in bytes.
    pub(super) limit: usize,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    /// Its status.
    pub(super) status: StatusCode,
    /// How long the receiver asks to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// What the body says, in a line.
    pub(super) words: String,
    /// Why the body is not whole, where it is not.
    pub(super) cut: Option<String>,
}

impl Reply {
    /// Its status, and its words where it has any.
    pub(super) fn told(&self) -> String {
        match self.words.as_str() {
            "" => self.status.to_string(),
            words => format!("{}: {words}", self.status),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The request cannot be made, now or later.
    Unusable(String),
    /// Nobody answered.
    NoAnswer(String),
}

/// Sends a request and reads its answer.
pub(super) async fn post(post: &Post<'_>) -> Result<Reply, Fault> {
    let deadline = clock::monotonic() + post.timeout;
    let url = address(post.url)?;
    let request = client(&url)?.post(url).headers(headers(post)?).body(post.body.to_vec());
    let Ok(sent) = tokio::time::timeout(post.timeout, request.send()).await else {
        return Err(Fault::NoAnswer(format!("no answer within {:?}", post.timeout)));
    };
    let response = sent.map_err(|error| Fault::NoAnswer(innermost(&error)))?;
    let (status, retry_after) = (response.status(), retry_after(&response));
    let (body, cut) = read(response, post.limit, deadline).await;
    Ok(Reply { status, retry_after, words: words(&body, post), cut })
}

/// The URL; faults of it are told without showing it.
fn address(url: &Secret) -> Result<Url, Fault> {
    let parsed = Url::parse(url.expose().trim());
    let parsed = parsed.map_err(|error| Fault::Unusable(format!("the URL is not valid: {error}")))?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => Ok(parsed),
        scheme => Err(Fault::Unusable(format!("{scheme} URLs are not asked, only http and https ones"))),
    }
}

fn headers(post: &Post<'_>) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut put = |name: &'static str, value: &str| {
        // A name of a rollout may be in it, with letters of any script.
        let value: String = value.chars().filter(|letter| !letter.is_control()).collect();
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| Fault::Unusable(format!("the header {name} cannot be sent")))?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Fault::Unusable(format!("{name} is no header")))?;
        headers.insert(name, value);
        Ok(())
    };
    for (name, value) in post.headers {
        put(name, value)?;
    }
    if let Some(key) = post.key.filter(|_| post.is_signed) {
        let now = clock::now().as_second();
        put(TIMESTAMP, &now.to_string())?;
        put(SIGNATURE, &signature(key, now, post.body))?;
    }
    Ok(headers)
}

/// Clients are made when the first request needs them: certificates take time and memory.
fn client(url: &Url) -> Result<Client, Fault> {
    static DIRECT: OnceLock<Client> = OnceLock::new();
    static USUAL: OnceLock<Client> = OnceLock::new();
    let direct = is_loopback(url);
    let slot = if direct { &DIRECT } else { &USUAL };
    if let Some(client) = slot.get() {
        return Ok(client.clone());
    }
    let client = build(direct).map_err(|error| Fault::Unusable(innermost(&error)))?;
    Ok(slot.get_or_init(|| client).clone())
}

fn build(direct: bool) -> reqwest::Result<Client> {
    // The second time it is there already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Requests are seldom: a kept connection would most often be found closed when it is needed.
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("taskmaster/", env!("CARGO_PKG_VERSION")));
    if direct { builder.no_proxy().build() } else { builder.build() }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The body up to the limit, and why that is not all of it.
async fn read(mut response: Response, limit: usize, deadline: Instant) -> (Vec<u8>, Option<String>) {
    let mut body = Vec::new();
    loop {
        match tokio::time::timeout_at(deadline.into(), response.chunk()).await {
            Ok(Ok(None)) => return (body, None),
            Ok(Ok(Some(chunk))) => {
                let room = limit.saturating_sub(body.len());
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    return (body, Some(format!("its body is longer than {limit} bytes")));
                }
            }
            Ok(Err(error)) => return (body, Some(format!("its body broke off: {}", innermost(&error)))),
            Err(_) => return (body, Some("its body did not come to an end in time".to_owned())),
        }
    }
}

/// What a body says in one line, free of terminal controls and of this receiver's secrets. A page for
/// browsers says nothing.
fn words(body: &[u8], post: &Post<'_>) -> String {
    let text = harmless(body);
    let text = match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(fields)) => {
            let said = WORDS.iter().find_map(|name| fields.get(*name)?.as_str());
            said.unwrap_or_default().to_owned()
        }
        Ok(Value::String(said)) => said,
        _ => text,
    };
    if text.trim_start().starts_with('<') {
        return String::new();
    }
    // Redaction comes before the cut, or half a secret would be left.
    let text = match redactor(post.url, post.key) {
        Some(redactor) => redactor.text(&text),
        None => text,
    };
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    harmless(clip(line).as_bytes())
}

fn clip(line: &str) -> String {
    match line.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The innermost cause says what happened ("connection refused"); the outer ones may hold the whole URL.
fn innermost(error: &reqwest::Error) -> String {
    let Some(mut cause) = std::error::Error::source(error) else {
        return "the request could not be made".to_owned();
    };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn retry_after(response: &Response) -> Option<Duration> {
    parse_retry_after(response.headers().get(RETRY_AFTER)?.to_str().ok()?, clock::now())
}

/// Seconds, also with a fraction, or a date.
fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(Duration::try_from(date.timestamp().duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        let url = Secret::new("https://hooks.example.com/T0KEN0123456".to_owned());
        let empty = Post {
            url: &url,
            key: None,
            is_signed: false,
            headers: &[],
            body: b"",
            timeout: Duration::ZERO,
            limit: 0,
        };
        words(body.as_bytes(), &empty)
    }

    #[test]
    fn words_are_one_harmless_line() {
        let rows = [
            ("no", "no"),
            ("\n  no\nmore\n", "no"),
            ("", ""),
            ("{\"status\": \"error\", \"message\": \"freeze until Monday\"}", "freeze until Monday"),
            ("{\"status\": 7}", ""),
            ("\"plain\"", "plain"),
            ("[1, 2]", "[1, 2]"),
            ("<!doctype html><h1>404</h1>", ""),
            ("\u{1b}[31mred", "red"),
            ("{\"message\": \"\\u001b[31mred\"}", "red"),
            ("no route /T0KEN0123456", "no route <secret url>"),
        ];
        for (body, expected) in rows {
            assert_eq!(said(body), expected, "{body}");
        }
        assert_eq!(said(&"ä".repeat(500)).chars().count(), LONGEST_WORDS + 1);
    }

    #[test]
    fn only_http_is_asked_and_the_url_is_not_shown() {
        for url in ["ftp://x/s3cr3t", "file:///s3cr3t", "s3cr3t", "http://", "data:s3cr3t"] {
            let fault = address(&Secret::new(url.to_owned())).unwrap_err();
            assert!(!format!("{fault:?}").contains("s3cr3t"), "{fault:?}");
        }
        assert!(address(&Secret::new(" https://example.com/x ".to_owned())).is_ok());
    }

    #[test]
    fn only_this_machine_is_asked_past_the_proxy() {
        let rows = [
            ("http://127.0.0.1:80/", true),
            ("http://[::1]:9/", true),
            ("http://a.localhost/", true),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
        ];
        for (url, expected) in rows {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_receiver_says_how_long_to_leave_it_alone() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let rows = [
            ("0", Some(0)),
            ("120", Some(120_000)),
            (" 1.5 ", Some(1_500)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37_000)),
            ("Sun, 06 Nov 1994 08:48:00 GMT", Some(0)),
            ("-3", None),
            ("NaN", None),
            ("inf", None),
            ("1e300", None),
            ("soon", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_retry_after(text, now), expected.map(Duration::from_millis), "{text}");
        }
    }
}
