//! Recordings as Prometheus would have written them, made of plain numbers.

use std::fmt::Write;
use taskmaster_delivery::spec::{Rollout, RolloutSpec, check};

/// When the rollouts of the tests begin, in seconds.
pub(super) const BEGAN: i64 = 1_763_740_800;
/// Seconds between two samples.
pub(super) const STEP: i64 = 15;

/// An answer of `query_range`.
pub(super) fn answer(series: &[String]) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, series.join(","))
}

/// One series: samples a step apart, the first one at an offset in seconds. Values are texts.
pub(super) fn texts(labels: &str, offset: i64, values: &[&str]) -> String {
    let mut text = format!(r#"{{"metric":{{{labels}}},"values":["#);
    for (index, value) in values.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let at = BEGAN + offset + STEP * i64::try_from(index).expect("a few samples");
        let _ = write!(text, r#"{comma}[{at},"{value}"]"#);
    }
    text + "]}"
}

/// The same of numbers.
pub(super) fn numbers(labels: &str, offset: i64, values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(f64::to_string).collect();
    texts(labels, offset, &values.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A counter from what it adds in each step; it begins at a number.
pub(super) fn counter(labels: &str, begins: f64, adds: &[f64]) -> String {
    let mut sum = begins;
    let mut values = vec![begins];
    for add in adds {
        sum += add;
        values.push(sum);
    }
    numbers(labels, 0, &values)
}

/// A metric by its answers.
pub(super) fn metric(name: &str, answers: &[(&str, String)]) -> String {
    let answers: Vec<String> = answers.iter().map(|(role, answer)| format!("{role:?}:{answer}")).collect();
    format!("{name:?}:{{{}}}", answers.join(","))
}

/// A recording of metrics, with further keys.
pub(super) fn recording(keys: &str, metrics: &[String]) -> String {
    format!(r#"{{{keys}"metrics":{{{}}}}}"#, metrics.join(","))
}

/// What is added to the counters of `errors` in each step: canary units and failures, baseline's likewise.
pub(super) type Adds = [f64; 4];

/// A recording of a metric `errors`.
pub(super) fn errors(keys: &str, adds: &[Adds]) -> String {
    let role = |place: usize| -> Vec<f64> { adds.iter().map(|step| step[place]).collect() };
    let one = |place: usize| answer(&[counter(r#""pod":"a""#, 7_000.0, &role(place))]);
    recording(keys, &[errors_of([one(0), one(1), one(2), one(3)])])
}

/// A metric `errors` by its four answers.
pub(super) fn errors_of([units, failures, old_units, old_failures]: [String; 4]) -> String {
    let answers = [
        ("canaryTotal", units),
        ("canaryFailures", failures),
        ("baselineTotal", old_units),
        ("baselineFailures", old_failures),
    ];
    metric("errors", &answers)
}

/// A rollout by its strategy and its metrics, as JSON.
pub(super) fn rollout(strategy: &str, metrics: &str) -> Rollout {
    let text = format!(
        r#"{{"name":"web","replicas":4,"strategy":{strategy},"analysis":{{"metrics":[{metrics}]}}}}"#
    );
    let spec: RolloutSpec = serde_json::from_str(&text).expect("a rollout");
    check(&spec).expect("a rollout that can be")
}

/// Two minutes at 10 % and two at 50 %.
pub(super) const STEPS: &str = r#"{"canary":{"steps":[{"setWeight":10},{"pause":{"duration":"2m"}},{"setWeight":50},{"pause":{"duration":"2m"}}]}}"#;
/// A sequential test of errors.
pub(super) const ERRORS: &str = r#"{"name":"errors","test":{"of":"errors"}}"#;
