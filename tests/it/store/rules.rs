//! What the ledger refuses, and that a refusal leaves nothing.

use super::support::*;
use taskmaster::app::ledger::LedgerError;
use taskmaster_core::journal::{Outcome, Record};
use taskmaster_core::state::TaskState;

/// Commits after `setup` and says what the ledger answers; a refusal must leave no event.
fn refused(setup: Vec<Record>, records: Vec<Record>) -> String {
    let mut scene = Scene::with_run(3);
    if !setup.is_empty() {
        scene.commit(setup);
    }
    let before = scene.ledger.head().unwrap();
    let error = scene.try_commit(records).unwrap_err();
    assert_eq!(scene.ledger.head().unwrap(), before, "a refused commit left something");
    assert!(scene.ledger.audit().unwrap().holds());
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

fn pending_to(to: TaskState) -> Record {
    set(0, TaskState::Pending, to, "ann")
}

#[test]
fn a_run_needs_its_document_the_latest_revision_and_the_next_plan() {
    let other = || started("run-2", plan("other", 1, 1, 1));
    assert_eq!(refused(vec![], vec![other()]), "document other is not in the ledger");
    let stale = refused(vec![parsed("prd", 2, 3)], vec![started("run-2", plan("prd", 1, 2, 3))]);
    assert_eq!(stale, "prd is at revision 2, not at 1");
    let old = refused(vec![], vec![started("run-2", plan("prd", 1, 1, 3))]);
    assert_eq!(old, "plan 1 is stale, the next one is 2");
    let again = refused(vec![], vec![started("run-1", plan("prd", 1, 2, 3))]);
    assert_eq!(again, "run run-1 is in the ledger already");
}

#[test]
fn revisions_are_counted_without_gaps() {
    assert_eq!(refused(vec![], vec![parsed("prd", 1, 1)]), "prd is at revision 1, not at 0");
    assert_eq!(refused(vec![], vec![parsed("prd", 3, 1)]), "prd is at revision 1, not at 2");
}

#[test]
fn nothing_is_recorded_for_a_run_that_is_unknown_over_or_another_one() {
    let to = |run| state(run, 0, TaskState::Pending, TaskState::Ready);
    assert_eq!(refused(vec![], vec![to("run-9")]), "run run-9 is not in the ledger");
    assert_eq!(refused(vec![run_ended("run-1")], vec![to("run-1")]), "run run-1 has ended");
    assert_eq!(refused(vec![run_ended("run-1")], vec![run_ended("run-1")]), "run run-1 has ended");
    let setup = vec![parsed("other", 1, 1), started("run-2", plan("other", 1, 1, 1))];
    assert_eq!(refused(setup, vec![to("run-2")]), "run run-2 is not one of prd in local");
}

#[test]
fn an_attempt_starts_once_and_ends_once() {
    let begin = || attempt_started("run-1", 0, "A1");
    let end = || attempt_ended("A1", Outcome::Succeeded);
    assert_eq!(refused(vec![begin()], vec![begin()]), "attempt A1 is in the ledger already");
    assert_eq!(refused(vec![], vec![end()]), "attempt A1 is not in the ledger");
    assert_eq!(refused(vec![begin(), end()], vec![end()]), "attempt A1 has ended");
    assert_eq!(refused(vec![begin(), end()], vec![spawned("A1", 5)]), "attempt A1 has ended");
}

#[test]
fn a_person_sets_what_is_still_as_it_was_seen() {
    let setup = || vec![pending_to(TaskState::Completed)];
    let late = refused(setup(), vec![pending_to(TaskState::Cancelled)]);
    assert_eq!(late, "t0 is completed now, not pending");
    let running = TaskState::Running { attempt: "A1".into(), number: 1 };
    let setup = vec![state("run-1", 0, TaskState::Ready, running.clone())];
    let at_work = refused(setup, vec![set(0, running, TaskState::Completed, "ann")]);
    assert_eq!(at_work, "t0 is running, it cannot become completed");
    let no_end = refused(vec![], vec![pending_to(TaskState::Checking)]);
    assert_eq!(no_end, "t0 is pending, it cannot become checking");
}

#[test]
fn an_approval_needs_a_task_that_waits_for_one_and_is_given_once() {
    assert_eq!(
        refused(vec![], vec![approved("run-1", 0, "ann")]),
        "t0 is pending, it does not wait for an approval"
    );
    let wait = || state("run-1", 0, TaskState::Ready, waiting());
    let twice = refused(vec![wait(), approved("run-1", 0, "ann")], vec![approved("run-1", 0, "bob")]);
    assert_eq!(twice, "t0 is approved already");
    let over = refused(vec![wait(), run_ended("run-1")], vec![approved("run-1", 0, "ann")]);
    assert_eq!(over, "run run-1 has ended");
    // A second question may be answered again.
    let mut scene = Scene::with_run(1);
    scene.commit(vec![wait(), approved("run-1", 0, "ann")]);
    scene.commit(vec![state("run-1", 0, waiting(), TaskState::Ready), wait()]);
    scene.commit(vec![approved("run-1", 0, "ann")]);
}

#[test]
fn a_batch_is_recorded_whole_or_not_at_all() {
    let good = state("run-1", 1, TaskState::Pending, TaskState::Ready);
    let bad = attempt_ended("nowhere", Outcome::Lost);
    refused(vec![], vec![good, bad]);
}

#[test]
fn the_executor_is_not_stopped_by_what_people_set_meanwhile() {
    let mut scene = Scene::with_run(1);
    scene.commit(vec![pending_to(TaskState::Cancelled)]);
    scene.commit(vec![state("run-1", 0, TaskState::Pending, TaskState::Ready)]);
    // It notices the person's change then, and repeats it in its run.
    let mut echo = state("run-1", 0, TaskState::Ready, TaskState::Cancelled);
    let Record::TaskState { by, .. } = &mut echo else { unreachable!("made so") };
    *by = Some("a person".to_owned());
    scene.commit(vec![echo]);
    let recorded = scene.ledger.recorded(&document("prd"), &local()).unwrap();
    assert_eq!(recorded[&key(0)].state, TaskState::Cancelled);
}

#[test]
fn the_name_of_a_person_stays_while_runs_only_repeat_the_state() {
    let mut scene = Scene::with_run(1);
    scene.commit(vec![state("run-1", 0, TaskState::Ready, waiting())]);
    scene.commit(vec![set(0, waiting(), TaskState::Completed, "ann")]);
    let by = |scene: &Scene| {
        let known = scene.ledger.evidence(&document("prd"), &local()).unwrap().remove(&key(0)).unwrap();
        (known.by, known.message, known.digest)
    };
    let ann = (Some("ann".to_owned()), Some("seen by eye".to_owned()), None);
    // The run that goes on repeats it in its own name, a later run recalls it.
    let mut echo = state("run-1", 0, waiting(), TaskState::Completed);
    let Record::TaskState { by: name, .. } = &mut echo else { unreachable!("made so") };
    *name = Some("a person".to_owned());
    scene.commit(vec![echo, run_ended("run-1"), started("run-2", plan("prd", 1, 2, 1))]);
    assert_eq!(by(&scene), ann);
    scene.commit(vec![state("run-2", 0, TaskState::Pending, TaskState::Completed)]);
    assert_eq!(by(&scene), ann);
    // A state that the task reached by itself is nobody's.
    scene.commit(vec![
        state("run-2", 0, TaskState::Completed, TaskState::Ready),
        state("run-2", 0, TaskState::Ready, TaskState::Completed),
    ]);
    assert_eq!(by(&scene), (None, None, Some(taskmaster_core::id::Digest::of(b"action"))));
}

#[test]
fn an_error_of_the_file_keeps_its_exit_code() {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("ledger.db"), "no ledger").unwrap();
    let error = taskmaster::app::ledger::Ledger::open(dir.path(), taskmaster::store::Access::ReadWrite);
    assert!(matches!(&error, Err(LedgerError::Store(_))));
    assert_eq!(error.unwrap_err().exit_code(), 42);
}
