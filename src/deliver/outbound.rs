//! What metrics and notices have in common where they ask others: clients, bounded answers, and words that show no
//! address.

use crate::clock;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, Url, redirect};
use std::time::{Duration, Instant};
use taskmaster_core::host::is_loopback;
use zeroize::Zeroizing;

/// Shortest part of a URL that is taken for a token.
const SHORTEST_TOKEN: usize = 8;

/// Shortest such part without a digit.
const SHORTEST_PLAIN_TOKEN: usize = 20;

/// A client that follows no redirect. A loopback address is asked directly (`direct`), whatever `HTTP_PROXY` says; all
/// others as the usual variables say.
pub(super) fn client(direct: bool) -> ClientBuilder {
    // The second time it is there already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("taskmaster/", env!("CARGO_PKG_VERSION")));
    if direct { builder.no_proxy() } else { builder }
}

/// The innermost cause says what happened ("connection refused"); the outer ones may hold the whole URL.
pub(super) fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// How long the other side asks to be left alone.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, clock::now())
}

/// Seconds, also with a fraction, or a date.
fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(Duration::try_from(date.timestamp().duration_since(now)).unwrap_or_default())
}

/// Why a body is not whole.
#[derive(Debug)]
pub(super) enum Cut {
    /// It is longer than is read.
    TooLong,
    /// It broke off.
    Broken(reqwest::Error),
    /// It did not come to an end in time.
    Late,
}

/// The body up to the limit, and why that is not all of it.
pub(super) async fn read(mut response: Response, limit: usize, deadline: Instant) -> (Vec<u8>, Option<Cut>) {
    let mut body = Vec::new();
    loop {
        match tokio::time::timeout_at(deadline.into(), response.chunk()).await {
            Ok(Ok(None)) => return (body, None),
            Ok(Ok(Some(chunk))) => {
                let room = limit.saturating_sub(body.len());
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    return (body, Some(Cut::TooLong));
                }
            }
            Ok(Err(error)) => return (body, Some(Cut::Broken(error))),
            Err(_) => return (body, Some(Cut::Late)),
        }
    }
}

/// What of an address nobody may see: all of it, its host, and what looks like a token in it. This machine's names are
/// no secret.
pub(super) fn secrets(url: &str) -> Vec<Zeroizing<String>> {
    let mut hidden = vec![url.trim().to_owned()];
    if let Ok(parsed) = Url::parse(url.trim()) {
        let (path, query) = (parsed.path(), parsed.query().unwrap_or_default());
        let parts = path.split('/').chain(query.split(['&', '='])).chain([parsed.username()]);
        hidden.extend(parts.filter(|part| is_token(part)).map(str::to_owned));
        hidden.extend(parsed.password().map(str::to_owned));
        hidden.extend(parsed.host_str().filter(|host| !is_loopback(host)).map(str::to_owned));
        if path.len() >= SHORTEST_TOKEN {
            hidden.push(path.to_owned());
        }
    }
    hidden.into_iter().map(Zeroizing::new).collect()
}

/// True of what looks like a token, and not of words such as `services`.
fn is_token(part: &str) -> bool {
    let has_digit = part.bytes().any(|byte| byte.is_ascii_digit());
    part.len() >= SHORTEST_TOKEN && (has_digit || part.len() >= SHORTEST_PLAIN_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_say_how_long_to_leave_them_alone() {
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

    #[test]
    fn hosts_and_tokens_of_an_address_are_secrets() {
        let all = |url: &str| secrets(url).iter().map(|part| part.to_string()).collect::<Vec<_>>();
        let url = "https://me:pa55@hooks.example.com/services/T00000000?k=abc12345";
        let expected = [url, "T00000000", "abc12345", "pa55", "hooks.example.com", "/services/T00000000"];
        assert_eq!(all(url), expected);
        assert_eq!(all("http://127.0.0.1:9090/p"), ["http://127.0.0.1:9090/p"]);
        assert_eq!(all("no address"), ["no address"]);
    }

    #[test]
    fn a_fault_names_no_url() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = "http://127.0.0.1:1/s3cr3t-path";
        let error = runtime.block_on(client(true).build().unwrap().get(url).send()).unwrap_err();
        assert!(!innermost(error).contains("s3cr3t"));
        let error = client(true).build().unwrap().get("s3cr3t://").build().unwrap_err();
        assert!(!innermost(error).contains("s3cr3t"));
    }
}
