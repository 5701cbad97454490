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
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

/// Connections that wait for a request.
type Idle = Mutex<Vec<SendRequest<Empty<Bytes>>>>;

/// What came of some load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    pub(crate) failed: usize,
    /// When each request was sent and had its answer, by the version that answered it.
    sent: BTreeMap<String, Vec<(Instant, Instant)>>,
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
            let mut running: JoinSet<()> = workers.collect();
            while running.join_next().await.is_some() {}
        });
        taken(&load)
    }

    /// Requests at a rate, each at its time, whether earlier ones have their answers or not. A latency runs
    /// from the planned time: what waits because others were slow is slow itself.
    pub(crate) fn open(to: SocketAddr, rate: f64, time: Duration) -> Self {
        let load = Arc::new(Mutex::new(Self::default()));
        block_on(async {
            let idle = Arc::new(Idle::default());
            for _ in 0..8 {
                let connection = connect(to).await;
                idle.lock().expect("not poisoned").push(connection);
            }
            let (mut plan, mut running) = (planned(rate, time), JoinSet::new());
            while let Some(at) = plan.recv().await {
                while running.try_join_next().is_some() {}
                running.spawn(one_planned(to, at, idle.clone(), load.clone()));
            }
            while running.join_next().await.is_some() {}
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
                let mut running: JoinSet<()> = workers.collect();
                while running.join_next().await.is_some() {}
            });
        });
        Running { stop, load, thread }
    }

    /// Answers of all versions.
    pub(crate) fn answered(&self) -> usize {
        self.latencies.len()
    }

    /// Answers of a version.
    pub(crate) fn of(&self, version: &str) -> usize {
        self.sent.get(version).map_or(0, Vec::len)
    }

    /// When the last request was sent that this version answered in a stretch of time. What was on its way at
    /// the end may have gone by the next order.
    pub(crate) fn last_sent_to(&self, version: &str, from: Instant, to: Instant) -> Option<Instant> {
        let answers = self.sent.get(version).into_iter().flatten();
        answers.filter(|(sent, came)| *sent >= from && *came < to).map(|(sent, _)| *sent).max()
    }

    /// A quantile of the latencies, in microseconds.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() as f64 * share) as usize].as_secs_f64() * 1e6
    }
}

impl Running {
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
        one(&mut connection, Instant::now(), &load).await;
    }
}

/// Moments at a rate, each told when it comes. A thread of its own sleeps: timers of tokio are of a
/// millisecond, which is more than what is measured.
fn planned(rate: f64, time: Duration) -> UnboundedReceiver<Instant> {
    let (tell, told) = unbounded_channel();
    std::thread::spawn(move || {
        let (begun, every) = (Instant::now(), Duration::from_secs_f64(1.0 / rate));
        let moments = (0..).map(|n| begun + every * n);
        for at in moments.take_while(|at| *at < begun + time) {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if tell.send(at).is_err() {
                return;
            }
        }
    });
    told
}

/// One request that was planned for a moment, by a connection that waits, or by a new one.
async fn one_planned(to: SocketAddr, at: Instant, idle: Arc<Idle>, load: Arc<Mutex<Load>>) {
    let kept = {
        let mut idle = idle.lock().expect("not poisoned");
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    };
    let mut connection = match kept {
        Some(connection) => connection,
        None => connect(to).await,
    };
    one(&mut connection, at, &load).await;
    idle.lock().expect("not poisoned").push(connection);
}

/// Asks. The request counts as sent at the moment that is given.
async fn one(connection: &mut SendRequest<Empty<Bytes>>, sent: Instant, load: &Mutex<Load>) {
    let request = Request::get("/").header("host", "service").body(Empty::new()).expect("a request");
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
    let came = Instant::now();
    load.latencies.push(came - sent);
    load.sent.entry(version).or_default().push((sent, came));
}
