//! The agent: all rollouts of a state directory, and the commands that speak to it.

use super::files::Files;
use super::guard::{self, CONTROL, LOCK};
use super::held::Held;
use super::journal::{Journal, Note, Recorder};
use super::limits;
use super::log;
use super::picture::Show;
use super::rollout::{self, AtWork, Beginning, Ending, Letter, Resumed, Shared};
use super::socket::server;
use super::socket::wire::{About, Call, Fault, FaultCode, ServiceProcess, Start};
use crate::clock;
use crate::process::child::stop_strangers;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, oneshot};

/// How long an agent stays that owns nothing.
const IDLE: Duration = Duration::from_secs(30);
/// Names it otherwise, in seconds.
const IDLE_VARIABLE: &str = "TASKMASTER_AGENT_IDLE";
/// Between two looks at whether it is still wanted.
const LOOK: Duration = Duration::from_millis(200);
/// How long one rollout may keep others waiting that are looked at.
const BUSY: Duration = Duration::from_secs(1);
/// What a process of a rollout that cannot be read gets between TERM and KILL.
const GRACE: Duration = Duration::from_secs(10);
/// Between two looks at its files.
const FILES: Duration = Duration::from_secs(2);
/// Time for the last answers to be written.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Why the agent cannot be at work.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The system's.
    #[error("the agent cannot work: {0}")]
    Io(#[from] io::Error),
    /// What was kept cannot be read.
    #[error("what is known of rollouts cannot be read: {0}")]
    Journal(String),
}

struct Daemon {
    shared: Shared,
    /// Which folder its state directory is.
    home: (u64, u64),
    rollouts: Mutex<BTreeMap<String, AtWork>>,
    /// Rollouts that were kept and cannot be read.
    unreadable: Mutex<BTreeMap<String, Unreadable>>,
    since_ms: i64,
    /// The last request.
    asked: Mutex<Instant>,
    is_ending: AtomicBool,
    end: Notify,
}

/// Is the agent of a state directory until it is not wanted any more. Its guard starts it.
///
/// # Errors
/// See [`AgentError`].
pub fn serve(files: &Files, mut journal: Box<dyn Journal>, show: Arc<dyn Show>) -> Result<(), AgentError> {
    die_of_panics();
    limits::raise();
    let held = Held::take_over(files)?;
    // Who has it not has no place here, and takes up nothing.
    let control = held.get(CONTROL)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let home = place(&std::fs::metadata(files.dir())?);
    let kept = journal.kept("rollout/").map_err(AgentError::Journal)?;
    let replicas: BTreeMap<String, String> =
        journal.kept("replicas/").map_err(AgentError::Journal)?.into_iter().collect();
    let past = journal.kept("past/").map_err(AgentError::Journal)?.into_iter();
    let past =
        past.filter_map(|(key, count)| Some((key.strip_prefix("past/")?.to_owned(), count.parse().ok()?)));
    let releases = Arc::new(Mutex::new(past.collect()));
    let recorder = Recorder::start(journal)?;
    let shared = Shared { files: files.clone(), held, recorder, show, releases };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let daemon = Arc::new(Daemon {
            shared,
            home,
            rollouts: Mutex::default(),
            unreadable: Mutex::default(),
            since_ms: clock::now().as_millisecond(),
            asked: Mutex::new(clock::monotonic()),
            is_ending: AtomicBool::new(false),
            end: Notify::new(),
        });
        daemon.resume(kept, &replicas);
        daemon.listen(control)?;
        daemon.shared.held.ready();
        tracing::info!(pid = std::process::id(), "the agent is at work");
        daemon.stay().await?;
        tokio::time::sleep(LAST_WORDS).await;
        daemon.shared.held.bye();
        Ok(())
    })
}

/// A panic leaves something half done: the next agent finds what was stored, and that is whole.
fn die_of_panics() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        told(panic);
        std::process::abort();
    }));
}

/// What was kept of a rollout that cannot be read: by another taskmaster, or damaged.
struct Unreadable {
    why: String,
    /// What its processes carry in their environment.
    marks: Vec<String>,
}

impl Unreadable {
    fn new(why: String, replicas: Option<&str>) -> Self {
        let known: Value = replicas.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let marks = known.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str());
        Self { why, marks: marks.map(str::to_owned).collect() }
    }

    fn fault(&self, name: &str) -> Fault {
        let why = format!("what is kept of {name} cannot be read: {}", self.why);
        let help = format!("use the taskmaster that started it, or end it: taskmaster rollout remove {name}");
        Fault::new(FaultCode::Failed, why).help(help)
    }
}

impl Daemon {
    /// Goes on with what was kept.
    fn resume(&self, kept: Vec<(String, String)>, replicas: &BTreeMap<String, String>) {
        for (key, text) in kept {
            let Some(name) = key.strip_prefix("rollout/") else { continue };
            let of_it = replicas.get(&rollout::replicas_key(name)).map(String::as_str);
            let spawned = Resumed::read(&text, of_it)
                .map_err(|why| Fault::new(FaultCode::Failed, why))
                .and_then(|found| rollout::spawn(&self.shared, Ok(found)));
            match spawned {
                Ok(at_work) => drop(self.rollouts().insert(name.to_owned(), at_work)),
                Err(fault) => {
                    tracing::error!(rollout = name, %fault, "it cannot go on");
                    let found = Unreadable::new(fault.message, of_it);
                    self.unreadable().insert(name.to_owned(), found);
                }
            }
        }
    }

    fn rollouts(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, AtWork>> {
        self.rollouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreadable(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Unreadable>> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the processes of what cannot be read, and forgets it.
    async fn remove_unreadable(&self, name: &str) -> Result<Value, Fault> {
        let marks = self.unreadable().get(name).map(|found| found.marks.clone()).unwrap_or_default();
        let failed = |why: String| Fault::new(FaultCode::Failed, why);
        for mark in marks {
            stop_strangers(&mark, GRACE).await.map_err(|fault| failed(fault.to_string()))?;
        }
        let keys = [rollout::rollout_key(name), rollout::replicas_key(name)];
        let notes = keys.map(|key| Note { key, text: None }).into();
        self.shared.recorder.keep(notes, Vec::new(), clock::now()).await.map_err(failed)?;
        self.unreadable().remove(name);
        Ok(Value::Null)
    }

    /// Answers commands on the control socket.
    fn listen(self: &Arc<Self>, control: OwnedFd) -> io::Result<()> {
        let control = UnixListener::from(control);
        control.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(control)?;
        let daemon = Arc::clone(self);
        let answer = move |call| {
            let daemon = Arc::clone(&daemon);
            async move { daemon.answer(call).await }
        };
        tokio::spawn(server::serve(listener, answer));
        Ok(())
    }

    /// Returns once it is to end, with all services ended.
    async fn stay(self: &Arc<Self>) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut looked_at_files = clock::monotonic();
        loop {
            tokio::select! {
                () = self.end.notified() => return Ok(()),
                _ = terminate.recv() => return self.end_for("a signal").await,
                _ = interrupt.recv() => return self.end_for("a signal").await,
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.is_idle() {
                self.is_ending.store(true, Ordering::SeqCst);
                // A command that came in between has noted its time before it looked.
                if self.is_idle() {
                    tracing::info!("nothing is owned any more");
                    return Ok(());
                }
                self.is_ending.store(false, Ordering::SeqCst);
            }
            if clock::monotonic() - looked_at_files >= FILES {
                looked_at_files = clock::monotonic();
                if !self.is_at_home() {
                    tracing::warn!("the state directory is gone, or another one: services end");
                    return self.end_for("the end of the state directory").await;
                }
                self.look_at_files();
            }
        }
    }

    /// True while the state directory is the one that it began with, and the lock in it the one that it holds.
    fn is_at_home(&self) -> bool {
        let files = &self.shared.files;
        let is_home = std::fs::metadata(files.dir()).is_ok_and(|meta| place(&meta) == self.home);
        let ours = self.shared.held.get(LOCK).ok().flatten();
        let ours = ours.and_then(|lock| std::fs::File::from(lock).metadata().ok());
        let theirs = std::fs::metadata(files.lock()).ok();
        let is_other = ours.zip(theirs).is_some_and(|(ours, theirs)| place(&ours) != place(&theirs));
        is_home && !is_other
    }

    /// Keeps the log within its bound, and the socket at its place.
    fn look_at_files(self: &Arc<Self>) {
        let files = &self.shared.files;
        if let Err(fault) = log::bound(&files.log()) {
            tracing::warn!(%fault, "the log");
        }
        if files.socket().exists() {
            return;
        }
        tracing::warn!("somebody took the socket away");
        let again = guard::listen(files).and_then(|control| {
            self.shared.held.hold(CONTROL, &control)?;
            self.listen(control.into())
        });
        if let Err(fault) = again {
            tracing::warn!(%fault, "no command can be heard");
        }
    }

    fn is_idle(&self) -> bool {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let owns = self.rollouts().values().any(|at_work| at_work.owns.load(Ordering::Relaxed));
        !owns && clock::monotonic() - asked >= idle()
    }

    async fn answer(self: Arc<Self>, call: Call) -> Result<Value, Fault> {
        // Who only looks does not need it.
        if !matches!(call, Call::About | Call::Services | Call::View { .. } | Call::List) {
            *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = clock::monotonic();
        }
        if self.is_ending.load(Ordering::SeqCst) {
            return Err(Fault::new(FaultCode::Ending, "the agent is about to end"));
        }
        match call {
            Call::About => json(&self.about().await),
            Call::Services => json(&self.services().await),
            Call::Start(start) => self.start(*start).await,
            Call::View { name } => self.ask(&name, Letter::View).await,
            Call::List => self.list().await,
            Call::Ask { name, verb, by } => self.ask(&name, |reply| Letter::Ask(verb, by, reply)).await,
            Call::Undo { name, to, by } => self.ask(&name, |reply| Letter::Undo(to, by, reply)).await,
            Call::Remove { name, .. } if self.unreadable().contains_key(&name) => {
                self.remove_unreadable(&name).await
            }
            Call::Remove { name, by } => {
                let how = Ending { by, forgets: true, is_forced: false };
                let end = |done| Letter::End(how, done);
                let done = self.ask(&name, end).await?;
                self.rollouts().remove(&name);
                Ok(done)
            }
            Call::Stop => {
                self.stop().await?;
                self.end.notify_one();
                Ok(Value::Null)
            }
        }
    }

    async fn start(&self, start: Start) -> Result<Value, Fault> {
        let beginning = Beginning::read(start)?;
        let name = beginning.rollout.name.clone();
        if let Some(found) = self.unreadable().get(&name) {
            return Err(found.fault(&name));
        }
        let (at_work, is_new) = {
            let mut rollouts = self.rollouts();
            match rollouts.get(&name) {
                Some(at_work) => (at_work.clone(), false),
                None => {
                    let at_work = rollout::spawn(&self.shared, Err(&beginning))?;
                    rollouts.insert(name.clone(), at_work.clone());
                    (at_work, true)
                }
            }
        };
        let started = send(&at_work, |reply| Letter::Start(Box::new(beginning), reply)).await;
        if is_new && started.is_err() {
            // It never began: nothing of it stays.
            let how = Ending { by: String::new(), forgets: true, is_forced: true };
            let _ = send(&at_work, |done| Letter::End(how, done)).await;
            self.rollouts().remove(&name);
        }
        started
    }

    async fn ask(
        &self,
        name: &str,
        letter: impl FnOnce(oneshot::Sender<Result<Value, Fault>>) -> Letter,
    ) -> Result<Value, Fault> {
        let at_work = self.rollouts().get(name).cloned();
        let Some(at_work) = at_work else {
            if let Some(found) = self.unreadable().get(name) {
                return Err(found.fault(name));
            }
            let fault = Fault::new(FaultCode::NoSuch, format!("there is no rollout {name} on this machine"));
            return Err(fault.help(self.names()));
        };
        send(&at_work, letter).await
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.rollouts().keys().cloned().collect();
        match names.as_slice() {
            [] => "start one: taskmaster rollout start FILE VERSION".to_owned(),
            names => format!("there is {}", names.join(", ")),
        }
    }

    async fn list(&self) -> Result<Value, Fault> {
        let all: Vec<AtWork> = self.rollouts().values().cloned().collect();
        let mut views = Vec::new();
        for at_work in all {
            // One that ends is busy with that, and no news.
            if let Ok(view) = tokio::time::timeout(BUSY, send(&at_work, Letter::View)).await {
                views.push(view?);
            }
        }
        Ok(Value::Array(views))
    }

    async fn services(&self) -> Vec<ServiceProcess> {
        let all: Vec<AtWork> = self.rollouts().values().cloned().collect();
        let mut services = Vec::new();
        for at_work in all {
            let (reply, answer) = oneshot::channel();
            let asked = async {
                at_work.letters.send(Letter::Services(reply)).await.ok()?;
                answer.await.ok()
            };
            services.extend(tokio::time::timeout(BUSY, asked).await.ok().flatten().unwrap_or_default());
        }
        services
    }

    async fn about(&self) -> About {
        let rollouts = self.rollouts().keys().cloned().collect();
        let services = self.services().await;
        About {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            guard: self.shared.held.guard(),
            since_ms: self.since_ms,
            restarts: guard::restarts(),
            rollouts,
            services,
        }
    }

    async fn end_for(&self, why: &str) -> io::Result<()> {
        let how = Ending { by: why.to_owned(), forgets: false, is_forced: true };
        self.end_all(&how).await;
        Ok(())
    }

    /// Ends all services for a person. Where one cannot be ended, the agent stays.
    async fn stop(&self) -> Result<(), Fault> {
        let how = Ending { by: "agent stop".to_owned(), forgets: false, is_forced: false };
        let failed = self.end_all(&how).await;
        let Some((name, _, fault)) = failed.first() else { return Ok(()) };
        let told = Fault::new(FaultCode::Failed, format!("{name} cannot be ended: {fault}"));
        self.rollouts().extend(failed.into_iter().map(|(name, at_work, _)| (name, at_work)));
        self.is_ending.store(false, Ordering::SeqCst);
        Err(told)
    }

    /// Ends all services in order, all rollouts at the same time. Returns those that it could not end.
    async fn end_all(&self, how: &Ending) -> Vec<(String, AtWork, Fault)> {
        self.is_ending.store(true, Ordering::SeqCst);
        let all: Vec<(String, AtWork)> = std::mem::take(&mut *self.rollouts()).into_iter().collect();
        let mut ends = tokio::task::JoinSet::new();
        for (name, at_work) in all {
            let how = how.clone();
            ends.spawn(async move {
                let ended = send(&at_work, |done| Letter::End(how, done)).await;
                (name, at_work, ended)
            });
        }
        let mut failed = Vec::new();
        while let Some(Ok((name, at_work, ended))) = ends.join_next().await {
            if let Err(fault) = ended {
                tracing::error!(rollout = name, %fault, "it cannot be ended");
                failed.push((name, at_work, fault));
            }
        }
        failed
    }
}

/// What tells a file or folder from every other one of this machine.
fn place(meta: &std::fs::Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

async fn send(
    at_work: &AtWork,
    letter: impl FnOnce(oneshot::Sender<Result<Value, Fault>>) -> Letter,
) -> Result<Value, Fault> {
    let gone = || Fault::new(FaultCode::Failed, "the rollout has just ended");
    let (reply, answer) = oneshot::channel();
    at_work.letters.send(letter(reply)).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

fn json(value: &impl serde::Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value).map_err(|fault| Fault::new(FaultCode::Failed, fault.to_string()))
}

fn idle() -> Duration {
    let named = std::env::var(IDLE_VARIABLE).ok().and_then(|text| text.parse::<f64>().ok());
    named.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(IDLE)
}
