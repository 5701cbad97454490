//! Requests to a Prometheus server: bounded in size and time, tried again where that may help.
//!
//! - A loopback address is asked directly, whatever `HTTP_PROXY` says; all others as the usual variables say.
//! - No redirect is followed: it would take the token along, or the question elsewhere.
//! - Nothing is decompressed, so [`MAX_ANSWER`] bounds what is held.

use super::answer::QueryError;
use super::settings::{BadSettings, Settings};
use super::wire;
use crate::clock;
use crate::deliver::outbound::{self, Cut, innermost, retry_after};
use crate::process::redact::{RedactStream, Redactor};
use crate::process::show::harmless;
use crate::read::{self, MAX_CERTIFICATES};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Certificate, Client, Response, Url};
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskmaster_core::host::is_loopback;

/// Longest answer that is read, in bytes.
pub(super) const MAX_ANSWER: usize = 8 << 20;
/// From here on an answer is read on another thread: it would hold up everybody else on this one.
const LONG: usize = 128 * 1024;
/// Longest words of a server that are looked at, in bytes.
const MAX_WORDS: usize = 64 * 1024;
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
    redactor: Option<Arc<Redactor>>,
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
            redactor: settings.redactor().map(Arc::new),
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
            let failed = match once.await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failed)) => failed,
                Err(_) => QueryError::Timeout(self.timeout).into(),
            };
            let asked = failed.retry_after.unwrap_or_default();
            if tried >= self.retries || !failed.is_passing || asked > MAX_DELAY {
                return Err(self.clean(failed.fault));
            }
            tokio::time::sleep(backoff(tried).max(asked)).await;
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

    async fn try_once(&self, url: Url, body: String) -> Result<Vec<u8>, Failed> {
        let deadline = clock::monotonic() + self.timeout;
        let request = self.client.post(url).headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        match status {
            300..=399 => return Err(QueryError::Redirect(status).into()),
            401 | 403 | 407 => return Err(QueryError::Unauthorized(status).into()),
            _ => {}
        }
        let body = self.read(response, deadline).await;
        if (200..=299).contains(&status) {
            return Ok(body?);
        }
        // Where a query is refused the status goes with words of Prometheus, if it is Prometheus that answers.
        let said = match body {
            Ok(body) => parse(body, super::answer::instant).await.err(),
            Err(_) => None,
        };
        let fault = match said {
            Some(refused @ QueryError::Refused { .. }) => refused,
            _ => QueryError::Status { status, retry_after },
        };
        let is_passing = fault.is_passing() || status == 429 || status >= 500;
        Err(Failed { fault, is_passing, retry_after })
    }

    async fn read(&self, response: Response, deadline: Instant) -> Result<Vec<u8>, QueryError> {
        let too_long = QueryError::TooLong(MAX_ANSWER);
        let announced = response.content_length().unwrap_or_default();
        if usize::try_from(announced).map_or(true, |length| length > MAX_ANSWER) {
            return Err(too_long);
        }
        match outbound::read(response, MAX_ANSWER, deadline).await {
            (body, None) => Ok(body),
            (_, Some(Cut::TooLong)) => Err(too_long),
            (_, Some(Cut::Late)) => Err(QueryError::Timeout(self.timeout)),
            (_, Some(Cut::Broken(error))) => Err(unreachable(error)),
        }
    }

    /// Words of a server as they may be shown: without secrets, on one line, and cut, in this order.
    pub(super) fn words(&self, text: &str) -> String {
        let end = text.floor_char_boundary(MAX_WORDS);
        let plain = harmless(text.get(..end).unwrap_or_default().as_bytes());
        let shown = match &self.redactor {
            None => plain,
            Some(redactor) if end == text.len() => redactor.text(&plain),
            Some(redactor) => beginning(redactor, &plain),
        };
        wire::cut(&shown.split_whitespace().collect::<Vec<_>>().join(" "))
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

/// Why a try failed, and whether another one may help.
struct Failed {
    fault: QueryError,
    is_passing: bool,
    /// When to ask again, as the server said.
    retry_after: Option<Duration>,
}

impl From<QueryError> for Failed {
    fn from(fault: QueryError) -> Self {
        Self { is_passing: fault.is_passing(), retry_after: None, fault }
    }
}

/// Reads an answer; a long one on another thread.
pub(super) async fn parse<T: Send + 'static>(
    text: Vec<u8>,
    by: impl FnOnce(&[u8]) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    if text.len() < LONG {
        return by(&text);
    }
    let reading = tokio::task::spawn_blocking(move || by(&text)).await;
    reading.unwrap_or_else(|_| Err(QueryError::Form("it could not be read".to_owned())))
}

/// A text that goes on: what may be the beginning of a secret at its end is left out.
fn beginning(redactor: &Arc<Redactor>, text: &str) -> String {
    let mut shown = Vec::new();
    RedactStream::new(Arc::clone(redactor)).push(text.as_bytes(), &mut shown);
    String::from_utf8_lossy(&shown).into_owned()
}

fn client(base: &Url, settings: &Settings) -> Result<Client, BadSettings> {
    let mut builder = outbound::client(base.host_str().is_some_and(is_loopback))
        .connect_timeout(settings.timeout)
        .pool_max_idle_per_host(MAX_IDLE);
    if let Some(path) = &settings.ca {
        builder = builder.tls_certs_merge(certificates(path)?);
    }
    builder.build().map_err(|fault| BadSettings::Client(innermost(fault)))
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, BadSettings> {
    let wrong = |why: String| BadSettings::Certificates { path: path.display().to_string(), why };
    let pem = read::whole(path, MAX_CERTIFICATES).map_err(|fault| wrong(fault.to_string()))?;
    let all = Certificate::from_pem_bundle(&pem).map_err(|fault| wrong(innermost(fault)))?;
    if all.is_empty() { Err(wrong("there is none in it".to_owned())) } else { Ok(all) }
}

/// Twice as long each time, and not all at once.
fn backoff(tried: u32) -> Duration {
    let whole = FIRST_DELAY.saturating_mul(1 << tried.min(10)).min(MAX_DELAY);
    let draw = RandomState::new().build_hasher().finish() % 512;
    whole.mul_f64(0.5 + draw as f64 / 1_024.0)
}

fn unreachable(fault: reqwest::Error) -> QueryError {
    QueryError::Unreachable(innermost(fault))
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
