//! The story of one task in a run, told as spans.

use super::clean;
use super::run::fail;
use super::wire::{Event, HAS_IS_REMOTE, INTERNAL, KeyValue, Span, int, text};
use crate::report::human;
use jiff::{SignedDuration, Timestamp};
use taskmaster_core::action::FailureKind;
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::id::AttemptId;
use taskmaster_core::journal::{Entry, Outcome, ProbeKind, Record, Verdict};
use taskmaster_core::plan::{Plan, PlannedTask};
use taskmaster_core::retry::as_expected;
use taskmaster_core::state::{TaskState, WaitFor};
use taskmaster_core::trace::{SpanId, Trace};

/// Whether more is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// An executor works on the run.
    Not,
    /// Its end is recorded.
    Ended,
    /// Its executor is gone without a word.
    Killed,
}

/// What is recorded of a task, as far as it was read.
pub(super) struct Story<'a> {
    task: &'a PlannedTask,
    plan: &'a Plan,
    trace: &'a Trace,
    spans: Vec<Span>,
    events: Vec<Event>,
    /// When anything was done about it for the first time.
    begun: Option<Timestamp>,
    /// Its last state, when it came there, and whether from the beginning: then this run did nothing for it.
    state: Option<(&'a TaskState, Timestamp, bool)>,
    attempt: Option<Try<'a>>,
    open: Option<Open>,
    /// How its last attempt ended.
    outcome: Option<&'a Outcome>,
    was_undone: bool,
    trouble: Option<Trouble>,
}

/// What went wrong last: its kind, and words of our own for it.
type Trouble = (FailureKind, String);

/// An attempt at work.
struct Try<'a> {
    id: &'a AttemptId,
    number: u32,
    undo: bool,
    started: Timestamp,
}

/// What goes on until something else is recorded.
enum Open {
    /// One question, until it is answered for good: a verify is asked again and again.
    Asked { kind: ProbeKind, times: (Timestamp, Timestamp), seq: u64, answers: u64, last: Answer },
    /// Waiting for the next try, or for a person.
    Wait { on: &'static str, since: Timestamp, seq: u64, next: Option<u32> },
}

/// The word for an answer, and what is wrong with it.
type Answer = (&'static str, Option<Trouble>);

impl<'a> Story<'a> {
    pub(super) fn new(task: &'a PlannedTask, plan: &'a Plan, trace: &'a Trace) -> Self {
        Self {
            task,
            plan,
            trace,
            spans: Vec::new(),
            events: Vec::new(),
            begun: None,
            state: None,
            attempt: None,
            open: None,
            outcome: None,
            was_undone: false,
            trouble: None,
        }
    }

    /// Takes an entry about this task, in the order of recording.
    pub(super) fn take(&mut self, entry: &'a Entry) {
        let (at, seq) = (entry.at, entry.seq);
        match &entry.record {
            Record::TaskState { from, to, by, .. } => self.change(at, seq, (from, to), by.is_some()),
            Record::AttemptStarted { attempt, number, undo, .. } => {
                self.begin(at);
                self.was_undone = *undo;
                self.outcome = None;
                self.attempt = Some(Try { id: attempt, number: *number, undo: *undo, started: at });
            }
            Record::AttemptEnded { end, duration_ms, diagnosis, .. } => {
                self.attempt_ended(end, *duration_ms, diagnosis);
            }
            Record::ProbeEnded { probe, verdict, duration_ms, diagnosis, .. } => {
                let kind = self.meant(*probe);
                self.answered(kind, answer(kind, verdict, diagnosis), (earlier(at, *duration_ms), at), seq);
            }
            Record::RetryScheduled { attempt, delay_ms, .. } => {
                self.begin(at);
                let of_it = vec![
                    int("taskmaster.attempt.number", *attempt),
                    int("taskmaster.retry.delay_ms", *delay_ms),
                ];
                self.note(at, "retry", of_it);
                self.open = Some(Open::Wait { on: "retry", since: at, seq, next: Some(*attempt) });
            }
            Record::ApprovalGiven { .. } => self.note(at, "approved", Vec::new()),
            _ => {}
        }
    }

    fn change(&mut self, at: Timestamp, seq: u64, (from, to): (&TaskState, &'a TaskState), is_set: bool) {
        self.state = Some((to, at, *from == TaskState::Pending));
        match to {
            // The delay is recorded by itself.
            TaskState::Waiting { on: WaitFor::Retry { .. } } => return,
            TaskState::Ready | TaskState::Pending if self.begun.is_none() => return,
            _ => self.begin(at),
        }
        if self.was_undone {
            return;
        }
        let on = match to {
            TaskState::Waiting { on: WaitFor::Approval { .. } } => "approval",
            TaskState::Waiting { on: WaitFor::Manual } => "person",
            state if is_set => {
                return self.note(at, "set", vec![text("taskmaster.task.state", state.name())]);
            }
            TaskState::Pending if from.is_final() => return,
            TaskState::Pending => return self.note(at, "put_back", Vec::new()),
            _ => return,
        };
        self.note(at, "waiting", vec![text("taskmaster.wait.for", on)]);
        self.open = Some(Open::Wait { on, since: at, seq, next: None });
    }

    /// Something else begins.
    fn begin(&mut self, at: Timestamp) {
        self.begun.get_or_insert(at);
        self.close(at);
    }

    fn note(&mut self, at: Timestamp, what: &str, attributes: Vec<KeyValue>) {
        let name = format!("taskmaster.task.{what}");
        self.events.push(Event { time_unix_nano: nanos(at), name, attributes });
    }

    /// A check that is asked after the work is there to verify it.
    fn meant(&self, kind: ProbeKind) -> ProbeKind {
        match self.state {
            Some((TaskState::Verifying { .. }, ..)) => ProbeKind::Verify,
            _ => kind,
        }
    }

    fn answered(&mut self, kind: ProbeKind, answer: Answer, times: (Timestamp, Timestamp), seq: u64) {
        // That a check says no is no trouble, and ends none.
        if answer.0 == "true" || answer.1.is_some() {
            self.trouble.clone_from(&answer.1);
        }
        if let Some(Open::Asked { kind: same, times: (_, ended), answers, last, .. }) = &mut self.open
            && *same == kind
        {
            *ended = times.1;
            *answers += 1;
            *last = answer;
            return;
        }
        self.begin(times.0);
        self.open = Some(Open::Asked { kind, times, seq, answers: 1, last: answer });
    }

    fn attempt_ended(&mut self, end: &'a Outcome, duration_ms: u64, diagnosis: &Diagnosis) {
        let Some(attempt) = self.attempt.take() else { return };
        let ended = later(attempt.started, duration_ms);
        self.outcome = Some(end);
        let is_expected = !attempt.undo && as_expected(&self.task.policy, end).is_some();
        self.trouble = match end {
            Outcome::Failed { failure, .. } if !is_expected => Some(trouble(*failure, Some(end), diagnosis)),
            _ => None,
        };
        let mut span = self.attempt_span(&attempt, ended);
        let word = match end {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed { .. } => "failed",
            Outcome::Interrupted => "interrupted",
            Outcome::Lost => "lost",
        };
        span.attributes.push(text("taskmaster.attempt.outcome", word));
        if let Outcome::Failed { exit_code, signal, .. } = end {
            span.attributes.extend(exit_code.map(|code| int("process.exit.code", code)));
            span.attributes.extend(signal.map(|signal| int("taskmaster.signal", signal)));
        }
        if let Some(cause) = &diagnosis.cause {
            span.attributes.push(text("taskmaster.cause", cause.name.as_str()));
        }
        if let Some((kind, words)) = &self.trouble {
            fail(&mut span.attributes, &mut span.status, error_type(*kind), words);
        } else if *end == Outcome::Lost {
            fail(&mut span.attributes, &mut span.status, "unknown_end", "its end was lost");
        }
        self.spans.push(span);
    }

    fn attempt_span(&self, attempt: &Try<'_>, ended: Timestamp) -> Span {
        let name = if attempt.undo { "undo" } else { "run" };
        let mut span = self.below(name, Trace::attempt(attempt.id), (attempt.started, ended));
        span.attributes = vec![
            text("taskmaster.attempt.id", attempt.id.as_str()),
            int("taskmaster.attempt.number", attempt.number),
        ];
        span
    }

    fn below(&self, name: &str, id: SpanId, times: (Timestamp, Timestamp)) -> Span {
        span(self.trace, id, Some(self.trace.task(&self.task.key)), name.to_owned(), times)
    }

    /// What went on until now has ended.
    fn close(&mut self, at: Timestamp) {
        let span = match self.open.take() {
            None => return,
            Some(Open::Asked { kind, times, seq, answers, last: (word, fault) }) => {
                let mut span =
                    self.below(kind.name(), self.trace.part(&self.task.key, kind.name(), seq), times);
                span.attributes =
                    vec![text("taskmaster.probe.verdict", word), int("taskmaster.probe.answers", answers)];
                if let Some((kind, words)) = fault {
                    fail(&mut span.attributes, &mut span.status, error_type(kind), words);
                }
                span
            }
            Some(Open::Wait { on, since, seq, next }) => {
                let mut span = self.below("wait", self.trace.part(&self.task.key, "wait", seq), (since, at));
                span.attributes = vec![text("taskmaster.wait.for", on)];
                span.attributes.extend(next.map(|number| int("taskmaster.attempt.number", number)));
                span
            }
        };
        self.spans.push(span);
    }

    /// The span of the task and those below it; none where nothing was done about it.
    pub(super) fn finish(mut self, end: Timestamp, over: Over) -> Vec<Span> {
        self.close(end);
        if let Some(attempt) = self.attempt.take() {
            let mut span = self.attempt_span(&attempt, end);
            if over == Over::Killed {
                fail(&mut span.attributes, &mut span.status, "killed", "the run was killed before its end");
            }
            self.spans.push(span);
            self.outcome = None;
        }
        let Some(begun) = self.begun else { return Vec::new() };
        let ended = match self.state {
            Some((state, ..)) if state.is_working() || is_open(state) => end,
            Some((_, at, _)) => at,
            None => begun,
        };
        let title = clean(&self.task.title);
        let name = if title.is_empty() { clean(self.task.id.as_str()) } else { title.clone() };
        let id = self.trace.task(&self.task.key);
        let mut task = span(self.trace, id, Some(self.trace.root()), name, (begun, ended));
        let parts = self.spans.iter().map(|part| (part.start_time_unix_nano, part.end_time_unix_nano));
        let events = self.events.iter().map(|event| (event.time_unix_nano, event.time_unix_nano));
        parts.chain(events).for_each(|times| surround(&mut task, times));
        task.attributes = self.attributes(title);
        self.conclude(&mut task, over);
        task.events = std::mem::take(&mut self.events);
        std::iter::once(task).chain(self.spans).collect()
    }

    fn attributes(&self, title: String) -> Vec<KeyValue> {
        let task = self.task;
        let mut attributes = vec![
            text("cicd.pipeline.task.name", title),
            text("cicd.pipeline.task.run.id", format!("{}/{}", self.trace.run(), task.key)),
            text("deployment.environment.name", clean(self.plan.environment.as_str())),
            text("taskmaster.document.id", clean(self.plan.document.as_str())),
            text("taskmaster.task.id", clean(task.id.as_str())),
            text("taskmaster.task.ref", clean(&task.ordinal)),
            text("taskmaster.phase.id", clean(task.phase.as_str())),
        ];
        attributes.extend(task.kind.map(|kind| text("taskmaster.action.kind", human::kind(kind))));
        if let Some((state, ..)) = self.state {
            attributes.push(text("taskmaster.task.state", state.name()));
        }
        if let Some((TaskState::Blocked { by }, ..)) = self.state {
            attributes.push(text("taskmaster.task.blocked_by", clean(by.as_str())));
        }
        attributes
    }

    fn conclude(&self, task: &mut Span, over: Over) {
        let Some(result) = self.result(over) else { return };
        task.attributes.push(text("cicd.pipeline.task.run.result", result));
        let fault = match (result, &self.trouble) {
            ("error", _) if over == Over::Killed => {
                ("killed".to_owned(), "the run was killed before its end")
            }
            ("error", _) => ("unknown_end".to_owned(), "its end is unknown"),
            ("failure" | "timeout", Some((kind, words))) => (error_type(*kind), words.as_str()),
            ("failure", None) => ("_OTHER".to_owned(), "failed"),
            _ => return,
        };
        fail(&mut task.attributes, &mut task.status, fault.0, fault.1);
    }

    /// In the words of the conventions; none while it is at work.
    fn result(&self, over: Over) -> Option<&'static str> {
        if self.was_undone {
            return match self.outcome {
                Some(Outcome::Succeeded) => Some("success"),
                Some(Outcome::Failed { .. }) => Some(self.failure()),
                Some(Outcome::Interrupted) => Some("cancellation"),
                Some(Outcome::Lost) => Some("error"),
                None => (over == Over::Killed).then_some("error"),
            };
        }
        let (state, _, from_pending) = self.state?;
        Some(match state {
            TaskState::Claimed | TaskState::Skipped { .. } | TaskState::Blocked { .. } => "skip",
            TaskState::Completed | TaskState::Satisfied | TaskState::Cancelled if from_pending => "skip",
            TaskState::Completed | TaskState::Satisfied => "success",
            TaskState::Cancelled => "cancellation",
            TaskState::Failed { .. } => self.failure(),
            TaskState::Unknown { .. } => "error",
            TaskState::Pending if self.outcome == Some(&Outcome::Lost) => "error",
            TaskState::Pending => "cancellation",
            TaskState::Waiting { .. } if over != Over::Not => "waiting",
            _ if over == Over::Killed => "error",
            _ => return None,
        })
    }

    fn failure(&self) -> &'static str {
        match self.trouble {
            Some((FailureKind::Timeout, _)) => "timeout",
            _ => "failure",
        }
    }
}

/// Something is still to come.
fn is_open(state: &TaskState) -> bool {
    matches!(state, TaskState::Ready | TaskState::Checking | TaskState::Waiting { .. })
}

fn answer(kind: ProbeKind, verdict: &Verdict, diagnosis: &Diagnosis) -> Answer {
    match (verdict, kind) {
        (Verdict::True, _) => ("true", None),
        (Verdict::False, ProbeKind::Check) => ("false", None),
        (Verdict::False, ProbeKind::Verify) => {
            ("false", Some(trouble(FailureKind::NotVerified, None, diagnosis)))
        }
        (Verdict::Error { .. }, _) => ("error", Some(trouble(FailureKind::CheckError, None, diagnosis))),
    }
}

/// Words of our own, and the name of the cause: what a program said stays here.
fn trouble(kind: FailureKind, end: Option<&Outcome>, diagnosis: &Diagnosis) -> Trouble {
    let words = end.map_or_else(|| human::failure(kind).to_owned(), |end| human::outcome(Some(end)));
    let cause = diagnosis.cause.as_ref().map(|cause| format!(" ({})", cause.name));
    (kind, words + &cause.unwrap_or_default())
}

/// `exit_code`: a class of faults.
fn error_type(kind: FailureKind) -> String {
    human::failure(kind).replace(' ', "_")
}

/// A span without attributes. Clocks jump: none ends before it began.
pub(super) fn span(
    trace: &Trace,
    id: SpanId,
    parent: Option<SpanId>,
    name: String,
    (start, end): (Timestamp, Timestamp),
) -> Span {
    Span {
        trace_id: trace.id().bytes().to_vec(),
        span_id: id.bytes().to_vec(),
        parent_span_id: parent.map(|parent| parent.bytes().to_vec()).unwrap_or_default(),
        name,
        kind: INTERNAL,
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(start.max(end)),
        flags: u32::from(trace.is_sampled()) | HAS_IS_REMOTE,
        ..Span::default()
    }
}

/// Makes a span lie around something in it: clocks jump, and what is recorded together is told at one time.
pub(super) fn surround(span: &mut Span, (start, end): (u64, u64)) {
    span.start_time_unix_nano = span.start_time_unix_nano.min(start);
    span.end_time_unix_nano = span.end_time_unix_nano.max(end);
}

/// Nanoseconds since 1970.
fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

fn earlier(at: Timestamp, ms: u64) -> Timestamp {
    at.checked_sub(milliseconds(ms)).unwrap_or(at)
}

fn later(at: Timestamp, ms: u64) -> Timestamp {
    at.checked_add(milliseconds(ms)).unwrap_or(at)
}

fn milliseconds(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}
