//! One replica at work: a task that owns its process and tells what becomes of it.

use super::known::{Known, ProcessId, ReplicaState};
use super::port;
use super::probe;
use super::process::Process;
use super::recipe::{Place, Recipe};
use crate::agent::files::Files;
use crate::clock;
use crate::process::bound::{Bound, DEFAULT_LOG_LIMIT};
use crate::process::show;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// Pauses before a replica is started again: the first, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// Who has served so long was well: the next pause is the first one again.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// Probes that must fail in a row before a replica that serves is taken out.
const FAILURES: u32 = 3;
/// Shortest time between two probes of a replica that serves.
const CALM: Duration = Duration::from_secs(1);
/// Between two looks at the size of a log, and at what is in flight.
const LOG_LOOK: Duration = Duration::from_millis(500);
const FLIGHT_LOOK: Duration = Duration::from_millis(20);

/// Requests in flight to an address.
pub type InFlight = Arc<dyn Fn(SocketAddr) -> u64 + Send + Sync>;

/// What becomes of a replica.
#[derive(Debug)]
pub enum Event {
    /// It is about to be started on this port. It is once that was stored.
    Launching {
        /// Which replica.
        id: String,
        /// Its port.
        port: u16,
        /// To be answered once it was stored.
        stored: oneshot::Sender<()>,
    },
    /// It has a process.
    Running {
        /// Which replica.
        id: String,
        /// Its process.
        process: ProcessId,
    },
    /// It came to a state.
    Became {
        /// Which replica.
        id: String,
        /// The state.
        state: ReplicaState,
        /// What is wrong.
        why: Option<String>,
    },
    /// It has ended and does not come again.
    Gone {
        /// Which replica.
        id: String,
    },
}

/// What is wanted of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// Serve.
    Serve,
    /// End in order.
    Leave,
}

/// A replica's task.
pub(super) struct Replica {
    pub(super) known: Known,
    /// How it is run from its next start on.
    pub(super) recipes: watch::Receiver<Arc<Recipe>>,
    /// How it runs.
    pub(super) recipe: Arc<Recipe>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) wish: watch::Receiver<Wish>,
    pub(super) in_flight: InFlight,
    pub(super) log: PathBuf,
    /// It may run already.
    pub(super) is_found: bool,
}

/// How it went on with a process.
enum Left {
    /// It is not wanted any more.
    Unwanted,
    /// It ended by itself, or never became ready; and how long it served.
    Crashed(String, Duration),
}

impl Replica {
    /// Keeps it running until it is not wanted any more.
    pub(super) async fn live(mut self) {
        let mut crashes: u32 = 0;
        loop {
            let process = match self.take_up().await {
                Ok(Some(process)) => Ok(process),
                Ok(None) if self.is_unwanted() => break,
                Ok(None) => self.start().await,
                Err(why) => Err(why),
            };
            let (why, served) = match process {
                Ok(mut process) => match self.attend(&mut process).await {
                    Left::Unwanted => {
                        self.leave(process).await;
                        break;
                    }
                    Left::Crashed(why, served) => {
                        process.sweep().await;
                        (self.with_last_words(why), served)
                    }
                },
                Err(why) => (why, Duration::ZERO),
            };
            crashes = if served >= WELL_AFTER { 1 } else { crashes.saturating_add(1) };
            tracing::info!(replica = self.known.id, version = %self.known.revision, why, "a replica crashed");
            self.became(ReplicaState::Waiting, Some(why)).await;
            if !self.pause(back_off(crashes)).await {
                break;
            }
            self.known.process = None;
        }
        let id = self.known.id.clone();
        let _ = self.events.send(Event::Gone { id }).await;
    }

    /// The process that an earlier agent started, if it still runs.
    async fn take_up(&mut self) -> Result<Option<Process>, String> {
        if !std::mem::take(&mut self.is_found) {
            return Ok(None);
        }
        let recorded = self.known.process.clone();
        let found = Process::find(&self.known.id, recorded.as_ref()).await;
        if let Some(process) = &found {
            let (id, process) = (self.known.id.clone(), process.id());
            let _ = self.events.send(Event::Running { id, process }).await;
        } else if recorded.is_some() && !self.is_unwanted() {
            return Err("it ended while nobody looked".to_owned());
        }
        Ok(found)
    }

    async fn start(&mut self) -> Result<Process, String> {
        let words = |error: std::io::Error| error.to_string();
        let port = port::free().map_err(words)?;
        let (stored, is_stored) = oneshot::channel();
        let id = self.known.id.clone();
        let _ = self.events.send(Event::Launching { id, port, stored }).await;
        let mut wish = self.wish.clone();
        // What cannot be stored is not done.
        tokio::select! {
            biased;
            () = until(&mut wish, Wish::Leave) => return Err("it is not wanted any more".to_owned()),
            Ok(()) = is_stored => {}
        }
        self.known.port = port;
        (self.known.state, self.known.process) = (ReplicaState::Starting, None);
        let log = self.open_log().map_err(words)?;
        self.recipe = Arc::clone(&self.recipes.borrow());
        let launch = self.recipe.launch(self.place(), &self.known.id, &log)?;
        let process = Process::start(launch).map_err(|fault| fault.to_string())?;
        let (id, running) = (self.known.id.clone(), process.id());
        self.known.process = Some(running.clone());
        let _ = self.events.send(Event::Running { id, process: running }).await;
        Ok(process)
    }

    fn place(&self) -> Place {
        Place { port: self.known.port, number: self.known.number }
    }

    fn open_log(&self) -> std::io::Result<File> {
        if let Some(folder) = self.log.parent() {
            Files::make(folder)?;
        }
        Files::append(&self.log)
    }

    /// Stays with a process until it ends or is not wanted any more.
    async fn attend(&mut self, process: &mut Process) -> Left {
        let mut wish = self.wish.clone();
        let log = self.log.clone();
        let mut served = None;
        let left = tokio::select! {
            biased;
            why = process.ended() => Left::Crashed(why, Duration::ZERO),
            () = until(&mut wish, Wish::Leave) => Left::Unwanted,
            why = self.watch(&mut served) => Left::Crashed(why, Duration::ZERO),
            () = bound(log) => Left::Unwanted,
        };
        let served = served.map_or(Duration::ZERO, |since: Instant| clock::monotonic() - since);
        match left {
            Left::Crashed(why, _) => Left::Crashed(why, served),
            left @ Left::Unwanted => left,
        }
    }

    /// Probes it again and again; returns where it never became ready.
    async fn watch(&mut self, served: &mut Option<Instant>) -> String {
        let ready = self.recipe.ready().clone();
        let deadline = clock::monotonic() + ready.within;
        if matches!(self.known.state, ReplicaState::Ready | ReplicaState::Unready) {
            *served = Some(clock::monotonic());
        }
        let mut failures = 0;
        let mut told = None;
        loop {
            match probe::once(&self.recipe, self.place(), &self.known.id).await {
                Ok(()) => {
                    failures = 0;
                    if self.known.state != ReplicaState::Ready {
                        served.get_or_insert_with(clock::monotonic);
                        self.became(ReplicaState::Ready, None).await;
                    }
                }
                Err(why) if served.is_some() => {
                    failures += 1;
                    if failures == FAILURES {
                        self.became(ReplicaState::Unready, Some(why)).await;
                    }
                }
                Err(why) if clock::monotonic() >= deadline => {
                    return format!("not ready within {} s: {why}", ready.within.as_secs_f64());
                }
                Err(why) if told.as_ref() != Some(&why) => {
                    told = Some(why.clone());
                    self.became(ReplicaState::Starting, Some(format!("not ready yet: {why}"))).await;
                }
                Err(_) => {}
            }
            let calm = if served.is_some() { ready.interval.max(CALM) } else { ready.interval };
            tokio::time::sleep(calm).await;
        }
    }

    async fn became(&mut self, state: ReplicaState, why: Option<String>) {
        self.known.state = state;
        let _ = self.events.send(Event::Became { id: self.known.id.clone(), state, why }).await;
    }

    fn is_unwanted(&self) -> bool {
        *self.wish.borrow() != Wish::Serve
    }

    /// Waits before the next start; false where it is not wanted any more.
    async fn pause(&mut self, pause: Duration) -> bool {
        let mut wish = self.wish.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => !self.is_unwanted(),
            () = until(&mut wish, Wish::Leave) => false,
        }
    }

    /// Out of service in order: what is in flight ends, then the process.
    async fn leave(&mut self, mut process: Process) {
        let service = &self.recipe.service;
        let (drain, grace) = (service.drain, service.grace);
        tokio::select! {
            _ = process.ended() => {}
            () = self.drained(drain, grace) => {}
        }
        self.became(ReplicaState::Stopping, None).await;
        let stopped = process.stop(grace).await;
        if let Err(fault) = stopped {
            tracing::warn!(replica = self.known.id, %fault, "a replica");
        }
    }

    /// Returns once nothing was in flight for `drain`, and for a look at least: by then the proxy knows.
    /// Something that does not end is waited for no longer than `grace`.
    async fn drained(&self, drain: Duration, grace: Duration) {
        let drain = drain.max(FLIGHT_LOOK);
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, self.known.port));
        let begun = clock::monotonic();
        let mut idle_since = begun;
        loop {
            let now = clock::monotonic();
            if (self.in_flight)(at) > 0 {
                idle_since = now;
            }
            if now - idle_since >= drain || now - begun >= grace.max(drain) {
                return;
            }
            tokio::time::sleep(FLIGHT_LOOK).await;
        }
    }

    /// Why it crashed, with the last line that it printed.
    fn with_last_words(&self, why: String) -> String {
        let text = show::tail_of(&self.log, 20, 4096).unwrap_or_default();
        match show::error_line(&text, 200) {
            "" => why,
            line => format!("{why}: {line}"),
        }
    }
}

fn back_off(crashes: u32) -> Duration {
    BACK_OFF.0.saturating_mul(1 << crashes.saturating_sub(1).min(10)).min(BACK_OFF.1)
}

/// Returns once at least this is wished.
async fn until(wishes: &mut watch::Receiver<Wish>, wish: Wish) {
    if wishes.wait_for(|now| *now >= wish).await.is_err() {
        // Who wishes is gone: the agent ends, and the process stays for the next one.
        std::future::pending::<()>().await;
    }
}

/// Keeps a log within its bound for ever.
async fn bound(log: PathBuf) {
    let mut bound = Bound::new(DEFAULT_LOG_LIMIT);
    loop {
        tokio::time::sleep(LOG_LOOK).await;
        let Ok(file) = File::options().write(true).open(&log) else { continue };
        let Ok(size) = file.metadata().map(|meta| meta.len()) else { continue };
        if bound.hold(&file, size).is_err() && size > DEFAULT_LOG_LIMIT {
            // A file system without holes: it begins anew.
            let _ = file.set_len(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let pauses: Vec<u128> = [1, 2, 3, 7, 8, 100, u32::MAX].map(|n| back_off(n).as_millis()).into();
        assert_eq!(pauses, [100, 200, 400, 6400, 10_000, 10_000, 10_000]);
    }
}
