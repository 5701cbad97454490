//! Upgraded connections, such as WebSocket: bytes both ways until either side ends.

use super::answer::Answer;
use super::connection::Client;
use super::exchange::Exchange;
use super::headers;
use super::reply::Why;
use super::socket::ClientSocket;
use super::upstream::Upstream;
use super::watch::{Waiting, Watch};
use super::worker::Ticket;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, SET_COOKIE, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;

/// Bytes that are read at once, each way.
const BUFFER: usize = 16 * 1024;

/// Passes on the service's consent, with the cookie of a session that begins, and what both say after it.
pub(super) fn begin(
    client: &Arc<Client>,
    upgrade: OnUpgrade,
    upstream: Upstream,
    exchange: Exchange,
    consent: &Response<Incoming>,
    cookie: Option<HeaderValue>,
) -> Response<Answer> {
    let Some((service, early)) = upstream.into_stream() else { return Why::Broken.response() };
    let mut response = Response::new(Answer::Whole(None));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let mut fields = consent.headers().clone();
    let protocol = fields.get(UPGRADE).cloned();
    headers::for_client(&mut fields);
    if let Some(protocol) = protocol {
        fields.insert(UPGRADE, protocol);
    }
    fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Some(line) = cookie {
        fields.append(SET_COOKIE, line);
    }
    *response.headers_mut() = fields;
    let client = client.clone();
    tokio::spawn(async move {
        // Who ends a connection need not say why.
        let _ = run(&client, upgrade, service, early).await;
        drop(exchange);
    });
    response
}

async fn run(client: &Client, upgrade: OnUpgrade, service: TcpStream, early: Bytes) -> io::Result<()> {
    let upgraded = upgrade.await.map_err(io::Error::other)?;
    let parts = upgraded
        .downcast::<TokioIo<ClientSocket>>()
        .map_err(|_| io::Error::other("the connection is of another kind"))?;
    let watch = Arc::new(Watch::new(client.worker.shared.ticks.clone(), Waiting::Tunnel, None));
    let _ticket = Ticket::new(client.worker.clone(), watch.clone());
    let mut near = Moving { stream: parts.io.into_inner().into_stream(), watch: watch.clone() };
    let mut far = Moving { stream: service, watch: watch.clone() };
    let mut copying = pin!(async {
        near.write_all(&early).await?;
        far.write_all(&parts.read_buf).await?;
        copy_bidirectional_with_sizes(&mut near, &mut far, BUFFER, BUFFER).await
    });
    poll_fn(|context| {
        watch.register(context);
        if watch.is_over() {
            return Poll::Ready(Ok(()));
        }
        copying.as_mut().poll(context).map_ok(|_| ())
    })
    .await
}

/// A stream whose every byte is taken note of.
struct Moving {
    stream: TcpStream,
    watch: Arc<Watch>,
}

impl AsyncRead for Moving {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if result.is_ready() {
            self.watch.moved();
        }
        result
    }
}

impl AsyncWrite for Moving {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
