//! Requests over a bounded number of kept connections, the one that was used last first.

use super::plan::{Target, VersionFrom};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{COOKIE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Longest answer in which a field is looked for.
const LONGEST_JSON: usize = 64 * 1024;

/// Longest name of a version.
const LONGEST_VERSION: usize = 64;

type Sender = SendRequest<Empty<Bytes>>;

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    target: Target,
    host: HeaderValue,
    version: VersionFrom,
    slots: Semaphore,
    kept: Mutex<Vec<Sender>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) version: Option<String>,
    pub(super) headers: HeaderMap,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lost {
    /// Nobody takes connections there.
    Connect,
    /// The connection ended before the answer began.
    Closed,
    /// What came is no HTTP.
    Garbage,
    /// The answer broke off or is too long.
    Body,
    /// It took too long.
    Timeout,
}

impl Lost {
    /// One word for counters.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Closed => "closed",
            Self::Garbage => "garbage",
            Self::Body => "body",
            Self::Timeout => "timeout",
        }
    }

    fn of(error: &hyper::Error) -> Self {
        if error.is_parse() || error.is_parse_status() { Self::Garbage } else { Self::Closed }
    }
}

impl Client {
    pub(super) fn new(target: Target, version: VersionFrom, connections: usize) -> Option<Self> {
        let host = HeaderValue::from_str(&target.authority()).ok()?;
        let slots = Semaphore::new(connections.min(Semaphore::MAX_PERMITS));
        Some(Self { target, host, version, slots, kept: Mutex::new(Vec::new()) })
    }

    /// Asks for a path and reads the whole answer, as soon as a connection is free.
    pub(super) async fn get(&self, path: &Uri, cookie: Option<HeaderValue>) -> Result<Answer, Lost> {
        // Nobody closes it.
        let Ok(_slot) = self.slots.acquire().await else { return Err(Lost::Connect) };
        let mut request = self.request(path, cookie);
        while let Some(mut sender) = self.kept() {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return self.read(sender, response).await,
                Err(mut fault) => match fault.take_message() {
                    // Nothing of it was sent: the server had closed the kept connection.
                    Some(unsent) => request = unsent,
                    None => return Err(Lost::of(fault.error())),
                },
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await.map_err(|error| Lost::of(&error))?;
        self.read(sender, response).await
    }

    fn request(&self, path: &Uri, cookie: Option<HeaderValue>) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = path.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static("taskmaster-load"));
        if let Some(cookie) = cookie {
            headers.insert(COOKIE, cookie);
        }
        request
    }

    fn kept(&self) -> Option<Sender> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = kept.pop() {
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    async fn connect(&self) -> Result<Sender, Lost> {
        let host = self.target.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.target.port)).await.map_err(|_| Lost::Connect)?;
        stream.set_nodelay(true).map_err(|_| Lost::Connect)?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| Lost::of(&error))?;
        // It ends with the sender; what goes wrong on it is told to the request that it breaks.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn read(&self, sender: Sender, response: Response<Incoming>) -> Result<Answer, Lost> {
        let (head, mut body) = response.into_parts();
        let field = match &self.version {
            VersionFrom::Header(_) => None,
            VersionFrom::Field(field) => Some(field),
        };
        let (mut length, mut start) = (0_usize, Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Lost::Body)?;
            let Some(data) = frame.data_ref() else { continue };
            length += data.len();
            if length > LONGEST_ANSWER {
                return Err(Lost::Body);
            }
            if field.is_some() && length <= LONGEST_JSON {
                start.extend_from_slice(data);
            }
        }
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        let version = match &self.version {
            VersionFrom::Header(name) => {
                head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
            }
            VersionFrom::Field(field) if length <= LONGEST_JSON => field_of(&start, field),
            VersionFrom::Field(_) => None,
        };
        let version = version.filter(|name| is_name(name));
        Ok(Answer { status: head.status, version, headers: head.headers })
    }
}

fn field_of(body: &[u8], field: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get(field)?.as_str().map(str::to_owned)
}

/// What can be shown as the name of a version.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_VERSION && !name.contains(char::is_control)
}
