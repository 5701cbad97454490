//! One step after the other: processes, requests and waits, until they end, take too long or are
//! to be stopped.

use super::http::{Http, HttpFault};
use super::ports::Settings;
use super::secret::{Secrets, Vault};
use super::show;
use super::stop::{Hurry, at_least};
use crate::clock;
use crate::process::attempt_log::AttemptLog;
use crate::process::child::{self, Child, StopError};
use crate::process::launch::{Launch, Stdin, launch};
use crate::process::{memory_file, proc};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use taskmaster_core::action::{HttpSpec, Invocation, ProcessSpec, Step};
use taskmaster_core::id::AttemptId;
use taskmaster_core::journal::Record;
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

/// What all work of a run shares.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) vault: Vault,
    pub(super) http: Http,
    pub(super) news: mpsc::UnboundedSender<News>,
}

/// What work tells while it is under way.
#[derive(Debug)]
pub(super) enum News {
    /// A process runs.
    Spawned {
        /// Index into the plan.
        task: usize,
        /// `attempt.spawned`.
        record: Box<Record>,
    },
    /// It printed something.
    Output {
        /// Index into the plan.
        task: usize,
        /// Harmless, without secrets.
        last_line: String,
    },
}

/// How a step ended by itself.
#[derive(Debug)]
pub(super) enum End {
    /// A process ended, or time has passed (exit code 0).
    Exit(ExitStatus),
    /// A request was answered as accepted.
    Accepted,
    /// A request was answered otherwise, and the answer decides.
    Refused(String),
}

/// Why a step has no end of its own.
#[derive(Debug)]
pub(super) enum Fault {
    /// It could not be started.
    Spawn(String),
    /// The time of the whole work is over.
    Timeout,
    /// A person stopped it.
    Stopped,
    /// Its output cannot be taken.
    Output(String),
    /// There was no answer, or one that says nothing about what was asked.
    NoAnswer(String),
}

/// What a step printed on standard output or got as body, where that is wanted.
pub(super) type Captured = Option<Zeroizing<Vec<u8>>>;

/// An attempt or a probe at work.
pub(super) struct Work<'a> {
    pub(super) cx: &'a Context,
    /// Index into the plan.
    pub(super) task: usize,
    /// Value of `TASKMASTER_ATTEMPT`.
    pub(super) mark: &'a str,
    /// Where processes belong to an attempt: told as [`News::Spawned`].
    pub(super) attempt: Option<&'a AttemptId>,
    pub(super) secrets: &'a Secrets,
    pub(super) log: &'a mut AttemptLog,
    pub(super) deadline: Option<Instant>,
    pub(super) grace: Duration,
    pub(super) wish: watch::Receiver<Hurry>,
}

impl Work<'_> {
    /// Does a step. With `capture`, standard output or body is returned instead of logged.
    pub(super) async fn step(&mut self, step: &Step, capture: bool) -> Result<(End, Captured), Fault> {
        match &step.invocation {
            Invocation::Process(spec) => self.process(&step.name, spec, capture || spec.capture).await,
            Invocation::Http(spec) => self.request(spec).await,
            Invocation::Wait { duration_ms } => {
                let time = tokio::time::sleep(Duration::from_millis(*duration_ms));
                self.or_stopped(time).await?;
                Ok((End::Exit(ExitStatus::default()), None))
            }
            // The scheduler asked before it let the attempt begin.
            Invocation::Approval { .. } => Ok((End::Exit(ExitStatus::default()), None)),
        }
    }

    async fn process(
        &mut self,
        name: &str,
        spec: &ProcessSpec,
        capture: bool,
    ) -> Result<(End, Captured), Fault> {
        let captured = if capture { Some(memory_file::empty().map_err(unable)?) } else { None };
        let command = self.command(spec, captured.as_ref())?;
        let mut child = launch(command).map_err(|error| Fault::Spawn(error.to_string()))?;
        let ended = self.watch(name, &mut child, captured.as_ref()).await;
        let status = match ended {
            Ok(status) => status,
            Err(fault) => {
                let hurry = hurried(self.wish.clone());
                let stopped = child.stop(self.grace, hurry).await.err();
                self.tell_survivors(stopped);
                return Err(fault);
            }
        };
        self.sweep(&child).await;
        let captured = captured.map(|file| self.read_captured(&file)).transpose()?;
        Ok((End::Exit(status), captured))
    }

    fn command(&self, spec: &ProcessSpec, captured: Option<&File>) -> Result<Launch, Fault> {
        let text = |value| {
            self.secrets.text(value).ok_or_else(|| Fault::Spawn("a secret of it was not read".to_owned()))
        };
        let env = spec.env.iter().map(|(name, value)| Ok((name.clone(), text(value)?)));
        // What the catalogue says comes first, and wins.
        let env = env.chain(self.cx.settings.traceparent(self.mark).map(Ok));
        let stdin = match &spec.stdin {
            None => Stdin::Null,
            Some(value) => Stdin::Bytes(Zeroizing::new(text(value)?.as_bytes().to_vec())),
        };
        let log = self.log.for_child().map_err(unable)?;
        let root = &self.cx.settings.project_root;
        let (stdout, stderr) = match captured {
            None => (log, None),
            Some(file) => (file.try_clone().map_err(unable)?, Some(log)),
        };
        Ok(Launch {
            argv: spec.argv.clone(),
            cwd: spec.cwd.as_ref().map_or_else(|| root.clone(), |cwd| root.join(cwd)),
            env: env.collect::<Result<_, _>>()?,
            inherits: true,
            stdin,
            attempt: self.mark.to_owned(),
            stdout,
            stderr,
        })
    }

    fn tell_spawned(&self, step: &str, child: &Child) {
        let Some(attempt) = self.attempt else { return };
        let record = Record::AttemptSpawned {
            attempt: attempt.clone(),
            step: step.to_owned(),
            pid: child.pid(),
            start_ticks: proc::start_ticks(child.pid()).unwrap_or_default(),
            boot_id: proc::boot_id().to_owned(),
        };
        let _ = self.cx.news.send(News::Spawned { task: self.task, record: Box::new(record) });
    }

    /// Returns at the child's end, or says why it must be stopped. A child that lasts is told of;
    /// for one that ends at once nobody will look.
    async fn watch(
        &mut self,
        step: &str,
        child: &mut Child,
        captured: Option<&File>,
    ) -> Result<ExitStatus, Fault> {
        let mut told = false;
        loop {
            let pause = self.log.pause();
            tokio::select! {
                biased;
                status = child.wait() => {
                    return status.map_err(|error| Fault::Spawn(format!("its end cannot be read: {error}")));
                }
                () = at_least(&mut self.wish, Hurry::Stop) => return Err(Fault::Stopped),
                () = until(self.deadline) => return Err(Fault::Timeout),
                () = tokio::time::sleep(pause) => {
                    if !std::mem::replace(&mut told, true) {
                        self.tell_spawned(step, child);
                    }
                    self.look(captured)?;
                }
            }
        }
    }

    fn look(&mut self, captured: Option<&File>) -> Result<(), Fault> {
        let grown = self.log.look().map_err(|error| {
            Fault::Output(format!(
                "its log cannot be kept within {} bytes: {error}",
                self.cx.settings.log_limit
            ))
        })?;
        if let Some(file) = captured {
            self.check_size(file)?;
        }
        if grown
            && self.cx.settings.live_output
            && let Ok(last_line) = self.log.last_line()
        {
            let _ = self.cx.news.send(News::Output { task: self.task, last_line });
        }
        Ok(())
    }

    fn check_size(&self, file: &File) -> Result<u64, Fault> {
        let size = file.metadata().map_err(unable)?.len();
        let limit = self.cx.settings.capture_limit;
        if size <= limit {
            return Ok(size);
        }
        Err(Fault::Output(format!("its standard output is longer than {limit} bytes")))
    }

    fn read_captured(&self, file: &File) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let size = self.check_size(file)?;
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(size).unwrap_or_default()]);
        crate::process::show::read_at(file, &mut bytes, 0).map_err(unable)?;
        Ok(bytes)
    }

    /// Ends what the step left running in its group.
    async fn sweep(&mut self, child: &Child) {
        match child.sweep(self.grace, hurried(self.wish.clone())).await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                let left = child::describe(&left);
                self.note(&format!("[taskmaster: ended what outlived the command: {left}]"));
            }
            Err(error) => self.tell_survivors(Some(error)),
        }
    }

    fn tell_survivors(&mut self, error: Option<StopError>) {
        if let Some(error) = error {
            tracing::warn!(mark = self.mark, %error, "a process could not be ended");
            self.note(&format!("[taskmaster: {error}]"));
        }
    }

    async fn request(&mut self, spec: &HttpSpec) -> Result<(End, Captured), Fault> {
        let settings = &self.cx.settings;
        self.note(&format!("> {} {}", spec.method, spec.url));
        let http = &self.cx.http;
        let answer = http.send(spec, self.secrets, &settings.project_root, settings.capture_limit);
        let mut wish = self.wish.clone();
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            () = at_least(&mut wish, Hurry::Stop) => return Err(Fault::Stopped),
            () = until(self.deadline) => return Err(Fault::Timeout),
        };
        match answer {
            Ok(answer) => {
                self.note(&format!("< {}\n{}", answer.status, answer.excerpt()));
                let end = if let Some(why) = answer.refused { End::Refused(why) } else { End::Accepted };
                Ok((end, Some(answer.body)))
            }
            Err(HttpFault::Unusable(why)) => Err(Fault::Spawn(why)),
            Err(HttpFault::NoAnswer(why)) => {
                self.note(&format!("< {why}"));
                Err(Fault::NoAnswer(why))
            }
        }
    }

    async fn or_stopped<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Fault> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = at_least(&mut self.wish, Hurry::Stop) => Err(Fault::Stopped),
            () = until(self.deadline) => Err(Fault::Timeout),
        }
    }

    /// A line of ours in the log. A full disk must not change how the work ends.
    pub(super) fn note(&mut self, text: &str) {
        if let Err(error) = self.log.note(&format!("{text}\n")) {
            tracing::warn!(mark = self.mark, %error, "a note could not be written to the log");
        }
    }
}

/// Returns when KILL is wished for.
async fn hurried(mut wish: watch::Receiver<Hurry>) {
    at_least(&mut wish, Hurry::Kill).await;
}

/// Returns at the deadline; never where there is none.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn unable(error: std::io::Error) -> Fault {
    Fault::Spawn(format!("the system refused: {error}"))
}

/// A deadline from now.
pub(super) fn deadline_in(ms: Option<u64>) -> Option<Instant> {
    clock::monotonic().checked_add(Duration::from_millis(ms?))
}

/// Milliseconds since.
pub(super) fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(clock::monotonic().saturating_duration_since(started).as_millis()).unwrap_or(u64::MAX)
}

/// Exit code and signal of an end.
pub(super) fn code_and_signal(status: ExitStatus) -> (Option<i32>, Option<i32>) {
    (status.code(), status.signal())
}

/// Says in words how a step failed to end well.
pub(super) fn fault_text(fault: &Fault, timeout_ms: Option<u64>) -> String {
    match fault {
        Fault::Spawn(why) | Fault::Output(why) | Fault::NoAnswer(why) => why.clone(),
        Fault::Timeout => format!("no end within {}", show::duration(timeout_ms.unwrap_or_default())),
        Fault::Stopped => "stopped".to_owned(),
    }
}
