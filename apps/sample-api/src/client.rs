//! A small HTTP client: one GET at a time over a connection that is kept while it can be.
//!
//! Absent on purpose: TLS, redirects, cookies, proxies. It measures a service on this machine or
//! in this network, and what it measures must not be its own cleverness.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::{NAME, VERSION_HEADER};

/// The largest answer that is read, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Where a request goes: a plain `http://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
    path: String,
}

/// Why a text is no [`Target`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// The text is no URL.
    #[error("not a URL")]
    NotAUrl,
    /// The URL is not `http://`.
    #[error("only http:// URLs are supported")]
    Scheme,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.trim().parse().map_err(|_| TargetError::NotAUrl)?;
        if uri.scheme_str() != Some("http") {
            return Err(TargetError::Scheme);
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(TargetError::NotAUrl)?;
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(80),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

impl Target {
    /// Host and port, as one text.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn same_server(&self, other: &Self) -> bool {
        self.host == other.host && self.port == other.port
    }
}

/// Which addresses a client may talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This machine alone.
    Loopback,
    /// Any machine.
    Anywhere,
}

/// Why a request got no answer.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The host has no address that may be used.
    #[error("{0} is not on this machine")]
    NotLoopback(String),
    /// The host's address is unknown, or nothing accepts connections there.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// The connection broke, or the answer was not HTTP.
    #[error("no valid answer")]
    Http(#[source] hyper::Error),
    /// The answer's body broke off or was too long.
    #[error("the answer's body could not be read")]
    Body,
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout,
}

impl RequestError {
    /// One word for counters.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotLoopback(_) => "not_loopback",
            Self::Connect(_) => "connect",
            Self::Http(_) => "http",
            Self::Body => "body",
            Self::Timeout => "timeout",
        }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The version that answered, if it said so.
    pub version: Option<String>,
    /// The body.
    pub body: Bytes,
    /// Whether it came at the second try, since the kept connection had just been closed.
    pub retried: bool,
}

/// A client with at most one open connection.
#[derive(Debug)]
pub struct Client {
    reach: Reach,
    timeout: Duration,
    open: Option<(Target, SendRequest<Empty<Bytes>>)>,
}

impl Client {
    /// A client whose every request ends within `timeout`.
    #[must_use]
    pub fn new(reach: Reach, timeout: Duration) -> Self {
        Self { reach, timeout, open: None }
    }

    /// Asks for `target` and reads the whole answer.
    ///
    /// A kept connection may have been closed by the server just as the request left; such a GET
    /// is sent once more on a new connection, as RFC 9110 §9.2.2 allows. Nothing else is retried.
    ///
    /// # Errors
    ///
    /// When no answer could be had.
    pub async fn get(&mut self, target: &Target) -> Result<Answer, RequestError> {
        match timeout(self.timeout, self.exchange(target)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.open = None;
                Err(RequestError::Timeout)
            }
        }
    }

    async fn exchange(&mut self, target: &Target) -> Result<Answer, RequestError> {
        if let Some(mut sender) = self.kept(target)
            && sender.ready().await.is_ok()
        {
            match sender.send_request(request(target)).await {
                Ok(response) => return self.read(target, sender, response, false).await,
                Err(error) if was_closed(&error) => {
                    let mut sender = self.connect(target).await?;
                    let response = sender.send_request(request(target)).await;
                    let response = response.map_err(RequestError::Http)?;
                    return self.read(target, sender, response, true).await;
                }
                Err(error) => return Err(RequestError::Http(error)),
            }
        }
        let mut sender = self.connect(target).await?;
        let response = sender.send_request(request(target)).await.map_err(RequestError::Http)?;
        self.read(target, sender, response, false).await
    }

    fn kept(&mut self, target: &Target) -> Option<SendRequest<Empty<Bytes>>> {
        let (kept, sender) = self.open.take()?;
        (kept.same_server(target) && !sender.is_closed()).then_some(sender)
    }

    async fn connect(&self, target: &Target) -> Result<SendRequest<Empty<Bytes>>, RequestError> {
        let address = self.resolve(target).await?;
        let stream = TcpStream::connect(address).await.map_err(RequestError::Connect)?;
        stream.set_nodelay(true).map_err(RequestError::Connect)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(RequestError::Http)?;
        // The task ends with the connection, which ends when the sender is dropped; what goes
        // wrong on it is reported by the request that it breaks.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn resolve(&self, target: &Target) -> Result<SocketAddr, RequestError> {
        let host = target.host.trim_matches(['[', ']']);
        let mut found = lookup_host((host, target.port)).await.map_err(RequestError::Connect)?;
        let usable = match self.reach {
            Reach::Anywhere => found.next(),
            Reach::Loopback => found.find(|address| address.ip().is_loopback()),
        };
        usable.ok_or_else(|| RequestError::NotLoopback(target.authority()))
    }

    async fn read(
        &mut self,
        target: &Target,
        sender: SendRequest<Empty<Bytes>>,
        response: Response<hyper::body::Incoming>,
        retried: bool,
    ) -> Result<Answer, RequestError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_LIMIT).collect().await;
        let body = body.map_err(|_| RequestError::Body)?.to_bytes();
        let closes = head.headers.get(CONNECTION).is_some_and(|value| value == "close");
        if !closes {
            self.open = Some((target.clone(), sender));
        }
        let version = head.headers.get(VERSION_HEADER).and_then(|value| value.to_str().ok());
        Ok(Answer { status: head.status, version: version.map(str::to_owned), body, retried })
    }
}

/// Whether the server closed the connection before it answered: gently, or by a reset, as it does where the
/// request was there but not read.
fn was_closed(error: &hyper::Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let resets =
        [io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted, io::ErrorKind::BrokenPipe];
    error.is_canceled() || error.is_incomplete_message() || io.is_some_and(|io| resets.contains(&io.kind()))
}

fn request(target: &Target) -> Request<Empty<Bytes>> {
    Request::get(target.path.as_str())
        .header(HOST, target.authority())
        .header(USER_AGENT, NAME)
        .body(Empty::new())
        .expect("a path and an authority that came out of a URL go into a request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_host_port_and_path() {
        let target: Target = "http://127.0.0.1:81/slow?ms=5\n".parse().expect("a URL");
        assert_eq!((target.authority().as_str(), target.path.as_str()), ("127.0.0.1:81", "/slow?ms=5"));
        let bare: Target = "http://localhost".parse().expect("a URL");
        assert_eq!((bare.authority().as_str(), bare.path.as_str()), ("localhost:80", "/"));
    }

    #[test]
    fn other_schemes_and_no_url_are_refused() {
        assert_eq!("https://localhost/".parse::<Target>(), Err(TargetError::Scheme));
        assert_eq!("localhost:80".parse::<Target>(), Err(TargetError::Scheme));
        assert_eq!("/version".parse::<Target>(), Err(TargetError::Scheme));
        assert_eq!("http://".parse::<Target>(), Err(TargetError::NotAUrl));
        assert_eq!("not a url".parse::<Target>(), Err(TargetError::NotAUrl));
    }

    #[tokio::test]
    async fn a_client_for_this_machine_refuses_others() {
        // An address of the range reserved for documentation: nothing is sent to it.
        let target: Target = "http://192.0.2.1:9/".parse().expect("a URL");
        let client = Client::new(Reach::Loopback, Duration::from_secs(1));
        let refused = client.resolve(&target).await.expect_err("not this machine");
        assert_eq!(refused.kind(), "not_loopback");
        let reachable = Client::new(Reach::Anywhere, Duration::from_secs(1));
        assert!(reachable.resolve(&target).await.is_ok());
        let loopback: Target = "http://[::1]:9/".parse().expect("a URL");
        assert!(client.resolve(&loopback).await.is_ok());
    }
}
