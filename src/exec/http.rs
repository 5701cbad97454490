//! Requests: TLS by rustls with ring, bounded answers, few redirects, no surprises by proxies.
//!
//! - A loopback address is asked directly, whatever `HTTP_PROXY` says; all others as the usual
//!   variables say.
//! - At most five redirects are followed, none where the accepted codes name redirects, and none to
//!   another origin where the request holds a secret.
//! - Without a limit of its own an answer may take a minute.

use super::outputs;
use super::secret::Secrets;
use crate::process::show::harmless;
use crate::read::{self, MAX_CERTIFICATES};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Certificate, Client, Method, Response, StatusCode, Url, redirect};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use taskmaster_core::action::{HttpSpec, Value};
use taskmaster_core::host::is_loopback;
use zeroize::Zeroizing;

const MAX_REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// So much of a body is shown in a log.
const EXCERPT: usize = 64 * 1024;

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// Why it is not accepted.
    pub(super) refused: Option<String>,
}

impl Answer {
    /// The beginning of the body as harmless text.
    pub(super) fn excerpt(&self) -> String {
        match self.body.get(..EXCERPT) {
            Some(start) => format!("{}…", harmless(start)),
            None => harmless(&self.body),
        }
    }
}

/// Why there is no answer to go by.
pub(super) enum HttpFault {
    /// The request cannot be made: a bad URL, a certificate that cannot be read.
    Unusable(String),
    /// Nobody answered, or the answer says nothing about what was asked.
    NoAnswer(String),
}

/// Clients are made when the first request needs them: certificates take time and memory.
#[derive(Default)]
pub(super) struct Http {
    direct: OnceLock<Client>,
    usual: OnceLock<Client>,
}

impl Http {
    /// Sends a request and reads its answer.
    pub(super) async fn send(
        &self,
        spec: &HttpSpec,
        secrets: &Secrets,
        root: &Path,
        limit: u64,
    ) -> Result<Answer, HttpFault> {
        let url = Url::parse(&spec.url).map_err(|error| unusable("the URL is not valid", &error))?;
        let client = self.client(&url, spec.ca_file.as_deref().map(|file| root.join(file)).as_deref())?;
        let sending = async {
            let response = follow(&client, spec, secrets, url).await?;
            read(response, spec, limit).await
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, sending).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpFault::NoAnswer(format!("no answer within {ANSWER_TIMEOUT:?}"))),
        }
    }

    fn client(&self, url: &Url, ca_file: Option<&Path>) -> Result<Client, HttpFault> {
        let direct = url.host_str().is_some_and(is_loopback);
        if ca_file.is_some() {
            return build(direct, ca_file);
        }
        let slot = if direct { &self.direct } else { &self.usual };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let client = build(direct, None)?;
        Ok(slot.get_or_init(|| client).clone())
    }
}

fn build(direct: bool, ca_file: Option<&Path>) -> Result<Client, HttpFault> {
    // The second time it is there already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("taskmaster/", env!("CARGO_PKG_VERSION")));
    if direct {
        builder = builder.no_proxy();
    }
    if let Some(path) = ca_file {
        let unusable = |why: &dyn std::fmt::Display| unusable(&path.display().to_string(), why);
        let pem = read::whole(path, MAX_CERTIFICATES).map_err(|error| unusable(&error))?;
        let bundle = Certificate::from_pem_bundle(&pem);
        let bundle = bundle.map_err(|error| unusable(&error))?;
        builder = builder.tls_certs_merge(bundle);
    }
    builder.build().map_err(|error| unusable("no client can be made", &error))
}

/// Sends the request, and again to where it is redirected.
async fn follow(
    client: &Client,
    spec: &HttpSpec,
    secrets: &Secrets,
    mut url: Url,
) -> Result<Response, HttpFault> {
    let mut method = Method::from_bytes(spec.method.as_bytes())
        .map_err(|error| unusable("the method is not valid", &error))?;
    let headers = headers(spec, secrets)?;
    let mut body = match &spec.body {
        None => None,
        Some(value) => Some(text(value, secrets)?),
    };
    for _ in 0..=MAX_REDIRECTS {
        let mut request = client.request(method.clone(), url.clone()).headers(headers.clone());
        if let Some(body) = &body {
            request = request.body(body.as_bytes().to_vec());
        }
        let response = request.send().await.map_err(|error| no_answer(&error))?;
        let Some(next) = target(&response, spec, &url) else { return Ok(response) };
        // As browsers and curl do: what was to be sent is not sent again, except where 307 and 308
        // say so.
        let keeps = matches!(response.status().as_u16(), 307 | 308);
        if !keeps && method != Method::GET && method != Method::HEAD {
            method = Method::GET;
            body = None;
        }
        url = next;
    }
    Err(HttpFault::NoAnswer(format!("more than {MAX_REDIRECTS} redirects")))
}

/// Where the request goes next; none where this answer is the last.
fn target(response: &Response, spec: &HttpSpec, from: &Url) -> Option<Url> {
    let status = response.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308)
        || spec.status.iter().any(|(low, high)| *low <= status && status <= *high)
    {
        return None;
    }
    let next = from.join(response.headers().get(LOCATION)?.to_str().ok()?).ok()?;
    let secret = spec.headers.values().chain(&spec.body).any(|value| !matches!(value, Value::Plain(_)));
    (!secret || next.origin() == from.origin()).then_some(next)
}

fn headers(spec: &HttpSpec, secrets: &Secrets) -> Result<HeaderMap, HttpFault> {
    let mut headers = HeaderMap::new();
    for (name, value) in &spec.headers {
        let bad = |_| HttpFault::Unusable(format!("the header `{name}` is not valid"));
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unusable(name, &error))?;
        let mut value = HeaderValue::from_str(&text(value, secrets)?).map_err(bad)?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

fn text(value: &Value, secrets: &Secrets) -> Result<Zeroizing<String>, HttpFault> {
    secrets.text(value).ok_or_else(|| HttpFault::Unusable("a secret of it was not read".to_owned()))
}

async fn read(mut response: Response, spec: &HttpSpec, limit: u64) -> Result<Answer, HttpFault> {
    let status = response.status();
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > limit {
            return Err(HttpFault::NoAnswer(format!("the answer is longer than {limit} bytes")));
        }
    }
    let code = status.as_u16();
    let accepted = match spec.status.as_slice() {
        [] => status.is_success(),
        ranges => ranges.iter().any(|(low, high)| *low <= code && code <= *high),
    };
    if !accepted && says_nothing(status) {
        return Err(HttpFault::NoAnswer(format!("the answer is {status}")));
    }
    let refused = if accepted {
        let text = String::from_utf8_lossy(&body);
        spec.expect.iter().find_map(|expected| outputs::mismatch(expected, &text))
    } else {
        Some(format!("the answer is {status}"))
    };
    Ok(Answer { status, body, refused })
}

/// Answers about the asking, not about what was asked: not allowed, too often, out of order.
fn says_nothing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 403 | 407 | 408 | 425 | 429) || status.is_server_error()
}

fn unusable(what: &str, error: &dyn std::fmt::Display) -> HttpFault {
    HttpFault::Unusable(format!("{what}: {error}"))
}

/// The innermost cause says what happened ("connection refused"); the outer ones say "error
/// sending request", and may hold the whole URL.
fn no_answer(error: &reqwest::Error) -> HttpFault {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    HttpFault::NoAnswer(cause.to_string())
}

/// The body of a plain request, as text of at most `limit` bytes.
///
/// # Errors
/// In words: the URL is none, nobody answered, the answer is no success or no text.
pub async fn get(url: &str, limit: u64) -> Result<String, String> {
    let spec = HttpSpec { method: "GET".to_owned(), url: url.to_owned(), ..HttpSpec::default() };
    let sent = Http::default().send(&spec, &Secrets::default(), Path::new("."), limit).await;
    let answer = sent.map_err(|fault| match fault {
        HttpFault::Unusable(why) | HttpFault::NoAnswer(why) => why,
    })?;
    match answer.refused {
        Some(why) => Err(why),
        None => std::str::from_utf8(&answer.body)
            .map(str::to_owned)
            .map_err(|_| "the answer is no text".to_owned()),
    }
}
