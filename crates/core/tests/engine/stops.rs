//! One rule each: failures, people who set them right or take things back, and Ctrl-C.

use crate::build::{Edit, options, task};
use crate::script::{Script, after, any, boom, error, retrying, with_check};
use crate::sim::attempt_ended;
use taskmaster_core::journal::{Outcome, ProbeKind, Verdict};
use taskmaster_core::plan::{Disposition, PlannedTask};
use taskmaster_core::scheduler::{Event, Refused};
use taskmaster_core::state::TaskState;

#[test]
fn after_a_failure_nothing_starts_and_dependants_are_blocked_by_its_root() {
    let mut script = Script::begin(&[&any, &after(&[0]), &after(&[1]), &any, &retrying, &any]);
    // The longest chain first, then document order.
    assert_eq!(script.answer(), ["Attempt t0 #1", "Attempt t3 #1"]);
    script.end(3, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Attempt t4 #1"]);
    script.end(0, boom());
    assert_eq!(script.answer(), Vec::<String>::new());
    assert_eq!(script.names(), ["failed", "blocked", "blocked", "completed", "running", "ready"]);
    let root = TaskState::Blocked { by: task(0).id };
    assert_eq!((script.state(1), script.state(2)), (&root, &root));
    script.end(4, boom());
    assert_eq!(script.answer(), ["Finish Failed"], "no retry is begun either");
    assert_eq!(script.names(), ["failed", "blocked", "blocked", "completed", "pending", "pending"]);
}

#[test]
fn keep_going_does_what_does_not_depend_on_it() {
    let mut script = Script::keep_going(&[&any, &after(&[0]), &any, &after(&[2])]);
    script.end(0, boom());
    assert_eq!(script.answer(), ["Attempt t2 #1"]);
    script.end(2, Outcome::Succeeded);
    script.end(3, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Finish Failed"]);
    assert_eq!(script.names(), ["failed", "blocked", "completed", "completed"]);
}

#[test]
fn a_failure_set_right_during_the_run_frees_the_rest() {
    let mut script = Script::begin(&[&any, &after(&[0]), &any, &any]);
    script.end(0, boom());
    assert_eq!(script.names(), ["failed", "blocked", "running", "ready"]);
    script.set(0, TaskState::Pending);
    assert_eq!(script.answer(), ["Attempt t0 #2"], "its tries are counted anew, its attempts are not");
    script.end(0, boom());
    script.set(0, TaskState::Completed);
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
}

#[test]
fn an_end_taken_back_holds_dependants_back_again() {
    let manual = |task: &mut PlannedTask| task.disposition = Disposition::Claimed;
    let mut script = Script::begin(&[&manual, &any, &any, &after(&[0])]);
    assert_eq!(script.names(), ["claimed", "running", "running", "ready"]);
    script.set(0, TaskState::Pending);
    assert_eq!(script.names(), ["ready", "running", "running", "pending"]);
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Attempt t0 #1"], "what is bound is done");
}

#[test]
fn a_blocked_task_names_what_really_blocks_it() {
    // t3 waits for t2 (behind t0) and for t1. Both fail, t2 is skipped: only t1 is in the way.
    let mut script = Script::keep_going(&[&any, &any, &after(&[0]), &after(&[1, 2]), &any]);
    script.end(0, boom());
    script.end(1, boom());
    assert_eq!(*script.state(3), TaskState::Blocked { by: task(0).id });
    script.set(2, TaskState::Cancelled);
    assert_eq!(*script.state(3), TaskState::Blocked { by: task(1).id });
    script.set(1, TaskState::Completed);
    assert_eq!(script.names(), ["failed", "completed", "cancelled", "ready", "running"]);
}

#[test]
fn a_start_is_not_decided_before_a_failure_of_the_same_tick_is_known() {
    let mut script = Script::begin(&[&with_check, &any]);
    let attempt = script.attempt(1);
    let probe = ProbeKind::Check;
    script.give(vec![
        Event::ProbeEnded {
            task: 0,
            probe,
            verdict: Verdict::False,
            duration_ms: 1,
            outputs: std::collections::BTreeMap::new(),
            diagnosis: Default::default(),
        },
        attempt_ended(1, attempt, boom(), 1),
    ]);
    assert_eq!(script.answer(), ["Finish Failed"]);
    assert_eq!(script.names(), ["pending", "failed"]);
}

#[test]
fn a_task_at_work_whose_dependency_is_taken_back_goes_no_further() {
    let claimed = |task: &mut PlannedTask| {
        task.disposition = Disposition::Claimed;
        task.kind = None;
    };
    let checked = |task: &mut PlannedTask| {
        with_check(task);
        task.dependencies = vec![0];
    };
    let mut script = Script::begin(&[&claimed, &checked]);
    script.set(0, TaskState::Pending);
    assert_eq!(script.names(), ["waiting", "checking"]);
    script.check(1, Verdict::False);
    assert_eq!(script.names(), ["waiting", "pending"]);
    script.set(0, TaskState::Completed);
    assert_eq!(script.answer(), ["Check t1"]);
}

#[test]
fn what_nothing_binds_waits_for_a_person_when_its_claim_is_taken_back() {
    let mut script = Script::begin(&[
        &|task| {
            task.disposition = Disposition::Claimed;
            task.kind = None;
        },
        &any,
    ]);
    script.set(0, TaskState::Pending);
    assert_eq!(script.names(), ["waiting", "running"]);
}

#[test]
fn a_task_at_work_cannot_be_set() {
    let mut script = Script::begin(&[&any, &with_check]);
    for task in 0..2 {
        let to = TaskState::Completed;
        let refused = script.give(vec![Event::Set { task, to }]);
        assert!(matches!(refused[..], [(0, Refused::NotNow { .. })]), "{refused:?}");
        assert_eq!(script.answer(), Vec::<String>::new());
    }
    let refused = script.give(vec![Event::Approved { task: 0 }]);
    let words = refused[0].1.to_string();
    assert_eq!(words, "task 0 is running: it does not wait for an approval");
}

#[test]
fn ctrl_c_lets_what_runs_end_and_leaves_retries() {
    let verified = |task: &mut PlannedTask| task.has_verify = true;
    let mut script = Script::begin(&[&retrying, &verified, &any]);
    script.end(0, boom());
    assert_eq!(script.answer(), ["retry t0 #2 after 1000", "Timer t0 1000", "Attempt t2 #1"]);
    script.give(vec![Event::Interrupt]);
    assert_eq!(script.answer(), Vec::<String>::new());
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Verify t1 for the last time"], "its verify belongs to what runs");
    script.probe(1, ProbeKind::Verify, Verdict::True);
    script.end(2, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Finish Interrupted"]);
    assert_eq!(script.names(), ["pending", "completed", "completed"]);
}

#[test]
fn a_second_ctrl_c_stops_what_runs_and_puts_it_back() {
    let polled = |task: &mut PlannedTask| {
        task.has_verify = true;
        task.policy.verify_timeout_ms = 5000;
    };
    let mut script = Script::begin(&[&polled, &any, &with_check]);
    script.end(0, Outcome::Succeeded);
    script.probe(0, ProbeKind::Verify, Verdict::False);
    assert_eq!(script.names(), ["verifying", "running", "checking"]);
    script.give(vec![Event::Interrupt]);
    script.give(vec![Event::Terminate]);
    assert_eq!(script.answer(), ["Stop t1", "Stop t2"]);
    script.give(vec![Event::Terminate]);
    assert_eq!(script.answer(), Vec::<String>::new(), "once");
    script.end(1, Outcome::Interrupted);
    script.check(2, error());
    assert_eq!(script.answer(), ["Finish Interrupted"]);
    assert_eq!(script.names(), ["pending", "pending", "pending"], "what we stopped did not fail");
}

#[test]
fn ctrl_c_with_nothing_left_to_do_changes_nothing() {
    let mut script = Script::begin(&[&any]);
    script.give(vec![Event::Interrupt]);
    script.end(0, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Finish Succeeded"]);
}

#[test]
fn ctrl_c_before_the_begin_starts_nothing() {
    let mut script = Script::new(options(1), &[&any, &|task| task.disposition = Disposition::Claimed]);
    script.give(vec![Event::Interrupt]);
    assert_eq!(script.answer(), Vec::<String>::new());
    script.give(vec![Event::Begin]);
    assert_eq!(script.answer(), ["Finish Interrupted"]);
    assert_eq!(script.names(), ["pending", "claimed"]);
}

#[test]
fn an_attempt_stopped_from_elsewhere_stops_the_run() {
    let mut script = Script::begin(&[&any, &after(&[0])]);
    script.end(0, Outcome::Interrupted);
    assert_eq!(script.answer(), ["Finish Interrupted"]);
}

#[test]
fn a_lost_end_is_decided_by_the_check_or_stays_unknown() {
    let lost = |edit: Edit<'_>, verdict: Option<Verdict>| {
        let mut script = Script::begin(&[edit, &after(&[0])]);
        if verdict.is_some() {
            script.check(0, Verdict::False);
        }
        script.end(0, Outcome::Lost);
        if let Some(verdict) = verdict {
            assert_eq!(script.answer(), ["Check t0 for the last time"]);
            script.check(0, verdict);
        }
        (script.names(), script.answer())
    };
    let once = |task: &mut PlannedTask| {
        with_check(task);
        task.policy.idempotent = false;
    };
    let again = |task: &mut PlannedTask| {
        with_check(task);
        retrying(task);
    };
    let finish = |end: &str| vec![format!("Finish {end}")];
    assert_eq!(lost(&any, None), (vec!["unknown", "blocked"], finish("Unknown")));
    assert_eq!(lost(&once, Some(Verdict::False)), (vec!["unknown", "blocked"], finish("Unknown")));
    assert_eq!(lost(&with_check, Some(error())), (vec!["unknown", "blocked"], finish("Unknown")));
    assert_eq!(lost(&with_check, Some(Verdict::False)), (vec!["failed", "blocked"], finish("Failed")));
    assert_eq!(lost(&once, Some(Verdict::True)).0, ["completed", "running"]);
    assert_eq!(lost(&again, Some(Verdict::False)).0, ["waiting", "pending"]);
}
