//! What can be found out about a failure: its cause by the tool's own words, and the last warnings
//! of the namespace. The one place where they are asked for.
//!
//! It is bounded by [`warnings::WITHIN_S`] and changes no outcome: who does not answer is noted in a few words.

use super::secret::Secrets;
use super::steps::{Context, End, Fault, Work, deadline_in};
use super::stop::Hurry;
use crate::process::attempt_log::AttemptLog;
use crate::process::redact::Redactor;
use crate::process::show::harmless;
use std::sync::Arc;
use std::time::Duration;
use taskmaster_core::action::{Invocation, ProcessSpec, Step, Value};
use taskmaster_core::cause::{self, Diagnosis};
use taskmaster_core::tool::{self, Tool};
use taskmaster_core::warnings;
use tokio::sync::watch;

/// So much of what a step wrote is looked at.
pub(super) const LOOKED_AT: (usize, usize) = (400, 64 * 1024);

/// A step that went wrong.
pub(super) struct Failure<'a> {
    pub(super) step: &'a Step,
    /// None where it was stopped.
    pub(super) exit: Option<i32>,
    /// What it wrote, harmless and without secrets.
    pub(super) wrote: &'a str,
}

/// What asking needs from the work that went wrong.
pub(super) struct Asker<'a> {
    pub(super) cx: &'a Context,
    pub(super) task: usize,
    pub(super) mark: &'a str,
    pub(super) secrets: &'a Secrets,
    pub(super) redactor: Option<&'a Arc<Redactor>>,
    pub(super) wish: watch::Receiver<Hurry>,
}

/// The cause alone: nothing is asked.
pub(super) fn cause_of(failure: &Failure<'_>) -> Diagnosis {
    let found = Tool::of_step(failure.step).and_then(|tool| cause::find(tool, failure.exit, failure.wrote));
    Diagnosis { cause: found, ..Diagnosis::default() }
}

/// The cause and the last warnings.
pub(super) async fn diagnose(asker: Asker<'_>, failure: &Failure<'_>) -> Diagnosis {
    let Some(tool) = Tool::of_step(failure.step) else { return Diagnosis::default() };
    let said = cause_of(failure);
    let told = told_events(failure.wrote);
    let events = if !told.is_empty() {
        Ok(told)
    } else if said.cause.as_ref().is_some_and(cause::is_silent) {
        Err("not asked for after such an answer".to_owned())
    } else {
        match tool::place(failure.step) {
            None => return said,
            Some(place) => asker.ask(warnings::question(&place), failure.step).await,
        }
    };
    match events {
        Err(why) => Diagnosis { no_events: Some(why), ..said },
        Ok(events) => {
            let cause = cause::explain(tool, failure.exit, failure.wrote, &events);
            Diagnosis { cause, events, no_events: None }
        }
    }
}

/// The warnings that `taskmaster kube-rollout` told of its object by itself.
fn told_events(wrote: &str) -> Vec<String> {
    let told: Vec<String> =
        wrote.lines().filter_map(|line| line.strip_prefix("event: Warning ")).map(str::to_owned).collect();
    told[told.len().saturating_sub(warnings::MOST)..].to_vec()
}

impl Asker<'_> {
    /// Asks with the environment of the step, so that proxies and credentials are the same.
    async fn ask(self, argv: Vec<String>, step: &Step) -> Result<Vec<String>, String> {
        let Invocation::Process(failed) = &step.invocation else { return Ok(Vec::new()) };
        let mut env = failed.env.clone();
        env.insert("LC_ALL".to_owned(), Value::Plain("C".to_owned()));
        let question = ProcessSpec { argv, cwd: failed.cwd.clone(), env, stdin: None, capture: true };
        let step = Step { name: "events".to_owned(), invocation: Invocation::Process(question) };
        let refused = |error: std::io::Error| format!("the system refused: {error}");
        let mut log = AttemptLog::in_memory(LOOKED_AT.1 as u64, self.redactor).map_err(refused)?;
        let mut work = Work {
            cx: self.cx,
            task: self.task,
            mark: self.mark,
            attempt: None,
            secrets: self.secrets,
            log: &mut log,
            deadline: deadline_in(Some(warnings::WITHIN_S * 1_000)),
            grace: Duration::from_millis(200),
            wish: self.wish,
        };
        let bytes = match work.step(&step, true).await {
            Ok((End::Exit(status), Some(bytes))) if status.success() => bytes,
            Ok(_) => return Err("kubectl could not tell them".to_owned()),
            Err(Fault::Timeout) => return Err(format!("no answer within {} s", warnings::WITHIN_S)),
            Err(Fault::Spawn(_)) => return Err("kubectl cannot be started".to_owned()),
            Err(_) => return Err("kubectl was stopped or said too much".to_owned()),
        };
        let answer = String::from_utf8_lossy(&bytes);
        let events = warnings::last(&answer).ok_or("kubectl printed something else than events")?;
        let clean = |line: String| {
            let line = harmless(line.as_bytes());
            self.redactor.map_or_else(|| line.clone(), |redactor| redactor.text(&line))
        };
        Ok(events.into_iter().map(clean).collect())
    }
}

/// What the last step wrote: the log after its command line, where there are several.
pub(super) fn since<'t>(log: &'t str, marker: &str) -> &'t str {
    match log.rfind(marker) {
        Some(at) => &log[at + marker.len()..],
        None => log,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_judged_by_its_own_words() {
        let log = "$ a\nError: one\n$ b\nError: two";
        assert_eq!(since(log, "$ b\n"), "Error: two");
        assert_eq!(since(log, "$ c\n"), log);
    }

    #[test]
    fn events_that_were_told_are_not_asked_for_again() {
        let wrote = "not so: Degraded\nevent: Normal Scaled: x\nevent: Warning Failed: y\nhelp: z";
        assert_eq!(told_events(wrote), ["Failed: y"]);
    }
}
