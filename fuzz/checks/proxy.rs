//! What holds for the bytes of every connection to the proxy. The fuzz target `proxy` has this file, too.
//!
//! Three readers of the same bytes: the proxy's own (`framing`), the server behind it (hyper), and the one in this
//! file, which goes by RFC 9112 to the letter. Whoever sends bytes that two of them read otherwise could hide a
//! request in another one.

use super::framing::Framing;
use super::headers::{self, Kind, Peer};
use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::service::service_fn;
use hyper::{Request, Response};
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A request as a reader found it.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// Where its head ends.
    head_end: usize,
    /// Its body; none where it is not whole.
    body: Option<Vec<u8>>,
}

/// What the reader in this file found.
#[derive(Debug, Default)]
struct Strict {
    requests: Vec<Found>,
    /// The last of them could be read two ways.
    is_ambiguous: bool,
}

/// Reads a connection's bytes; how many requests there are, and why one is refused.
pub(super) fn check(bytes: &[u8]) -> (usize, Option<&'static str>) {
    let (ends, fault) = framed(bytes);
    let mut whole = Framing::new();
    whole.see(bytes);
    assert_eq!(whole.fault(), fault, "parts do not matter");
    // Requests before the refused one are served.
    let served = fault.map_or(usize::MAX, |(number, _)| usize::try_from(number).unwrap_or(usize::MAX));
    let behind = server(bytes);
    let strict = strict(bytes);

    for (at, request) in strict.requests.iter().enumerate().take(served) {
        // A head that the server refuses is answered 400, and nothing after it is read.
        if at >= behind.len() {
            break;
        }
        assert_eq!(ends.get(at), Some(&request.head_end), "request {at} ends elsewhere");
        let is_last = at + 1 == strict.requests.len();
        assert!(!(is_last && strict.is_ambiguous), "request {at} is ambiguous, and served");
        if let (Some(body), Some(read)) = (&request.body, &behind[at].body) {
            assert_eq!(body, read, "the body of request {at}");
        }
    }
    let known = strict.requests.len();
    assert!(behind.len().min(served) <= known, "{} requests are served, {known} are there", behind.len());
    (known, fault.map(|(_, why)| why))
}

/// Where heads end and what is refused, as the proxy sees it, byte by byte.
fn framed(bytes: &[u8]) -> (Vec<usize>, Option<(u64, &'static str)>) {
    let (mut framing, mut ends, mut start) = (Framing::new(), Vec::new(), None);
    for (at, byte) in bytes.iter().enumerate() {
        framing.see(std::slice::from_ref(byte));
        if framing.is_in_head() {
            start.get_or_insert(at);
        } else if let Some(start) = start.take() {
            // An empty line before a request begins and ends as a head does, but is none.
            let is_empty = bytes[start..=at].iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            // What is refused in a head ends that head's reading, but not the head.
            if !is_empty && framing.fault().is_none_or(|(number, _)| number < ends.len() as u64) {
                ends.push(at + 1);
            }
        }
    }
    (ends, framing.fault())
}

/// The requests as the letter of the standard has them, up to the first that it refuses.
fn strict(bytes: &[u8]) -> Strict {
    let mut found = Strict::default();
    let mut at = 0;
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut head = httparse::Request::new(&mut fields);
        let Ok(httparse::Status::Complete(length)) = head.parse(&bytes[at..]) else { return found };
        at += length;
        let named = |name: &str| -> Vec<&[u8]> {
            let fields = head.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
            fields.map(|field| field.value).collect()
        };
        let (lengths, codings) = (named("content-length"), named("transfer-encoding"));
        let body = match (lengths.as_slice(), codings.as_slice()) {
            ([], []) => Some((Vec::new(), 0)),
            ([length], []) => match number(length) {
                Some(length) => bytes.get(at..).and_then(|rest| Some((rest.get(..length)?.to_vec(), length))),
                None => return found.ambiguous(at),
            },
            ([], [coding]) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => chunked(&bytes[at..]),
            _ => return found.ambiguous(at),
        };
        let (body, length) = body.unzip();
        found.requests.push(Found { head_end: at, body });
        let Some(length) = length else { return found };
        at += length;
    }
}

impl Strict {
    fn ambiguous(mut self, head_end: usize) -> Self {
        self.requests.push(Found { head_end, body: None });
        Self { is_ambiguous: true, ..self }
    }
}

fn number(text: &[u8]) -> Option<usize> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(text).ok()?.parse::<u64>().ok())??.try_into().ok()
}

/// A chunked body and how many bytes it takes; none where it is not whole or not well formed.
fn chunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    let line = |at: usize| {
        let end = bytes.get(at..)?.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &bytes[at..at + end];
        (!line.contains(&b'\n')).then_some((line, at + end + 2))
    };
    loop {
        let (size, next) = line(at)?;
        let digits = size.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        at = next;
        if size == 0 {
            break;
        }
        let end = at.checked_add(size)?;
        body.extend_from_slice(bytes.get(at..end)?);
        if bytes.get(end..end + 2)? != b"\r\n" {
            return None;
        }
        at = end + 2;
    }
    loop {
        let (trailer, next) = line(at)?;
        at = next;
        if trailer.is_empty() {
            return Some((body, at));
        }
    }
}

/// The requests that the server behind hands on. Nothing waits, so that it is driven without a runtime.
fn server(bytes: &[u8]) -> Vec<Found> {
    let found = RefCell::new(Vec::new());
    let service = service_fn(|request: Request<Incoming>| {
        let at = found.borrow().len();
        found.borrow_mut().push(Found::default());
        let found = &found;
        async move {
            let (head, body) = request.into_parts();
            hands_on(Request::from_parts(head, ()));
            let body = body.collect().await.ok().map(|body| body.to_bytes().to_vec());
            if let Some(request) = found.borrow_mut().get_mut(at) {
                request.body = body;
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let mut http1 = hyper::server::conn::http1::Builder::new();
    http1.header_read_timeout(None).max_header_size(64 << 10).max_buf_size(64 << 10);
    let mut connection = pin!(http1.serve_connection(Sent(bytes.to_vec().into()), service));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..bytes.len() + 16 {
        if connection.as_mut().poll(&mut context).is_ready() {
            break;
        }
    }
    let all = found.take();
    assert!(found.borrow().is_empty(), "what was found is taken");
    all
}

/// A request that is not refused goes on as one of the proxy's own: with one host, a path, one length, and nothing
/// that was for one hop.
fn hands_on(mut request: Request<()>) {
    if headers::check(&request).is_err() {
        return;
    }
    let kind = headers::kind(&request);
    let has_length = !request.headers().contains_key("transfer-encoding");
    let peer = Peer::new(([10, 0, 0, 7], 1).into());
    headers::for_service(&mut request, &peer, kind, has_length);
    let fields = request.headers();
    let count = |name: &str| fields.get_all(name).iter().count();
    assert_eq!(count("host"), 1, "{request:?}");
    let target = request.uri().to_string();
    assert!(target.starts_with('/') || target == "*", "{target}");
    assert!(count("content-length") + count("transfer-encoding") <= 1, "{request:?}");
    let hops =
        ["keep-alive", "proxy-connection", "proxy-authorization", "te", "x-taskmaster-mirrored", "expect"];
    assert!(hops.iter().all(|name| count(name) == 0), "{request:?}");
    let upgrades = usize::from(kind == Kind::Upgrade);
    assert_eq!((count("connection"), count("upgrade")), (upgrades, upgrades), "{request:?}");
    assert_eq!(fields.get_all("x-forwarded-for").iter().collect::<Vec<_>>(), ["10.0.0.7"]);
}

/// A client that has sent all of its bytes, and takes whatever comes.
struct Sent(Bytes);

impl Read for Sent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let length = buffer.remaining().min(self.0.len());
        buffer.put_slice(&self.0[..length]);
        self.0.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl Write for Sent {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
