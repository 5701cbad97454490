//! Facts of rollouts: every one of them comes back as it was recorded.

use super::support::*;
use taskmaster_core::journal::Record;
use taskmaster_core::rollout::{
    GateState, HoldBy, LoadEnd, MetricEnd, MetricVerdict, RolloutFact, RolloutPhase, RolloutStrategy,
    VersionEnd, VersionRole,
};

fn every_fact() -> Vec<RolloutFact> {
    let words = || "in words".to_owned();
    let end = MetricEnd {
        metric: "errors".to_owned(),
        verdict: MetricVerdict::Failed,
        words: words(),
        dry_run: false,
    };
    let version = VersionEnd {
        version: "v4".to_owned(),
        role: VersionRole::Canary,
        requests: 500,
        failures: 100,
        p50_ms: Some(1.5),
        p99_ms: None,
    };
    let load = LoadEnd { rate: 50.0, requests: 9, failures: 0, p50_ms: None, p99_ms: Some(9.0) };
    vec![
        RolloutFact::Started {
            version: "v4".to_owned(),
            stable: Some("v3".to_owned()),
            strategy: RolloutStrategy::BlueGreen,
            steps: vec!["weight 10 %".to_owned()],
            metrics: vec!["errors".to_owned()],
            file: "rollout.yaml".to_owned(),
            digest: None,
            by: Some("ada".to_owned()),
        },
        RolloutFact::Phase { phase: RolloutPhase::Analyzing, why: None },
        RolloutFact::Step { step: 1 },
        RolloutFact::Held { by: HoldBy::OneWay, words: words() },
        RolloutFact::Released,
        RolloutFact::Weight { version: "v4".to_owned(), weight: 10 },
        RolloutFact::Verdict { end: end.clone() },
        RolloutFact::Gate {
            gate: "office-hours".to_owned(),
            guards: "confirm-rollout".to_owned(),
            state: GateState::No,
            words: Some(words()),
        },
        RolloutFact::Asked { verb: "promote".to_owned(), by: None },
        RolloutFact::Pods { version: "v4".to_owned(), words: words() },
        RolloutFact::Migration { version: "v4".to_owned(), words: words() },
        RolloutFact::Notice { receiver: "ops".to_owned(), is_sent: true, words: words() },
        RolloutFact::Ended {
            phase: RolloutPhase::RolledBack,
            why: Some(words()),
            metrics: vec![end],
            versions: vec![version],
            load: Some(load),
        },
    ]
}

#[test]
fn every_fact_comes_back_in_its_stream() {
    let mut scene = Scene::with_run(1);
    let record = |name: &str, fact| Record::Rollout { rollout: name.to_owned(), release: 2, fact };
    let name = |number: usize| if number.is_multiple_of(2) { "web" } else { "shop" };
    let facts = every_fact();
    for (number, fact) in facts.iter().enumerate() {
        scene.commit(vec![record(name(number), fact.clone())]);
    }
    let all: Vec<_> = scene.ledger.rollouts().unwrap().into_iter().map(|entry| entry.record).collect();
    let numbered = facts.iter().enumerate();
    let expected: Vec<_> = numbered.map(|(number, fact)| record(name(number), fact.clone())).collect();
    assert_eq!(all, expected);
    assert_eq!(scene.ledger.rollout("web").unwrap().len(), facts.len().div_ceil(2));
    assert_eq!(scene.ledger.rollout("we").unwrap(), []);
    // A ledger that holds them is sound, and read anew it is the same.
    assert!(scene.ledger.audit().unwrap().holds());
    scene.ledger.rebuild().unwrap();
    assert_eq!(scene.ledger.rollouts().unwrap().len(), facts.len());
}
