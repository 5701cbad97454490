//! One rule each: what a try is made of, what the plan has decided, and what is refused.

use crate::build::{at, options, plan};
use crate::script::{Script, after, any, boom, error, retrying, with_check};
use crate::sim::{attempt_ended, failed};
use taskmaster_core::action::{ActionKind, Expectation, FailureKind};
use taskmaster_core::journal::{Outcome, ProbeKind, Verdict};
use taskmaster_core::plan::{Disposition, PlannedTask};
use taskmaster_core::scheduler::{Effect, Event, Refused, RunEnd, Scheduler};
use taskmaster_core::state::{TaskState, WaitFor};

#[test]
fn a_true_check_satisfies_and_a_false_one_runs() {
    let mut script = Script::begin(&[&with_check, &with_check]);
    assert_eq!(script.answer(), ["Check t0", "Check t1"]);
    script.check(0, Verdict::True);
    script.check(1, Verdict::False);
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
    script.end(1, Outcome::Succeeded);
    assert_eq!(
        script.answer(),
        ["Check t1 for the last time"],
        "without verify the check tells whether it worked"
    );
    script.check(1, Verdict::True);
    assert_eq!(script.answer(), ["Finish Succeeded"]);
    assert_eq!(script.names(), ["satisfied", "completed"]);
}

#[test]
fn what_is_done_runs_again_where_others_read_outputs_that_nobody_knows() {
    let owes = |task: &mut PlannedTask| {
        with_check(task);
        task.owes_outputs = true;
    };
    let once = |task: &mut PlannedTask| {
        owes(task);
        task.policy.idempotent = false;
    };
    let mut script = Script::begin(&[&owes, &after(&[0]), &once, &after(&[2])]);
    assert_eq!(script.answer(), ["Check t0", "Check t2"]);
    script.check(0, Verdict::True);
    assert_eq!(script.answer(), ["Attempt t0 #1"]);
    script.end(0, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Check t0 for the last time"]);
    script.check(0, Verdict::True);
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
    script.check(2, Verdict::True);
    assert_eq!(script.names(), ["completed", "running", "failed", "blocked"]);
    let TaskState::Failed { reason } = script.state(2) else { panic!("failed") };
    assert_eq!(reason, "it is done, but its outputs are not known, and it must not run twice");
}

#[test]
fn an_error_of_a_check_never_leads_to_a_run() {
    let mut script = Script::begin(&[&|task| {
        with_check(task);
        retrying(task);
    }]);
    script.check(0, error());
    assert_eq!(script.answer(), ["retry t0 #2 after 1000", "Timer t0 1000"]);
    script.timer(0, 1000);
    assert_eq!(script.answer(), ["Check t0"]);
    script.check(0, error());
    script.timer(0, 3000);
    script.check(0, error());
    assert_eq!(script.answer(), ["Finish Failed"]);
    let TaskState::Failed { reason } = script.state(0) else { panic!("failed") };
    assert_eq!(reason, "the check could not tell: api is down");
    assert!(script.sim.view.attempts.is_empty());
}

#[test]
fn a_cause_that_stays_ends_the_tries_early_and_says_so() {
    let mut script = Script::begin(&[&retrying]);
    script.hopeless_end(0, boom());
    assert_eq!(script.answer(), ["Finish Failed"]);
    let TaskState::Failed { reason } = script.state(0) else { panic!("failed") };
    assert_eq!(reason, "boom (not tried again: forbidden, the same user gets the same answer)");

    let mut script = Script::begin(&[&any]);
    script.hopeless_end(0, boom());
    let TaskState::Failed { reason } = script.state(0) else { panic!("failed") };
    assert_eq!(reason, "boom", "there was no other try to leave out");
}

#[test]
fn a_check_that_stays_an_error_is_asked_once() {
    let mut script = Script::begin(&[&|task| {
        with_check(task);
        retrying(task);
    }]);
    script.hopeless_probe(0, ProbeKind::Check, error());
    assert_eq!(script.answer(), ["Finish Failed"]);
    let TaskState::Failed { reason } = script.state(0) else { panic!("failed") };
    assert!(
        reason.starts_with("the check could not tell: api is down (not tried again: forbidden"),
        "{reason}"
    );
    assert!(script.sim.view.attempts.is_empty());
}

#[test]
fn an_effect_is_polled_for_while_it_may_come() {
    let patient = |task: &mut PlannedTask| {
        task.has_verify = true;
        task.policy.verify_timeout_ms = 60_000;
    };
    let mut script = Script::begin(&[&patient]);
    script.end(0, Outcome::Succeeded);
    script.probe(0, ProbeKind::Verify, error());
    assert_eq!(script.answer(), ["Timer t0 1000"], "an error may pass");
    script.timer(0, 1000);
    script.hopeless_probe(0, ProbeKind::Verify, Verdict::False);
    assert_eq!(script.answer(), ["Timer t0 2000"], "a no may become a yes, whatever is said with it");
    script.timer(0, 2000);
    script.hopeless_probe(0, ProbeKind::Verify, error());
    assert_eq!(script.answer(), ["Finish Failed"], "an error that stays is not waited for");
}

#[test]
fn two_failures_then_success_are_three_attempts_with_growing_delays() {
    let mut script = Script::begin(&[&retrying]);
    script.end(0, boom());
    assert_eq!(script.answer(), ["retry t0 #2 after 1000", "Timer t0 1000"]);
    let until_ms = at(1000).as_millisecond();
    assert_eq!(*script.state(0), TaskState::Waiting { on: WaitFor::Retry { attempt: 2, until_ms } });
    script.timer(0, 1000);
    assert_eq!(script.answer(), ["Attempt t0 #2"]);
    script.end(0, boom());
    assert_eq!(script.answer(), ["retry t0 #3 after 2000", "Timer t0 3000"]);
    script.timer(0, 3000);
    script.end(0, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Finish Succeeded"]);
    let numbers: Vec<u32> = script.sim.view.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let ids: std::collections::HashSet<_> =
        script.sim.view.attempts.iter().map(|attempt| attempt.attempt.clone()).collect();
    assert_eq!(ids.len(), 3, "each attempt has an identity of its own");
}

#[test]
fn a_failure_that_the_policy_does_not_name_is_final() {
    let mut script = Script::begin(&[&retrying]);
    script.end(0, failed(FailureKind::Spawn));
    assert_eq!(script.answer(), ["Finish Failed"]);
}

#[test]
fn a_check_that_became_true_before_a_retry_completes_the_task() {
    let mut script = Script::begin(&[&|task| {
        with_check(task);
        retrying(task);
    }]);
    script.check(0, Verdict::False);
    script.end(0, failed(FailureKind::Timeout));
    script.timer(0, 1000);
    assert_eq!(script.answer(), ["Check t0"]);
    script.check(0, Verdict::True);
    assert_eq!(script.names(), ["completed"], "something ran, so it is not merely satisfied");
}

#[test]
fn verify_is_polled_to_its_deadline() {
    let polled = |task: &mut PlannedTask| {
        task.has_verify = true;
        task.policy.verify_timeout_ms = 2500;
    };
    let mut script = Script::begin(&[&polled]);
    script.end(0, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Verify t0"]);
    script.probe(0, ProbeKind::Verify, Verdict::False);
    assert_eq!(script.answer(), ["Timer t0 1000"]);
    script.timer(0, 1000);
    assert_eq!(script.answer(), ["Verify t0"]);
    script.probe(0, ProbeKind::Verify, error());
    assert_eq!(script.answer(), ["Timer t0 2000"], "an error is not yet an answer");
    script.timer(0, 2000);
    script.probe(0, ProbeKind::Verify, Verdict::False);
    assert_eq!(script.answer(), ["Timer t0 2500"], "not past the deadline");
    script.timer(0, 2500);
    assert_eq!(script.answer(), ["Verify t0 for the last time"]);
    script.probe(0, ProbeKind::Verify, Verdict::False);
    assert_eq!(script.answer(), ["Finish Failed"]);
    let mut well = Script::begin(&[&polled]);
    well.end(0, Outcome::Succeeded);
    well.probe(0, ProbeKind::Verify, Verdict::False);
    well.timer(0, 1000);
    well.probe(0, ProbeKind::Verify, Verdict::True);
    assert_eq!(well.names(), ["completed"]);
}

#[test]
fn a_look_that_began_before_the_deadline_is_not_the_last() {
    let polled = |task: &mut PlannedTask| {
        task.has_verify = true;
        task.policy.verify_timeout_ms = 2500;
    };
    let mut script = Script::begin(&[&polled]);
    script.end(0, Outcome::Succeeded);
    script.later(2600);
    script.probe(0, ProbeKind::Verify, Verdict::False);
    assert_eq!(script.answer(), ["Timer t0 2600"], "once more, and at once");
    script.timer(0, 2600);
    assert_eq!(script.answer(), ["Verify t0 for the last time"]);
    script.later(2700);
    script.probe(0, ProbeKind::Verify, Verdict::False);
    assert_eq!(script.answer(), ["Finish Failed"]);
}

#[test]
fn a_verify_that_cannot_tell_fails_as_a_check_error() {
    let mut script = Script::begin(&[&|task| {
        task.has_verify = true;
        task.policy.retry.attempts = 2;
        task.policy.retry.on = vec![FailureKind::NotVerified];
    }]);
    script.end(0, Outcome::Succeeded);
    script.probe(0, ProbeKind::Verify, error());
    assert_eq!(script.answer(), ["Finish Failed"], "the policy retries another kind only");
}

#[test]
fn a_timer_that_is_early_is_asked_for_again_and_a_stale_one_passed_over() {
    let mut script = Script::begin(&[&retrying, &any]);
    script.end(0, boom());
    script.timer(0, 400);
    assert_eq!(script.answer(), ["Timer t0 1000"]);
    script.set(0, TaskState::Completed);
    script.timer(0, 1000);
    assert_eq!(script.answer(), Vec::<String>::new());
    assert_eq!(script.names(), ["completed", "running"]);
}

#[test]
fn what_cannot_be_taken_back_is_asked_for_after_the_check() {
    let careful = |task: &mut PlannedTask| {
        with_check(task);
        task.approval = Some("drop the table?".to_owned());
    };
    let mut script = Script::begin(&[&careful]);
    script.check(0, Verdict::False);
    assert_eq!(script.answer(), Vec::<String>::new());
    let message = "drop the table?".to_owned();
    assert_eq!(*script.state(0), TaskState::Waiting { on: WaitFor::Approval { message } });
    script.give(vec![Event::Approved { task: 0 }]);
    assert_eq!(script.answer(), ["Check t0"], "the world may have changed while it waited");
    script.check(0, Verdict::False);
    assert_eq!(script.answer(), ["Attempt t0 #1"]);
    let mut done = Script::begin(&[&careful]);
    done.check(0, Verdict::True);
    assert_eq!(done.names(), ["satisfied"], "nobody need approve what is done");
}

#[test]
fn a_mere_approval_is_done_by_the_yes() {
    let mut script = Script::begin(&[
        &|task| {
            task.kind = Some(ActionKind::Approval);
            task.approval = Some("ship?".to_owned());
        },
        &after(&[0]),
    ]);
    assert_eq!(script.names(), ["waiting", "pending"]);
    script.give(vec![Event::Approved { task: 0 }]);
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
    assert_eq!(script.names(), ["completed", "running"]);
}

#[test]
fn an_approval_without_check_is_asked_for_first_and_once() {
    let mut script = Script::begin(&[&|task| {
        retrying(task);
        task.approval = Some("sure?".to_owned());
    }]);
    script.give(vec![Event::Approved { task: 0 }]);
    assert_eq!(script.answer(), ["Attempt t0 #1"]);
    script.end(0, boom());
    script.timer(0, 1000);
    assert_eq!(script.answer(), ["Attempt t0 #2"], "the yes holds for the retries");
}

#[test]
fn a_person_does_a_manual_task() {
    let mut script = Script::begin(&[&|task| task.disposition = Disposition::Manual, &after(&[0])]);
    assert_eq!(*script.state(0), TaskState::Waiting { on: WaitFor::Manual });
    assert_eq!(script.answer(), Vec::<String>::new(), "it waits, the run goes on");
    script.set(0, TaskState::Completed);
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
    let by = script.sim.view.tasks[0].by.as_deref();
    assert_eq!(by, Some("a person"));
}

#[test]
fn a_run_that_is_not_to_wait_ends_when_only_people_can_go_on() {
    let mut waiting = options(2);
    waiting.end_when_waiting = true;
    let manual = |task: &mut PlannedTask| task.disposition = Disposition::Manual;
    let mut script = Script::new(waiting, &[&manual, &after(&[0]), &any]);
    script.give(vec![Event::Begin]);
    assert_eq!(script.answer(), ["Attempt t2 #1"]);
    script.end(2, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Finish Waiting"]);
    assert_eq!(script.names(), ["waiting", "pending", "completed"]);
}

#[test]
fn an_unknown_end_of_an_earlier_run_blocks_only_what_depends_on_it() {
    let unknown = |task: &mut PlannedTask| {
        task.disposition = Disposition::Unknown { reason: "killed".to_owned() };
    };
    let mut script = Script::begin(&[&unknown, &after(&[0]), &any]);
    assert_eq!(script.answer(), ["Attempt t2 #1"], "nothing failed in this run");
    script.set(0, TaskState::Completed);
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
}

#[test]
fn groups_complete_with_their_subtasks() {
    let group = |task: &mut PlannedTask| {
        task.disposition = Disposition::Group;
        task.dependencies = vec![1];
    };
    let mut script = Script::begin(&[&group, &any, &after(&[0])]);
    assert_eq!(script.names(), ["pending", "running", "pending"]);
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.names(), ["completed", "completed", "running"]);
}

#[test]
fn what_the_plan_has_decided_holds_from_the_beginning() {
    let decided =
        |disposition: Disposition| move |task: &mut PlannedTask| task.disposition = disposition.clone();
    let recorded = decided(Disposition::Recorded { state: TaskState::Completed });
    let broken = decided(Disposition::Recorded { state: TaskState::Pending });
    let skip = decided(Disposition::Skip { reason: "no cluster".to_owned() });
    let cancelled = decided(Disposition::Cancelled);
    let wish = decided(Disposition::Recorded { state: TaskState::Cancelled });
    let mut script = Script::begin(&[&recorded, &skip, &cancelled, &broken, &wish]);
    assert_eq!(script.names(), ["completed", "skipped", "cancelled", "running", "cancelled"]);
    let by: Vec<Option<&str>> = script.sim.view.tasks.iter().map(|task| task.by.as_deref()).collect();
    assert_eq!(by, [None, None, None, None, Some("a person")], "a wish of an earlier run stays one");
    script.end(3, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Finish Succeeded"]);
}

#[test]
fn an_empty_plan_succeeds_at_once() {
    assert_eq!(Script::begin(&[]).answer(), ["Finish Succeeded"]);
}

#[test]
fn an_expected_failure_is_success() {
    let expecting = |task: &mut PlannedTask| task.policy.expect = Expectation::Failure;
    let mut script = Script::begin(&[&expecting, &expecting]);
    script.end(0, boom());
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.names(), ["completed", "failed"]);
    assert_eq!(script.sim.end, Some(RunEnd::Failed));
}

#[test]
fn a_lock_is_held_through_verify_and_given_back_while_it_waits() {
    let locked = |task: &mut PlannedTask| {
        retrying(task);
        task.has_verify = true;
        task.policy.locks = vec!["state".to_owned()];
    };
    let mut script = Script::begin(&[&locked, &locked]);
    assert_eq!(script.answer(), ["Attempt t0 #1"], "there is room, but no lock");
    script.end(0, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Verify t0 for the last time"]);
    script.probe(0, ProbeKind::Verify, Verdict::False);
    assert_eq!(script.answer()[1..], ["Timer t0 1000", "Attempt t1 #1"]);
    script.timer(0, 1000);
    assert_eq!(script.answer(), Vec::<String>::new(), "now the other one holds it");
    script.end(1, Outcome::Succeeded);
    script.probe(1, ProbeKind::Verify, Verdict::True);
    assert_eq!(script.answer(), ["Attempt t0 #2"]);
}

#[test]
fn records_stand_before_everything_else_of_a_tick() {
    let mut script = Script::begin(&[&any, &any, &any, &any]);
    let ends: Vec<Event> = (0..2)
        .map(|task| {
            let attempt = script.attempt(task);
            attempt_ended(task, attempt, Outcome::Succeeded, 1)
        })
        .collect();
    script.give(ends);
    let effects = &script.sim.effects[script.seen..];
    let first_other = effects.iter().position(|effect| !matches!(effect, Effect::Record(_))).unwrap();
    assert!(effects[first_other..].iter().all(|effect| !matches!(effect, Effect::Record(_))));
    assert_eq!(script.answer(), ["Attempt t2 #1", "Attempt t3 #1"]);
}

#[test]
fn ends_of_what_is_not_at_work_are_refused_without_harm() {
    let mut script = Script::begin(&[&any]);
    let attempt = script.attempt(0);
    let probe = Event::ProbeEnded {
        task: 0,
        probe: ProbeKind::Check,
        verdict: Verdict::True,
        duration_ms: 1,
        outputs: std::collections::BTreeMap::new(),
        diagnosis: Default::default(),
    };
    let stranger = attempt_ended(0, "01STRANGER".into(), Outcome::Succeeded, 1);
    let good = attempt_ended(0, attempt, Outcome::Succeeded, 1);
    let far = Event::Timer { task: 9 };
    // The books of the simulator know the job under one name only, so it is asked directly.
    let tick = script.sim.scheduler.handle_many([probe, stranger, far, Event::Begin, good], at(1));
    let refused: Vec<usize> = tick.refused.iter().map(|(place, _)| *place).collect();
    assert_eq!(refused, [0, 1, 2, 3]);
    assert_eq!(tick.refused[2].1, Refused::NoSuchTask { task: 9 });
    assert_eq!(tick.refused[3].1, Refused::Begin { begun: true });
    assert_eq!(tick.effects.last(), Some(&Effect::Finish(RunEnd::Succeeded)));
    assert!(script.sim.scheduler.is_over());
}

#[test]
fn nothing_is_taken_before_the_begin() {
    let mut scheduler = Scheduler::new(plan(&[&any]), options(1)).unwrap();
    let refused = scheduler.handle(Event::Timer { task: 0 }, at(0)).unwrap_err();
    assert_eq!(refused.to_string(), "the run has not begun");
    assert_eq!(scheduler.plan().tasks.len(), 1);
    assert_eq!(scheduler.options().jobs, 1);
    assert!(Scheduler::new(plan(&[&after(&[0])]), options(1)).is_err(), "a plan must be a DAG");
}
