//! What is measured, and what is good.

use super::check::Faults;
use super::model::{Analysis, Judge, Marks, Metric, NoData, Policy, Sequential, TestKind, Unit};
use super::raw::{AnalysisSpec, MarksSpec, MetricSpec, PolicySpec, TestKindSpec, TestSpec, UnitSpec};
use super::role::Role;
use crate::analysis::condition::{Condition, Variables};
use crate::analysis::rule::Rule;
use crate::analysis::run;
use crate::analysis::score::{ScoreFault, ScoreSpec, Scorer, Weighted};
use crate::stats::latency::Latency;
use crate::stats::{Alpha, BoundedMean};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

/// Most metrics of one analysis.
pub(super) const MAX_METRICS: usize = 100;
const MOST: i64 = 1_000_000_000;
const MINIMUM_SAMPLE: i64 = 100;
const TEST_INTERVAL: Duration = Duration::from_secs(1);
const FLAGGER_THRESHOLD: i64 = 5;
/// Bounds of a latency test unless given, in milliseconds: those of the histograms that Prometheus' client
/// libraries make unless told otherwise (`DefBuckets` of client_golang).
const BOUNDS: [f64; 11] = [5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0];

/// Checks how a version is judged.
pub(super) fn check(spec: Option<&AnalysisSpec>, faults: &mut Faults) -> Analysis {
    let default = AnalysisSpec::default();
    let spec = spec.unwrap_or(&default);
    let rate = spec.max_false_rollback.map_or(Ok(Alpha::SMALL), Alpha::new).ok();
    let rate = rate.filter(|alpha| alpha.get() <= 0.5);
    if rate.is_none() {
        faults.at("maxFalseRollback", |faults| {
            faults.help("not a small probability", "0.001 is one of a thousand");
        });
    }
    if spec.metrics.len() > MAX_METRICS {
        faults.at("metrics", |faults| {
            faults.too_many(spec.metrics.len(), MAX_METRICS);
        });
    }
    let few = &spec.metrics[..spec.metrics.len().min(MAX_METRICS)];
    let mut names = BTreeSet::new();
    for (index, metric) in few.iter().enumerate() {
        if !names.insert(metric.name.as_str()) {
            faults.at(format!("metrics[{index}].name"), |faults| {
                faults.say(format!("a second metric is called `{}`", metric.name));
            });
        }
    }
    let metrics: Vec<Metric> = faults.each("metrics", few, metric).into_iter().flatten().collect();
    let policy = policy(spec, faults);
    Analysis {
        max_false_rollback: rate.unwrap_or(Alpha::SMALL),
        policy,
        score: spec.score.map(|marks| faults.at("score", |faults| score(marks, policy, &metrics, faults))),
        no_data: match spec.no_data.as_ref().and_then(|no_data| no_data.fail_after) {
            Some(span) => NoData::FailAfter(faults.time("noData.failAfter", Some(span), Duration::ZERO)),
            None => NoData::Hold,
        },
        metrics,
    }
}

/// Marks that make sense, over metrics that can be scored.
fn score(spec: MarksSpec, policy: Policy, metrics: &[Metric], faults: &mut Faults) -> Marks {
    let usual = ScoreSpec::default();
    let marks =
        Marks { pass: spec.pass.unwrap_or(usual.pass), marginal: spec.marginal.unwrap_or(usual.marginal) };
    if matches!(policy, Policy::Flagger(_)) {
        faults.say("does not count with `policy: flagger`");
    }
    let counted = |metric: &&Metric| matches!(metric.judge, Judge::Counted(..)) && !metric.dry_run;
    let counted: Vec<Weighted> = metrics.iter().filter(counted).map(Metric::weighted).collect();
    match Scorer::new(marks.spec(counted)) {
        Err(ScoreFault::NoMetrics) => faults.say("there is no counted metric to score"),
        Err(fault) => faults.say(fault.to_string()),
        Ok(_) => {}
    }
    marks
}

fn policy(spec: &AnalysisSpec, faults: &mut Faults) -> Policy {
    let policy = match spec.policy {
        None | Some(PolicySpec::Sequential) => Policy::Sequential,
        Some(PolicySpec::Argo) => Policy::Argo,
        Some(PolicySpec::Flagger) => {
            let threshold = spec.threshold.unwrap_or(FLAGGER_THRESHOLD);
            Policy::Flagger(faults.number("threshold", threshold, 1, 10_000).unwrap_or(1))
        }
    };
    if spec.threshold.is_some() && !matches!(policy, Policy::Flagger(_)) {
        faults.at("threshold", |faults| faults.say("only counts with `policy: flagger`"));
    }
    policy
}

fn metric(spec: &MetricSpec, faults: &mut Faults) -> Option<Metric> {
    if spec.name.trim().is_empty() {
        faults.at("name", |faults| faults.say("empty"));
    }
    let weight = spec.weight.unwrap_or(1.0);
    if !(weight.is_finite() && weight > 0.0) {
        faults.at("weight", |faults| faults.say(format!("{weight} is no weight above 0")));
    }
    let judge = match &spec.test {
        Some(test) => Judge::Test(sequential(spec, test, faults)?),
        None => counted(spec, faults)?,
    };
    let queries = queries(spec, &judge, faults);
    Some(Metric {
        name: spec.name.clone(),
        source: spec.source.clone().unwrap_or_default(),
        queries,
        judge,
        dry_run: spec.dry_run,
        weight,
    })
}

/// What is asked, and that it fits what is judged. A test without a query has its counts from whoever splits
/// the traffic.
fn queries(spec: &MetricSpec, judge: &Judge, faults: &mut Faults) -> BTreeMap<Role, String> {
    let sets: &[&[Role]] = match judge {
        Judge::Counted(..) => &[&[Role::Result], &[Role::Canary, Role::Baseline]],
        Judge::Test(test) => &[test.kind.roles()],
    };
    let words = |set: &[Role]| {
        let names: Vec<String> = set.iter().map(|role| format!("`{role}`")).collect();
        names.join(", ").replacen(", ", if set.len() == 2 { " and " } else { ", " }, 1)
    };
    let all: Vec<String> = sets.iter().map(|set| words(set)).collect();
    let mut queries = BTreeMap::new();
    for (name, text) in &spec.query {
        match Role::named(name).filter(|role| sets.iter().any(|set| set.contains(role))) {
            Some(role) => {
                queries.insert(role, text.clone());
            }
            None => faults.at(format!("query.{name}"), |faults| {
                faults.help("asks for nothing that is judged", all.join(", or "));
            }),
        }
    }
    let begun: Vec<&&[Role]> =
        sets.iter().filter(|set| set.iter().any(|role| queries.contains_key(role))).collect();
    for set in &begun {
        if !set.iter().all(|role| queries.contains_key(role)) {
            faults.at("query", |faults| faults.say(format!("{} go together", words(set))));
        }
    }
    if begun.len() > 1 {
        faults.at("query", |faults| faults.say(format!("asks for one of them: {}", all.join(", or "))));
    }
    queries
}

fn counted(spec: &MetricSpec, faults: &mut Faults) -> Option<Judge> {
    let rule = rule(spec, faults)?;
    let limit = |faults: &mut Faults, key: &str, value: Option<i64>, least: i64| {
        value.map(|value| faults.number::<i64>(key, value, least, MOST))
    };
    let narrow = |value: Option<Option<i64>>| value.flatten().and_then(|value| u32::try_from(value).ok());
    let before = faults.count();
    let failures = limit(faults, "failureLimit", spec.failure_limit, -1);
    let default = run::MetricSpec::default();
    let interval = spec.interval.map(|_| faults.time("interval", spec.interval, Duration::ZERO));
    let counted = run::MetricSpec {
        name: spec.name.clone(),
        interval,
        initial_delay: spec
            .initial_delay
            .map(|_| faults.span("initialDelay", spec.initial_delay, Duration::ZERO)),
        count: narrow(limit(faults, "count", spec.count, 1)).and_then(NonZeroU32::new),
        failure_limit: match failures {
            None => default.failure_limit,
            some => narrow(some),
        },
        consecutive_failure_limit: narrow(limit(
            faults,
            "consecutiveFailureLimit",
            spec.consecutive_failure_limit,
            0,
        )),
        inconclusive_limit: narrow(limit(faults, "inconclusiveLimit", spec.inconclusive_limit, 0))
            .unwrap_or(0),
        consecutive_error_limit: narrow(limit(
            faults,
            "consecutiveErrorLimit",
            spec.consecutive_error_limit,
            0,
        ))
        .unwrap_or(default.consecutive_error_limit),
        consecutive_success_limit: narrow(limit(
            faults,
            "consecutiveSuccessLimit",
            spec.consecutive_success_limit,
            1,
        ))
        .and_then(NonZeroU32::new),
    };
    let is_wrong = faults.count() > before;
    let alone = run::RunSpec { metrics: vec![counted.clone()], ..run::RunSpec::default() };
    if let (false, Err(fault)) = (is_wrong, run::Run::new(alone)) {
        faults.say(fault.to_string());
    }
    Some(Judge::Counted(rule, Box::new(counted)))
}

fn rule(spec: &MetricSpec, faults: &mut Faults) -> Option<Rule> {
    let has_conditions = spec.success_condition.is_some() || spec.failure_condition.is_some();
    match (spec.threshold, spec.range, has_conditions) {
        (Some(threshold), None, false) if threshold.is_nan() => {
            faults.at("threshold", |faults| faults.say("is not a number"));
            None
        }
        (Some(threshold), None, false) => Some(Rule::Below(threshold)),
        (None, Some(range), false) => {
            let (least, most) = (range.min.unwrap_or(f64::NEG_INFINITY), range.max.unwrap_or(f64::INFINITY));
            // An end that is no number is not less than the other one either.
            let is_range = least <= most && range.min.or(range.max).is_some();
            if !is_range {
                faults.at("range", |faults| faults.say("holds nothing"));
            }
            Some(Rule::Within { min: range.min, max: range.max })
        }
        (None, None, true) => {
            let pair = spec.query.contains_key("baseline");
            let mut compile = |key: &str, text: Option<&String>| {
                text.map(|text| {
                    let condition = Condition::compile(text, Variables { shape: None, pair });
                    condition.map_err(|fault| faults.at(key, |faults| faults.say(format!("{fault}")))).ok()
                })
            };
            let success = compile("successCondition", spec.success_condition.as_ref());
            let failure = compile("failureCondition", spec.failure_condition.as_ref());
            Some(Rule::Conditions { success: lift(success)?, failure: lift(failure)? })
        }
        (None, None, false) => {
            faults.help(
                "does not say what is good",
                "threshold, range, successCondition, failureCondition or test",
            );
            None
        }
        _ => {
            faults
                .say("says more than once what is good: threshold, range and conditions exclude each other");
            None
        }
    }
}

/// What was not given is good; what was given and is wrong is not.
fn lift<T>(given: Option<Option<T>>) -> Option<Option<T>> {
    match given {
        None => Some(None),
        Some(None) => None,
        Some(some) => Some(some),
    }
}

fn sequential(spec: &MetricSpec, test: &TestSpec, faults: &mut Faults) -> Option<Sequential> {
    let others = [
        ("threshold", spec.threshold.is_some()),
        ("range", spec.range.is_some()),
        ("successCondition", spec.success_condition.is_some()),
        ("failureCondition", spec.failure_condition.is_some()),
        ("count", spec.count.is_some()),
        ("failureLimit", spec.failure_limit.is_some()),
    ];
    for (key, _) in others.iter().filter(|(_, given)| *given) {
        faults
            .at(*key, |faults| faults.say("a sequential test needs no limits: it may be looked at any time"));
    }
    let kind = faults.at("test", |faults| kind(test, faults));
    let unit = match test.unit {
        UnitSpec::Request => Unit::Request,
        UnitSpec::Session => Unit::Session,
        UnitSpec::Bucket => Unit::Bucket,
    };
    let sample = test.minimum_sample.unwrap_or(MINIMUM_SAMPLE);
    let minimum_sample = faults.at("test", |faults| faults.number("minimumSample", sample, 1, MOST));
    let interval = faults.time("interval", spec.interval, TEST_INTERVAL);
    Some(Sequential { kind: kind?, unit, minimum_sample: minimum_sample?, interval })
}

fn kind(test: &TestSpec, faults: &mut Faults) -> Option<TestKind> {
    match test.of {
        TestKindSpec::Errors => {
            if !test.bounds.is_empty() {
                faults.at("bounds", |faults| faults.say("are for latency and mean"));
            }
            Some(TestKind::Errors)
        }
        TestKindSpec::Latency => {
            let bounds = if test.bounds.is_empty() { BOUNDS.to_vec() } else { test.bounds.clone() };
            let fault = Latency::new(&bounds).err();
            if let Some(fault) = &fault {
                faults.at("bounds", |faults| faults.say(fault.to_string()));
            }
            fault.is_none().then_some(TestKind::Latency(bounds))
        }
        TestKindSpec::Mean => {
            let bound = match test.bounds.as_slice() {
                [bound] => BoundedMean::new(*bound).is_ok().then_some(*bound),
                _ => None,
            };
            if bound.is_none() {
                faults.at("bounds", |faults| faults.help("wants the highest value alone", "`bounds: [1]`"));
            }
            bound.map(TestKind::Mean)
        }
    }
}
