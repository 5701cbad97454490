//! The drawing of a run is what the scheduler does: everything that can happen to a small plan is tried.

use super::engine::{Life, Stopping, Work};
use super::{Event, Options, Scheduler};
use crate::action::FailureKind;
use crate::build::planned_task;
use crate::cause::Diagnosis;
use crate::drawing;
use crate::id::{DocumentId, EnvironmentName, RunId};
use crate::journal::{Outcome, Verdict};
use crate::plan::{Disposition, Plan, PlannedTask};
use crate::state::TaskState;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

fn stage(scheduler: &Scheduler) -> &'static str {
    match (scheduler.life, scheduler.stopping) {
        (Life::NotBegun, _) => "to_come",
        (Life::Over, _) => "over",
        (Life::Going, Stopping::Hard) => "hard",
        (Life::Going, _) if scheduler.held_back() => "held_back",
        (Life::Going, _) => "going",
    }
}

/// A task with a check, one after it, and one that a person does.
fn scheduler() -> Scheduler {
    let checked = PlannedTask { has_check: true, ..planned_task(0) };
    let after = PlannedTask { dependencies: vec![0], ..planned_task(1) };
    let manual = PlannedTask { disposition: Disposition::Manual, ..planned_task(2) };
    let plan = Plan {
        number: 1,
        document: DocumentId::new("doc"),
        revision: 1,
        environment: EnvironmentName::new("local"),
        tasks: vec![checked, after, manual],
    };
    let options = Options { run: RunId::new("run"), jobs: 2, keep_going: false, end_when_waiting: false };
    Scheduler::new(plan, options).expect("a plan without a circle")
}

fn replay(events: &[Event]) -> Scheduler {
    let mut scheduler = scheduler();
    for event in events {
        let _ = scheduler.handle(event.clone(), Timestamp::UNIX_EPOCH);
    }
    scheduler
}

/// Everything that may happen now, in a word.
fn events(scheduler: &Scheduler) -> Vec<(&'static str, Event)> {
    let mut events = vec![("interrupt", Event::Interrupt), ("terminate", Event::Terminate)];
    for task in 0..scheduler.states.len() {
        for to in [TaskState::Completed, TaskState::Pending] {
            events.push(("set", Event::Set { task, to }));
        }
        match scheduler.slots[task].work.clone() {
            Some(Work::Probe(probe)) => {
                let error = Verdict::Error { message: "away".to_owned() };
                for verdict in [Verdict::True, Verdict::False, error] {
                    let (outputs, diagnosis) = (BTreeMap::new(), Diagnosis::default());
                    let ended =
                        Event::ProbeEnded { task, probe, verdict, duration_ms: 1, outputs, diagnosis };
                    events.push(("check ended", ended));
                }
            }
            Some(Work::Attempt(attempt)) => {
                let failure = FailureKind::ExitCode;
                let failed =
                    Outcome::Failed { failure, exit_code: Some(1), signal: None, message: "boom".to_owned() };
                for end in [Outcome::Succeeded, failed, Outcome::Lost, Outcome::Interrupted] {
                    let ended = Event::AttemptEnded {
                        task,
                        attempt: attempt.clone(),
                        end,
                        duration_ms: 1,
                        tail: String::new(),
                        log_bytes: 0,
                        outputs: BTreeMap::new(),
                        diagnosis: Diagnosis::default(),
                    };
                    events.push(("attempt ended", ended));
                }
            }
            None => {}
        }
    }
    events
}

#[test]
fn the_drawing_of_a_run_is_what_happens() {
    let mut found: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![Event::Begin]];
    while let Some(path) = open.pop() {
        let before = replay(&path);
        for (word, event) in events(&before) {
            let path = [path.as_slice(), &[event]].concat();
            let after = replay(&path);
            if stage(&before) != stage(&after) {
                found.entry((stage(&before), stage(&after))).or_default().insert(word);
            }
            let slots =
                format!("{:?} {:?} {:?} {}", after.states, after.slots, after.stopping, stage(&after));
            if path.len() < 9 && stage(&after) != "over" && seen.insert(slots) {
                open.push(path);
            }
        }
    }
    let mut edges: Vec<String> = Vec::new();
    for ((from, to), words) in found {
        edges.push(format!("{from} --> {to}: {}", words.into_iter().collect::<Vec<_>>().join(", ")));
    }
    edges.sort();
    assert_eq!(drawing::edges("A run"), edges);
}
