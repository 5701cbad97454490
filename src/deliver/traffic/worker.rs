//! A thread that carries traffic: it accepts, serves, and looks after time limits.

use super::connection;
use super::endpoint::Visit;
use super::send::is_exhausted;
use super::settings::Door;
use super::shared::{Shared, count};
use super::upstream::Upstream;
use super::watch::{TICK, Watch, Watches};
use hyper::client::conn::http1 as client;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioExecutor;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};

/// Wait after an accept that failed for want of something.
const PAUSE: Duration = Duration::from_millis(20);
/// Requests of one connection at once.
const STREAMS: u32 = 128;
/// Bytes of one request or answer that wait in a multiplexed connection.
const STREAM_BYTES: u32 = 64 * 1024;
const CONNECTION_BYTES: u32 = 1024 * 1024;
/// Ticks after which a connection without a request is closed where descriptors ran out.
const UNUSED: u32 = 2;

/// How far a proxy is on its way out; the drawing is `docs/state-machines.md#the-proxy-on-its-way-out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Serving,
    /// Nobody is accepted; what is under way ends.
    Closing,
    Ended,
}

impl Stage {
    /// Comes to `next`, which only lies ahead; true where it was not there yet.
    pub(super) fn come_to(&mut self, next: Self) -> bool {
        let is_ahead = next > *self;
        *self = next.max(*self);
        is_ahead
    }
}

/// What the tasks of a thread share.
pub(super) struct Worker {
    pub(super) thread: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) watches: Watches,
    pub(super) mirrors: AtomicUsize,
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<TokioExecutor>,
    pub(super) to_service: client::Builder,
    /// Told when there is somebody to look after again.
    awake: Notify,
}

/// A watch that is looked after until this is dropped.
pub(super) struct Ticket {
    worker: Arc<Worker>,
    place: usize,
}

impl Ticket {
    pub(super) fn new(worker: Arc<Worker>, watch: Arc<Watch>) -> Self {
        let place = worker.watches.add(watch);
        Self { worker, place }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.worker.watches.remove(self.place);
    }
}

/// One of so many connections.
pub(super) struct Permit(Arc<Shared>);

impl Permit {
    fn new(shared: Arc<Shared>) -> Self {
        shared.totals.connections.fetch_add(1, Ordering::AcqRel);
        count(&shared.totals.accepted);
        Self(shared)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.0.totals.connections.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.quiet.notify_waiters();
        }
    }
}

impl Worker {
    pub(super) fn new(thread: usize, shared: Arc<Shared>) -> Self {
        let head = shared.settings.limits.head_bytes.max(8192);
        let mut http1 = http1::Builder::new();
        http1.header_read_timeout(None).max_header_size(head).max_buf_size(head);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
            .initial_stream_window_size(STREAM_BYTES)
            .initial_connection_window_size(CONNECTION_BYTES)
            .max_send_buf_size(STREAM_BYTES as usize);
        let mut to_service = client::Builder::new();
        to_service.max_header_size(head).max_buf_size(head);
        let (watches, mirrors, awake) = (Watches::default(), AtomicUsize::new(0), Notify::new());
        Self { thread, shared, watches, mirrors, http1, http2, to_service, awake }
    }

    /// Closes what nobody uses: something ran out.
    pub(super) fn relieve(&self) {
        let now = self.shared.ticks.now();
        for endpoint in self.shared.endpoints() {
            endpoint.close_old(self.thread, now, UNUSED);
        }
        self.watches.check(&self.shared.patience, true);
    }

    /// Keeps a connection that can be used again, for so many ticks at most.
    pub(super) fn keep(&self, visit: &Visit, mut upstream: Box<Upstream>, patience: u32) {
        if patience > 0 && upstream.is_free() {
            upstream.rest(self.shared.ticks.now(), patience);
            visit.0.keep(self.thread, upstream);
        }
    }

    fn begin(self: &Arc<Self>, door: Door, stream: TcpStream, address: SocketAddr) {
        // Answers are written whole; waiting for more of them only delays the last one. A connection that
        // cannot be told so works as well.
        let _ = stream.set_nodelay(true);
        self.shared.tick();
        let permit = Permit::new(self.shared.clone());
        tokio::spawn(connection::serve(self.clone(), door, stream, address, permit));
        self.awake.notify_one();
    }

    fn is_full(&self) -> bool {
        self.shared.totals.connections.load(Ordering::Relaxed) >= self.shared.settings.limits.connections
    }
}

/// Carries traffic until the end.
pub(super) fn run(
    worker: &Arc<Worker>,
    runtime: &Runtime,
    doors: Vec<(Door, TcpListener)>,
    mut stage: watch::Receiver<Stage>,
) {
    runtime.block_on(async {
        for (door, listener) in doors {
            tokio::spawn(accept(worker.clone(), door, listener, stage.clone()));
        }
        tokio::spawn(look_after(worker.clone()));
        // Whoever started it is gone where nobody can say that it ends.
        let closing = stage.wait_for(|stage| *stage >= Stage::Closing).await.is_ok();
        if closing {
            worker.watches.wake_all();
            let _ = stage.wait_for(|stage| *stage == Stage::Ended).await;
        }
    });
}

async fn accept(worker: Arc<Worker>, door: Door, listener: TcpListener, mut stage: watch::Receiver<Stage>) {
    let shared = worker.shared.clone();
    loop {
        if worker.is_full() {
            tokio::time::sleep(PAUSE).await;
            if *stage.borrow() != Stage::Serving {
                return;
            }
            continue;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stage.wait_for(|stage| *stage != Stage::Serving) => return,
        };
        match accepted {
            Ok((stream, address)) => worker.begin(door, stream, address),
            Err(error) if is_exhausted(&error) => {
                count(&shared.totals.exhausted);
                worker.relieve();
                tokio::time::sleep(PAUSE).await;
            }
            // The client went away before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Looks at all who wait, as long as somebody does.
async fn look_after(worker: Arc<Worker>) {
    let mut every = tokio::time::interval(TICK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let shared = &worker.shared;
        shared.tick();
        worker.watches.check(&shared.patience, shared.is_hard_pressed());
        let now = shared.ticks.now();
        let mut is_any = !worker.watches.is_empty();
        for endpoint in shared.endpoints() {
            is_any |= endpoint.close_old(worker.thread, now, shared.pooled);
        }
        if !is_any {
            worker.awake.notified().await;
            shared.tick();
            every.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_in_the_documentation_is_the_function() {
        let all = [("serving", Stage::Serving), ("closing", Stage::Closing), ("ended", Stage::Ended)];
        let mut edges = Vec::new();
        for (from, before) in all {
            for (to, next) in all {
                let mut stage = before;
                assert_eq!(stage.come_to(next), stage != before);
                if stage != before {
                    assert_eq!(stage, next);
                    edges.push(format!("{from} --> {to}"));
                }
            }
        }
        edges.sort();
        let drawn = crate::drawing::edges("The proxy on its way out");
        let drawn: Vec<&str> = drawn.iter().filter_map(|edge| edge.split(':').next()).collect();
        assert_eq!(drawn, edges);
    }
}
