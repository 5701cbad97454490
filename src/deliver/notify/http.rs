//! One POST to a receiver that nobody here trusts: bounded in size and time, no redirects, no kept
//! connections.

use super::secret::{Secret, redactor};
use super::sign::{SIGNATURE, TIMESTAMP, signature};
use crate::clock;
use crate::deliver::outbound::{self, Cut, innermost};
use crate::process::show::harmless;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;
use std::sync::OnceLock;
use std::time::Duration;
use taskmaster_core::host::is_loopback;

/// A connection that takes longer will not do better later in the same request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest words of an answer that are kept, in characters.
const LONGEST_WORDS: usize = 200;

/// Names under which receivers say in JSON what they mean, in order.
const WORDS: [&str; 6] = ["message", "why", "reason", "error", "detail", "status"];

/// What most requests are written in.
pub(super) const JSON: &str = "application/json";

/// A request.
#[derive(Clone, Copy)]
pub(super) struct Post<'a> {
    /// Where to.
    pub(super) url: &'a Secret,
    /// The receiver's key, which no words of its answer may show.
    pub(super) key: Option<&'a Secret>,
    /// The body is signed with the key, where there is one.
    pub(super) is_signed: bool,
    /// Further headers.
    pub(super) headers: &'a [(&'static str, &'a str)],
    /// Further headers that nobody may see.
    pub(super) secret_headers: &'a [(String, Secret)],
    /// What the body is written in.
    pub(super) content_type: &'static str,
    /// The body.
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
    /// The body itself.
    pub(super) body: Vec<u8>,
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
    let response = sent.map_err(|error| Fault::NoAnswer(fault(error, post)))?;
    let (status, retry_after) = (response.status(), outbound::retry_after(response.headers()));
    let is_text = !response.headers().get(CONTENT_TYPE).is_some_and(is_binary);
    let (body, cut) = outbound::read(response, post.limit, deadline).await;
    let words = if is_text { words(&body, post) } else { String::new() };
    Ok(Reply { status, retry_after, words, body, cut: cut.map(|cut| told(cut, post)) })
}

/// Protobuf is no text, though most of its letters are.
fn is_binary(content_type: &HeaderValue) -> bool {
    content_type.as_bytes().starts_with(b"application/x-protobuf")
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
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(post.content_type));
    let mut put = |name: &str, value: &str, is_secret: bool| {
        // A name of a rollout may be in it, with letters of any script.
        let value: String = value.chars().filter(|letter| !letter.is_control()).collect();
        let mut value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| Fault::Unusable(format!("the header {name} cannot be sent")))?;
        value.set_sensitive(is_secret);
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Fault::Unusable(format!("{name} is no header")))?;
        headers.insert(name, value);
        Ok(())
    };
    for (name, value) in post.headers {
        put(name, value, false)?;
    }
    for (name, value) in post.secret_headers {
        put(name, value.expose(), true)?;
    }
    if let Some(key) = post.key.filter(|_| post.is_signed) {
        let now = clock::now().as_second();
        put(TIMESTAMP, &now.to_string(), false)?;
        put(SIGNATURE, &signature(key, now, post.body), false)?;
    }
    Ok(headers)
}

/// Clients are made when the first request needs them: certificates take time and memory.
fn client(url: &Url) -> Result<Client, Fault> {
    static DIRECT: OnceLock<Client> = OnceLock::new();
    static USUAL: OnceLock<Client> = OnceLock::new();
    let direct = url.host_str().is_some_and(is_loopback);
    let slot = if direct { &DIRECT } else { &USUAL };
    if let Some(client) = slot.get() {
        return Ok(client.clone());
    }
    let client = build(direct).map_err(|error| Fault::Unusable(innermost(error)))?;
    Ok(slot.get_or_init(|| client).clone())
}

fn build(direct: bool) -> reqwest::Result<Client> {
    // Requests are seldom: a kept connection would most often be found closed when it is needed.
    outbound::client(direct).connect_timeout(CONNECT_TIMEOUT).pool_max_idle_per_host(0).build()
}

/// Why a body is not whole, in words.
fn told(cut: Cut, post: &Post<'_>) -> String {
    match cut {
        Cut::TooLong => format!("its body is longer than {} bytes", post.limit),
        Cut::Broken(error) => format!("its body broke off: {}", fault(error, post)),
        Cut::Late => "its body did not come to an end in time".to_owned(),
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
    let text = redacted(&text, post);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    harmless(clip(line).as_bytes())
}

fn clip(line: &str) -> String {
    match line.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// What went wrong, without the receiver's secrets: a certificate's fault names the host.
fn fault(error: reqwest::Error, post: &Post<'_>) -> String {
    harmless(redacted(&innermost(error), post).as_bytes())
}

fn redacted(text: &str, post: &Post<'_>) -> String {
    let secrets = post.key.into_iter().chain(post.secret_headers.iter().map(|(_, value)| value));
    redactor(post.url, secrets).map_or_else(|| text.to_owned(), |redactor| redactor.text(text))
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
            secret_headers: &[],
            content_type: JSON,
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
            ("not valid for hooks.example.com", "not valid for <secret url>"),
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
}
