//! Why did it fail? One line.

use super::{LIMITS, Limits, finding, live, run};
use taskmaster_delivery::analysis::run::{MetricSpec, Policy, Run, RunSpec};
use taskmaster_delivery::analysis::verdict::{Judgement, Verdict};
use taskmaster_delivery::time::Time;

fn judged(metric: MetricSpec, outcomes: &str) -> Judgement {
    let mut run = run(vec![metric], Policy::Own);
    live(&mut run, outcomes);
    run.terminate(Time(i64::MAX));
    run.judgement().expect("it has ended")
}

#[test]
fn lines_of_one_metric() {
    let counted = |count| Limits { count, ..LIMITS };
    let lax = Limits { failure: 3, inconclusive: 2, ..LIMITS };
    let in_a_row = Limits { successes: 3, failure: -1, ..counted(4) };
    let rows = [
        (lax, "FSFFF", "fail: error-rate 0.061 is not < 0.05 (4 of 5 measurements failed, limit 3)"),
        (counted(2), "SS", "pass: error-rate 0.01 is < 0.05 (2 of 2 measurements healthy)"),
        (lax, "SIII", "inconclusive: error-rate is not a number (3 of 4 measurements inconclusive, limit 2)"),
        (
            lax,
            "SEEEEE",
            "error: error-rate could not be measured: connection refused (5 errors in a row, limit 4)",
        ),
        (
            in_a_row,
            "SSFS",
            "fail: error-rate 0.061 is not < 0.05 (1 of 4 measurements failed, never 3 healthy in a row)",
        ),
        (
            Limits { failure: 1, ..in_a_row },
            "SSFS",
            "inconclusive: error-rate 0.01 is < 0.05 (3 of 4 measurements healthy, never 3 in a row)",
        ),
        (lax, "FF", "inconclusive: error-rate 0.061 is not < 0.05 (0 of 2 measurements healthy)"),
        (lax, "", "inconclusive: error-rate was not measured"),
    ];
    for (limits, outcomes, line) in rows {
        assert_eq!(judged(limits.metric("error-rate"), outcomes).line, line);
    }
    let metric =
        MetricSpec { consecutive_failure_limit: Some(1), failure_limit: None, ..LIMITS.metric("error-rate") };
    let line = "fail: error-rate 0.061 is not < 0.05 (3 of 4 measurements failed, 2 in a row, limit 1)";
    assert_eq!(judged(metric, "FSFF").line, line);
}

/// Only the metrics that the verdict rests on are told, at most three, and none of the dry run.
#[test]
fn lines_of_several_metrics() {
    let once = Limits { count: 1, ..LIMITS };
    let several = |names: &[&str], dry: &str, outcomes: &str| {
        let spec = RunSpec {
            metrics: names.iter().map(|name| once.metric(name)).collect(),
            dry_run: if dry.is_empty() { vec![] } else { vec![dry.to_owned()] },
            ..RunSpec::default()
        };
        let mut run = Run::new(spec).unwrap();
        run.due(Time(0));
        for (index, outcome) in outcomes.chars().enumerate() {
            // A run that has failed takes no more.
            let _ = run.measured(index, Time(0), finding(outcome));
        }
        run.judgement().unwrap().line
    };
    let failed = "0.061 is not < 0.05 (1 of 1 measurements failed, limit 0)";
    let healthy = "0.01 is < 0.05 (1 of 1 measurements healthy)";
    assert_eq!(several(&["a", "b"], "", "SF"), format!("fail: b {failed}"));
    assert_eq!(several(&["a", "b"], "b", "FS").as_str(), format!("fail: a {failed}"));
    assert_eq!(several(&["a", "b"], "b", "SF").as_str(), format!("pass: a {healthy}"));
    assert_eq!(
        several(&["b", "a"], "b", "FF").as_str(),
        format!("fail: a {failed}"),
        "the dry one failed, too"
    );
    assert_eq!(several(&["a"], "a", "F"), "pass: every metric is of the dry run");
    assert_eq!(several(&["a\nb"], "", "S"), format!("pass: a b {healthy}"), "one line");
    let all = several(&["a", "b", "c", "d", "e"], "", "SSSSS");
    assert_eq!(all, format!("pass: a {healthy}; b {healthy}; c {healthy}; and 2 more"));
}

#[test]
fn the_reason_outlives_its_measurement() {
    let mut json = serde_json::to_value(RunSpec {
        metrics: vec![Limits { failure: 1, ..LIMITS }.metric("m")],
        ..RunSpec::default()
    })
    .unwrap();
    json["retention"] = serde_json::json!([{"metric": "m", "limit": 1}]);
    let mut run = Run::new(serde_json::from_value(json).unwrap()).unwrap();
    live(&mut run, "FSSSI");
    let judgement = run.judgement().unwrap();
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    let (_, state, _) = run.metrics().next().unwrap();
    assert_eq!((state.measurements.len(), state.latest.len()), (1, 3));
}

#[test]
fn as_json() {
    let json = serde_json::to_value(judged(LIMITS.metric("error-rate"), "F")).unwrap();
    assert_eq!(json["verdict"], "fail");
    assert_eq!(json["line"], "fail: error-rate 0.061 is not < 0.05 (1 of 1 measurements failed, limit 0)");
    let entry = &json["evidence"][0];
    assert_eq!(
        (&entry["metric"], &entry["verdict"], &entry["value"]),
        (&"error-rate".into(), &"fail".into(), &"0.061".into())
    );
    assert_eq!((&entry["counts"]["failed"], &entry["counts"]["count"]), (&1.into(), &1.into()));
    let read: Judgement = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), json);
}
