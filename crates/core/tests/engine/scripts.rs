//! One rule each: a plan, what happens, and all that the scheduler answers.

use crate::build::{Edit, at, options, plan, task};
use crate::sim::{Sim, attempt_ended, failed};
use taskmaster_core::action::{ActionKind, Expectation, FailureKind};
use taskmaster_core::id::AttemptId;
use taskmaster_core::journal::{Outcome, ProbeKind, Record, Verdict};
use taskmaster_core::plan::{Disposition, PlannedTask};
use taskmaster_core::scheduler::{Effect, Event, Options, Refused, RunEnd, Scheduler};
use taskmaster_core::state::{TaskState, WaitFor};

/// A run that is told step by step.
struct Script {
    sim: Sim,
    seen: usize,
}

impl Script {
    fn new(options: Options, edits: &[Edit<'_>]) -> Self {
        Self { sim: Sim::new(plan(edits), options), seen: 0 }
    }

    /// Begins a run with two jobs.
    fn begin(edits: &[Edit<'_>]) -> Self {
        let mut script = Self::new(options(2), edits);
        script.give(vec![Event::Begin]);
        script
    }

    fn keep_going(edits: &[Edit<'_>]) -> Self {
        let mut script = Self::new(Options { keep_going: true, ..options(1) }, edits);
        script.give(vec![Event::Begin]);
        script
    }

    fn give(&mut self, events: Vec<Event>) -> Vec<(usize, Refused)> {
        self.seen = self.sim.effects.len();
        self.sim.give(events)
    }

    fn check(&mut self, task: usize, verdict: Verdict) {
        self.probe(task, ProbeKind::Check, verdict);
    }

    fn probe(&mut self, task: usize, probe: ProbeKind, verdict: Verdict) {
        let refused = self.give(vec![Event::ProbeEnded { task, probe, verdict, duration_ms: 1 }]);
        assert_eq!(refused, []);
    }

    fn end(&mut self, task: usize, end: Outcome) {
        let attempt = self.attempt(task);
        assert_eq!(self.give(vec![attempt_ended(task, attempt, end, 1)]), []);
    }

    fn timer(&mut self, task: usize, ms: i64) {
        self.sim.now = at(ms);
        assert_eq!(self.give(vec![Event::Timer { task }]), []);
    }

    fn set(&mut self, task: usize, to: TaskState) {
        assert_eq!(self.give(vec![Event::Set { task, to }]), []);
    }

    /// What the last events led to, records of states and answers left out.
    fn answer(&self) -> Vec<String> {
        let told = |effect: &Effect| match effect {
            Effect::Record(record) => match &**record {
                Record::RetryScheduled { id, attempt, delay_ms, .. } => {
                    Some(format!("retry {id} #{attempt} after {delay_ms}"))
                }
                _ => None,
            },
            Effect::Probe { task, probe } => Some(format!("{probe:?} t{task}")),
            Effect::Attempt { task, number, .. } => Some(format!("Attempt t{task} #{number}")),
            Effect::Stop { task } => Some(format!("Stop t{task}")),
            Effect::Timer { task, at } => {
                Some(format!("Timer t{task} {}", at.as_millisecond() - crate::build::at(0).as_millisecond()))
            }
            Effect::Finish(end) => Some(format!("Finish {end:?}")),
        };
        self.sim.effects[self.seen..].iter().filter_map(told).collect()
    }

    fn state(&self, task: usize) -> &TaskState {
        &self.sim.scheduler.states()[task]
    }

    /// The attempt at work for a task.
    fn attempt(&self, task: usize) -> AttemptId {
        match self.state(task) {
            TaskState::Running { attempt, .. } => attempt.clone(),
            other => panic!("t{task} is {}", other.name()),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.sim.scheduler.states().iter().map(TaskState::name).collect()
    }
}

fn with_check(task: &mut PlannedTask) {
    task.has_check = true;
}

fn after(dependencies: &'static [usize]) -> impl Fn(&mut PlannedTask) {
    |task| task.dependencies = dependencies.to_vec()
}

fn any(_: &mut PlannedTask) {}

fn retrying(task: &mut PlannedTask) {
    task.policy.retry.attempts = 3;
    task.policy.retry.jitter = false;
}

fn error() -> Verdict {
    Verdict::Error { message: "api is down".to_owned() }
}

fn boom() -> Outcome {
    failed(FailureKind::ExitCode)
}

#[test]
fn a_true_check_satisfies_and_a_false_one_runs() {
    let mut script = Script::begin(&[&with_check, &with_check]);
    assert_eq!(script.answer(), ["Check t0", "Check t1"]);
    script.check(0, Verdict::True);
    script.check(1, Verdict::False);
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Check t1"], "without verify the check tells whether it worked");
    script.check(1, Verdict::True);
    assert_eq!(script.answer(), ["Finish Succeeded"]);
    assert_eq!(script.names(), ["satisfied", "completed"]);
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
        Event::ProbeEnded { task: 0, probe, verdict: Verdict::False, duration_ms: 1 },
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
    assert_eq!(script.answer(), ["Verify t1"], "its verify belongs to what runs");
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
            assert_eq!(script.answer(), ["Check t0"]);
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
    assert_eq!(script.answer(), ["Verify t0"]);
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
    let probe =
        Event::ProbeEnded { task: 0, probe: ProbeKind::Check, verdict: Verdict::True, duration_ms: 1 };
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
