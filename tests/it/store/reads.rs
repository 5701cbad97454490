//! What the ledger tells about what was recorded.

use super::support::*;
use std::collections::BTreeMap;
use taskmaster::app::ledger::{RunFilter, SpawnedProcess};
use taskmaster::store::Access;
use taskmaster_core::action::FailureKind;
use taskmaster_core::id::{AttemptId, Digest, EnvironmentName, RunId};
use taskmaster_core::journal::{Outcome, OutputValue, ProbeKind, Record, TaskChange, Verdict};
use taskmaster_core::state::{TaskState, WaitFor};

fn running(attempt: &str, number: u32) -> TaskState {
    TaskState::Running { attempt: AttemptId::from(attempt), number }
}

fn failed() -> Outcome {
    Outcome::Failed {
        failure: FailureKind::ExitCode,
        exit_code: Some(3),
        signal: None,
        message: "exit code 3".to_owned(),
    }
}

#[test]
fn documents_and_their_revisions() {
    let mut scene = Scene::new();
    assert_eq!(scene.ledger.document(&document("prd")).unwrap(), None);
    assert!(scene.ledger.known_tasks(&document("prd")).unwrap().is_empty());
    let change = TaskChange::Added { id: id(2) };
    scene.commit(vec![parsed("prd", 1, 2)]);
    scene.commit(vec![parsed_with("prd", 2, 3, vec![change.clone()]), parsed("other", 1, 1)]);
    let known = scene.ledger.document(&document("prd")).unwrap().unwrap();
    assert_eq!((known.revision, known.path.as_str(), known.parsed), (2, "prd/prd.md", at(2)));
    assert_eq!(known.digest, Digest::of(b"prd 2"));
    let names: Vec<_> = scene.ledger.documents().unwrap().into_iter().map(|known| known.id).collect();
    assert_eq!(names, [document("other"), document("prd")]);
    let latest = scene.ledger.latest_revision(&document("prd")).unwrap().unwrap();
    assert_eq!((latest.number, latest.changes, latest.at), (2, vec![change], at(2)));
    let keys: Vec<_> = latest.tasks.into_iter().map(|task| task.key).collect();
    assert_eq!(keys, [key(0), key(1), key(2)]);
    let numbers: Vec<_> =
        scene.ledger.revisions(&document("prd")).unwrap().iter().map(|r| (r.number, r.tasks.len())).collect();
    assert_eq!(numbers, [(1, 2), (2, 3)]);
    assert_eq!(scene.ledger.document_history(&document("prd")).unwrap().len(), 2);
}

#[test]
fn what_is_recorded_is_the_last_state_with_its_digest_and_duration() {
    let mut scene = Scene::with_run(3);
    scene.commit(vec![
        state("run-1", 0, TaskState::Ready, running("A1", 1)),
        attempt_started("run-1", 0, "A1"),
        state("run-1", 1, TaskState::Ready, running("A2", 1)),
        attempt_started("run-1", 1, "A2"),
    ]);
    scene.commit(vec![
        attempt_ended("A1", Outcome::Succeeded),
        state("run-1", 0, running("A1", 1), TaskState::Completed),
    ]);
    let recorded = scene.ledger.recorded(&document("prd"), &local()).unwrap();
    assert_eq!(recorded.len(), 2);
    assert_eq!(
        (&recorded[&key(0)].state, recorded[&key(0)].last_duration_ms),
        (&TaskState::Completed, Some(1500))
    );
    assert_eq!(recorded[&key(0)].digest, Some(Digest::of(b"action")));
    assert_eq!(recorded[&key(0)].open_attempt, None);
    assert_eq!(recorded[&key(1)].open_attempt, Some(AttemptId::from("A2")));
    assert_eq!(recorded[&key(1)].last_duration_ms, None);
    let elsewhere = EnvironmentName::from("kind");
    assert!(scene.ledger.recorded(&document("prd"), &elsewhere).unwrap().is_empty());
    assert!(scene.ledger.recorded(&document("other"), &local()).unwrap().is_empty());
}

#[test]
fn outputs_are_those_of_the_last_success_until_it_is_undone() {
    let mut scene = Scene::with_run(1);
    let outputs = |scene: &Scene| scene.ledger.outputs(&document("prd"), &local()).unwrap();
    scene.commit(vec![
        state("run-1", 0, TaskState::Ready, running("A1", 1)),
        attempt_started("run-1", 0, "A1"),
    ]);
    assert!(outputs(&scene).is_empty());
    scene.commit(vec![attempt_ended("A1", Outcome::Succeeded)]);
    let expected = BTreeMap::from([("url".to_owned(), OutputValue::Plain("http://x".into()))]);
    assert_eq!(outputs(&scene)[&key(0)], expected);
    // A later failure changes nothing about what the success gave.
    scene.commit(vec![attempt_started("run-1", 0, "A2"), attempt_ended("A2", failed())]);
    assert_eq!(outputs(&scene)[&key(0)], expected);
    let mut undo = attempt_started("run-1", 0, "A3");
    let Record::AttemptStarted { undo: flag, .. } = &mut undo else { unreachable!("made so") };
    *flag = true;
    scene.commit(vec![undo, attempt_ended("A3", Outcome::Succeeded)]);
    assert!(outputs(&scene).is_empty());
    let recorded = scene.ledger.recorded(&document("prd"), &local()).unwrap();
    assert_eq!(recorded[&key(0)].last_duration_ms, Some(1500));
}

#[test]
fn a_run_tells_everything_in_the_order_of_recording() {
    let mut scene = Scene::with_run(2);
    let run = RunId::from("run-1");
    let probe = Record::ProbeEnded {
        run: Some(run.clone()),
        key: key(0),
        id: id(0),
        probe: ProbeKind::Check,
        verdict: Verdict::Error { message: "API down".to_owned() },
        duration_ms: 12,
        outputs: BTreeMap::new(),
        diagnosis: Default::default(),
    };
    let retry = Record::RetryScheduled {
        run: run.clone(),
        key: key(0),
        id: id(0),
        attempt: 2,
        delay_ms: 800,
        reason: "exit code 3".to_owned(),
    };
    let retrying = TaskState::Waiting { on: WaitFor::Retry { attempt: 2, until_ms: 5 } };
    scene.commit(vec![probe, state("run-1", 0, TaskState::Ready, running("A1", 1))]);
    scene.commit(vec![attempt_started("run-1", 0, "A1")]);
    scene.commit(vec![spawned("A1", 10)]);
    scene.commit(vec![spawned("A1", 11)]);
    scene.commit(vec![attempt_ended("A1", failed()), retry, state("run-1", 0, running("A1", 1), retrying)]);
    scene.commit(vec![attempt_started("run-1", 0, "A2"), state("run-1", 1, TaskState::Ready, waiting())]);
    scene.commit(vec![approved("run-1", 1, "ann")]);
    let detail = scene.ledger.run(&run).unwrap().unwrap();
    assert_eq!(detail.plan, plan("prd", 1, 1, 2));
    assert_eq!((detail.summary.ended, detail.summary.exit_code, detail.summary.pid), (None, None, 4711));
    assert_eq!(detail.summary.options["jobs"], "2");
    let states: Vec<_> = detail.tasks.iter().map(|task| (task.key.clone(), task.state.name())).collect();
    assert_eq!(states, [(key(0), "waiting"), (key(1), "waiting")]);
    assert_eq!(detail.tasks[0].since, at(6));
    let [first, second] = detail.attempts.as_slice() else { panic!("{:?}", detail.attempts) };
    let process = SpawnedProcess {
        step: "run".to_owned(),
        pid: 11,
        start_ticks: 123_456,
        boot_id: "boot-1".to_owned(),
    };
    assert_eq!(first.process.as_ref(), Some(&process));
    assert_eq!((first.started, first.commands.as_slice()), (at(3), &["make build".to_owned()][..]));
    let end = first.end.as_ref().unwrap();
    assert_eq!((end.at, &end.outcome, end.tail.as_str()), (at(6), &failed(), "last line\n"));
    assert_eq!((second.id.as_str(), &second.process, &second.end), ("A2", &None, &None));
    assert_eq!(detail.probes[0].verdict, Verdict::Error { message: "API down".to_owned() });
    assert_eq!((detail.retries[0].attempt, detail.retries[0].delay_ms), (2, 800));
    assert_eq!((detail.approvals[0].by.as_str(), detail.approvals[0].at), ("ann", at(8)));
    // The same by document, and what is open.
    assert_eq!(scene.ledger.attempts(&document("prd"), &local()).unwrap(), detail.attempts);
    assert_eq!(scene.ledger.probes(&document("prd"), &local()).unwrap(), detail.probes);
    assert_eq!(scene.ledger.retries(&document("prd"), &local()).unwrap(), detail.retries);
    assert_eq!(scene.ledger.approvals(&document("prd"), &local()).unwrap(), detail.approvals);
    assert_eq!(scene.ledger.open_attempts().unwrap(), std::slice::from_ref(second));
    assert_eq!(scene.ledger.run(&RunId::from("run-9")).unwrap(), None);
}

#[test]
fn runs_are_listed_newest_first_and_filtered() {
    let mut scene = Scene::with_run(1);
    let mut kind = plan("prd", 1, 1, 1);
    kind.environment = EnvironmentName::from("kind");
    scene.commit(vec![run_ended("run-1"), started("run-2", plan("prd", 1, 2, 1)), started("run-3", kind)]);
    scene.commit(vec![parsed("other", 1, 1), started("run-4", plan("other", 1, 1, 1))]);
    let names = |filter: RunFilter| -> Vec<String> {
        scene.ledger.runs(&filter).unwrap().into_iter().map(|run| run.id.as_str().to_owned()).collect()
    };
    let all = RunFilter::default();
    assert_eq!(names(all.clone()), ["run-4", "run-3", "run-2", "run-1"]);
    assert_eq!(names(RunFilter { limit: Some(2), ..all.clone() }), ["run-4", "run-3"]);
    assert_eq!(
        names(RunFilter { document: Some(document("prd")), ..all.clone() }),
        ["run-3", "run-2", "run-1"]
    );
    let here = RunFilter { document: Some(document("prd")), environment: Some(local()), ..all };
    assert_eq!(names(here.clone()), ["run-2", "run-1"]);
    assert_eq!(names(RunFilter { unfinished: true, ..here }), ["run-2"]);
    let unfinished = scene.ledger.unfinished_runs().unwrap();
    assert_eq!(unfinished.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["run-2", "run-3", "run-4"]);
    let ended = scene.ledger.run(&RunId::from("run-1")).unwrap().unwrap().summary;
    assert_eq!((ended.exit_code, ended.ended, ended.counts["completed"]), (Some(0), Some(at(2)), 1));
    assert_eq!(scene.ledger.next_plan_number(&document("prd"), &local()).unwrap(), 3);
    assert_eq!(scene.ledger.next_plan_number(&document("other"), &EnvironmentName::from("kind")).unwrap(), 1);
}

#[test]
fn the_states_of_an_older_run_stay_what_they_were() {
    let mut scene = Scene::with_run(1);
    scene.commit(vec![state("run-1", 0, TaskState::Pending, TaskState::Completed), run_ended("run-1")]);
    scene.commit(vec![started("run-2", plan("prd", 1, 2, 1))]);
    scene.commit(vec![state("run-2", 0, TaskState::Pending, TaskState::Ready)]);
    let of = |run: &str| scene.ledger.run(&RunId::from(run)).unwrap().unwrap().tasks[0].state.clone();
    assert_eq!((of("run-1"), of("run-2")), (TaskState::Completed, TaskState::Ready));
    let entries = scene.ledger.run_entries(&RunId::from("run-1")).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(scene.ledger.run_entries(&RunId::from("run-2")).unwrap().len(), 2);
}

#[test]
fn the_history_of_a_task_crosses_runs_and_people() {
    let mut scene = Scene::with_run(2);
    scene.commit(vec![
        state("run-1", 0, TaskState::Ready, running("A1", 1)),
        attempt_started("run-1", 0, "A1"),
    ]);
    scene.commit(vec![state("run-1", 1, TaskState::Pending, TaskState::Ready), spawned("A1", 7)]);
    scene.commit(vec![attempt_ended("A1", failed()), run_ended("run-1")]);
    let current = running("A1", 1);
    scene.commit(vec![started("run-2", plan("prd", 1, 2, 2))]);
    scene.commit(vec![state("run-2", 0, current, TaskState::Unknown { reason: "lost".to_owned() })]);
    let unknown = TaskState::Unknown { reason: "lost".to_owned() };
    scene.commit(vec![set(0, unknown, TaskState::Completed, "ann")]);
    let kinds: Vec<_> = scene
        .ledger
        .history(&key(0))
        .unwrap()
        .into_iter()
        .map(|entry| serde_json::to_value(entry.record).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    let expected =
        ["task.state", "attempt.started", "attempt.spawned", "attempt.ended", "task.state", "task.state"];
    assert_eq!(kinds, expected);
    let recorded = scene.ledger.recorded(&document("prd"), &local()).unwrap();
    assert_eq!(recorded[&key(0)].by.as_deref(), Some("ann"));
}

#[test]
fn a_task_known_by_likeness_alone_keeps_its_history_but_not_its_completion() {
    let mut scene = Scene::with_run(2);
    scene.commit(vec![
        state("run-1", 0, TaskState::Ready, running("A1", 1)),
        attempt_started("run-1", 0, "A1"),
        attempt_ended("A1", Outcome::Succeeded),
        state("run-1", 0, running("A1", 1), TaskState::Completed),
        state("run-1", 1, TaskState::Ready, TaskState::Satisfied),
    ]);
    let renamed = |from: &str, number| TaskChange::Renamed { from: from.into(), id: id(number) };
    // The first has another address, the second only another title.
    scene.commit(vec![parsed_with("prd", 2, 2, vec![renamed("old-address", 0), renamed("t1", 1)])]);
    let recorded = scene.ledger.recorded(&document("prd"), &local()).unwrap();
    assert_eq!((&recorded[&key(0)].state, &recorded[&key(0)].digest), (&TaskState::Pending, &None));
    assert_eq!(recorded[&key(0)].last_duration_ms, Some(1500));
    assert_eq!(recorded[&key(1)].state, TaskState::Satisfied);
    assert!(scene.ledger.outputs(&document("prd"), &local()).unwrap().is_empty());
    assert_eq!(scene.ledger.history(&key(0)).unwrap().len(), 4);
    assert!(scene.ledger.audit().unwrap().holds());
}

#[test]
fn times_are_read_as_they_were_returned() {
    let mut scene = Scene::new();
    let fine = jiff::Timestamp::new(1_800_000_000, 123_456_789).unwrap();
    let entries =
        scene.ledger.commit(vec![parsed("prd", 1, 1)], fine, taskmaster::store::Durability::Full).unwrap();
    assert_eq!(scene.second(Access::ReadOnly).entries_since(0).unwrap(), entries);
    assert_eq!(entries[0].at, jiff::Timestamp::new(1_800_000_000, 123_456_000).unwrap());
}

#[test]
fn nothing_committed_is_nothing_recorded() {
    let mut scene = Scene::new();
    assert!(scene.commit(vec![]).is_empty());
    assert_eq!(scene.ledger.head().unwrap().seq, 0);
}
