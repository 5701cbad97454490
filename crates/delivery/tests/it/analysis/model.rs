//! The counters against the rules as they are told in words, over every short sequence of outcomes.

use super::{Limits, finding, letter};
use taskmaster_delivery::analysis::run::{MetricSpec, Policy, Run, RunSpec};
use taskmaster_delivery::time::Time;

/// The longest sequence.
const LENGTH: usize = 5;

/// Limits, and the limit of failures in a row.
#[derive(Clone, Copy, Debug)]
struct Case {
    limits: Limits,
    in_a_row: Option<u32>,
    policy: Policy,
}

/// The end of a metric whose whole history is this: no counters, only questions to the history.
fn end(case: Case, history: &str, is_terminated: bool) -> char {
    let Case { limits, in_a_row, policy } = case;
    let number = |of: char| history.chars().filter(|c| *c == of).count();
    let tail = |of: &str| history.chars().rev().take_while(|c| of.contains(*c)).collect::<String>();
    let exceeds =
        |number: usize, limit: i64| limit >= 0 && i64::try_from(number).is_ok_and(|number| number > limit);
    let failures_in_a_row = tail("FE").matches('F').count();
    let well = if policy == Policy::Own && number('S') == 0 { 'I' } else { 'S' };
    let (successes, count) = (limits.successes as usize, limits.count as usize);
    if exceeds(tail("E").len(), limits.errors.into()) {
        'E'
    } else if exceeds(number('I'), limits.inconclusive.into()) {
        'I'
    } else if exceeds(number('F'), limits.failure)
        || in_a_row.is_some_and(|limit| exceeds(failures_in_a_row, limit.into()))
    {
        'F'
    } else if successes > 0 && tail("S").len() >= successes {
        'S'
    } else if count > 0 && history.len() - number('E') >= count {
        match (successes > 0, limits.failure >= 0 || in_a_row.is_some()) {
            (true, true) => 'I',
            (true, false) => 'F',
            (false, _) => well,
        }
    } else if is_terminated {
        well
    } else {
        'r'
    }
}

/// Compares a run that has lived through a history, and every run that goes on from it.
fn walk(case: Case, run: &Run, history: &str) -> usize {
    let mut terminated = run.clone();
    terminated.terminate(Time(i64::MAX));
    assert_eq!(letter(terminated.phase()), end(case, history, true), "{case:?} {history} terminated");
    let phase = letter(run.phase());
    if history.is_empty() {
        assert_eq!(phase, '.');
    } else {
        assert_eq!(phase, end(case, history, false), "{case:?} {history}");
    }
    if run.phase().is_terminal() || history.len() == LENGTH {
        return 1;
    }
    let next = |outcome: char| {
        let mut next = run.clone();
        let now = next.next_time().unwrap_or(Time(0));
        assert_eq!(next.due(now), [0]);
        assert_eq!(next.measured(0, now, finding(outcome)), Ok(()));
        walk(case, &next, &format!("{history}{outcome}"))
    };
    1 + "SFIE".chars().map(next).sum::<usize>()
}

fn grid() -> Vec<Case> {
    let mut all = Vec::new();
    for (count, failure) in [(0, 2), (3, -1), (3, 1), (5, 2)] {
        for (inconclusive, errors) in [(0, 4), (1, 0), (2, 1)] {
            for (successes, in_a_row) in [(0, None), (2, None), (0, Some(1)), (3, Some(0))] {
                let limits = Limits { count, failure, inconclusive, errors, successes };
                all.extend([Policy::Argo, Policy::Own].map(|policy| Case { limits, in_a_row, policy }));
            }
        }
    }
    all
}

#[test]
fn every_short_sequence() {
    let mut compared = 0;
    for case in grid() {
        let metric = MetricSpec { consecutive_failure_limit: case.in_a_row, ..case.limits.metric("m") };
        let spec = RunSpec { metrics: vec![metric], policy: case.policy, ..RunSpec::default() };
        if let Ok(run) = Run::new(spec) {
            compared += walk(case, &run, "");
        }
    }
    assert!(compared > 10_000, "{compared} compared");
}
