//! Requests to a Prometheus server: bounded in size and time, tried again where that may help.
//!
//! - A loopback address is asked directly, whatever `HTTP_PROXY` says; all others as the usual variables say.
//! - No redirect is followed: it would take the token along, or the question elsewhere.
//! - Nothing is decompressed, so [`MAX_ANSWER`] bounds what is held.

use super::answer::QueryError;
use super::settings::{BadSettings, Settings};
use super::wire;
use crate::process::redact::Redactor;
use crate::process::show::harmless;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, Url, redirect};
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::time::Duration;

/// Longest answer that is read, in bytes.
pub(super) const MAX_ANSWER: usize = 8 << 20;
/// Longest time before another try.
const MAX_DELAY: Duration = Duration::from_secs(2);
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// Idle connections to one server.
const MAX_IDLE: usize = 2;

/// A server, and how it is asked.
pub(super) struct Http {
    client: Client,
    base: Url,
    headers: HeaderMap,
    redactor: Option<Redactor>,
    timeout: Duration,
    retries: u32,
}

impl Http {
    pub(super) fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let base = Url::parse(settings.url.trim()).map_err(|_| BadSettings::Url)?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(BadSettings::Url);
        }
        Ok(Self {
            client: client(&base, settings)?,
            headers: settings.header_map()?,
            redactor: settings.redactor(),
            timeout: settings.timeout,
            retries: settings.retries,
            base,
        })
    }

    /// Asks, and reads the answer: `path` comes after `/api/v1`.
    pub(super) async fn ask(&self, path: &str, form: &[(&str, &str)]) -> Result<Vec<u8>, QueryError> {
        let url = self.url(path);
        let body = encode(form);
        let mut tried = 0;
        loop {
            let once = tokio::time::timeout(self.timeout, self.try_once(url.clone(), body.clone()));
            let fault = match once.await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(fault)) => fault,
                Err(_) => QueryError::Timeout(self.timeout),
            };
            if tried >= self.retries || !fault.is_passing() {
                return Err(self.clean(fault));
            }
            let asked = match &fault {
                QueryError::Status { retry_after, .. } => *retry_after,
                _ => None,
            };
            let delay = backoff(tried);
            match asked {
                Some(asked) if asked > MAX_DELAY => return Err(self.clean(fault)),
                asked => tokio::time::sleep(delay.max(asked.unwrap_or_default())).await,
            }
            tried += 1;
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1", path]);
        }
        url
    }

    async fn try_once(&self, url: Url, body: String) -> Result<Vec<u8>, QueryError> {
        let request = self.client.post(url).headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.map_err(|fault| unreachable(&fault))?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        if status.is_redirection() {
            return Err(QueryError::Redirect(status.as_u16()));
        }
        if matches!(status.as_u16(), 401 | 403 | 407) {
            return Err(QueryError::Unauthorized(status.as_u16()));
        }
        let body = read(response).await;
        if status.is_success() {
            return body;
        }
        // Where a query is refused the status goes with words of Prometheus, if it is Prometheus that answers.
        match body.ok().and_then(|body| super::answer::instant(&body).err()) {
            Some(refused @ QueryError::Refused { .. }) => Err(refused),
            _ => Err(QueryError::Status { status: status.as_u16(), retry_after }),
        }
    }

    /// Words of a server as they may be shown: on one line, without secrets.
    pub(super) fn words(&self, text: &str) -> String {
        let plain = harmless(text.as_bytes());
        let shown = self.redactor.as_ref().map_or_else(|| plain.clone(), |redactor| redactor.text(&plain));
        shown.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub(super) fn clean(&self, fault: QueryError) -> QueryError {
        match fault {
            QueryError::Unreachable(why) => QueryError::Unreachable(self.words(&why)),
            QueryError::Refused { kind, message } => {
                QueryError::Refused { kind: self.words(&kind), message: self.words(&message) }
            }
            QueryError::Form(why) => QueryError::Form(self.words(&why)),
            QueryError::Partial(why) => QueryError::Partial(self.words(&why)),
            QueryError::Kind(why) => QueryError::Kind(self.words(&why)),
            other => other,
        }
    }
}

fn client(base: &Url, settings: &Settings) -> Result<Client, BadSettings> {
    // The second time it is there already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(settings.timeout)
        .pool_max_idle_per_host(MAX_IDLE)
        .referer(false)
        .user_agent(concat!("taskmaster/", env!("CARGO_PKG_VERSION")));
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    if let Some(path) = &settings.ca {
        builder = builder.tls_certs_merge(certificates(path)?);
    }
    builder.build().map_err(|fault| BadSettings::Client(innermost(&fault)))
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, BadSettings> {
    let wrong = |why: String| BadSettings::Certificates { path: path.display().to_string(), why };
    let pem = std::fs::read(path).map_err(|fault| wrong(fault.to_string()))?;
    let all = Certificate::from_pem_bundle(&pem).map_err(|fault| wrong(innermost(&fault)))?;
    if all.is_empty() { Err(wrong("there is none in it".to_owned())) } else { Ok(all) }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn read(mut response: Response) -> Result<Vec<u8>, QueryError> {
    let too_long = || QueryError::TooLong(MAX_ANSWER);
    let announced = response.content_length().unwrap_or_default();
    if usize::try_from(announced).map_or(true, |length| length > MAX_ANSWER) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|fault| unreachable(&fault))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Seconds; a date is not worth a calendar.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Twice as long each time, and not all at once.
fn backoff(tried: u32) -> Duration {
    let whole = FIRST_DELAY.saturating_mul(1 << tried.min(10)).min(MAX_DELAY);
    let draw = RandomState::new().build_hasher().finish() % 512;
    whole.mul_f64(0.5 + draw as f64 / 1_024.0)
}

fn unreachable(fault: &reqwest::Error) -> QueryError {
    QueryError::Unreachable(wire::cut(&innermost(fault)))
}

/// The innermost cause says what happened; the outer ones may hold the whole address.
fn innermost(fault: &dyn std::error::Error) -> String {
    let mut cause = fault;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// `application/x-www-form-urlencoded`, as the URL standard has it.
fn encode(form: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in form {
        if !body.is_empty() {
            body.push('&');
        }
        escape(name, &mut body);
        body.push('=');
        escape(value, &mut body);
    }
    body
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            // Writing to a text cannot fail.
            other => drop(write!(out, "%{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_and_addresses_keep_their_path() {
        assert_eq!(
            encode(&[("query", "a{b=\"c d\"} > 1%"), ("é", "+&=")]),
            "query=a%7Bb%3D%22c+d%22%7D+%3E+1%25&%C3%A9=%2B%26%3D"
        );
        for (base, expected) in [
            ("http://127.0.0.1:9090", "http://127.0.0.1:9090/api/v1/query"),
            ("http://127.0.0.1:9090/", "http://127.0.0.1:9090/api/v1/query"),
            ("https://h/select/0/prometheus/", "https://h/select/0/prometheus/api/v1/query"),
            ("https://h/p?tenant=a", "https://h/p/api/v1/query?tenant=a"),
        ] {
            let settings = Settings { url: zeroize::Zeroizing::new(base.to_owned()), ..Settings::default() };
            assert_eq!(Http::new(&settings).unwrap().url("query").as_str(), expected);
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_showing_it() {
        for url in ["", "prometheus:9090", "ftp://host/", "http://", "file:///etc/passwd"] {
            let settings = Settings { url: zeroize::Zeroizing::new(url.to_owned()), ..Settings::default() };
            assert_eq!(Http::new(&settings).err(), Some(BadSettings::Url), "{url}");
        }
        let settings = Settings {
            url: zeroize::Zeroizing::new("http://host/".to_owned()),
            ca: Some("/none/ca.pem".into()),
            ..Settings::default()
        };
        let fault = Http::new(&settings).err().unwrap().to_string();
        assert!(fault.starts_with("the certificates of /none/ca.pem cannot be read: "), "{fault}");
    }

    #[test]
    fn delays_rise_and_are_bounded() {
        for tried in 0..40 {
            let delay = backoff(tried);
            assert!(delay >= FIRST_DELAY / 2 && delay <= MAX_DELAY, "{delay:?}");
        }
        assert!(backoff(4) > backoff(0));
    }
}
