//! The counters against what Argo Rollouts' own functions say.
//!
//! `argo_facts.txt` was written by `tests/differential-analysis/facts.sh` from `analysis/analysis.go` at
//! 9f8d111d8; the form of a line is told in the `main.go` beside it.

use super::{Limits, letter, live, run};
use taskmaster_delivery::analysis::run::Policy;
use taskmaster_delivery::time::Time;

#[test]
fn every_fact_holds() {
    let mut compared = 0;
    for line in include_str!("argo_facts.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (numbers, facts) = words.split_at(5);
        let limits = limits(numbers);
        for fact in facts {
            let (outcomes, phases) = fact.split_at(fact.len() - 2);
            let mut run = run(vec![limits.metric("m")], Policy::Argo);
            assert_eq!(live(&mut run, outcomes), outcomes.len(), "{limits:?} {fact} ended too early");
            let mut seen = letter(run.phase()).to_string();
            run.terminate(Time(i64::MAX));
            seen.push(letter(run.phase()));
            assert_eq!(seen, phases, "{limits:?} {outcomes}");
            compared += 1;
        }
    }
    assert_eq!(compared, 16_864);
}

fn limits(numbers: &[&str]) -> Limits {
    let number = |index: usize| numbers[index].parse::<i64>().expect("a limit");
    let small = |index| u32::try_from(number(index)).expect("a limit");
    Limits {
        count: small(0),
        failure: number(1),
        inconclusive: small(2),
        errors: small(3),
        successes: small(4),
    }
}
