//! Requests that go on while something happens, and a record of every answer.
//!
//! One connection a worker, kept open; nothing is sent a second time, so what a user would see as an
//! error is one here.

use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one request got.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) sent: Instant,
    pub(crate) came: Instant,
    /// Status, and the version that answered where it said one; or why there was no answer.
    pub(crate) got: Result<(u16, String), String>,
}

impl Answer {
    /// The version of a good answer.
    pub(crate) fn version(&self) -> Option<&str> {
        match &self.got {
            Ok((200, version)) => Some(version),
            _ => None,
        }
    }
}

/// Traffic that goes on until it is stopped.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    answers: Arc<Mutex<Vec<Answer>>>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    /// Sends so many requests a second to `http://<host>/version`, by the name resolution of this
    /// machine.
    pub(crate) fn start(host: &str, rate: u32) -> Result<Self> {
        const WORKERS: u32 = 8;
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let (host, told, kept) = (host.to_owned(), stop.clone(), answers.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            let every = Duration::from_secs(1) * WORKERS / rate.max(1);
            let workers = (0..WORKERS).map(|_| worker(host.clone(), every, told.clone(), kept.clone()));
            runtime.block_on(async {
                let mut running: tokio::task::JoinSet<()> = workers.collect();
                while running.join_next().await.is_some() {}
            });
        });
        Ok(Self { stop, answers, thread: Some(thread) })
    }

    /// What came so far.
    pub(crate) fn so_far(&self) -> Vec<Answer> {
        self.answers.lock().map(|answers| answers.clone()).unwrap_or_default()
    }

    /// Stops it; every answer, in the order in which they came.
    pub(crate) fn stop(mut self) -> Result<Vec<Answer>> {
        self.end();
        let mut answers = self.so_far();
        answers.sort_by_key(|answer| answer.came);
        ensure!(!answers.is_empty(), "no request was sent");
        Ok(answers)
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
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

async fn worker(host: String, every: Duration, stop: Arc<AtomicBool>, answers: Arc<Mutex<Vec<Answer>>>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut open = None;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let sent = Instant::now();
        let asked = tokio::time::timeout(PATIENCE, ask(&host, &mut open)).await;
        let got = match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(fault)) => Err(format!("{fault:#}")),
            Err(_) => Err("no answer in time".to_owned()),
        };
        if got.is_err() {
            open = None;
        }
        if let Ok(mut answers) = answers.lock() {
            answers.push(Answer { sent, came: Instant::now(), got });
        }
    }
}

type Connection = SendRequest<Empty<Bytes>>;

async fn ask(host: &str, open: &mut Option<Connection>) -> Result<(u16, String)> {
    let mut connection = match open.take().filter(|connection| !connection.is_closed()) {
        Some(connection) => connection,
        None => connect(host).await?,
    };
    connection.ready().await?;
    let request = Request::get("/version").header("host", host).body(Empty::new())?;
    let answer = connection.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    *open = Some(connection);
    let version = serde_json::from_slice::<serde_json::Value>(&body)
        .ok()
        .and_then(|value| value["version"].as_str().map(str::to_owned));
    if status == StatusCode::OK && version.is_none() {
        bail!("an answer without a version: {:?}", String::from_utf8_lossy(&body));
    }
    Ok((status.as_u16(), version.unwrap_or_default()))
}

async fn connect(host: &str) -> Result<Connection> {
    let stream = TcpStream::connect((host, 80)).await.with_context(|| host.to_owned())?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// How often each version answered well.
pub(crate) fn by_version(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for version in answers.iter().filter_map(Answer::version) {
        *counts.entry(version.to_owned()).or_default() += 1;
    }
    counts
}

/// An error that shows the first ones, unless every request was answered well.
pub(crate) fn none_failed(answers: &[Answer]) -> Result<()> {
    let failed: Vec<&Answer> = answers.iter().filter(|answer| answer.version().is_none()).collect();
    let Some(first) = failed.first() else { return Ok(()) };
    let began = answers.iter().map(|answer| answer.sent).min().unwrap_or(first.sent);
    let shown: Vec<String> = failed
        .iter()
        .take(3)
        .map(|answer| format!("after {:.2} s {:?}", (answer.sent - began).as_secs_f64(), answer.got))
        .collect();
    bail!("{} of {} requests failed: {}", failed.len(), answers.len(), shown.join(", "))
}

/// Who may answer from a moment on.
pub(crate) type Held = (Instant, Vec<String>);

/// Every answer is of a version that the router held between `lag` before it was asked and its
/// answer. `held` is in the order of time, and its first moment is before all answers.
pub(crate) fn only_held(answers: &[Answer], held: &[Held], lag: Duration) -> Result<()> {
    for answer in answers {
        let Some(version) = answer.version() else { continue };
        let from = answer.sent.checked_sub(lag).unwrap_or(answer.sent);
        let mut allowed = held.iter().enumerate().filter(|(at, (since, _))| {
            let until = held.get(at + 1).map_or(answer.came, |next| next.0);
            *since <= answer.came && until >= from
        });
        ensure!(
            allowed.any(|(_, (_, versions))| versions.iter().any(|held| held == version)),
            "{version} answered although the router did not hold it; it held {:?}",
            held.iter()
                .map(|(since, held)| (answer.came.saturating_duration_since(*since), held))
                .collect::<Vec<_>>()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(at: Instant, version: &str) -> Answer {
        Answer { sent: at, came: at + Duration::from_millis(5), got: Ok((200, version.to_owned())) }
    }

    #[test]
    fn an_answer_of_a_version_that_is_not_held_is_found() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let held = [(began, vec!["v1".to_owned()]), (at(1_000), vec!["v2".to_owned()])];
        let lag = Duration::from_millis(100);
        let holds = |ms, version| only_held(&[answer(at(ms), version)], &held, lag).is_ok();
        assert!(holds(500, "v1") && holds(999, "v2") && holds(1_050, "v1") && holds(2_000, "v2"));
        assert!(!holds(500, "v2") && !holds(1_200, "v1") && !holds(500, "v3"));
    }

    #[test]
    fn failures_are_found() {
        let now = Instant::now();
        let failed = Answer { got: Err("reset".to_owned()), ..answer(now, "v1") };
        let refused = Answer { got: Ok((503, String::new())), ..answer(now, "v1") };
        assert!(none_failed(&[answer(now, "v1")]).is_ok());
        assert!(none_failed(&[answer(now, "v1"), failed]).is_err());
        assert!(none_failed(&[refused]).is_err());
        assert_eq!(by_version(&[answer(now, "v1"), answer(now, "v1")])["v1"], 2);
    }
}
