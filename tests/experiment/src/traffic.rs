//! Users of a service: requests at a steady rate, whatever becomes of them, and a record of every answer.
//!
//! A request is sent at its time even where earlier ones have no answer yet, so a slow version does not
//! slow its users down. Nothing is sent a second time.

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one request got.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) sent: Instant,
    pub(crate) came: Instant,
    /// Status, and the version that answered; or why there was no answer.
    pub(crate) got: Result<(u16, String), String>,
}

impl Answer {
    /// The version that answered, well or not.
    pub(crate) fn version(&self) -> Option<&str> {
        self.got.as_ref().ok().map(|(_, version)| version.as_str())
    }

    /// True where the user got what he wanted.
    pub(crate) fn is_good(&self) -> bool {
        matches!(&self.got, Ok((200, _)))
    }

    /// True where no version of the service stands behind what came: the way there failed.
    pub(crate) fn is_lost(&self) -> bool {
        match &self.got {
            Ok((_, version)) => version.is_empty(),
            Err(_) => true,
        }
    }
}

/// Connections that wait for a request, and answers so far.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    idle: Mutex<Vec<SendRequest<Empty<Bytes>>>>,
    answers: Mutex<Vec<Answer>>,
}

/// Traffic that goes on until it is stopped.
pub(crate) struct Traffic {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    /// Sends so many requests a second, all of them alike.
    pub(crate) fn start(to: SocketAddr, rate: f64) -> Result<Self> {
        Self::asking(to, rate, &[])
    }

    /// Sends so many requests a second for pages that take so many milliseconds, each as likely.
    pub(crate) fn asking(to: SocketAddr, rate: f64, pages: &'static [u64]) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let kept = shared.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let every = Duration::from_secs_f64(1.0 / rate);
        let thread = std::thread::spawn(move || runtime.block_on(send(to, every, pages, kept)));
        Ok(Self { shared, thread: Some(thread) })
    }

    /// How many came so far, or were given up.
    pub(crate) fn count(&self) -> usize {
        self.shared.answers.lock().map_or(0, |answers| answers.len())
    }

    /// What came so far.
    fn so_far(&self) -> Vec<Answer> {
        self.shared.answers.lock().map(|answers| answers.clone()).unwrap_or_default()
    }

    /// Stops it, and waits for what is under way; every answer in the order in which they were asked for.
    pub(crate) fn stop(mut self) -> Result<Vec<Answer>> {
        self.end();
        let mut answers = self.so_far();
        answers.sort_by_key(|answer| answer.sent);
        ensure!(!answers.is_empty(), "no request was sent");
        Ok(answers)
    }

    fn end(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.end();
    }
}

async fn send(to: SocketAddr, every: Duration, pages: &[u64], shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let mut at_work = tokio::task::JoinSet::new();
    while !shared.stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        while at_work.try_join_next().is_some() {}
        let path = match pages {
            [] => "/version".to_owned(),
            pages => format!("/slow?ms={}", pages[random.random_range(0..pages.len())]),
        };
        at_work.spawn(one(to, path, shared.clone()));
    }
    while at_work.join_next().await.is_some() {}
}

async fn one(to: SocketAddr, path: String, shared: Arc<Shared>) {
    let sent = Instant::now();
    let got = match tokio::time::timeout(PATIENCE, ask(to, &path, &shared)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(fault)) => Err(format!("{fault:#}")),
        Err(_) => Err("no answer in time".to_owned()),
    };
    if let Ok(mut answers) = shared.answers.lock() {
        answers.push(Answer { sent, came: Instant::now(), got });
    }
}

async fn ask(to: SocketAddr, path: &str, shared: &Shared) -> Result<(u16, String)> {
    let kept = shared.idle.lock().ok().and_then(|mut idle| {
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    });
    let mut connection = match kept {
        Some(connection) => connection,
        None => connect(to).await?,
    };
    connection.ready().await.context("the connection was closed")?;
    let request = Request::get(path).header("host", to.to_string()).body(Empty::new())?;
    let answer = connection.send_request(request).await?;
    let status = answer.status().as_u16();
    let version = answer.headers().get("x-app-version").and_then(|value| value.to_str().ok());
    let version = version.unwrap_or_default().to_owned();
    answer.into_body().collect().await?;
    if let Ok(mut idle) = shared.idle.lock() {
        idle.push(connection);
    }
    Ok((status, version))
}

async fn connect(to: SocketAddr) -> Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(to).await.context("no connection")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn who_hangs_does_not_hold_others_up() {
        // The first connection gets no answer; all others do.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (keep, kept) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            keep.send(listener.accept().unwrap()).unwrap();
            for stream in listener.incoming() {
                std::thread::spawn(move || {
                    let (mut stream, mut read) = (stream.unwrap(), [0; 1024]);
                    while stream.read(&mut read).is_ok_and(|n| n > 0) {
                        let answer = "HTTP/1.1 500 no\r\nx-app-version: v9\r\ncontent-length: 0\r\n\r\n";
                        stream.write_all(answer.as_bytes()).unwrap();
                    }
                });
            }
        });
        let traffic = Traffic::start(address, 200.0).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while traffic.count() < 20 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let answers = traffic.so_far();
        assert!(answers.len() >= 20);
        assert!(answers.iter().all(|answer| answer.version() == Some("v9")));
        assert!(!answers[0].is_good() && !answers[0].is_lost());
        drop(kept.recv().unwrap());
    }
}
