//! Bodies that go to a service, as they come from a client and without being kept.

use super::mirror::Tee;
use super::socket::Fault;
use super::watch::{Waiting, Watch};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
#[error("the client's body ended early or is not well formed")]
pub(super) struct Cut;

/// What the client of a request does with its body, as the answer to it sees it.
#[derive(Debug, Default)]
pub(super) struct Sending {
    is_cut: AtomicBool,
    is_awaited: AtomicBool,
}

impl Sending {
    /// The client is to blame for a body that ended early.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// The service takes more of the body than the client sent.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed)
    }
}

/// A body for a service.
pub(super) enum Outgoing {
    /// None, or the whole of a copy.
    Whole(Option<Bytes>),
    /// As it comes from a client.
    Client(Box<Upload>),
}

/// A body as it comes from a client.
pub(super) struct Upload {
    pub(super) body: Incoming,
    pub(super) watch: Arc<Watch>,
    /// Where faults of the connection are found, and the number of the request.
    pub(super) fault: Option<(Arc<Fault>, u64)>,
    pub(super) sending: Arc<Sending>,
    /// Collects a copy.
    pub(super) tee: Option<Tee>,
}

impl Upload {
    fn cut(&mut self) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.sending.is_cut.store(true, Ordering::Relaxed);
        self.tee = None;
        Poll::Ready(Some(Err(Cut)))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if self.fault.as_ref().is_some_and(|(fault, request)| fault.of(*request).is_some()) {
            return self.cut();
        }
        let waiting = self.watch.waiting();
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.sending.is_awaited.store(polled.is_pending(), Ordering::Relaxed);
        match polled {
            Poll::Pending => {
                if waiting == Waiting::Answer {
                    self.watch.wait(Waiting::Upload);
                }
                Poll::Pending
            }
            Poll::Ready(Some(Err(_))) => self.cut(),
            Poll::Ready(frame) => {
                if waiting == Waiting::Upload {
                    self.watch.wait(Waiting::Answer);
                } else {
                    self.watch.moved();
                }
                let frame = frame.and_then(Result::ok);
                let is_last = frame.is_none() || self.body.is_end_stream();
                if let Some(mut tee) = self.tee.take() {
                    let data = frame.as_ref().and_then(Frame::data_ref);
                    let fits = data.is_none_or(|data| tee.push(data));
                    match (fits, is_last) {
                        (true, true) => tee.send(),
                        (true, false) => self.tee = Some(tee),
                        (false, _) => tee.give_up(),
                    }
                }
                Poll::Ready(frame.map(Ok))
            }
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Client(upload) => upload.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Client(upload) => upload.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Client(upload) => upload.body.size_hint(),
        }
    }
}
