//! Taking work back, dependants first.

use super::world::{SharedLedger, World, action, block_on, retry, sh};
use std::sync::Arc;
use taskmaster::exec::destroy;
use taskmaster::exec::ports::Ports;
use taskmaster_core::action::Action;
use taskmaster_core::journal::{Outcome, Record};
use taskmaster_core::scheduler::RunEnd;
use taskmaster_core::state::TaskState;

fn undoable(undo: &str) -> Action {
    Action { undo: vec![sh(undo)], ..action(vec![sh("echo must not run > ran")]) }
}

fn destroy(world: &mut World, states: Vec<TaskState>) -> (RunEnd, SharedLedger) {
    let plan = Arc::new(world.plan());
    let (mut ledger, mut catalogue, mut onlooker) =
        (world.ledger.clone(), world.catalogue.clone(), world.onlooker.clone());
    let ports = Ports { journal: &mut ledger, render: &mut catalogue, observer: &mut onlooker };
    let (settings, stops) = (world.settings.clone(), world.take_stops());
    let end = block_on(destroy::run(plan, states, "me", 4, ports, settings, stops)).unwrap();
    (end, world.ledger.clone())
}

#[test]
fn dependants_come_first_and_done_becomes_pending() {
    let mut world = World::new();
    // b hangs on a, c on b; the document has them in another order.
    world.task("b", undoable("echo b >> trace")).dependencies = vec![2];
    world.task("c", undoable("echo c >> trace")).dependencies = vec![0];
    world.task("a", undoable("echo a >> trace"));
    let states = vec![TaskState::Completed, TaskState::Satisfied, TaskState::Pending];
    let (end, ledger) = destroy(&mut world, states);
    assert_eq!(end, RunEnd::Succeeded);
    assert_eq!(world.read("trace"), "c\nb\na\n");
    assert!(!world.exists("ran"));
    let records = ledger.records();
    assert!(records.iter().all(|record| !matches!(record, Record::AttemptStarted { undo: false, .. })));
    let back: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::TaskState { id, from, to: TaskState::Pending, by: Some(by), .. } => {
                Some((id.as_str(), from.name(), by.as_str()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(back, [("c", "satisfied", "me"), ("b", "completed", "me")]);
    assert!(matches!(records.last(), Some(Record::RunEnded { exit_code: 0, .. })));
}

#[test]
fn what_does_not_hang_together_goes_at_the_same_time() {
    let mut world = World::new();
    // Each waits for the other: one after the other they would never end.
    let meet = |mine: &str, other: &str| format!("touch {mine}; until test -e {other}; do sleep 0.01; done");
    world.task("base", undoable("echo base >> trace"));
    world.task("left", undoable(&meet("l", "r"))).dependencies = vec![0];
    world.task("right", undoable(&meet("r", "l"))).dependencies = vec![0];
    // Two that share a lock never meet.
    let alone = "test ! -e inside && touch inside && sleep 0.05 && rm inside";
    for name in ["one", "two"] {
        let task = world.task(name, undoable(alone));
        task.dependencies = vec![0];
        task.policy.locks = vec!["door".into()];
    }
    let (end, ledger) = destroy(&mut world, vec![TaskState::Completed; 5]);
    assert_eq!(end, RunEnd::Succeeded, "{:?}", ledger.ends());
    assert_eq!(world.read("trace"), "base\n");
    assert_eq!(ledger.ends().last().unwrap().0, "base");
}

#[test]
fn a_failure_lets_others_end_and_begins_nothing() {
    let mut world = World::new();
    world.task("base", undoable("echo base >> trace"));
    world.task("slow", undoable("until test -e failed; do sleep 0.01; done; sleep 0.1; touch ended"));
    world.tasks[1].dependencies = vec![0];
    world.task("bad", undoable("touch failed; exit 1")).dependencies = vec![0];
    let (end, ledger) = destroy(&mut world, vec![TaskState::Completed; 3]);
    assert_eq!(end, RunEnd::Failed);
    assert!(world.exists("ended") && !world.exists("trace"));
    assert_eq!(ledger.states().keys().collect::<Vec<_>>(), ["slow"]);
}

#[test]
fn the_first_failure_ends_it_and_a_retry_may_mend_it() {
    let mut world = World::new();
    world.task("a", undoable("echo a >> trace"));
    world.task("b", undoable("exit 1")).dependencies = vec![0];
    world.task("c", undoable("echo x >> tries; test $(wc -l < tries) -ge 2")).policy.retry = retry(2, 10);
    world.tasks[2].dependencies = vec![1];
    let (end, ledger) = destroy(&mut world, vec![TaskState::Completed; 3]);
    assert_eq!(end, RunEnd::Failed);
    assert!(!world.exists("trace"), "what a failed task depends on stays");
    let ends: Vec<_> = ledger.ends().into_iter().map(|(id, end)| (id, end == Outcome::Succeeded)).collect();
    assert_eq!(ends, [("c".into(), false), ("c".into(), true), ("b".into(), false)]);
    assert_eq!(ledger.states().keys().collect::<Vec<_>>(), ["c"]);
}

#[test]
fn what_cannot_be_taken_back_is_said() {
    let mut world = World::new();
    world.task("a", action(vec![sh("true")]));
    let (end, ledger) = destroy(&mut world, vec![TaskState::Completed]);
    assert_eq!(end, RunEnd::Failed);
    assert_eq!(ledger.failure().1, "its action cannot be taken back");
}
