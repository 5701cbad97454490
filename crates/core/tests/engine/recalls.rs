//! Tasks that were done before and read outputs of tasks that this run may do again.

use crate::build::task;
use crate::script::{Script, after, any, boom, with_check};
use crate::sim::attempt_ended;
use std::collections::BTreeMap;
use taskmaster_core::action::ActionKind;
use taskmaster_core::id::Digest;
use taskmaster_core::journal::{Outcome, ProbeKind, Record, Verdict};
use taskmaster_core::plan::{Disposition, PlannedTask};
use taskmaster_core::scheduler::{Effect, Event};
use taskmaster_core::state::TaskState;

fn done(task: &mut PlannedTask) {
    task.disposition = Disposition::Recorded { state: TaskState::Completed };
}

fn reads(reads: &'static [usize]) -> impl Fn(&mut PlannedTask) {
    |task| {
        task.dependencies = reads.to_vec();
        task.reads = reads.to_vec();
    }
}

fn done_reads(before: &'static [usize]) -> impl Fn(&mut PlannedTask) {
    move |task| {
        done(task);
        reads(before)(task);
    }
}

/// Done before, and files belong to it that tasks before it may change.
fn done_with_files(before: &'static [usize]) -> impl Fn(&mut PlannedTask) {
    move |task| {
        done(task);
        task.dependencies = before.to_vec();
        task.reads_files = true;
    }
}

fn other() -> Digest {
    Digest::of(b"with other outputs")
}

impl Script {
    /// An attempt ends well; its outputs give a task that reads them this digest.
    fn end_digested(&mut self, task: usize, reader: usize, digest: &Digest) {
        let attempt = self.attempt(task);
        let digested = Event::Digested { task: reader, digest: digest.clone() };
        let events = vec![digested, attempt_ended(task, attempt, Outcome::Succeeded, 1)];
        assert_eq!(self.give(events), []);
    }

    /// Digests with which a task is recorded as completed.
    fn completed_with(&self, task: usize) -> Vec<Option<Digest>> {
        let key = &self.sim.plan.tasks[task].key;
        let told = |effect: &Effect| match effect {
            Effect::Record(record) => match &**record {
                Record::TaskState { key: of, to: TaskState::Completed, digest, .. } if of == key => {
                    Some(digest.clone())
                }
                _ => None,
            },
            _ => None,
        };
        self.sim.effects.iter().filter_map(told).collect()
    }
}

#[test]
fn what_runs_is_recorded_with_the_digest_of_what_ran() {
    let mut script = Script::begin(&[&any, &reads(&[0])]);
    script.end_digested(0, 1, &other());
    let given = script.sim.effects.iter().find_map(|effect| match effect {
        Effect::Attempt { task: 1, digest, .. } => Some(digest.clone()),
        _ => None,
    });
    assert_eq!(given, Some(Some(other())));
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.completed_with(1), [Some(other())]);
    assert_eq!(script.completed_with(0), [task(0).digest], "nobody else's changes");
}

#[test]
fn the_same_outputs_leave_it_done() {
    let mut script = Script::begin(&[&any, &done_reads(&[0]), &after(&[1])]);
    assert_eq!(script.names(), ["running", "pending", "pending"], "it cannot be told yet");
    script.end_digested(0, 1, &task(1).digest.unwrap());
    assert_eq!(script.names(), ["completed", "completed", "running"]);
    assert_eq!(script.answer(), ["Attempt t2 #1"]);
}

#[test]
fn other_outputs_make_it_run_again() {
    let mut script = Script::begin(&[&any, &done_reads(&[0]), &after(&[1])]);
    script.end_digested(0, 1, &other());
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Attempt t2 #1"]);
    assert_eq!(script.completed_with(1), [Some(other())]);
}

#[test]
fn files_that_changed_make_it_run_again_and_others_leave_it_done() {
    let mut script = Script::begin(&[&any, &done_with_files(&[0]), &after(&[1])]);
    assert_eq!(script.names(), ["running", "pending", "pending"], "it cannot be told yet");
    script.end_digested(0, 1, &other());
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.completed_with(1), [Some(other())]);

    let mut script = Script::begin(&[&any, &done_with_files(&[0]), &after(&[1])]);
    script.end_digested(0, 1, &task(1).digest.unwrap());
    assert_eq!(script.names(), ["completed", "completed", "running"]);
    let script = Script::begin(&[&done_with_files(&[]), &any]);
    assert_eq!(script.names(), ["completed", "running"], "nothing comes before it");
}

#[test]
fn outputs_found_by_a_check_count_too() {
    let mut script = Script::begin(&[&with_check, &done_reads(&[0])]);
    let probe = Event::ProbeEnded {
        task: 0,
        probe: ProbeKind::Check,
        verdict: Verdict::True,
        duration_ms: 1,
        outputs: BTreeMap::default(),
        diagnosis: Default::default(),
    };
    assert_eq!(script.give(vec![Event::Digested { task: 1, digest: other() }, probe]), []);
    assert_eq!(script.names(), ["satisfied", "running"]);
}

#[test]
fn a_chain_of_readers_is_looked_at_one_after_the_other() {
    let mut script = Script::begin(&[&any, &done_reads(&[0]), &done_reads(&[1])]);
    assert_eq!(script.names(), ["running", "pending", "pending"]);
    script.end_digested(0, 1, &other());
    script.end_digested(1, 2, &other());
    assert_eq!(script.answer(), ["Attempt t2 #1"]);
}

#[test]
fn what_it_reads_fails_and_it_stays_done() {
    let mut script = Script::begin(&[&any, &done_reads(&[0]), &after(&[0])]);
    script.end(0, boom());
    assert_eq!(script.names(), ["failed", "completed", "blocked"]);
}

#[test]
fn what_it_reads_is_decided_and_it_is_done_from_the_beginning() {
    let script = Script::begin(&[&done, &done_reads(&[0]), &any]);
    assert_eq!(script.names(), ["completed", "completed", "running"]);
}

#[test]
fn a_person_who_sets_it_back_has_it_done_again() {
    let mut script = Script::begin(&[&any, &done_reads(&[0])]);
    script.set(1, TaskState::Completed);
    script.set(1, TaskState::Pending);
    script.end(0, Outcome::Succeeded);
    assert_eq!(script.answer(), ["Attempt t1 #1"]);
}

fn approval(task: &mut PlannedTask) {
    done(task);
    task.kind = Some(ActionKind::Approval);
    task.approval = Some("go on?".to_owned());
}

#[test]
fn a_yes_is_asked_for_again_when_something_before_it_was_done_again() {
    let yes = |task: &mut PlannedTask| {
        approval(task);
        task.dependencies = vec![1];
    };
    let mut script = Script::begin(&[&any, &after(&[0]), &yes, &after(&[2])]);
    script.end(0, Outcome::Succeeded);
    script.end(1, Outcome::Succeeded);
    assert_eq!(script.names(), ["completed", "completed", "waiting", "pending"]);
    assert_eq!(script.give(vec![Event::Approved { task: 2 }]), []);
    assert_eq!(script.answer(), ["Attempt t3 #1"]);
}

#[test]
fn a_yes_stands_where_nothing_before_it_was_done() {
    let yes = |task: &mut PlannedTask| {
        approval(task);
        task.dependencies = vec![0];
    };
    let mut script = Script::begin(&[&with_check, &yes, &after(&[1])]);
    assert_eq!(script.names(), ["checking", "pending", "pending"]);
    script.check(0, Verdict::True);
    assert_eq!(script.names(), ["satisfied", "completed", "running"]);
}
