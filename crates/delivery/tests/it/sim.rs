//! Simulated rollouts, as people ask for them.

use serde_json::{Value, json};
use taskmaster_delivery::sim::{Ending, Meaning, Report, Scenario, Summary, run, share_interval};
use taskmaster_delivery::spec::{Rollout, check};

fn rollout(strategy: &Value, metrics: &Value) -> Rollout {
    let spec = json!({"name": "web", "replicas": 4, "strategy": strategy, "analysis": {"metrics": metrics}});
    check(&serde_json::from_value(spec).expect("a rollout")).expect("a good one")
}

/// What is taken for what: labelled by hand from the rules that the documents of Argo Rollouts, Flagger and
/// Prometheus show.
#[test]
fn what_a_metric_measures_is_told_by_its_rule_and_words() {
    use Meaning::{Errors, ErrorsPercent, LatencyMilliseconds, LatencySeconds, Success, SuccessPercent, Up};
    let rate = json!({"result": "sum(rate(http_requests_total{code=~\"5..\"}[1m]))"});
    let quantile = json!({"result": "histogram_quantile(0.95, sum by (le) (rate(a_bucket[1m])))"});
    let pair = json!({"canary": "a", "baseline": "b"});
    for (name, query, rule, expected) in [
        ("error-rate", &rate, json!({"threshold": 0.05}), Some(Errors)),
        ("error-rate", &rate, json!({"threshold": 5}), Some(ErrorsPercent)),
        ("success-rate", &rate, json!({"successCondition": "result >= 0.95"}), Some(Success)),
        (
            "success-rate",
            &rate,
            json!({"successCondition": "result >= 0.99", "failureCondition": "result < 0.9"}),
            Some(Success),
        ),
        ("request-success-rate", &rate, json!({"range": {"min": 99}}), Some(SuccessPercent)),
        ("health", &rate, json!({"range": {"min": 1}}), Some(Up)),
        ("health", &rate, json!({"successCondition": "result == 1.0"}), Some(Up)),
        ("errors", &pair, json!({"successCondition": "canary <= baseline * 1.5 + 0.01"}), Some(Errors)),
        ("success", &pair, json!({"successCondition": "canary >= baseline - 0.02"}), Some(Success)),
        ("p95", &quantile, json!({"threshold": 0.5}), Some(LatencySeconds)),
        ("p95", &quantile, json!({"threshold": 500}), Some(LatencyMilliseconds)),
        ("request-duration", &rate, json!({"range": {"max": 500}}), Some(LatencyMilliseconds)),
        ("latency", &pair, json!({"successCondition": "canary <= baseline * 1.2"}), Some(LatencySeconds)),
        ("queue", &rate, json!({"threshold": 1_000_000}), None),
        ("nothing", &rate, json!({"threshold": 0}), None),
    ] {
        let mut metric = json!({"name": name, "query": query});
        metric.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        let spec = rollout(&json!({"rolling": {"analysis": {}}}), &json!([metric]));
        assert_eq!(Meaning::of(&spec.analysis.metrics[0]), expected, "{metric}");
    }
}

fn runs(spec: &Rollout, scenario: &Scenario) -> Vec<Report> {
    (0..20).map(|seed| run(spec, scenario, seed)).collect()
}

fn success(count: u32) -> Value {
    json!([{"name": "success-rate", "query": {"result": "a"}, "successCondition": "result >= 0.95",
        "initialDelay": "1m", "interval": "10s", "count": count}])
}

/// The picture of a blue-green release rises at once, that of a rolling one pod by pod, and a faulty version
/// is taken back.
#[test]
fn pictures_follow_the_users() {
    let blue_green =
        rollout(&json!({"blueGreen": {"autoPromotion": true, "prePromotionAnalysis": {}}}), &success(3));
    let rolling = rollout(&json!({"rolling": {"maxSurge": 1, "maxUnavailable": 0}}), &json!([]));
    let healthy = Scenario::named("healthy").unwrap();
    let shown = |report: &Report| report.weights.iter().map(|point| point.weight).collect::<Vec<_>>();
    for report in runs(&blue_green, &healthy) {
        assert_eq!((report.ending.clone(), shown(&report)), (Ending::Completed, vec![0, 100]), "{report:?}");
    }
    for report in runs(&rolling, &healthy) {
        let weights = shown(&report);
        assert!(weights.is_sorted() && weights.len() >= 5 && weights.last() == Some(&100), "{weights:?}");
    }
    for report in runs(&blue_green, &Scenario::named("faulty").unwrap()) {
        assert!(matches!(report.ending, Ending::RolledBack { .. }), "{report:?}");
        assert_eq!(shown(&report), [0], "nobody but those who look at the preview");
    }
}

/// What is told counts more than what is guessed.
#[test]
fn a_metric_measures_what_is_told() {
    let spec =
        rollout(&json!({"blueGreen": {"autoPromotion": true, "prePromotionAnalysis": {}}}), &success(3));
    let mut told = Scenario::named("healthy").unwrap();
    told.metrics.insert("success-rate".to_owned(), Meaning::Errors);
    for report in runs(&spec, &told) {
        assert!(matches!(report.ending, Ending::RolledBack { .. }), "{report:?}");
    }
}

#[test]
fn a_person_passes_pauses_when_asked_for() {
    let spec = rollout(&json!({"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}), &json!([]));
    let mut scenario = Scenario::named("healthy").unwrap();
    assert!(matches!(run(&spec, &scenario, 1).ending, Ending::Waits { .. }));
    scenario.person = Some(60.0);
    let report = run(&spec, &scenario, 1);
    assert_eq!(report.ending, Ending::Completed);
    assert!((60.0..120.0).contains(&report.took), "{}", report.took);
}

#[test]
fn a_seed_is_a_run() {
    let spec = rollout(
        &json!({"canary": {"steps": [{"setWeight": 50}, {"pause": {"duration": "30s"}}]}}),
        &json!([]),
    );
    let scenario = Scenario::named("trouble").unwrap();
    for seed in 0..20 {
        assert_eq!(run(&spec, &scenario, seed), run(&spec, &scenario, seed));
    }
}

/// What is listed is there, and none of them is another one.
#[test]
fn every_scenario_that_is_listed_is_one_of_its_own() {
    let all: Vec<Scenario> =
        Scenario::NAMES.iter().map(|(name, _)| Scenario::named(name).expect("it is listed")).collect();
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one), "{}", Scenario::NAMES[at].0);
    }
    assert_eq!(Scenario::named("other"), None);
    assert_eq!(Scenario::named("clusters").unwrap().service.users.session, 5);
}

#[test]
fn a_meaning_is_called_as_in_a_file() {
    for meaning in [Meaning::Errors, Meaning::SuccessPercent, Meaning::Up, Meaning::LatencyMilliseconds] {
        assert_eq!(serde_json::to_value(meaning).unwrap(), meaning.name());
    }
}

#[test]
fn a_latency_is_in_seconds_where_its_rule_is() {
    let metrics = json!([{"name": "p95", "query": {"result": "histogram_quantile(0.95, a)"}, "threshold": 0.5, "initialDelay": "1m",
        "interval": "10s", "count": 3}]);
    let spec = rollout(&json!({"canary": {"steps": [{"setWeight": 50}, {"analysis": {}}]}}), &metrics);
    assert_eq!(Meaning::of(&spec.analysis.metrics[0]), Some(Meaning::LatencySeconds));
    for report in runs(&spec, &Scenario::named("healthy").unwrap()) {
        assert_eq!(report.ending, Ending::Completed);
    }
    for report in runs(&spec, &Scenario::named("slow").unwrap()) {
        assert!(matches!(report.ending, Ending::RolledBack { .. }), "{report:?}");
    }
}

/// Runs are counted by several threads.
#[test]
fn summaries_join_to_that_of_all_runs() {
    let spec = rollout(&json!({"canary": {"steps": [{"setWeight": 50}, {"analysis": {}}]}}), &success(3));
    let all = runs(&spec, &Scenario::named("faulty").unwrap());
    let of = |reports: &[Report]| {
        let mut summary = Summary::default();
        reports.iter().for_each(|report| summary.add(report));
        summary
    };
    let (one, other) = all.split_at(7);
    let mut joined = of(one);
    joined.join(of(other));
    assert!(joined.rolled_back > 0 && joined.failed > 0);
    assert_eq!(joined, of(&all));
}

/// Clopper and Pearson's interval by `binom.test` of R.
#[test]
fn the_interval_of_a_share_is_exact() {
    let about = |(low, high): (f64, f64), wanted: (f64, f64)| {
        assert!((low - wanted.0).abs() < 1e-6 && (high - wanted.1).abs() < 1e-6, "{low} {high}");
    };
    about(share_interval(2, 20, 0.95), (0.012_348_5, 0.316_982_7));
    about(share_interval(0, 10, 0.95), (0.0, 0.308_497_1));
    about(share_interval(10, 10, 0.95), (0.691_502_9, 1.0));
}
