//! Load from this process, on one thread.

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// What came of some load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    pub(crate) answered: usize,
    pub(crate) failed: usize,
    by_version: BTreeMap<String, usize>,
    last_sent: BTreeMap<String, Option<Instant>>,
    latencies: Vec<Duration>,
}

/// Load that goes on.
pub(crate) struct Running {
    stop: Arc<AtomicBool>,
    load: Arc<Mutex<Load>>,
    thread: JoinHandle<()>,
}

impl Load {
    /// So many requests by so many connections, each of which asks again as soon as it has its answer.
    pub(crate) fn closed(to: SocketAddr, connections: usize, requests: usize) -> Self {
        let load = Arc::new(Mutex::new(Self::default()));
        block_on(async {
            let shares =
                (0..connections).map(|n| requests / connections + usize::from(n < requests % connections));
            let workers = shares.map(|share| worker(to, share, Arc::default(), load.clone()));
            let mut running: tokio::task::JoinSet<()> = workers.collect();
            while running.join_next().await.is_some() {}
        });
        taken(&load)
    }

    /// Requests at a rate, each at its time.
    pub(crate) fn open(to: SocketAddr, rate: f64, time: Duration) -> Self {
        let load = Arc::new(Mutex::new(Self::default()));
        block_on(async {
            let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
            let mut connections: Vec<_> = Vec::new();
            for _ in 0..8 {
                connections.push(connect(to).await);
            }
            let ended = Instant::now() + time;
            let mut next = 0;
            while Instant::now() < ended {
                ticks.tick().await;
                next = (next + 1) % connections.len();
                one(&mut connections[next], &load).await;
            }
        });
        taken(&load)
    }

    /// Load that goes on until it is ended.
    pub(crate) fn begin(to: SocketAddr, connections: usize) -> Running {
        let (stop, load) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Self::default())));
        let (told, kept) = (stop.clone(), load.clone());
        let thread = std::thread::spawn(move || {
            block_on(async {
                let workers = (0..connections).map(|_| worker(to, usize::MAX, told.clone(), kept.clone()));
                let mut running: tokio::task::JoinSet<()> = workers.collect();
                while running.join_next().await.is_some() {}
            });
        });
        Running { stop, load, thread }
    }

    /// Answers of a version.
    pub(crate) fn of(&self, version: &str) -> usize {
        self.by_version.get(version).copied().unwrap_or_default()
    }

    /// A quantile of the latencies, in microseconds.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() as f64 * share) as usize].as_secs_f64() * 1e6
    }
}

impl Running {
    /// When the last request was sent that this version answered.
    pub(crate) fn last_sent_to(&self, version: &str) -> Option<Instant> {
        self.load.lock().expect("not poisoned").last_sent.get(version).copied().flatten()
    }

    pub(crate) fn end(self) -> Load {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the load ends");
        taken(&self.load)
    }
}

fn taken(load: &Mutex<Load>) -> Load {
    std::mem::take(&mut *load.lock().expect("not poisoned"))
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(work);
}

/// Waits until somebody listens.
pub(crate) fn until_open(address: SocketAddr) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

async fn connect(to: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(to).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    sender
}

async fn worker(to: SocketAddr, requests: usize, stop: Arc<AtomicBool>, load: Arc<Mutex<Load>>) {
    let mut connection = connect(to).await;
    for _ in 0..requests {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if connection.is_closed() {
            connection = connect(to).await;
        }
        one(&mut connection, &load).await;
    }
}

async fn one(connection: &mut SendRequest<Empty<Bytes>>, load: &Mutex<Load>) {
    let request = Request::get("/").header("host", "service").body(Empty::new()).expect("a request");
    let sent = Instant::now();
    let got = match connection.ready().await {
        Ok(()) => connection.send_request(request).await,
        Err(fault) => Err(fault),
    };
    let version = match got {
        Ok(answer) if answer.status() == 200 => {
            let version = answer.headers().get("x-app-version").and_then(|value| value.to_str().ok());
            let version = version.unwrap_or_default().to_owned();
            answer.into_body().collect().await.is_ok().then_some(version)
        }
        _ => None,
    };
    let mut load = load.lock().expect("not poisoned");
    let Some(version) = version else {
        load.failed += 1;
        return;
    };
    load.answered += 1;
    load.latencies.push(sent.elapsed());
    let last = load.last_sent.entry(version.clone()).or_default();
    *last = (*last).max(Some(sent));
    *load.by_version.entry(version).or_default() += 1;
}
