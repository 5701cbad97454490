//! One question: a check or verify.
//!
//! What a probe prints stays in memory. When it could not tell, or when a verify said no, it is
//! written to `logs/<run>/<task key>.<check|verify>.log` (the last one wins), since then somebody
//! will want to read it.

use super::attempt::read_secrets;
use super::diagnose::{self, Asker, Failure, since};
use super::outputs::{self, Values};
use super::secret::{Secrets, references_of_probe, references_of_steps};
use super::show;
use super::steps::{Context, End, Fault, Work, deadline_in, elapsed_ms, fault_text, until};
use super::stop::{Hurry, at_least};
use crate::clock;
use crate::process::attempt_log::AttemptLog;
use crate::process::child::stop_strangers;
use crate::process::redact::Redactor;
use crate::process::show::{error_line, harmless};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskmaster_core::action::{OutputMatch, Outputs, Probe, Step};
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::id::TaskId;
use taskmaster_core::journal::{OutputValue, ProbeKind, Verdict};
use taskmaster_core::scheduler::Event;
use tokio::sync::watch;

/// So much of what a probe prints is kept.
const KEPT: u64 = 256 * 1024;
const KEPT_LINES: usize = 1000;
const KEPT_BYTES: usize = 64 * 1024;

/// Longest line of a program in a message, in characters.
const LONGEST_LINE: usize = 400;

/// A verdict, the outputs that were read with it, and what is known where it is not yes.
type Answer = (Verdict, BTreeMap<String, OutputValue>, Diagnosis);

/// Everything about a probe before it begins.
pub(super) struct Question {
    /// Index into the plan.
    pub(super) task: usize,
    pub(super) kind: ProbeKind,
    pub(super) probe: Probe,
    /// The task, and the step that reads its outputs, where they are wanted if the answer is yes.
    pub(super) outputs: Option<(TaskId, Outputs)>,
    /// Steps that read sensitive outputs of other tasks again.
    pub(super) sources: Vec<(TaskId, Step)>,
    /// Value of `TASKMASTER_ATTEMPT`.
    pub(super) mark: String,
    pub(super) log: PathBuf,
    pub(super) timeout_ms: u64,
    pub(super) grace: Duration,
    /// An answer that is not yes is the last one, and is explained.
    pub(super) explains: bool,
}

/// An answer, and the step that gave it with its exit code.
struct Decided<'p> {
    verdict: Verdict,
    by: Option<(&'p Step, Option<i32>)>,
}

impl Decided<'_> {
    fn plain(verdict: Verdict) -> Self {
        Self { verdict, by: None }
    }
}

/// Whether an output is as expected. Where a value is looked for by its place, a text that is no
/// JSON at all does not say that it is another one.
fn matched(probe: &Probe, text: &str, work: &mut Work<'_>) -> Verdict {
    let looks_inside =
        |expected: &OutputMatch| expected.pointer.as_ref().is_some_and(|place| !place.is_empty());
    if probe.output.iter().any(looks_inside) && !outputs::is_json(text) {
        let message = "it printed something else than JSON".to_owned();
        work.note(harmless(text.as_bytes()).trim_end());
        return Verdict::Error { message };
    }
    match probe.output.iter().find_map(|expected| outputs::mismatch(expected, text)) {
        None => Verdict::True,
        Some(why) => {
            work.note(&why);
            Verdict::False
        }
    }
}

impl Question {
    /// Asks, and says what the answer was.
    pub(super) async fn ask(self, cx: Arc<Context>, wish: watch::Receiver<Hurry>) -> Event {
        let started = clock::monotonic();
        let (verdict, outputs, diagnosis) = self.answer(&cx, wish).await;
        let duration_ms = elapsed_ms(started);
        Event::ProbeEnded { task: self.task, probe: self.kind, verdict, duration_ms, outputs, diagnosis }
    }

    /// The answer alone.
    pub(super) async fn verdict(&self, cx: &Context, wish: watch::Receiver<Hurry>) -> Verdict {
        self.answer(cx, wish).await.0
    }

    async fn answer(&self, cx: &Context, mut wish: watch::Receiver<Hurry>) -> Answer {
        let deadline = deadline_in(Some(self.timeout_ms));
        let error = |message| (Verdict::Error { message }, BTreeMap::new(), Diagnosis::default());
        let secrets = match self.secrets(cx, deadline, &mut wish).await {
            Ok(secrets) => secrets,
            Err(fault) => return error(fault_text(&fault, Some(self.timeout_ms))),
        };
        let redactor = secrets.redactor();
        let mut log = match AttemptLog::in_memory(KEPT, redactor.as_ref()) {
            Ok(log) => log,
            Err(fault) => return error(format!("the system refused: {fault}")),
        };
        let mut work = Work {
            cx,
            task: self.task,
            mark: &self.mark,
            attempt: None,
            secrets: &secrets,
            log: &mut log,
            deadline,
            grace: self.grace,
            wish: wish.clone(),
        };
        let mut decided = self.decide(&mut work).await;
        let mut outputs = BTreeMap::new();
        if let (Verdict::True, Some((task, kind))) = (&decided.verdict, &self.outputs) {
            match self.read_outputs(task, kind, &mut work, redactor.as_deref()).await {
                Ok(read) => outputs = read,
                Err(why) => {
                    let message = format!("it is true, but its outputs cannot be read: {why}");
                    decided = Decided::plain(Verdict::Error { message });
                }
            }
        }
        let wrote = log.text(KEPT_LINES, KEPT_BYTES).unwrap_or_default();
        let (task, mark) = (self.task, self.mark.as_str());
        let asker = Asker { cx, task, mark, secrets: &secrets, redactor: redactor.as_ref(), wish };
        let diagnosis = self.diagnose(&decided, asker, &wrote).await;
        (self.conclude(decided.verdict, log, redactor.as_deref()), outputs, diagnosis)
    }

    /// Nothing runs, so later tasks get what the world holds now.
    async fn read_outputs(
        &self,
        task: &TaskId,
        kind: &Outputs,
        work: &mut Work<'_>,
        redactor: Option<&Redactor>,
    ) -> Result<BTreeMap<String, OutputValue>, String> {
        let Outputs::Terraform(step) = kind else { return Ok(BTreeMap::new()) };
        let bytes = match work.step(step, true).await {
            Ok((End::Exit(status), Some(bytes))) if status.success() => bytes,
            Ok((End::Exit(status), _)) => return Err(show::exit(status)),
            Ok(_) => return Err("it is no command".to_owned()),
            Err(fault) => return Err(fault_text(&fault, Some(self.timeout_ms))),
        };
        let mut values = Values::read(kind, &bytes)?;
        let own = values.redactor(task);
        redactor.into_iter().chain(&own).for_each(|redactor| values.hide(redactor));
        Ok(values.hand_over(task, &work.cx.vault))
    }

    async fn secrets(
        &self,
        cx: &Context,
        deadline: Option<Instant>,
        wish: &mut watch::Receiver<Hurry>,
    ) -> Result<Secrets, Fault> {
        let mut references = references_of_probe(&self.probe);
        references.extend(references_of_steps(&[], self.outputs.as_ref().map(|(_, outputs)| outputs)));
        if references.is_empty() {
            return Ok(Secrets::default());
        }
        let read =
            read_secrets(cx, self.task, &self.mark, &references, &self.sources, deadline, wish.clone());
        let read = tokio::select! {
            biased;
            read = read => read,
            () = at_least(wish, Hurry::Stop) => Err(Fault::Stopped),
            () = until(deadline) => Err(Fault::Timeout),
        };
        if read.is_err() {
            let _ = stop_strangers(&self.mark, self.grace).await;
        }
        read
    }

    /// The answer to all of it, and where it is not yes the step that gave it, with its exit code.
    async fn decide(&self, work: &mut Work<'_>) -> Decided<'_> {
        let mut questions = vec![&self.probe];
        questions.extend(&self.probe.also);
        for probe in &questions {
            if questions.len() > 1 {
                work.note(&format!("$ {}", show::step(&probe.decide)));
            }
            let decided = self.decide_one(probe, work).await;
            if decided.verdict != Verdict::True {
                return decided;
            }
        }
        Decided::plain(Verdict::True)
    }

    async fn decide_one<'p>(&self, probe: &'p Probe, work: &mut Work<'_>) -> Decided<'p> {
        let error = |message| Decided::plain(Verdict::Error { message });
        for step in &probe.prepare {
            match work.step(step, false).await {
                Ok((End::Accepted, _)) => {}
                Ok((End::Exit(status), _)) if status.success() => {}
                Ok((End::Exit(status), _)) => {
                    let message = format!("{}: {}", step.name, show::exit(status));
                    return Decided { by: Some((step, status.code())), ..error(message) };
                }
                Ok((End::Refused(why), _)) => return error(format!("{}: {why}", step.name)),
                Err(fault) => {
                    return error(format!("{}: {}", step.name, fault_text(&fault, Some(self.timeout_ms))));
                }
            }
        }
        // Words are looked for on standard error alone.
        let has_words =
            [&probe.false_words, &probe.error_words, &probe.fault_words].iter().any(|w| !w.is_empty());
        let wants_output = !probe.output.is_empty() || has_words;
        let (code, captured, words) = match work.step(&probe.decide, wants_output).await {
            Ok((End::Exit(status), captured)) => match status.code() {
                Some(code) => (code, captured, show::exit(status)),
                None => return error(show::exit(status)),
            },
            Ok((End::Accepted, body)) => (0, body, String::new()),
            Ok((End::Refused(why), body)) => (1, body, why),
            Err(Fault::NoAnswer(why)) => (2, None, why),
            Err(fault) => return error(fault_text(&fault, Some(self.timeout_ms))),
        };
        let text = captured.as_ref().map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let said = work.log.text(KEPT_LINES, KEPT_BYTES).unwrap_or_default();
        let said = since(&said, &format!("$ {}\n", show::step(&probe.decide)));
        let by = Some((&probe.decide, Some(code)));
        match probe.answer(code, said) {
            Some(true) => Decided { by, ..Decided::plain(matched(probe, &text, work)) },
            Some(false) => Decided { by, ..Decided::plain(Verdict::False) },
            None => {
                // What it printed on standard output explains the code as often as standard error.
                let said = harmless(text.as_bytes());
                if !said.is_empty() {
                    work.note(said.trim_end());
                }
                Decided { by, ..error(words) }
            }
        }
    }

    /// Why it is not so, or why nobody can tell. Events are asked for once, when a verify gives up.
    async fn diagnose(&self, decided: &Decided<'_>, asker: Asker<'_>, wrote: &str) -> Diagnosis {
        let Some((step, exit)) = decided.by else { return Diagnosis::default() };
        let failure = Failure { step, exit, wrote: since(wrote, &format!("$ {}\n", show::step(step))) };
        match decided.verdict {
            Verdict::True => Diagnosis::default(),
            _ if self.explains => diagnose::diagnose(asker, &failure).await,
            Verdict::False => Diagnosis::default(),
            Verdict::Error { .. } => diagnose::cause_of(&failure),
        }
    }

    /// Completes an error's message with the line that says what went wrong, and keeps what was printed where somebody
    /// will ask for it.
    fn conclude(&self, verdict: Verdict, log: AttemptLog, redactor: Option<&Redactor>) -> Verdict {
        let wanted =
            matches!((&verdict, self.kind), (Verdict::Error { .. }, _) | (Verdict::False, ProbeKind::Verify));
        if !wanted {
            return verdict;
        }
        let printed = log.finish(KEPT_LINES, KEPT_BYTES).map(|(_, text)| text).unwrap_or_default();
        if !printed.is_empty()
            && let Err(error) = write_log(&self.log, &printed)
        {
            tracing::warn!(path = %self.log.display(), %error, "the output of a probe could not be kept");
        }
        match verdict {
            Verdict::Error { message } => {
                let message = redactor.map_or_else(|| message.clone(), |redactor| redactor.text(&message));
                let line = error_line(&printed, LONGEST_LINE);
                let told = line.is_empty() || message.contains(line);
                Verdict::Error { message: if told { message } else { format!("{message}: {line}") } }
            }
            other => other,
        }
    }
}

fn write_log(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")
}
