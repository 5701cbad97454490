//! A client's connection, from the first byte to the last: HTTP/1.1 or HTTP/2, told by how it begins.

use super::exchange;
use super::headers::Peer;
use super::settings::Door;
use super::shared::count;
use super::socket::{ClientSocket, Fault};
use super::watch::{Waiting, Watch};
use super::worker::{Permit, Ticket, Worker};
use bytes::{Bytes, BytesMut};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use tokio::net::TcpStream;

/// How a connection of HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes that are read to tell the protocol: most requests are not longer.
const FIRST: usize = 2048;

/// A client's connection, as its requests know it.
pub(super) struct Client {
    pub(super) worker: Arc<Worker>,
    pub(super) door: Door,
    pub(super) peer: Peer,
    pub(super) watch: Arc<Watch>,
    /// Of HTTP/1.1: which request is ambiguous.
    pub(super) fault: Option<Arc<Fault>>,
    /// Requests so far.
    pub(super) served: AtomicU64,
    /// Held until the last of its requests ended, and what it was upgraded to.
    _permit: Permit,
}

/// Serves a connection to its end.
pub(super) async fn serve(
    worker: Arc<Worker>,
    door: Door,
    stream: TcpStream,
    address: SocketAddr,
    permit: Permit,
) {
    let watch = Arc::new(Watch::new(worker.shared.ticks.clone(), Waiting::Fresh, None));
    let _ticket = Ticket::new(worker.clone(), watch.clone());
    let Some((early, is_http2)) = first(&worker, &watch, &stream).await else { return };
    let fault = (!is_http2).then(Arc::<Fault>::default);
    let client = Arc::new(Client {
        worker: worker.clone(),
        door,
        peer: Peer::new(address),
        watch: watch.clone(),
        fault: fault.clone(),
        served: AtomicU64::new(0),
        _permit: permit,
    });
    if is_http2 {
        watch.wait(Waiting::Idle);
    }
    let socket = TokioIo::new(ClientSocket::new(stream, early, watch.clone(), fault));
    let service = service_fn(move |request| exchange::handle(client.clone(), request));
    if is_http2 {
        let connection = worker.http2.serve_connection(socket, service);
        run(&worker, &watch, connection, is_http2, |connection| connection.graceful_shutdown()).await;
    } else {
        let connection = worker.http1.serve_connection(socket, service).with_upgrades();
        run(&worker, &watch, connection, is_http2, |connection| connection.graceful_shutdown()).await;
    }
}

/// The first bytes, and whether they are HTTP/2's. Nothing where none come in time.
async fn first(worker: &Worker, watch: &Watch, stream: &TcpStream) -> Option<(Bytes, bool)> {
    let mut reading = pin!(read_first(stream));
    poll_fn(|context| {
        watch.register(context);
        if watch.is_over() {
            count(&worker.shared.totals.timed_out);
            return Poll::Ready(None);
        }
        if worker.shared.is_stopping.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        reading.as_mut().poll(context)
    })
    .await
}

async fn read_first(stream: &TcpStream) -> Option<(Bytes, bool)> {
    let mut early = BytesMut::with_capacity(FIRST);
    loop {
        stream.readable().await.ok()?;
        match stream.try_read_buf(&mut early) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return None,
        }
        let compared = early.len().min(PREFACE.len());
        if early.get(..compared) != PREFACE.get(..compared) {
            return Some((early.freeze(), false));
        }
        if compared == PREFACE.len() {
            return Some((early.freeze(), true));
        }
    }
}

/// Drives a connection until it ends, its time is over, or the proxy stops and it has answered. One that can be told so
/// (`hears`) is told before it is closed for want of requests: the client might be about to send one.
async fn run<C: Future<Output = Result<(), hyper::Error>>>(
    worker: &Worker,
    watch: &Watch,
    connection: C,
    hears: bool,
    shut: impl Fn(Pin<&mut C>),
) {
    let mut connection = pin!(connection);
    let mut is_told = false;
    poll_fn(|context| {
        watch.register(context);
        // Others that are over answer for themselves.
        let is_silent = !matches!(watch.waiting(), Waiting::Upload | Waiting::Answer | Waiting::Body);
        if is_silent && watch.is_over() {
            let waiting = watch.waiting();
            if !matches!(waiting, Waiting::Farewell | Waiting::Leaving) {
                count(&worker.shared.totals.timed_out);
            }
            if is_told || !hears || waiting != Waiting::Idle {
                return Poll::Ready(());
            }
            is_told = true;
            watch.wait(Waiting::Leaving);
            shut(connection.as_mut());
        }
        if !is_told && worker.shared.is_stopping.load(Ordering::Relaxed) {
            is_told = true;
            shut(connection.as_mut());
        }
        connection.as_mut().poll(context).map(|end| {
            // It was told so already where there was something to tell.
            if end.is_err_and(|error| error.is_parse()) {
                count(&worker.shared.totals.refused);
            }
        })
    })
    .await;
}
