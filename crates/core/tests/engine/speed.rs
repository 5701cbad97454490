//! A hundred thousand tasks. Each of these takes seconds; anything quadratic would take hours.

use crate::build::{at, options, plan_of, task};
use crate::sim::{attempt_ended, failed};
use std::collections::VecDeque;
use taskmaster_core::action::FailureKind;
use taskmaster_core::journal::Outcome;
use taskmaster_core::plan::{Plan, PlannedTask};
use taskmaster_core::scheduler::{Effect, Event, Options, RunEnd, Scheduler};

const TASKS: usize = 100_000;

fn many(edit: impl Fn(&mut PlannedTask, usize)) -> Plan {
    let tasks = (0..TASKS).map(|number| {
        let mut task = task(number);
        edit(&mut task, number);
        task
    });
    plan_of(tasks.collect())
}

/// Answers every attempt with `end`, first come first served, until the finish.
fn drive(plan: Plan, options: Options, end: &Outcome) -> (usize, RunEnd) {
    let mut scheduler = Scheduler::new(plan, options).unwrap();
    let mut effects = VecDeque::from(scheduler.handle(Event::Begin, at(0)).unwrap());
    let mut attempts = 0;
    while let Some(effect) = effects.pop_front() {
        match effect {
            Effect::Attempt { task, attempt, .. } => {
                attempts += 1;
                let event = attempt_ended(task, attempt, end.clone(), 1);
                effects.extend(scheduler.handle(event, at(0)).unwrap());
            }
            Effect::Finish(end) => return (attempts, end),
            _ => {}
        }
    }
    panic!("it ended without a finish");
}

#[test]
fn a_chain() {
    let chain = many(|task, number| task.dependencies = number.checked_sub(1).into_iter().collect());
    assert_eq!(drive(chain.clone(), options(4), &Outcome::Succeeded), (TASKS, RunEnd::Succeeded));
    // The first failure blocks all others, one through the other.
    assert_eq!(drive(chain, options(4), &failed(FailureKind::Spawn)), (1, RunEnd::Failed));
}

#[test]
fn a_star_that_is_joined() {
    let star = many(|task, number| match number {
        0 => {}
        _ if number == TASKS - 1 => task.dependencies = (1..number).collect(),
        _ => task.dependencies = vec![0],
    });
    assert_eq!(drive(star, options(64), &Outcome::Succeeded), (TASKS, RunEnd::Succeeded));
    let wide = many(|task, number| {
        if number == TASKS - 1 {
            task.dependencies = (0..number).collect();
        }
    });
    let keep_going = Options { keep_going: true, ..options(64) };
    assert_eq!(drive(wide, keep_going, &failed(FailureKind::Spawn)), (TASKS - 1, RunEnd::Failed));
}

#[test]
fn one_lock_for_all() {
    let locked = many(|task, _| task.policy.locks = vec!["state".to_owned(), "cluster".to_owned()]);
    assert_eq!(drive(locked, options(64), &Outcome::Succeeded), (TASKS, RunEnd::Succeeded));
}
