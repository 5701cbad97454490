//! Ctrl-C once, twice, three times.

use super::world::{World, action, pid_in, probe, runs, sh};
use std::time::{Duration, Instant};
use taskmaster_core::action::Action;
use taskmaster_core::journal::Outcome;
use taskmaster_core::scheduler::RunEnd;
use taskmaster_core::state::TaskState;
use taskmaster_testkit::until;

#[test]
fn once_lets_what_runs_end_and_starts_nothing() {
    let mut world =
        World::of(sh("echo > at-work; while [ ! -e go ]; do sleep 0.01; done; echo whole > result"));
    world.jobs = 1;
    world.task("b", action(vec![sh("echo > b")]));
    let (stop, project) = (world.stop.clone(), world.project());
    let running = world.start();
    until("it is at work", 20, || project.join("at-work").exists().then_some(()));
    stop.stop();
    std::fs::write(project.join("go"), "").unwrap();
    let (world, end) = running.join().unwrap();
    assert_eq!(end, RunEnd::Interrupted);
    assert_eq!(world.read("result"), "whole\n");
    assert!(!world.exists("b"));
    assert_eq!(world.ledger.only_end().0, Outcome::Succeeded);
}

#[test]
fn twice_ends_what_runs_by_term() {
    let mut world =
        World::of(sh("trap 'echo bye; exit 0' TERM; echo > at-work; while :; do sleep 0.01; done"));
    world.task("b", action(vec![sh("sleep 1000 & echo $! > b; wait")]));
    let (stop, project) = (world.stop.clone(), world.project());
    let running = world.start();
    let other = until("both are at work", 20, || {
        project.join("at-work").exists().then(|| pid_in(&project.join("b"))).flatten()
    });
    stop.stop();
    stop.stop();
    let (world, end) = running.join().unwrap();
    assert_eq!(end, RunEnd::Interrupted);
    assert!(!runs(other));
    let mut ends = world.ledger.ends();
    ends.sort_by(|one, two| one.0.cmp(&two.0));
    assert_eq!(ends, [("a".to_owned(), Outcome::Interrupted), ("b".to_owned(), Outcome::Interrupted)]);
    assert_eq!(world.ledger.state("a"), TaskState::Pending);
    let logs = [world.log_of(0), world.log_of(1)];
    assert!(logs.iter().any(|log| log.ends_with("bye\n")), "{logs:?}");
}

#[test]
fn three_times_kills_at_once() {
    let mut world = World::of(sh("trap '' TERM INT; echo $$ > at-work; while :; do sleep 0.01; done"));
    world.tasks[0].policy.grace_ms = 1_000_000;
    let (stop, project) = (world.stop.clone(), world.project());
    let running = world.start();
    let pid = until("it is at work", 20, || pid_in(&project.join("at-work")));
    let started = Instant::now();
    (0..3).for_each(|_| stop.stop());
    let (_, end) = running.join().unwrap();
    assert_eq!(end, RunEnd::Interrupted);
    assert!(!runs(pid));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_check_at_work_is_stopped_as_well() {
    let mut world = World::new();
    let slow = probe(sh("echo $$ > at-work; sleep 1000 & wait"));
    world.task("a", Action { check: Some(slow), ..action(vec![sh("echo > ran")]) });
    let (stop, project) = (world.stop.clone(), world.project());
    let running = world.start();
    let pid = until("it is at work", 20, || pid_in(&project.join("at-work")));
    stop.stop();
    stop.stop();
    let (world, _) = running.join().unwrap();
    assert!(!runs(pid));
    assert!(!world.exists("ran"));
}

#[test]
fn a_wait_for_the_next_try_is_cut_short() {
    let mut world = World::of(sh("exit 1"));
    world.tasks[0].policy.retry = super::world::retry(5, 1_000_000);
    let (stop, ledger) = (world.stop.clone(), world.ledger.clone());
    let running = world.start();
    until("it waits", 20, || {
        matches!(ledger.states().get("a"), Some(TaskState::Waiting { .. })).then_some(())
    });
    stop.stop();
    assert_eq!(running.join().unwrap().1, RunEnd::Interrupted);
}
