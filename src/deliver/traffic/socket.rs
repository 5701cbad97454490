//! The two ends of a request: a client's connection and one to a service.

use super::framing::Framing;
use super::watch::{Waiting, Watch};
use bytes::{Buf, Bytes};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Which request of a connection is ambiguous, as its socket found and its service reads.
#[derive(Debug, Default)]
pub(super) struct Fault {
    /// Its number counted from 1; 0 is none.
    request: AtomicU64,
    why: std::sync::OnceLock<&'static str>,
}

impl Fault {
    fn set(&self, request: u64, why: &'static str) {
        if self.why.set(why).is_ok() {
            self.request.store(request + 1, Ordering::Relaxed);
        }
    }

    /// Why a request, counted from 0, is refused.
    pub(super) fn of(&self, request: u64) -> Option<&'static str> {
        let found = self.request.load(Ordering::Relaxed);
        (found != 0 && found <= request + 1).then(|| self.why.get().copied().unwrap_or_default())
    }
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct ClientSocket {
    stream: TcpStream,
    /// What was read to tell the protocol.
    early: Bytes,
    watch: Arc<Watch>,
    /// Of HTTP/1.1; the other one has no two ways.
    framing: Option<(Framing, Arc<Fault>)>,
}

impl ClientSocket {
    pub(super) fn new(stream: TcpStream, early: Bytes, watch: Arc<Watch>, fault: Option<Arc<Fault>>) -> Self {
        Self { stream, early, watch, framing: fault.map(|fault| (Framing::new(), fault)) }
    }

    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    fn see(&mut self, bytes: &[u8]) {
        // Bytes of a multiplexed connection say nothing yet of any request.
        if let Some((framing, fault)) = &mut self.framing {
            self.watch.received();
            framing.see(bytes);
            self.watch.head(framing.is_in_head());
            if let Some((request, why)) = framing.fault() {
                fault.set(request, why);
            }
        }
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &result {
            Poll::Ready(_) => self.watch.sent(),
            Poll::Pending => self.watch.blocked(),
        }
        result
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.early.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        } else {
            let count = self.early.len().min(buffer.remaining());
            buffer.put_slice(self.early.get(..count).unwrap_or_default());
            self.early.advance(count);
        }
        let new = buffer.filled().get(before..).unwrap_or_default();
        if !new.is_empty() {
            self.see(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let result = match parts {
            [one] => stream.poll_write(context, one),
            _ => stream.poll_write_vectored(context, parts),
        };
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ends the answer, and takes what the client sends still: closed at once, the connection would be reset and
    /// the client might lose an answer that it did not read yet.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.watch.waiting() != Waiting::Farewell {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.watch.wait(Waiting::Farewell);
        }
        let mut room = [0_u8; 4096];
        for _ in 0..64 {
            let mut buffer = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A connection to a service.
#[derive(Debug)]
pub(super) struct ServiceSocket {
    stream: TcpStream,
    /// Asks the system itself at the next read: whether the service closed it may not have been told yet.
    probe: Arc<AtomicBool>,
}

impl ServiceSocket {
    pub(super) fn new(stream: TcpStream, probe: Arc<AtomicBool>) -> Self {
        Self { stream, probe }
    }

    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// A service may answer before it has the whole request, and close. What it does not hear any more counts as
    /// written, so that its answer is read; where there is none, reading tells.
    fn heard(result: Poll<io::Result<usize>>, length: usize) -> Poll<io::Result<usize>> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        match result {
            Poll::Ready(Err(error)) if matches!(error.kind(), BrokenPipe | ConnectionReset) => {
                Poll::Ready(Ok(length))
            }
            other => other,
        }
    }

    /// True where the service closed the connection, or broke it.
    fn is_closed(&self) -> bool {
        use rustix::net::{RecvFlags, recv};
        let mut byte = [0_u8; 1];
        match recv(&self.stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((_, count)) => count == 0,
            Err(error) => !matches!(error, rustix::io::Errno::AGAIN | rustix::io::Errno::INTR),
        }
    }
}

impl AsyncRead for ServiceSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.probe.load(Ordering::Relaxed) {
            self.probe.store(false, Ordering::Relaxed);
            if self.is_closed() {
                return Poll::Ready(Ok(()));
            }
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ServiceSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        Self::heard(result, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let result = match parts {
            [one] => stream.poll_write(context, one),
            _ => stream.poll_write_vectored(context, parts),
        };
        Self::heard(result, parts.iter().map(|part| part.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
