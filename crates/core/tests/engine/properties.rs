//! Whatever the plan and whatever the answers: the rules hold. [`crate::sim`] checks them in every
//! tick; the tests here say over which plans and habits.

use crate::build::{options, plan_of, task};
use crate::chance::Chance;
use crate::fold::RunView;
use crate::sim::{Habits, Sim};
use proptest::prelude::*;
use taskmaster_core::action::{FailureKind, RetryPolicy};
use taskmaster_core::document::Priority;
use taskmaster_core::plan::{Disposition, Plan, PlannedTask};
use taskmaster_core::scheduler::{Effect, RunEnd};
use taskmaster_core::state::TaskState;

/// Dispositions that leave the work to the run, more often than not.
fn disposition() -> impl Strategy<Value = Disposition> {
    let reason = || "why".to_owned();
    prop_oneof![
        24 => Just(Disposition::Execute),
        2 => Just(Disposition::Group),
        1 => Just(Disposition::Manual),
        1 => Just(Disposition::Claimed),
        1 => Just(Disposition::Recorded { state: TaskState::Completed }),
        1 => Just(Disposition::Unknown { reason: reason() }),
        1 => Just(Disposition::Skip { reason: reason() }),
        1 => Just(Disposition::Cancelled),
    ]
}

prop_compose! {
    fn planned()(
        disposition in disposition(),
        (has_check, has_verify, idempotent) in any::<(bool, bool, bool)>(),
        approval in prop::option::weighted(0.1, Just("go on?".to_owned())),
        attempts in 1_u32..4,
        (base_delay_ms, jitter) in (0_u64..200, any::<bool>()),
        locks in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..3),
        verify_timeout_ms in prop::sample::select(vec![0_u64, 0, 30, 500]),
        owes_outputs in prop::bool::weighted(0.2),
        last_duration_ms in prop::option::of(0_u64..100),
        priority in prop::sample::select(vec![
            Priority::Critical, Priority::High, Priority::Medium, Priority::Low,
        ]),
    ) -> PlannedTask {
        let mut planned = task(0);
        planned.disposition = disposition;
        planned.has_check = has_check;
        planned.has_verify = has_verify;
        planned.owes_outputs = owes_outputs;
        planned.approval = approval;
        planned.last_duration_ms = last_duration_ms;
        planned.priority = priority;
        planned.policy.idempotent = idempotent;
        planned.policy.locks = locks.into_iter().map(ToOwned::to_owned).collect();
        planned.policy.verify_timeout_ms = verify_timeout_ms;
        planned.policy.verify_interval_ms = 10;
        planned.policy.retry = RetryPolicy {
            attempts,
            base_delay_ms,
            max_delay_ms: 300,
            jitter,
            on: vec![FailureKind::ExitCode, FailureKind::CheckError, FailureKind::NotVerified],
        };
        planned
    }
}

/// A plan of up to `most` tasks whose edges follow a random order, not the document's.
fn plan(most: usize) -> impl Strategy<Value = Plan> {
    prop::collection::vec(
        (planned(), any::<u16>(), prop::collection::vec(any::<prop::sample::Index>(), 0..4)),
        1..most,
    )
    .prop_map(|drawn| {
        let ranks: Vec<(u16, usize)> = drawn.iter().enumerate().map(|(i, (_, rank, _))| (*rank, i)).collect();
        let tasks = drawn.iter().enumerate().map(|(number, (planned, rank, picks))| {
            let before: Vec<usize> =
                ranks.iter().filter(|other| **other < (*rank, number)).map(|(_, i)| *i).collect();
            let mut dependencies: Vec<usize> = match before.len() {
                0 => Vec::new(),
                _ => picks.iter().map(|pick| *pick.get(&before)).collect(),
            };
            dependencies.sort_unstable();
            dependencies.dedup();
            let named = task(number);
            let reads = dependencies.iter().copied().filter(|read| (read + number) % 3 == 0).collect();
            PlannedTask { key: named.key, id: named.id, dependencies, reads, ..planned.clone() }
        });
        plan_of(tasks.collect())
    })
}

/// No disposition but execute, no person, no lock, one try: only the order is left to look at.
fn plain(mut plan: Plan) -> Plan {
    for task in &mut plan.tasks {
        task.disposition = Disposition::Execute;
        task.approval = None;
        task.has_check = false;
        task.has_verify = false;
        task.policy.locks.clear();
    }
    plan
}

/// The order of starts with one job, found by looking at every task each time.
fn plain_order(plan: &Plan) -> Vec<usize> {
    fn length(plan: &Plan, durations: &[u64], task: usize) -> u64 {
        let waits = |other: &usize| plan.tasks[*other].dependencies.contains(&task);
        let after = (0..plan.tasks.len()).filter(waits).map(|next| length(plan, durations, next));
        durations[task] + after.max().unwrap_or(0)
    }
    let mut known: Vec<u64> = plan.tasks.iter().filter_map(|task| task.last_duration_ms).collect();
    known.sort_unstable();
    let default = known.get(known.len() / 2).copied().unwrap_or(10_000);
    let durations: Vec<u64> =
        plan.tasks.iter().map(|task| task.last_duration_ms.unwrap_or(default)).collect();
    let mut order: Vec<usize> = Vec::new();
    while order.len() < plan.tasks.len() {
        let ready = (0..plan.tasks.len()).filter(|task| {
            !order.contains(task) && plan.tasks[*task].dependencies.iter().all(|d| order.contains(d))
        });
        let urgency = |task: &usize| {
            let length = length(plan, &durations, *task);
            (std::cmp::Reverse(length), plan.tasks[*task].priority, *task)
        };
        order.push(ready.min_by_key(urgency).unwrap());
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_run_ends_whatever_fails(
        plan in plan(14), jobs in 1_usize..5, keep_going: bool, end_when_waiting: bool,
        failures_one_in in 0_usize..6, bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut options = options(jobs);
        (options.keep_going, options.end_when_waiting) = (keep_going, end_when_waiting);
        let habits = Habits { failures_one_in, ..Habits::default() };
        let sim = Sim::run(plan, options, habits, &mut Chance::new(bytes));
        prop_assert!(sim.end.is_some() || !end_when_waiting);
    }

    #[test]
    fn people_and_ctrl_c_do_no_harm(
        plan in plan(12), jobs in 1_usize..4, keep_going: bool, ctrl_c: bool,
        failures_one_in in 2_usize..6, bytes in prop::collection::vec(any::<u8>(), 0..160),
    ) {
        let mut options = options(jobs);
        options.keep_going = keep_going;
        let habits = Habits { failures_one_in, people: true, ctrl_c };
        Sim::run(plan, options, habits, &mut Chance::new(bytes));
    }

    #[test]
    fn a_folded_ledger_tells_the_same_at_any_later_time(
        plan in plan(10), bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let habits = Habits { failures_one_in: 4, people: true, ctrl_c: true };
        let sim = Sim::run(plan, options(3), habits, &mut Chance::new(bytes));
        // Through JSON, as the store keeps it.
        let text: Vec<String> =
            sim.entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
        let mut replayed = RunView::begin(&serde_json::from_str(&text[0]).unwrap()).unwrap();
        for line in &text[1..] {
            replayed.apply(&serde_json::from_str(line).unwrap()).unwrap();
        }
        prop_assert_eq!(&replayed, &sim.view);
        let states: Vec<_> = replayed.tasks.iter().map(|task| &task.state).collect();
        prop_assert!(states.into_iter().eq(sim.scheduler.states()));
    }

    #[test]
    fn with_one_job_the_order_is_that_of_the_plain_rule(plan in plan(12)) {
        let plan = plain(plan);
        let sim = crate::sim::run_smoothly(plan.clone(), 1);
        prop_assert_eq!(sim.end, Some(RunEnd::Succeeded));
        prop_assert_eq!(sim.started, plain_order(&plan));
    }

    #[test]
    fn the_same_answers_give_the_same_run(plan in plan(12), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let habits = Habits { failures_one_in: 4, people: true, ctrl_c: false };
        let once = Sim::run(plan.clone(), options(2), habits, &mut Chance::new(bytes.clone()));
        let again = Sim::run(plan, options(2), habits, &mut Chance::new(bytes));
        prop_assert_eq!(once.effects, again.effects);
    }

    #[test]
    fn events_in_one_tick_share_one_decision(plan in plan(12)) {
        // Two ends at once: their records stand before any effect of the next decision.
        let sim = Sim::run(plan, options(4), Habits { failures_one_in: 5, ..Habits::default() }, &mut Chance::new(vec![3; 40]));
        let attempts = sim.effects.iter().filter(|effect| matches!(effect, Effect::Attempt { .. })).count();
        prop_assert_eq!(attempts, sim.view.attempts.len());
        prop_assert_eq!(sim.view.open_attempts().count(), 0);
    }
}
