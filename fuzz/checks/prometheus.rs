//! What holds for every answer of Prometheus. The fuzz target `prometheus` has this file, too.

use super::answer::{Answered, QueryError, Ranged, instant, range};
use serde::de::IgnoredAny;
use serde_json::Value;
use taskmaster_delivery::analysis::answer::{Answer, MAX_SAMPLES};
use taskmaster_delivery::analysis::condition::{Condition, Readings, Shape, Variables};
use taskmaster_delivery::analysis::rule::{NoData, Outcome, Rule};

/// The year 5138.
const LATEST_MS: i64 = 100_000_000_000_000;

/// Reads an answer in every way; how it was refused, or what was found.
pub(super) fn check(bytes: &[u8]) -> &'static str {
    let json: Option<Value> = serde_json::from_slice(bytes).ok();
    let (found, series) = (instant(bytes), range(bytes));
    // NaN is not even itself.
    assert_eq!(format!("{found:?}"), format!("{:?}", instant(bytes)), "two readings differ");
    // What is passed over is only looked at for its form.
    let is_json = serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    assert!(is_json || (found.is_err() && series.is_err()), "it is no JSON");
    for error in [found.as_ref().err(), series.as_ref().err()].into_iter().flatten() {
        is_clear(error);
    }
    if let Ok(series) = &series {
        are_series(series);
    }
    // Which of two members of the same name counts is nobody's to say.
    if let Some(json) = json.filter(|json| members(json) == written_members(bytes)) {
        agrees(&json, &found);
    }
    match &found {
        Ok(answered) => {
            is_bounded(answered);
            is_judged(&answered.answer);
            match answered.answer {
                Answer::Scalar(_) => "scalar",
                Answer::Vector(_) => "vector",
                Answer::Empty => "empty",
                Answer::Error { .. } => "error",
            }
        }
        Err(_) if series.is_ok() => "range",
        Err(QueryError::Refused { .. }) => "refused",
        Err(QueryError::Partial(_)) => "partial",
        Err(QueryError::Kind(_)) => "kind",
        Err(_) => "form",
    }
}

fn is_clear(error: &QueryError) {
    assert!(!error.to_string().is_empty());
    assert!(
        !matches!(error, QueryError::Unreachable(_) | QueryError::Timeout(_) | QueryError::Redirect(_)),
        "an answer was there: {error}"
    );
}

fn is_bounded(found: &Answered) {
    assert!(found.remarks.len() <= 20);
    assert!(found.at.is_none_or(|at| (0..=LATEST_MS).contains(&at.0)), "{:?} is no time", found.at);
    let Answer::Vector(samples) = &found.answer else { return };
    assert!((1..=10_000).contains(&samples.len()) && samples.iter().all(|sample| sample.labels.len() <= 64));
}

fn are_series(found: &Ranged) {
    assert!(found.series.len() <= 10_000);
    for series in &found.series {
        assert!(series.samples.windows(2).all(|pair| pair[0].0 < pair[1].0), "times rise");
        assert!(series.samples.iter().all(|(at, _)| (0..=LATEST_MS).contains(&at.0)));
    }
}

/// What a rule makes of it: no number that is none is ever healthy, and nothing is made of nothing.
fn is_judged(answer: &Answer) {
    let values = answer.values();
    let one = Readings::One(answer.clone());
    let below = Rule::Below(0.05).judge(&one, NoData::Inconclusive).outcome;
    let is_read = !values.is_empty() && values.len() <= MAX_SAMPLES;
    assert_eq!(below == Outcome::Healthy, is_read && values.iter().all(|value| *value < 0.05), "{answer:?}");
    let variables = Variables { shape: Some(Shape::Vector), pair: false };
    let condition = Condition::compile("result[0] < 0.05", variables).expect("a condition");
    let rule = Rule::Conditions { success: Some(condition), failure: None };
    for no_data in [NoData::Inconclusive, NoData::Evaluate, NoData::Unhealthy] {
        let finding = rule.judge(&one, no_data);
        let is_low = values.first().is_some_and(|value| *value < 0.05);
        assert!(finding.outcome != Outcome::Healthy || is_low, "{answer:?} {no_data:?} {finding:?}");
        assert!(finding.words.len() + finding.value.len() < 4_096, "{finding:?}");
    }
}

/// Members of all objects.
fn members(json: &Value) -> usize {
    match json {
        Value::Object(map) => map.len() + map.values().map(members).sum::<usize>(),
        Value::Array(list) => list.iter().map(members).sum(),
        _ => 0,
    }
}

/// Members of all objects of a JSON text, those of the same name each: the colons outside of strings.
fn written_members(text: &[u8]) -> usize {
    let (mut count, mut in_string, mut is_escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// The same text by another reader, as far as a server would send it.
fn agrees(json: &Value, found: &Result<Answered, QueryError>) {
    // A list in place of an object is read by position; no server sends that.
    let Some(object) = json.as_object() else { return };
    let status = object.get("status").and_then(Value::as_str);
    assert!(status == Some("success") || found.is_err(), "{status:?} is no success");
    if object.get("data").is_some_and(Value::is_array) {
        return;
    }
    match (found, expected(object)) {
        (Ok(Answered { answer: Answer::Scalar(value), .. }), Some(values)) => same(&[*value], &values),
        (Ok(Answered { answer: Answer::Vector(samples), .. }), Some(values)) => {
            same(&samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), &values);
        }
        (Ok(Answered { answer: Answer::Empty, .. }), Some(values)) => same(&[], &values),
        (Ok(found), _) => panic!("{found:?} of {json}"),
        (Err(QueryError::Kind(_)), Some(values)) if values.len() > 10_000 => {}
        (Err(error), Some(values)) if status == Some("success") && is_plain(object) => {
            panic!("{error} of {values:?}")
        }
        (Err(_), _) => {}
    }
}

/// It says nothing but its data, and of each series nothing but what it is and its value.
fn is_plain(object: &serde_json::Map<String, Value>) -> bool {
    let result = object.get("data").and_then(|data| data.get("result")).and_then(Value::as_array);
    let only = |one: &Value, names: [&str; 2]| {
        one.as_object().is_none_or(|map| map.keys().all(|key| names.contains(&key.as_str())))
    };
    let mut series = result.into_iter().flatten();
    object.keys().all(|key| key == "status" || key == "data")
        && series.all(|one| only(one, ["metric", "value"]))
}

/// The numbers of a scalar or a vector; none where any part of it is not as it should be.
fn expected(object: &serde_json::Map<String, Value>) -> Option<Vec<f64>> {
    let Some(data) = object.get("data").filter(|data| !data.is_null()) else { return Some(Vec::new()) };
    let kind = data.get("resultType")?.as_str()?;
    let result = match data.get("result") {
        None | Some(Value::Null) => &Vec::new(),
        Some(result) => result.as_array()?,
    };
    let one = |series: &Value| {
        let series = series.as_object()?;
        let are_labels = series.get("metric").is_none_or(|labels| {
            let labels = labels.as_object();
            labels.is_some_and(|labels| labels.len() <= 64 && labels.values().all(Value::is_string))
        });
        are_labels.then(|| pair(series.get("value")?.as_array()?)).flatten()
    };
    match kind {
        "scalar" => Some(vec![pair(result)?]),
        "vector" => result.iter().map(one).collect(),
        _ => None,
    }
}

fn pair(pair: &[Value]) -> Option<f64> {
    let [at, value] = pair else { return None };
    let at = at.as_f64().filter(|at| (0.0..=1e11).contains(at));
    at.and_then(|_| value.as_str()?.parse().ok())
}

fn same(found: &[f64], expected: &[f64]) {
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(found), bits(expected));
}
