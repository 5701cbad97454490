//! One attempt: its secrets, its steps, its outputs, its end.

use super::diagnose::{self, Asker, diagnose, since};
use super::outputs::Values;
use super::secret::{Secrets, Source, references_of_steps};
use super::show;
use super::steps::{Context, End, Fault, Work, code_and_signal, deadline_in, elapsed_ms, fault_text, until};
use super::stop::{Hurry, at_least};
use crate::clock;
use crate::process::attempt_log::AttemptLog;
use crate::process::child::stop_strangers;
use crate::process::redact::Redactor;
use crate::process::show::harmless;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskmaster_core::action::{FailureKind, Outputs, SecretRef, Step};
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::id::{AttemptId, TaskId};
use taskmaster_core::journal::{Outcome, OutputValue};
use taskmaster_core::scheduler::Event;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// The last lines of a log that are recorded.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: usize = 4 * 1024;

/// Captured output of a run step is shown in the log too, so much of it.
const SHOWN_CAPTURE: usize = 64 * 1024;

/// A log so large is redacted on another thread.
const LARGE_LOG: u64 = 1 << 20;

/// Everything about an attempt before it begins.
pub(super) struct Attempt {
    /// Index into the plan.
    pub(super) task: usize,
    pub(super) id: TaskId,
    pub(super) attempt: AttemptId,
    pub(super) steps: Vec<Step>,
    pub(super) outputs: Option<Outputs>,
    /// Steps that read sensitive outputs of other tasks again.
    pub(super) sources: Vec<(TaskId, Step)>,
    pub(super) log: PathBuf,
    pub(super) timeout_ms: Option<u64>,
    pub(super) grace: Duration,
}

impl Attempt {
    /// Does all of it and says how it ended.
    pub(super) async fn run(self, cx: Arc<Context>, wish: watch::Receiver<Hurry>) -> Event {
        let started = clock::monotonic();
        let deadline = deadline_in(self.timeout_ms);
        let ended = Running { attempt: &self, cx: &cx, deadline, wish, at: None }.run().await;
        Event::AttemptEnded {
            task: self.task,
            attempt: self.attempt,
            end: ended.end,
            duration_ms: elapsed_ms(started),
            tail: ended.tail,
            log_bytes: ended.log_bytes,
            outputs: ended.outputs,
            diagnosis: ended.diagnosis,
        }
    }
}

struct Ended {
    end: Outcome,
    tail: String,
    log_bytes: u64,
    outputs: BTreeMap<String, OutputValue>,
    diagnosis: Diagnosis,
}

struct Running<'a> {
    attempt: &'a Attempt,
    cx: &'a Context,
    deadline: Option<Instant>,
    wish: watch::Receiver<Hurry>,
    /// Index of the step that began last.
    at: Option<usize>,
}

/// How the steps ended: the outputs, or why there are none.
type Result<T> = std::result::Result<T, Failure>;

/// A failure of the attempt, or a person's stop.
enum Failure {
    Outcome(Outcome),
    Fault(Fault),
}

impl Running<'_> {
    async fn run(mut self) -> Ended {
        let secrets = self.secrets().await;
        let redactor = secrets.as_ref().ok().and_then(Secrets::redactor);
        let limit = self.cx.settings.log_limit;
        let mut log = match AttemptLog::create(self.attempt.log.clone(), limit, redactor.as_ref()) {
            Ok(log) => log,
            Err(error) => {
                let message = format!("its log {} cannot be made: {error}", self.attempt.log.display());
                return Ended::without_log(failed(FailureKind::Spawn, message));
            }
        };
        let (done, secrets) = match secrets {
            Ok(secrets) => (self.steps(&secrets, &mut log).await, secrets),
            Err(fault) => (Err(Failure::Fault(fault)), Secrets::default()),
        };
        let (end, values) = self.outcome(done, redactor.as_deref(), &mut log);
        let diagnosis = self.diagnose(&end, &secrets, redactor.as_ref(), &mut log).await;
        Ended { diagnosis, ..self.close(end, values, log).await }
    }

    /// Why the step that began last failed, as far as that can be found out.
    async fn diagnose(
        &self,
        end: &Outcome,
        secrets: &Secrets,
        redactor: Option<&Arc<Redactor>>,
        log: &mut AttemptLog,
    ) -> Diagnosis {
        let (Outcome::Failed { failure, exit_code, .. }, Some(step)) =
            (end, self.at.and_then(|at| self.attempt.steps.get(at)))
        else {
            return Diagnosis::default();
        };
        if !matches!(failure, FailureKind::ExitCode | FailureKind::Signal | FailureKind::Timeout) {
            return Diagnosis::default();
        }
        let (lines, bytes) = diagnose::LOOKED_AT;
        let text = log.text(lines, bytes).unwrap_or_default();
        let wrote = since(&text, &format!("$ {}\n", show::step(step)));
        let attempt = self.attempt;
        let asker = Asker {
            cx: self.cx,
            task: attempt.task,
            mark: attempt.attempt.as_str(),
            secrets,
            redactor,
            wish: self.wish.clone(),
        };
        diagnose(asker, &diagnose::Failure { step, exit: *exit_code, wrote }).await
    }

    /// Reads what the steps need. Nothing of it is started when that fails.
    async fn secrets(&mut self) -> std::result::Result<Secrets, Fault> {
        let attempt = self.attempt;
        let references = references_of_steps(&attempt.steps, attempt.outputs.as_ref());
        if references.is_empty() {
            return Ok(Secrets::default());
        }
        let read = read_secrets(
            self.cx,
            attempt.task,
            attempt.attempt.as_str(),
            &references,
            &attempt.sources,
            self.deadline,
            self.wish.clone(),
        );
        let read = tokio::select! {
            biased;
            read = read => read,
            () = at_least(&mut self.wish, Hurry::Stop) => Err(Fault::Stopped),
            () = until(self.deadline) => Err(Fault::Timeout),
        };
        if read.is_err() {
            // A command that was to print a secret may still be at work.
            let _ = stop_strangers(attempt.attempt.as_str(), attempt.grace).await;
        }
        read
    }

    async fn steps(&mut self, secrets: &Secrets, log: &mut AttemptLog) -> Result<Option<Values>> {
        let attempt = self.attempt;
        let mut work = Work {
            cx: self.cx,
            task: attempt.task,
            mark: attempt.attempt.as_str(),
            attempt: Some(&attempt.attempt),
            secrets,
            log,
            deadline: self.deadline,
            grace: attempt.grace,
            wish: self.wish.clone(),
        };
        for name in secrets.too_short() {
            work.note(&format!("[taskmaster: secret {name} is too short to be hidden in outputs]"));
        }
        let mut last = None;
        for (index, step) in attempt.steps.iter().enumerate() {
            self.at = Some(index);
            if attempt.steps.len() > 1 {
                work.note(&format!("$ {}", show::step(step)));
            }
            let is_last = index + 1 == attempt.steps.len();
            let wanted = is_last && matches!(attempt.outputs, Some(Outputs::Json | Outputs::Lines));
            let (end, captured) = work.step(step, wanted).await.map_err(Failure::Fault)?;
            if let Some(bytes) = &captured {
                show_captured(&mut work, step, bytes);
            }
            success(attempt, step, end)?;
            last = captured;
        }
        match &attempt.outputs {
            None => Ok(None),
            Some(Outputs::Terraform(step)) => {
                let (end, captured) = work.step(step, true).await.map_err(Failure::Fault)?;
                success(attempt, step, end)?;
                values(attempt, captured).map(Some)
            }
            Some(Outputs::Json | Outputs::Lines) => values(attempt, last).map(Some),
        }
    }

    /// What the end of the steps means, in words that hold no secret.
    fn outcome(
        &self,
        done: Result<Option<Values>>,
        redactor: Option<&Redactor>,
        log: &mut AttemptLog,
    ) -> (Outcome, Option<Values>) {
        let clean = |text: String| redactor.map_or_else(|| text.clone(), |redactor| redactor.text(&text));
        let end = match done {
            Ok(mut values) => {
                if let (Some(values), Some(redactor)) = (&mut values, redactor) {
                    values.hide(redactor);
                }
                return (Outcome::Succeeded, values);
            }
            Err(Failure::Outcome(end)) => end,
            Err(Failure::Fault(Fault::Stopped)) => Outcome::Interrupted,
            Err(Failure::Fault(fault)) => {
                let message = fault_text(&fault, self.attempt.timeout_ms);
                // What did not even begin says nothing itself.
                let _ = log.note(&format!("[taskmaster: {message}]\n"));
                failed(kind_of(&fault), message)
            }
        };
        let end = match end {
            Outcome::Failed { failure, exit_code, signal, message } => {
                Outcome::Failed { failure, exit_code, signal, message: clean(message) }
            }
            other => other,
        };
        (end, None)
    }

    /// Completes the log, keeps sensitive outputs for this run, and takes them out of the log.
    async fn close(&self, end: Outcome, values: Option<Values>, log: AttemptLog) -> Ended {
        let path = log.path().map(std::path::Path::to_owned).unwrap_or_default();
        let (mut log_bytes, mut tail) = log.finish(TAIL_LINES, TAIL_BYTES).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "a log could not be completed");
            (0, String::new())
        });
        let Some(mut values) = values else {
            return Ended { end, tail, log_bytes, outputs: BTreeMap::new(), diagnosis: Diagnosis::default() };
        };
        let task = &self.attempt.id;
        if let Some(redactor) = values.redactor(task) {
            tail = redactor.text(&tail);
            values.hide(&redactor);
            log_bytes = redact_log(redactor, path, log_bytes).await;
        }
        let outputs = values.hand_over(task, &self.cx.vault);
        Ended { end, tail, log_bytes, outputs, diagnosis: Diagnosis::default() }
    }
}

impl Ended {
    fn without_log(end: Outcome) -> Self {
        let (tail, outputs, diagnosis) = Default::default();
        Self { end, tail, log_bytes: 0, outputs, diagnosis }
    }
}

/// Reads secrets; sensitive outputs that are not known in this run are asked for again first.
pub(super) async fn read_secrets(
    cx: &Context,
    task: usize,
    mark: &str,
    references: &[SecretRef],
    sources: &[(TaskId, Step)],
    deadline: Option<Instant>,
    wish: watch::Receiver<Hurry>,
) -> std::result::Result<Secrets, Fault> {
    let settings = &cx.settings;
    let source = Source {
        project_root: &settings.project_root,
        timeout: settings.secret_timeout,
        vault: &cx.vault,
        mark,
        traceparent: settings.traceparent(mark),
    };
    let refused = |error: super::secret::SecretError| Fault::Spawn(error.to_string());
    for (id, step) in sources {
        let needed = references_of_steps(std::slice::from_ref(step), None);
        let secrets = source.resolve(&needed).await.map_err(refused)?;
        let mut log = AttemptLog::in_memory(settings.capture_limit, secrets.redactor().as_ref())
            .map_err(|error| Fault::Spawn(error.to_string()))?;
        let grace = Duration::from_secs(1);
        let (secrets, log) = (&secrets, &mut log);
        let wish = wish.clone();
        let mut work = Work { cx, task, mark, attempt: None, secrets, log, deadline, grace, wish };
        let (end, captured) = work.step(step, true).await?;
        let read = match (end, captured) {
            (End::Exit(status), Some(bytes)) if status.success() => {
                Values::read(&Outputs::Terraform(Box::new(step.clone())), &bytes)
            }
            (End::Exit(status), _) => Err(show::exit(status)),
            _ => Err("it is no command".to_owned()),
        };
        let values =
            read.map_err(|why| Fault::Spawn(format!("the outputs of {id} cannot be read again: {why}")))?;
        let plain = values.plain.into_iter().map(|(name, value)| (name, Zeroizing::new(value.to_string())));
        for (name, value) in values.sensitive.into_iter().chain(plain) {
            cx.vault.put(id, &name, value);
        }
    }
    source.resolve(references).await.map_err(refused)
}

/// Rewrites a log without secrets that became known only after it was written.
async fn redact_log(redactor: Redactor, path: PathBuf, bytes: u64) -> u64 {
    let shown = path.clone();
    let work = move || {
        redactor.file(&path)?;
        std::fs::metadata(&path).map(|meta| meta.len())
    };
    let done = if bytes > LARGE_LOG {
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    } else {
        work()
    };
    done.unwrap_or_else(|error| {
        // A log that cannot be cleaned must not stay: nobody may read the secret in it.
        tracing::error!(path = %shown.display(), %error, "a log could not be cleaned and is removed");
        let _ = std::fs::remove_file(&shown);
        0
    })
}

fn show_captured(work: &mut Work<'_>, step: &Step, bytes: &[u8]) {
    // A request's body is in the log already.
    if !matches!(step.invocation, taskmaster_core::action::Invocation::Process(_)) || bytes.is_empty() {
        return;
    }
    let shown = harmless(&bytes[..bytes.len().min(SHOWN_CAPTURE)]);
    work.note(shown.trim_end());
}

fn values(attempt: &Attempt, captured: super::steps::Captured) -> Result<Values> {
    let Some(kind) = &attempt.outputs else { return Ok(Values::default()) };
    let bytes = captured.unwrap_or_default();
    Values::read(kind, &bytes).map_err(|why| Failure::Outcome(failed(FailureKind::Outputs, why)))
}

/// Whether a step ended well; its name is told where there are several.
fn success(attempt: &Attempt, step: &Step, end: End) -> Result<()> {
    let named = |text: String| {
        if attempt.steps.len() > 1 { format!("{}: {text}", step.name) } else { text }
    };
    match end {
        End::Accepted => Ok(()),
        End::Exit(status) if status.success() => Ok(()),
        End::Exit(status) => {
            let (exit_code, signal) = code_and_signal(status);
            let failure = if signal.is_some() { FailureKind::Signal } else { FailureKind::ExitCode };
            let message = named(show::exit(status));
            Err(Failure::Outcome(Outcome::Failed { failure, exit_code, signal, message }))
        }
        End::Refused(why) => Err(Failure::Outcome(failed(FailureKind::Http, named(why)))),
    }
}

pub(super) fn failed(failure: FailureKind, message: String) -> Outcome {
    Outcome::Failed { failure, exit_code: None, signal: None, message }
}

fn kind_of(fault: &Fault) -> FailureKind {
    match fault {
        Fault::Spawn(_) | Fault::Stopped => FailureKind::Spawn,
        Fault::Timeout => FailureKind::Timeout,
        Fault::Output(_) => FailureKind::Outputs,
        Fault::NoAnswer(_) => FailureKind::Http,
    }
}
