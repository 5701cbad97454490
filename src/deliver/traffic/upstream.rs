//! A connection to a service.
//!
//! It is driven by whoever uses it, inside that task: a task of its own would be woken for every request and
//! every part of an answer.

use super::reply::Why;
use super::socket::ServiceSocket;
use super::upload::Outgoing;
use super::watch::{Waiting, Watch};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::net::TcpStream;

/// A connection to a service, with one request at a time.
pub(super) struct Upstream {
    sender: SendRequest<Outgoing>,
    /// Nothing once it ended.
    connection: Option<Connection<TokioIo<ServiceSocket>, Outgoing>>,
    probe: Arc<AtomicBool>,
    since: u32,
    patience: u32,
}

/// What came of a request.
pub(super) enum Asked {
    /// The head of an answer; its body may be on its way.
    Answer(Response<Incoming>),
    /// Nothing of it was sent.
    NotSent(Request<Outgoing>),
    /// Something of it was sent, and no answer came.
    Broken,
    /// It took too long.
    Late(Why),
}

impl Upstream {
    /// Connects to a service.
    pub(super) async fn connect(
        address: SocketAddr,
        within: Duration,
        builder: &Builder,
    ) -> io::Result<Box<Self>> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let stream = tokio::time::timeout(within, TcpStream::connect(address)).await.map_err(late)??;
        stream.set_nodelay(true)?;
        // One that closes at once is found out before anything is sent.
        let probe = Arc::new(AtomicBool::new(true));
        let socket = TokioIo::new(ServiceSocket::new(stream, probe.clone()));
        let (sender, connection) = builder.handshake(socket).await.map_err(io::Error::other)?;
        Ok(Box::new(Self { sender, connection: Some(connection), probe, since: 0, patience: u32::MAX }))
    }

    /// It waits for a request from now on, for so long at most as its service says.
    pub(super) fn rest(&mut self, now: u32, patience: u32) {
        (self.since, self.patience) = (now, patience);
    }

    /// It is used again. After a while without use it is asked first whether it is open.
    pub(super) fn rouse(&self, now: u32) {
        if self.waited(now) > 0 {
            self.probe.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn waited(&self, now: u32) -> u32 {
        now.saturating_sub(self.since)
    }

    pub(super) fn patience(&self) -> u32 {
        self.patience
    }

    /// True where the last request and its answer are over, and another one may be sent.
    pub(super) fn is_free(&self) -> bool {
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Moves what can be moved.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && connection.poll_without_shutdown(context).is_ready()
        {
            self.connection = None;
        }
    }

    /// True where it ended.
    pub(super) fn has_ended(&self) -> bool {
        self.connection.is_none()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn ask(&mut self, request: Request<Outgoing>, watch: &Watch) -> Asked {
        // Only the connection resolves the answer, and it is driven here: nobody else has to wake this task.
        let mut answer = pin!(self.sender.try_send_request(request));
        let connection = &mut self.connection;
        poll_fn(move |context| {
            watch.register(context);
            let mut asleep = Context::from_waker(Waker::noop());
            let has_ended = match connection.as_mut() {
                Some(connection) => connection.poll_without_shutdown(context).is_ready(),
                None => true,
            };
            let mut result = answer.as_mut().poll(&mut asleep);
            // An upgrade ends the connection as well, and leaves its socket.
            let is_upgrade =
                matches!(&result, Poll::Ready(Ok(answer)) if answer.status() == StatusCode::SWITCHING_PROTOCOLS);
            if has_ended && !is_upgrade {
                // With it goes its queue, and what was not sent comes back.
                *connection = None;
                if result.is_pending() {
                    result = answer.as_mut().poll(&mut asleep);
                }
            }
            match result {
                Poll::Ready(Ok(answer)) => Poll::Ready(Asked::Answer(answer)),
                Poll::Ready(Err(mut error)) => {
                    Poll::Ready(error.take_message().map_or(Asked::Broken, Asked::NotSent))
                }
                Poll::Pending if has_ended => Poll::Ready(Asked::Broken),
                Poll::Pending if watch.is_over() => {
                    watch.pardon();
                    let is_upload = watch.waiting() == Waiting::Upload;
                    Poll::Ready(Asked::Late(if is_upload { Why::Upload } else { Why::Answer }))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// The bare connection of an upgrade, and what came on it already.
    pub(super) fn into_stream(self) -> Option<(TcpStream, Bytes)> {
        let parts = self.connection?.into_parts();
        Some((parts.io.into_inner().into_stream(), parts.read_buf))
    }
}

/// The next part of an answer's body. Its connection is driven where nothing is there.
pub(super) fn poll_part(
    body: &mut Incoming,
    upstream: Option<&mut Upstream>,
    context: &mut Context<'_>,
) -> Poll<Option<Result<hyper::body::Frame<Bytes>, hyper::Error>>> {
    use hyper::body::Body;
    let mut asleep = Context::from_waker(Waker::noop());
    let first = Pin::new(&mut *body).poll_frame(&mut asleep);
    match upstream {
        Some(upstream) if first.is_pending() => {
            upstream.drive(context);
            Pin::new(body).poll_frame(&mut asleep)
        }
        _ => first,
    }
}
