//! Bodies that go to a client, as they come from a service and without being kept.

use super::exchange::{Exchange, Turn};
use super::upstream::{Upstream, poll_part};
use super::watch::Waiting;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Why an answer ended early.
#[derive(Debug, thiserror::Error)]
#[error("the service's answer ended early")]
pub(super) struct Cut;

/// A body for a client.
pub(super) enum Answer {
    /// None, or words of the proxy.
    Whole(Option<Bytes>),
    /// As it comes from a service.
    Service(Streamed),
}

/// A body as it comes from a service.
pub(super) struct Streamed {
    body: Incoming,
    /// What has to be driven; nothing where the whole answer was read.
    source: Option<Source>,
    turn: Turn,
    /// It ended early, and nothing of it comes any more.
    is_cut: bool,
}

/// The connection that a body comes from.
struct Source {
    upstream: Box<Upstream>,
    exchange: Exchange,
    /// Ticks for which the service keeps the connection.
    patience: u32,
}

impl Answer {
    /// A body that begins. The connection is free for another request at once where all of the body came with
    /// its head.
    pub(super) fn new(
        body: Incoming,
        upstream: Box<Upstream>,
        exchange: Exchange,
        patience: u32,
        turn: Turn,
    ) -> Self {
        let source = Source { upstream, exchange, patience };
        if body.is_end_stream() {
            source.finish();
            return Self::Whole(None);
        }
        turn.watch().wait(Waiting::Body);
        if source.upstream.is_free() {
            source.finish();
            return Self::Service(Streamed { body, source: None, turn, is_cut: false });
        }
        Self::Service(Streamed { body, source: Some(source), turn, is_cut: false })
    }
}

impl Source {
    /// The answer is whole.
    fn finish(self) {
        let Self { upstream, exchange, patience } = self;
        exchange.finish(upstream, patience);
    }
}

impl Streamed {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if self.is_cut {
            return Poll::Ready(Some(Err(Cut)));
        }
        let watch = self.turn.watch();
        let upstream = self.source.as_mut().map(|source| &mut *source.upstream);
        match poll_part(&mut self.body, upstream, context) {
            Poll::Ready(Some(Ok(frame))) => {
                watch.wait(Waiting::Client);
                if self.body.is_end_stream() {
                    self.finish(context);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.finish(context);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_))) => self.cut(context, false),
            Poll::Pending => {
                watch.register(context);
                if watch.waiting() == Waiting::Client {
                    watch.wait(Waiting::Body);
                }
                let has_ended = self.source.as_ref().is_none_or(|source| source.upstream.has_ended());
                if has_ended || watch.is_over() {
                    watch.pardon();
                    return self.cut(context, !has_ended);
                }
                Poll::Pending
            }
        }
    }

    fn finish(&mut self, context: &mut Context<'_>) {
        let Some(mut source) = self.source.take() else { return };
        if !source.upstream.is_free() {
            source.upstream.drive(context);
        }
        source.finish();
    }

    /// The answer ended early. The client gets what came of it: the fault is told a moment later, for it drops
    /// what is not written yet.
    fn cut(&mut self, context: &Context<'_>, is_silence: bool) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.is_cut = true;
        if let Some(mut source) = self.source.take() {
            source.exchange.cut(is_silence);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Service(streamed) => streamed.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Service(streamed) => streamed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Service(streamed) => streamed.body.size_hint(),
        }
    }
}
