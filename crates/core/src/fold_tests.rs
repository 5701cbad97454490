//! Records of one run, and what a view says of them.

use super::*;
use crate::action::Policy;
use crate::document::Priority;
use crate::plan::{Disposition, PlannedTask};

fn plan() -> Plan {
    let task = PlannedTask {
        key: "key".into(),
        id: "a".into(),
        ordinal: "1.1".to_owned(),
        title: "A".to_owned(),
        phase: "p".into(),
        priority: Priority::Medium,
        line: 1,
        dependencies: Vec::new(),
        reads: Vec::new(),
        disposition: Disposition::Execute,
        kind: None,
        has_check: false,
        has_verify: false,
        policy: Policy::default(),
        digest: None,
        last_duration_ms: None,
        approval: None,
    };
    Plan { number: 1, document: "doc".into(), revision: 1, environment: "local".into(), tasks: vec![task] }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn entry(seconds: i64, record: Record) -> Entry {
    Entry { seq: u64::try_from(seconds).unwrap(), at: at(seconds), record }
}

fn view() -> RunView {
    let record = Record::RunStarted {
        run: "run".into(),
        plan: plan(),
        pid: 42,
        boot_id: "boot".to_owned(),
        options: BTreeMap::from([("jobs".to_owned(), "4".to_owned())]),
    };
    RunView::begin(&entry(0, record)).unwrap()
}

fn step(run: Option<&str>, key: &str, from: TaskState, to: TaskState, by: Option<&str>) -> Record {
    Record::TaskState {
        run: run.map(RunId::new),
        document: "doc".into(),
        environment: "local".into(),
        key: key.into(),
        id: "a".into(),
        from,
        to,
        digest: None,
        by: by.map(ToOwned::to_owned),
        message: None,
    }
}

fn own(from: TaskState, to: TaskState) -> Record {
    step(Some("run"), "key", from, to, None)
}

fn attempt_started(run: &str, key: &str, attempt: &str) -> Record {
    Record::AttemptStarted {
        attempt: attempt.into(),
        run: run.into(),
        key: key.into(),
        id: "a".into(),
        number: 1,
        undo: false,
        digest: None,
        commands: vec!["true".to_owned()],
        log: "logs/1.log".to_owned(),
    }
}

fn attempt_ended(attempt: &str) -> Record {
    Record::AttemptEnded {
        attempt: attempt.into(),
        end: Outcome::Succeeded,
        duration_ms: 900,
        tail: "done".to_owned(),
        log_bytes: 5,
        outputs: BTreeMap::from([("url".to_owned(), OutputValue::Sensitive)]),
    }
}

#[test]
fn a_view_begins_with_its_run_only() {
    let other = own(TaskState::Pending, TaskState::Ready);
    assert_eq!(RunView::begin(&entry(1, other)), None);
    let view = view();
    assert_eq!((view.pid, view.boot_id.as_str(), view.options["jobs"].as_str()), (42, "boot", "4"));
    assert_eq!((view.started_at, view.ended_at), (at(0), None));
}

#[test]
fn a_task_is_followed_from_its_check_to_its_end() {
    let mut view = view();
    let attempt = AttemptId::new("01A");
    let running = TaskState::Running { attempt: attempt.clone(), number: 1 };
    let spawned = Record::AttemptSpawned {
        attempt: attempt.clone(),
        step: "apply".to_owned(),
        pid: 7,
        start_ticks: 8,
        boot_id: "boot".to_owned(),
    };
    let probe = Record::ProbeEnded {
        run: Some("run".into()),
        key: "key".into(),
        id: "a".into(),
        probe: ProbeKind::Check,
        verdict: Verdict::False,
        duration_ms: 3,
        outputs: BTreeMap::new(),
    };
    let retry = Record::RetryScheduled {
        run: "run".into(),
        key: "key".into(),
        id: "a".into(),
        attempt: 2,
        delay_ms: 70,
        reason: "boom".to_owned(),
    };
    let records = [
        own(TaskState::Pending, TaskState::Ready),
        own(TaskState::Ready, TaskState::Checking),
        probe,
        own(TaskState::Checking, running.clone()),
        attempt_started("run", "key", "01A"),
        spawned,
    ];
    for (second, record) in (1..).zip(records) {
        view.apply(&entry(second, record)).unwrap();
    }
    assert_eq!(view.open_attempts().map(|open| open.attempt.as_str()).collect::<Vec<_>>(), ["01A"]);
    view.apply(&entry(7, attempt_ended("01A"))).unwrap();
    view.apply(&entry(8, retry)).unwrap();
    view.apply(&entry(9, own(running, TaskState::Completed))).unwrap();
    let ended = Record::RunEnded { run: "run".into(), exit_code: 20, counts: BTreeMap::new() };
    view.apply(&entry(10, ended)).unwrap();

    let task = view.task(&"key".into()).unwrap();
    assert_eq!((&task.state, task.since, task.began_at), (&TaskState::Completed, Some(at(9)), Some(at(2))));
    let answer = ProbeView { probe: ProbeKind::Check, verdict: Verdict::False, at: at(3), duration_ms: 3 };
    assert_eq!(task.probes, [answer]);
    let retry = RetryView { attempt: 2, delay_ms: 70, reason: "boom".to_owned(), at: at(8) };
    assert_eq!((&task.retries[..], &task.attempts[..]), (&[retry][..], &[0][..]));
    let seen = view.attempt(&attempt).unwrap();
    assert_eq!((seen.started_at, seen.ended_at, seen.duration_ms), (at(5), Some(at(7)), Some(900)));
    assert_eq!((seen.tail.as_str(), seen.log_bytes, seen.log.as_str()), ("done", 5, "logs/1.log"));
    assert_eq!((seen.spawned.len(), seen.spawned[0].pid, &*seen.spawned[0].step), (1, 7, "apply"));
    assert_eq!((seen.end.as_ref(), seen.outputs.len()), (Some(&Outcome::Succeeded), 1));
    assert_eq!(view.open_attempts().count(), 0);
    assert_eq!((view.ended_at, view.exit_code), (Some(at(10)), Some(20)));
    assert_eq!((view.task(&"stranger".into()), view.attempt(&"01B".into())), (None, None));
}

#[test]
fn what_could_not_have_followed_is_an_error_and_changes_nothing() {
    let mut view = view();
    let before = view.clone();
    let cases = [
        own(TaskState::Ready, TaskState::Checking),
        own(TaskState::Pending, TaskState::Checking),
        step(Some("run"), "stranger", TaskState::Pending, TaskState::Ready, None),
        attempt_started("run", "stranger", "01A"),
    ];
    for record in cases {
        view.apply(&entry(1, record)).unwrap_err();
        assert_eq!(view, before);
    }
    let error = view.apply(&entry(3, own(TaskState::Ready, TaskState::Checking))).unwrap_err();
    assert_eq!(error.to_string(), "entry 3: task key, which was pending, cannot go from ready to checking");
    view.apply(&entry(4, attempt_started("run", "key", "01A"))).unwrap();
    let twice = view.apply(&entry(5, attempt_started("run", "key", "01A"))).unwrap_err();
    assert_eq!(twice.to_string(), "entry 5: attempt 01A starts twice");
    assert_eq!((view.attempts.len(), view.attempt(&"01A".into()).unwrap().started_at), (1, at(4)));
}

#[test]
fn what_a_person_wrote_between_two_records_is_no_fault() {
    let mut view = view();
    let by = Some("alice");
    view.apply(&entry(1, own(TaskState::Pending, TaskState::Ready))).unwrap();
    // Another process saw the task ready; the run had begun to check it when it noticed.
    view.apply(&entry(2, step(Some("run"), "key", TaskState::Ready, TaskState::Cancelled, by))).unwrap();
    assert_eq!((view.tasks[0].by.as_deref(), view.tasks[0].state.name()), (by, "cancelled"));
    view.apply(&entry(3, own(TaskState::Ready, TaskState::Checking))).unwrap();
    assert_eq!((view.tasks[0].by.as_deref(), view.tasks[0].state.name()), (None, "checking"));
}

#[test]
fn other_runs_and_what_happens_outside_runs_are_passed_over() {
    let mut view = view();
    let before = view.clone();
    let probe = |run: Option<&str>| Record::ProbeEnded {
        run: run.map(RunId::new),
        key: "key".into(),
        id: "a".into(),
        probe: ProbeKind::Check,
        verdict: Verdict::True,
        duration_ms: 1,
        outputs: BTreeMap::new(),
    };
    let cases = [
        step(Some("other"), "key", TaskState::Ready, TaskState::Checking, None),
        step(None, "key", TaskState::Pending, TaskState::Cancelled, Some("alice")),
        attempt_started("other", "key", "01B"),
        attempt_ended("01B"),
        probe(None),
        probe(Some("other")),
        Record::RunEnded { run: "other".into(), exit_code: 0, counts: BTreeMap::new() },
    ];
    for record in cases {
        view.apply(&entry(1, record)).unwrap();
        assert_eq!(view, before);
    }
}
