//! Traces of runs whose every entry and time is written by hand, and so is what they must be told as.

use super::otlp_rules::{Told, from_protobuf, parts, read};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use taskmaster::report::otlp::{Encoding, requests};
use taskmaster::report::view::TraceView;
use taskmaster_core::action::{ActionKind, Expectation, FailureKind, Policy};
use taskmaster_core::cause::{Cause, Diagnosis};
use taskmaster_core::id::AttemptId;
use taskmaster_core::journal::{Entry, Outcome, ProbeKind, Record, Verdict};
use taskmaster_core::plan::{Disposition, Plan, PlannedTask};
use taskmaster_core::state::{TaskState, WaitFor};
use taskmaster_testkit::planned_task;

/// The second at which all runs here begin.
const BEGAN: i64 = 1_800_000_000;
/// What no trace may tell.
const PRINTED: &str = "pr1nted by a program";

fn at(ms: i64) -> Timestamp {
    Timestamp::from_second(BEGAN).unwrap() + SignedDuration::from_millis(ms)
}

/// A ledger of one run.
struct Book {
    entries: Vec<Entry>,
    plan: Plan,
    is_live: bool,
}

impl Book {
    fn new(tasks: Vec<PlannedTask>) -> Self {
        Self::with(tasks, &[])
    }

    fn with(tasks: Vec<PlannedTask>, options: &[(&str, &str)]) -> Self {
        let (document, environment) = ("shop.md".into(), "prod".into());
        let plan = Plan { number: 4, document, revision: 2, environment, tasks };
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let record = Record::RunStarted {
            run: "RUN".into(),
            plan: plan.clone(),
            pid: 7,
            boot_id: "boot".to_owned(),
            options: options.collect(),
        };
        let mut book = Self { entries: Vec::new(), plan, is_live: false };
        book.note(0, record);
        book
    }

    fn note(&mut self, ms: i64, record: Record) {
        self.entries.push(Entry { seq: self.entries.len() as u64 + 1, at: at(ms), record });
    }

    fn state(&mut self, ms: i64, task: usize, from: TaskState, to: TaskState) {
        self.state_by(ms, task, (from, to), None);
    }

    fn state_by(&mut self, ms: i64, task: usize, (from, to): (TaskState, TaskState), by: Option<&str>) {
        let planned = &self.plan.tasks[task];
        let record = Record::TaskState {
            run: Some("RUN".into()),
            document: self.plan.document.clone(),
            environment: self.plan.environment.clone(),
            key: planned.key.clone(),
            id: planned.id.clone(),
            from,
            to,
            digest: None,
            by: by.map(str::to_owned),
            message: Some(PRINTED.to_owned()),
        };
        self.note(ms, record);
    }

    fn begin(&mut self, ms: i64, task: usize, number: u32, undo: bool) {
        let planned = self.plan.tasks[task].clone();
        let record = Record::AttemptStarted {
            attempt: attempt(task, number),
            run: "RUN".into(),
            key: planned.key,
            id: planned.id,
            number,
            undo,
            digest: None,
            commands: vec![PRINTED.to_owned()],
            log: "x.log".to_owned(),
        };
        self.note(ms, record);
    }

    fn end(
        &mut self,
        ms: i64,
        task: usize,
        number: u32,
        (end, duration_ms): (Outcome, u64),
        why: Option<&str>,
    ) {
        let record = Record::AttemptEnded {
            attempt: attempt(task, number),
            end,
            duration_ms,
            tail: PRINTED.to_owned(),
            log_bytes: 9,
            outputs: BTreeMap::new(),
            diagnosis: diagnosis(why),
        };
        self.note(ms, record);
    }

    fn answer(&mut self, ms: i64, task: usize, (probe, verdict, duration_ms): (ProbeKind, Verdict, u64)) {
        let planned = self.plan.tasks[task].clone();
        let record = Record::ProbeEnded {
            run: Some("RUN".into()),
            key: planned.key,
            id: planned.id,
            probe,
            verdict,
            duration_ms,
            outputs: BTreeMap::new(),
            diagnosis: Diagnosis::default(),
        };
        self.note(ms, record);
    }

    fn retry(&mut self, ms: i64, task: usize, attempt: u32, delay_ms: u64) {
        let planned = self.plan.tasks[task].clone();
        let (key, id, reason) = (planned.key, planned.id, PRINTED.to_owned());
        self.note(ms, Record::RetryScheduled { run: "RUN".into(), key, id, attempt, delay_ms, reason });
    }

    fn over(&mut self, ms: i64, exit_code: i32, counts: &[(&str, u64)]) {
        let counts = counts.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect();
        self.note(ms, Record::RunEnded { run: "RUN".into(), exit_code, counts });
    }

    fn view(&self) -> TraceView {
        TraceView {
            run: "RUN".into(),
            title: "Shop".to_owned(),
            is_live: self.is_live,
            resource: BTreeMap::from([("service.name".to_owned(), "taskmaster".to_owned())]),
            entries: self.entries.clone(),
        }
    }

    #[track_caller]
    fn told(&self) -> Vec<Told> {
        let line = self.view().otlp();
        assert!(!line.contains(PRINTED), "{line}");
        read(&serde_json::from_str(&line).unwrap()).1
    }
}

fn attempt(task: usize, number: u32) -> AttemptId {
    AttemptId::new(format!("TRY{task}.{number}"))
}

fn diagnosis(cause: Option<&str>) -> Diagnosis {
    let cause = cause.map(|name| Cause {
        name: name.to_owned(),
        hint: PRINTED.to_owned(),
        retryable: true,
        because: PRINTED.to_owned(),
    });
    Diagnosis { cause, events: vec![PRINTED.to_owned()], no_events: None }
}

fn failed(failure: FailureKind, exit_code: Option<i32>) -> Outcome {
    Outcome::Failed { failure, exit_code, signal: None, message: PRINTED.to_owned() }
}

fn running(task: usize, number: u32) -> TaskState {
    TaskState::Running { attempt: attempt(task, number), number }
}

fn verifying(task: usize, number: u32) -> TaskState {
    TaskState::Verifying { attempt: attempt(task, number), number }
}

fn waits(on: WaitFor) -> TaskState {
    TaskState::Waiting { on }
}

/// `parent > name [from..to] result !error`, times in milliseconds of the run.
fn lines(spans: &[Told]) -> Vec<String> {
    let name = |id: &str| spans.iter().find(|span| span.id == id).map_or("?", |span| span.name.as_str());
    let ms = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap() - BEGAN * 1_000;
    let line = |span: &Told| {
        let parent = span.parent.as_deref().map_or(String::new(), |parent| format!("{} > ", name(parent)));
        let results = ["cicd.pipeline.result", "cicd.pipeline.task.run.result"];
        let result = results.iter().find_map(|key| span.attributes.get(*key));
        let result = result.map_or(String::new(), |result| format!(" {result}"));
        let fault = span.attributes.get("error.type");
        let error = span.error.as_ref().zip(fault);
        let error = error.map_or(String::new(), |(words, fault)| format!(" !{fault}: {words}"));
        format!("{parent}{} [{}..{}]{result}{error}", span.name, ms(span.start), ms(span.end))
    };
    spans.iter().map(line).collect()
}

fn attributes<'a>(span: &'a Told, keys: &[&str]) -> Vec<&'a str> {
    keys.iter().map(|key| span.attributes.get(*key).map_or("-", String::as_str)).collect()
}

#[test]
fn every_part_of_a_task_is_a_span() {
    let mut book = Book::new(vec![PlannedTask { kind: Some(ActionKind::Kubectl), ..planned_task(0) }]);
    book.state(10, 0, TaskState::Pending, TaskState::Ready);
    book.state(20, 0, TaskState::Ready, TaskState::Checking);
    book.answer(30, 0, (ProbeKind::Check, Verdict::False, 8));
    book.state(30, 0, TaskState::Checking, running(0, 1));
    book.begin(30, 0, 1, false);
    book.end(130, 0, 1, (failed(FailureKind::ExitCode, Some(3)), 95), Some("forbidden"));
    book.retry(130, 0, 2, 500);
    book.state(130, 0, running(0, 1), waits(WaitFor::Retry { attempt: 2, until_ms: 0 }));
    book.state(640, 0, waits(WaitFor::Retry { attempt: 2, until_ms: 0 }), TaskState::Ready);
    book.state(650, 0, TaskState::Ready, TaskState::Checking);
    book.answer(660, 0, (ProbeKind::Check, Verdict::False, 5));
    book.state(660, 0, TaskState::Checking, running(0, 2));
    book.begin(660, 0, 2, false);
    book.end(760, 0, 2, (Outcome::Succeeded, 100), None);
    book.state(760, 0, running(0, 2), verifying(0, 2));
    // Asked three times, and then it is so: one span from the first question to the last answer.
    book.answer(770, 0, (ProbeKind::Verify, Verdict::False, 4));
    book.answer(870, 0, (ProbeKind::Verify, Verdict::Error { message: PRINTED.to_owned() }, 4));
    book.answer(970, 0, (ProbeKind::Verify, Verdict::True, 4));
    book.state(970, 0, verifying(0, 2), TaskState::Completed);
    book.over(980, 0, &[("completed", 1)]);
    let spans = book.told();
    let expected = [
        "RUN Shop [0..980] success",
        "RUN Shop > Task 0 [20..970] success",
        "Task 0 > check [22..30]",
        "Task 0 > run [30..125] !exit_code: exit code 3 (forbidden)",
        "Task 0 > wait [130..640]",
        "Task 0 > check [655..660]",
        "Task 0 > run [660..760]",
        "Task 0 > verify [766..970]",
    ];
    assert_eq!(lines(&spans), expected);
    let root = [
        ("cicd.pipeline.name", "Shop"),
        ("cicd.pipeline.run.id", "RUN"),
        ("cicd.pipeline.action.name", "RUN"),
        ("deployment.environment.name", "prod"),
        ("taskmaster.document.id", "shop.md"),
        ("taskmaster.plan.number", "4"),
        ("taskmaster.tasks.completed", "1"),
        ("process.exit.code", "0"),
    ];
    let task = [
        ("cicd.pipeline.task.name", "Task 0"),
        ("cicd.pipeline.task.run.id", "RUN/KEY0"),
        ("taskmaster.task.id", "t0"),
        ("taskmaster.task.ref", "1.0"),
        ("taskmaster.phase.id", "build"),
        ("taskmaster.action.kind", "kubectl"),
        ("taskmaster.task.state", "completed"),
        ("deployment.environment.name", "prod"),
        ("taskmaster.document.id", "shop.md"),
    ];
    for (span, expected) in [(&spans[0], &root[..]), (&spans[1], &task)] {
        let (keys, values): (Vec<&str>, Vec<&str>) = expected.iter().copied().unzip();
        assert_eq!(attributes(span, &keys), values);
    }
    assert_eq!((spans[0].kind, spans[1].kind), (2, 1), "a run is a server's work, the rest is its own");
    let tried =
        ["taskmaster.attempt.number", "taskmaster.attempt.outcome", "process.exit.code", "taskmaster.cause"];
    assert_eq!(attributes(&spans[3], &tried), ["1", "failed", "3", "forbidden"]);
    assert_eq!(attributes(&spans[6], &tried), ["2", "succeeded", "-", "-"]);
    assert_eq!(attributes(&spans[4], &["taskmaster.wait.for", "taskmaster.attempt.number"]), ["retry", "2"]);
    assert_eq!(
        attributes(&spans[7], &["taskmaster.probe.verdict", "taskmaster.probe.answers"]),
        ["true", "3"]
    );
    let events: Vec<&str> = spans[1].events.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(events, ["taskmaster.task.retry"]);
}

#[test]
fn people_are_waited_for_and_named_nowhere() {
    let mut book = Book::new(vec![planned_task(0), planned_task(1), planned_task(2)]);
    let asks = || waits(WaitFor::Approval { message: PRINTED.to_owned() });
    book.state(10, 0, TaskState::Ready, asks());
    let (key, id) = (book.plan.tasks[0].key.clone(), book.plan.tasks[0].id.clone());
    let by = PRINTED.to_owned();
    book.note(500, Record::ApprovalGiven { run: "RUN".into(), key, id, by, message: Some(PRINTED.into()) });
    book.state(600, 0, asks(), TaskState::Ready);
    book.state(600, 0, TaskState::Ready, TaskState::Completed);
    book.state(20, 1, TaskState::Ready, waits(WaitFor::Manual));
    book.state_by(700, 1, (waits(WaitFor::Manual), TaskState::Completed), Some(PRINTED));
    book.state(30, 2, TaskState::Ready, waits(WaitFor::Manual));
    book.over(900, 21, &[]);
    let spans = book.told();
    let expected = [
        "RUN Shop [0..900] waiting",
        "RUN Shop > Task 0 [10..600] success",
        "Task 0 > wait [10..600]",
        "RUN Shop > Task 1 [20..700] success",
        "Task 1 > wait [20..700]",
        "RUN Shop > Task 2 [30..900] waiting",
        "Task 2 > wait [30..900]",
    ];
    assert_eq!(lines(&spans), expected);
    let events = |span: &Told| -> Vec<String> { span.events.iter().map(|(name, ..)| name.clone()).collect() };
    assert_eq!(events(&spans[1]), ["taskmaster.task.waiting", "taskmaster.task.approved"]);
    assert_eq!(events(&spans[3]), ["taskmaster.task.waiting", "taskmaster.task.set"]);
    assert_eq!(attributes(&spans[2], &["taskmaster.wait.for"]), ["approval"]);
    assert_eq!(attributes(&spans[4], &["taskmaster.wait.for"]), ["person"]);
}

/// Every state that a task can come to, and what the conventions call it.
#[test]
fn every_end_of_a_task_has_a_result() {
    let timeout = || failed(FailureKind::Timeout, None);
    let reason = || PRINTED.to_owned();
    let states = [
        (TaskState::Pending, TaskState::Completed, "skip"),
        (TaskState::Ready, TaskState::Completed, "success"),
        (TaskState::Checking, TaskState::Satisfied, "success"),
        (TaskState::Pending, TaskState::Satisfied, "skip"),
        (TaskState::Pending, TaskState::Claimed, "skip"),
        (TaskState::Pending, TaskState::Skipped { reason: reason() }, "skip"),
        (TaskState::Pending, TaskState::Cancelled, "skip"),
        (waits(WaitFor::Manual), TaskState::Cancelled, "cancellation"),
        (TaskState::Pending, TaskState::Blocked { by: "t9".into() }, "skip"),
        (TaskState::Checking, TaskState::Failed { reason: reason() }, "failure !_OTHER: failed"),
        (
            TaskState::Pending,
            TaskState::Unknown { reason: reason() },
            "error !unknown_end: its end is unknown",
        ),
    ];
    for (from, to, expected) in states {
        let mut book = Book::new(vec![planned_task(0)]);
        book.state(5, 0, from, to.clone());
        book.over(9, 0, &[]);
        assert_eq!(lines(&book.told())[1], format!("RUN Shop > Task 0 [5..5] {expected}"), "{to:?}");
        let blocked = attributes(&book.told()[1], &["taskmaster.task.blocked_by"])[0].to_owned();
        assert_eq!(blocked, if to.name() == "blocked" { "t9" } else { "-" });
    }
    let tries = [
        (timeout(), TaskState::Failed { reason: reason() }, "timeout !timeout: timeout"),
        (
            failed(FailureKind::Spawn, None),
            TaskState::Failed { reason: reason() },
            "failure !not_started: not started",
        ),
        (Outcome::Interrupted, TaskState::Pending, "cancellation"),
        (Outcome::Lost, TaskState::Pending, "error !unknown_end: its end is unknown"),
        (Outcome::Lost, TaskState::Completed, "success"),
    ];
    for (end, to, expected) in tries {
        let mut book = Book::new(vec![planned_task(0)]);
        book.state(5, 0, TaskState::Ready, running(0, 1));
        book.begin(5, 0, 1, false);
        book.end(8, 0, 1, (end, 3), None);
        book.state(8, 0, running(0, 1), to);
        book.over(9, 20, &[]);
        assert_eq!(lines(&book.told())[1], format!("RUN Shop > Task 0 [5..8] {expected}"));
    }
}

#[test]
fn what_does_not_verify_and_what_fails_as_expected() {
    let expects = Policy { expect: Expectation::Failure, ..Policy::default() };
    let mut book = Book::new(vec![planned_task(0), PlannedTask { policy: expects, ..planned_task(1) }]);
    for task in [0, 1] {
        book.state(5, task, TaskState::Ready, running(task, 1));
        book.begin(5, task, 1, false);
    }
    book.end(8, 0, 1, (Outcome::Succeeded, 3), None);
    book.state(8, 0, running(0, 1), verifying(0, 1));
    // Where there is no verify the check is asked again.
    book.answer(20, 0, (ProbeKind::Check, Verdict::False, 10));
    book.state(20, 0, verifying(0, 1), TaskState::Failed { reason: PRINTED.to_owned() });
    book.end(30, 1, 1, (failed(FailureKind::ExitCode, Some(1)), 25), None);
    book.state(30, 1, running(1, 1), TaskState::Completed);
    book.over(40, 20, &[("failed", 1), ("completed", 1)]);
    let expected = [
        "RUN Shop [0..40] failure !task_failed: a task failed",
        "RUN Shop > Task 0 [5..20] failure !not_verified: not verified",
        "Task 0 > run [5..8]",
        "Task 0 > verify [10..20] !not_verified: not verified",
        "RUN Shop > Task 1 [5..30] success",
        "Task 1 > run [5..30]",
    ];
    assert_eq!(lines(&book.told()), expected);
}

#[test]
fn a_run_without_an_end_is_live_or_killed_and_then_settled_under_the_same_ids() {
    let mut book = Book::new(vec![planned_task(0), planned_task(1)]);
    book.state(5, 0, TaskState::Ready, running(0, 1));
    book.begin(5, 0, 1, false);
    book.state(9, 1, TaskState::Ready, waits(WaitFor::Manual));
    book.is_live = true;
    let live = book.told();
    let expected = [
        "RUN Shop [0..9]",
        "RUN Shop > Task 0 [5..9]",
        "Task 0 > run [5..9]",
        "RUN Shop > Task 1 [9..9]",
        "Task 1 > wait [9..9]",
    ];
    assert_eq!(lines(&live), expected);
    assert_eq!(attributes(&live[0], &["cicd.pipeline.run.state"]), ["executing"]);
    book.is_live = false;
    let killed = book.told();
    let expected = [
        "RUN Shop [0..9] error !killed: its executor was killed",
        "RUN Shop > Task 0 [5..9] error !killed: the run was killed before its end",
        "Task 0 > run [5..9] !killed: the run was killed before its end",
        "RUN Shop > Task 1 [9..9] waiting",
        "Task 1 > wait [9..9]",
    ];
    assert_eq!(lines(&killed), expected);
    book.end(60, 0, 1, (Outcome::Lost, 55), None);
    book.state(60, 0, running(0, 1), TaskState::Completed);
    book.over(70, 137, &[]);
    let settled = book.told();
    let expected = [
        "RUN Shop [0..70] error !killed: its executor was killed",
        "RUN Shop > Task 0 [5..60] success",
        "Task 0 > run [5..60] !unknown_end: its end was lost",
        "RUN Shop > Task 1 [9..70] waiting",
        "Task 1 > wait [9..70]",
    ];
    assert_eq!(lines(&settled), expected);
    let ids = |spans: &[Told]| -> Vec<(String, String)> {
        spans.iter().map(|span| (span.trace.clone(), span.id.clone())).collect()
    };
    assert_eq!(ids(&live), ids(&killed));
    assert_eq!(ids(&live), ids(&settled));
}

#[test]
fn what_is_taken_back_is_undone() {
    let mut book = Book::with(vec![planned_task(0), planned_task(1)], &[("destroy", "yes")]);
    book.begin(5, 1, 1, true);
    book.end(15, 1, 1, (failed(FailureKind::ExitCode, Some(2)), 10), None);
    book.retry(15, 1, 2, 20);
    book.begin(40, 1, 2, true);
    book.end(45, 1, 2, (Outcome::Succeeded, 5), None);
    book.state_by(45, 1, (TaskState::Completed, TaskState::Pending), Some("someone"));
    book.begin(50, 0, 1, true);
    book.end(60, 0, 1, (failed(FailureKind::Signal, None), 10), None);
    book.over(61, 20, &[]);
    let expected = [
        "DESTROY Shop [0..61] failure !task_failed: a task failed",
        "DESTROY Shop > Task 0 [50..60] failure !signal: signal",
        "Task 0 > undo [50..60] !signal: signal",
        "DESTROY Shop > Task 1 [5..45] success",
        "Task 1 > undo [5..15] !exit_code: exit code 2",
        "Task 1 > wait [15..40]",
        "Task 1 > undo [40..45]",
    ];
    assert_eq!(lines(&book.told()), expected);
}

#[test]
fn a_span_around_the_run_is_its_parent() {
    let around = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let options = [("traceparent", around), ("sync", "shop"), ("commit", "c0ffee"), ("ref", "main")];
    let mut book = Book::with(vec![planned_task(0)], &options);
    book.state(5, 0, TaskState::Ready, TaskState::Completed);
    book.over(9, 0, &[]);
    let spans = book.told();
    assert_eq!(spans[0].name, "SYNC Shop");
    assert_eq!(spans[0].trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(spans[0].parent.as_deref(), Some("00f067aa0ba902b7"));
    assert_eq!((spans[0].flags, spans[1].flags), (0x301, 0x101), "sampled; the first is of another process");
    let keys = ["vcs.ref.head.revision", "vcs.ref.head.name", "taskmaster.sync.name"];
    assert_eq!(attributes(&spans[0], &keys), ["c0ffee", "main", "shop"]);
}

/// Clocks are set back, entries of others stand in between, titles are hostile.
#[test]
fn nothing_of_it_breaks_a_trace() {
    let hostile = format!("\u{1b}[31mred\n\u{202e}{}", "x".repeat(600));
    let mut book = Book::new(vec![PlannedTask { title: hostile, ..planned_task(0) }, planned_task(1)]);
    book.state(5_000, 0, TaskState::Ready, running(0, 1));
    book.begin(5_000, 0, 1, false);
    // An hour back.
    book.end(-3_594_000, 0, 1, (Outcome::Succeeded, 6_000), None);
    book.state(-3_594_000, 0, running(0, 1), TaskState::Completed);
    book.answer(-3_590_000, 1, (ProbeKind::Check, Verdict::True, 1_000));
    book.state(-3_590_000, 1, TaskState::Checking, TaskState::Satisfied);
    let other = Record::RunEnded { run: "OTHER".into(), exit_code: 20, counts: BTreeMap::new() };
    book.note(-3_590_000, other);
    book.over(-3_580_000, 0, &[]);
    let spans = book.told();
    assert!(
        spans[1].name.starts_with("red \u{fffd}xxx") && spans[1].name.ends_with("x…"),
        "{}",
        spans[1].name
    );
    assert_eq!(spans[1].name.chars().count(), 501);
    assert_eq!(spans[0].attributes["cicd.pipeline.result"], "success");
    assert_eq!(spans.len(), 5);
    let nothing = TraceView { run: "NONE".into(), ..book.view() };
    assert!(requests(&nothing, Encoding::Json).is_empty());
}

#[test]
fn many_spans_are_several_requests_and_protobuf_says_what_json_does() {
    let tasks =
        (0..600).map(|number| PlannedTask { disposition: Disposition::Manual, ..planned_task(number) });
    let mut book = Book::new(tasks.collect());
    for task in 0..600 {
        book.state(5, task, TaskState::Pending, TaskState::Claimed);
    }
    book.retry(6, 0, 2, u64::MAX);
    book.over(9, 0, &[("claimed", 600)]);
    let json: Vec<serde_json::Value> = requests(&book.view(), Encoding::Json)
        .iter()
        .map(|body| serde_json::from_slice(body).unwrap())
        .collect();
    let spans: Vec<Vec<Told>> = json.iter().map(|body| parts(body).1).collect();
    assert_eq!(spans.iter().map(Vec::len).collect::<Vec<_>>(), [512, 90]);
    assert_eq!(spans.concat(), book.told());
    let protobuf: Vec<_> =
        requests(&book.view(), Encoding::Protobuf).iter().map(|body| from_protobuf(body)).collect();
    assert_eq!(protobuf, json);
}
