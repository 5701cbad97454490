//! Drawings of docs/state-machines.md without a function of their own, compared with what is seen to happen.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, in helpers too")]

use crate::drawing;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;
use taskmaster_delivery::analysis::rule::{Finding, Outcome};
use taskmaster_delivery::analysis::run::{MetricSpec, Phase, Policy, Run, RunSpec};
use taskmaster_delivery::engine::{Answer, Gates, Phase as RolloutPhase};
use taskmaster_delivery::sim::{any, watch};
use taskmaster_delivery::time::Time;

/// Changes, and the words for what made them.
#[derive(Default)]
struct Edges(BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>>);

impl Edges {
    fn note(&mut self, from: &'static str, to: &'static str, word: &'static str) {
        if from != to {
            self.0.entry((from, to)).or_default().insert(word);
        }
    }

    fn lines(self) -> Vec<String> {
        let line = |((from, to), words): (_, BTreeSet<&str>)| {
            format!("{from} --> {to}: {}", words.into_iter().collect::<Vec<_>>().join(", "))
        };
        let mut lines: Vec<String> = self.0.into_iter().map(line).collect();
        lines.sort();
        lines
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Pending => "pending",
        Phase::Running => "running",
        Phase::Successful => "successful",
        Phase::Failed => "failed",
        Phase::Inconclusive => "inconclusive",
        Phase::Error => "error",
    }
}

/// Runs whose ends come in all ways: by a count, by each limit, early, and with a second metric beside.
fn analyses() -> Vec<Run> {
    let metric = |name: &str| MetricSpec {
        name: name.to_owned(),
        interval: Some(Duration::from_secs(60)),
        count: NonZeroU32::new(2),
        consecutive_error_limit: 0,
        ..MetricSpec::default()
    };
    let early = MetricSpec { count: None, consecutive_success_limit: NonZeroU32::new(1), ..metric("a") };
    let patient = MetricSpec {
        failure_limit: Some(1),
        inconclusive_limit: 1,
        consecutive_error_limit: 1,
        ..metric("a")
    };
    let several = [vec![metric("a")], vec![early], vec![patient], vec![metric("a"), metric("b")]];
    let policies = [Policy::Own, Policy::Argo];
    let specs = several.into_iter().flat_map(|metrics| policies.map(|policy| (metrics.clone(), policy)));
    specs
        .map(|(metrics, policy)| Run::new(RunSpec { metrics, policy, ..RunSpec::default() }).unwrap())
        .collect()
}

#[test]
fn the_drawing_of_an_analysis_is_what_happens() {
    let finding = |outcome| match outcome {
        Outcome::Error => Finding::error("away"),
        outcome => Finding { outcome, value: "1".to_owned(), words: "so".to_owned() },
    };
    let outcomes = [Outcome::Healthy, Outcome::Unhealthy, Outcome::Inconclusive, Outcome::Error];
    let mut edges = Edges::default();
    let mut open: Vec<(Run, u8)> = analyses().into_iter().map(|run| (run, 0)).collect();
    while let Some((run, depth)) = open.pop() {
        let now = Time(i64::from(depth) * 600_000);
        let mut steps: Vec<(&str, Run)> = Vec::new();
        let mut due = run.clone();
        due.due(now);
        steps.push(("measured for the first time", due));
        for metric in run.asked() {
            for outcome in outcomes {
                let mut measured = run.clone();
                measured.measured(metric, now, finding(outcome)).unwrap();
                steps.push(("an answer", measured));
            }
        }
        let mut ended = run.clone();
        ended.terminate(now);
        steps.push(("ended from outside", ended));
        for (word, after) in steps {
            edges.note(name(run.phase()), name(after.phase()), word);
            if depth < 6 && after != run {
                open.push((after, depth + 1));
            }
        }
    }
    assert_eq!(drawing::edges("An analysis"), edges.lines());
}

fn place(gates: &Gates, gate: usize) -> &'static str {
    match gates.asked.get(&gate) {
        _ if gates.passed.contains(&gate) => "passed",
        Some(asking) if asking.is_here && asking.is_open => "asked",
        Some(asking) if asking.is_here => "waits",
        _ => "to_come",
    }
}

/// Seeds with this rest by 8 have gates ([`any`]).
const GUARDED: u64 = 6;

/// Gates of simulated rollouts under every trouble, from one decision to the next at the same door.
#[test]
fn the_drawing_of_a_guard_is_what_happens() {
    let mut edges = Edges::default();
    for seed in (0..3200).filter(|seed| seed % 8 == GUARDED) {
        let (_, rollout, scenario) = any(seed);
        let guards: Vec<usize> =
            (0..rollout.gates.len()).filter(|at| rollout.gates[*at].kind.is_guard()).collect();
        let mut before: Option<(taskmaster_delivery::engine::State, Gates)> = None;
        watch(&rollout, &scenario, seed, |glance| {
            let is_forward =
                matches!(glance.state.phase, RolloutPhase::Initializing | RolloutPhase::Analyzing);
            // Whoever died before its decision was stored decides once more.
            let is_lost = glance.happened.iter().any(|what| what.contains("died"));
            if let Some((state, gates)) = before.take()
                && is_forward
                && !is_lost
                && (state.phase, state.place, &state.revision)
                    == (glance.state.phase, glance.state.place, &glance.state.revision)
                && state.passes == glance.state.passes
            {
                // Who begins again, the same version too, asks all of them anew.
                let asks = |gates: &Gates, gate: &usize| {
                    gates.asked.get(gate).map(|asking| (asking.asks, asking.question))
                };
                let is_anew = |gate: &&usize| match (asks(&gates, gate), asks(&glance.state.gates, gate)) {
                    (Some((before, question)), Some((after, other))) => other != question && after <= before,
                    (Some(_), None) => true,
                    (None, _) => false,
                };
                for gate in guards.iter().filter(|gate| !is_anew(gate)) {
                    let question = gates.asked.get(gate).map(|asking| asking.question);
                    let said = glance
                        .seen
                        .answers
                        .iter()
                        .find(|one| one.gate == *gate && Some(one.question) == question);
                    let (from, to) = (place(&gates, *gate), place(&glance.state.gates, *gate));
                    let word = match (to, said.map(|said| &said.answer)) {
                        ("asked", _) => "asked",
                        (_, Some(Answer::Yes)) => "yes",
                        ("passed", _) => "a person promotes",
                        (_, Some(Answer::No { .. })) => "no",
                        (_, Some(Answer::Nothing { .. })) => "no answer",
                        (_, None) => "nothing happened",
                    };
                    edges.note(from, to, word);
                }
            }
            before = Some((glance.state.clone(), glance.state.gates.clone()));
        });
    }
    assert_eq!(drawing::edges("A guard at a door"), edges.lines());
}
