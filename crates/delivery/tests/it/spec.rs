//! The reader of specifications.

#![expect(clippy::needless_pass_by_value, reason = "a table of values reads better without references")]

use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Instant;
use taskmaster_delivery::sim::any;
use taskmaster_delivery::spec::{
    AbSpec, AnalysisSpec, MarksSpec, MatchSpec, MetricSpec, RangeSpec, RolloutSpec, StrategySpec,
    TestKindSpec, TestSpec, UnitSpec, check, duration,
};

/// The faults of a text: path and words.
fn faults(text: &Value) -> Vec<(String, String)> {
    faults_of(&serde_json::from_value(text.clone()).unwrap_or_else(|why| panic!("{text}: {why}")))
}

fn faults_of(spec: &RolloutSpec) -> Vec<(String, String)> {
    let found = check(spec).err().unwrap_or_default();
    found.into_iter().map(|fault| (fault.path, fault.message)).collect()
}

fn rollout(strategy: Value, analysis: Value) -> Value {
    json!({"name": "web", "replicas": 4, "strategy": strategy, "analysis": analysis})
}

fn steps(steps: Value) -> Value {
    rollout(json!({"canary": {"steps": steps}}), json!({"metrics": [rate()]}))
}

fn rate() -> Value {
    json!({"name": "rate", "threshold": 0.05, "interval": "10s", "count": 3})
}

fn metric(key: &str, value: Value) -> Value {
    let mut metric = rate();
    metric[key] = value;
    rollout(json!({"rolling": {}}), json!({"metrics": [metric]}))
}

/// A metric with these keys alone, beside its name.
fn only(keys: Value) -> Value {
    let mut metric = keys;
    metric["name"] = json!("rate");
    rollout(json!({"rolling": {}}), json!({"metrics": [metric]}))
}

fn expect(text: &Value, expected: &[(&str, &str)]) {
    let found = faults(text);
    let is_same = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(fault, (path, words))| fault.0 == *path && fault.1.contains(words));
    assert!(is_same, "{text}\nfound {found:#?}\nexpected {expected:#?}");
}

#[test]
fn steps_of_a_canary() {
    let at = |place: &str| format!("strategy.canary.steps{place}");
    let gap = "is not between 0 and 100";
    for (written, expected) in [
        (json!([{"setWeight": 101}]), vec![("[0].setWeight", gap)]),
        (json!([{"setWeight": -1}]), vec![("[0].setWeight", gap)]),
        (json!([{"setWeight": 5}, {"setWeight": 200}]), vec![("[1].setWeight", gap)]),
        (
            json!([{"setWeight": 50}, {"pause": {}}, {"setWeight": 20}]),
            vec![("[2].setWeight", "20 after 50 does not rise")],
        ),
        (json!([{"setWeight": 20}, {"setWeight": 20}]), vec![("[1].setWeight", "does not rise")]),
        (
            json!([{"setWeight": 100}, {"setWeight": 100}]),
            vec![("[1].setWeight", "comes after all of the traffic")],
        ),
        (json!([{}]), vec![("[0]", "exactly one key")]),
        (json!([{"setWeight": 1, "pause": {}}]), vec![("[0]", "exactly one key")]),
        (
            json!([{"analysis": {"metrics": ["rates"]}}]),
            vec![("[0].analysis.metrics[0]", "no metric is called `rates`")],
        ),
        (
            json!([{"analysis": {"metrics": ["rate", "rate"]}}]),
            vec![("[0].analysis.metrics[1]", "`rate` is named twice")],
        ),
        (json!([{"setCanaryScale": {}}]), vec![("[0].setCanaryScale", "exactly one of")]),
        (
            json!([{"setCanaryScale": {"replicas": 1, "weight": 1}}]),
            vec![("[0].setCanaryScale", "exactly one of")],
        ),
        (
            json!([{"setCanaryScale": {"matchTrafficWeight": false}}]),
            vec![("[0].setCanaryScale", "exactly one of")],
        ),
        (
            json!([{"setCanaryScale": {"replicas": -1}}]),
            vec![("[0].setCanaryScale.replicas", "-1 is not between")],
        ),
        (json!([{"setCanaryScale": {"weight": 101}}]), vec![("[0].setCanaryScale.weight", gap)]),
        (
            json!([{"setCanaryScale": {"replicas": 0}}, {"setWeight": 5}]),
            vec![("[1].setWeight", "no pod for a weight of 5")],
        ),
        (
            json!([{"setWeight": 5}, {"setCanaryScale": {"weight": 0}}]),
            vec![("[1].setCanaryScale", "no pod for a weight of 5")],
        ),
        (
            json!([{"setMirrorRoute": {"name": "m", "percentage": 101}}]),
            vec![("[0].setMirrorRoute.percentage", gap)],
        ),
        (
            json!([{"setMirrorRoute": {"name": " ", "percentage": 1}}]),
            vec![("[0].setMirrorRoute.name", "empty")],
        ),
        (json!([{"setHeaderRoute": {"name": "", "match": []}}]), vec![("[0].setHeaderRoute.name", "empty")]),
        (
            json!([{"setHeaderRoute": {"name": "h", "match": [{}]}}]),
            vec![
                ("[0].setHeaderRoute.match[0]", "exactly one of header and cookie"),
                ("[0].setHeaderRoute.match[0]", "exactly one of exact, prefix and regex"),
            ],
        ),
        (
            json!([{"setHeaderRoute": {"name": "h", "match": [{"header": "a", "cookie": "b", "exact": ""}]}}]),
            vec![("[0].setHeaderRoute.match[0]", "exactly one of header and cookie")],
        ),
        (
            json!([{"setHeaderRoute": {"name": "h", "match": [{"header": "", "exact": "1"}]}}]),
            vec![("[0].setHeaderRoute.match[0].header", "empty")],
        ),
        (
            json!([{"setHeaderRoute": {"name": "h", "match": [{"cookie": "a", "regex": "("}]}}]),
            vec![("[0].setHeaderRoute.match[0].regex", "is no regular expression")],
        ),
    ] {
        let expected: Vec<(String, &str)> =
            expected.into_iter().map(|(path, words)| (at(path), words)).collect();
        let expected: Vec<(&str, &str)> =
            expected.iter().map(|(path, words)| (path.as_str(), *words)).collect();
        expect(&steps(written), &expected);
    }
}

#[test]
fn canaries() {
    let canary = |canary: Value| rollout(json!({"canary": canary}), json!({"metrics": [rate()]}));
    let pods = |step: Value| canary(json!({"traffic": "pods", "steps": [step]}));
    let at = "strategy.canary";
    for (text, path, words) in [
        (
            canary(json!({"analysisFromStep": 0, "steps": [{"setWeight": 5}]})),
            ".analysisFromStep",
            "0 is not between 1 and 1",
        ),
        (
            canary(json!({"analysisFromStep": 3, "steps": [{"setWeight": 5}, {"pause": {}}]})),
            ".analysisFromStep",
            "3 is not between 1 and 2",
        ),
        (canary(json!({"analysisFromStep": 1, "steps": []})), ".analysisFromStep", "no step"),
        (
            canary(json!({"traffic": "pods", "dynamicStableScale": true})),
            ".dynamicStableScale",
            "only a router",
        ),
        (pods(json!({"setCanaryScale": {"replicas": 1}})), ".steps[0].setCanaryScale", "needs a router"),
        (
            pods(json!({"setMirrorRoute": {"name": "m", "percentage": 1}})),
            ".steps[0].setMirrorRoute",
            "needs a router",
        ),
        (pods(json!({"setHeaderRoute": {"name": "m"}})), ".steps[0].setHeaderRoute", "needs a router"),
        (canary(json!({"minPods": -1})), ".minPods", "-1 is not between"),
        (canary(json!({"maxSurge": -1})), ".maxSurge", "neither a number of pods nor a share"),
        (canary(json!({"maxSurge": "25%%"})), ".maxSurge", "neither a number of pods nor a share"),
        (canary(json!({"maxUnavailable": "-5%"})), ".maxUnavailable", "neither a number of pods nor a share"),
        (
            canary(json!({"maxUnavailable": 5_000_000_000_i64})),
            ".maxUnavailable",
            "neither a number of pods nor a share",
        ),
        (canary(json!({"scaleDownDelay": "400d"})), ".scaleDownDelay", "longer than a year"),
    ] {
        // A day is no unit of clocks: such a text is refused while it is read.
        if serde_json::from_value::<RolloutSpec>(text.clone()).is_err() {
            assert!(text.to_string().contains("400d"), "{text}");
            continue;
        }
        expect(&text, &[(&format!("{at}{path}"), words)]);
    }
    expect(
        &canary(json!({"scaleDownDelay": "9000h"})),
        &[("strategy.canary.scaleDownDelay", "longer than a year")],
    );
}

#[test]
fn one_strategy() {
    let analysis = || json!({"metrics": [rate()]});
    expect(&rollout(json!({}), analysis()), &[("strategy", "found none")]);
    expect(
        &rollout(json!({"canary": {}, "rolling": {}}), analysis()),
        &[("strategy", "found canary and rolling")],
    );
    for strategy in ["canary", "rolling", "blueGreen"] {
        expect(&rollout(json!({strategy: {}}), json!({})), &[]);
    }
}

#[test]
fn the_rollout_itself() {
    let with = |key: &str, value: Value| {
        let mut text = rollout(json!({"rolling": {}}), json!({}));
        text[key] = value;
        text
    };
    for (key, value, words) in [
        ("name", json!(" "), "empty"),
        ("replicas", json!(-1), "-1 is not between 0 and 100000"),
        ("replicas", json!(100_001), "is not between"),
        ("replicas", json!(i64::MIN), "is not between"),
        ("rollbackWindow", json!(-1), "-1 is not between"),
        ("progressDeadline", json!("0s"), "takes no time"),
        ("progressDeadline", json!("9000h"), "longer than a year"),
    ] {
        expect(&with(key, value), &[(key, words)]);
    }
    expect(&with("replicas", json!(0)), &[]);
}

/// What is refused while it is read.
#[test]
fn what_cannot_be_read() {
    let canary = |canary: Value| rollout(json!({"canary": canary}), json!({}));
    for (text, words) in [
        (steps(json!([{"pause": {"duration": "-5s"}}])), "less than nothing"),
        (steps(json!([{"pause": {"duration": -5}}])), "less than nothing"),
        (steps(json!([{"pause": {"duration": "soon"}}])), "is no duration"),
        (steps(json!([{"setWeight": 1.5}])), "expected i64"),
        (steps(json!([{"setWeigth": 5}])), "unknown field `setWeigth`"),
        (steps(json!([{"setWeight": 1e300}])), "expected i64"),
        (canary(json!({"traffic": "mesh"})), "unknown variant"),
        (json!({"name": "web"}), "missing field `strategy`"),
        (json!([]), "invalid length"),
    ] {
        let why = serde_json::from_value::<RolloutSpec>(text.clone()).unwrap_err().to_string();
        assert!(why.contains(words), "{text}: {why}");
    }
}

#[test]
fn metrics_that_count() {
    let at = "analysis.metrics[0]";
    for (text, path, words) in [
        (only(json!({})), "", "does not say what is good"),
        (metric("range", json!({"max": 1})), "", "more than once what is good"),
        (metric("successCondition", json!("result < 1.0")), "", "more than once what is good"),
        (only(json!({"range": {}})), ".range", "holds nothing"),
        (only(json!({"range": {"min": 2, "max": 1}})), ".range", "holds nothing"),
        (only(json!({"successCondition": "result <"})), ".successCondition", ""),
        (only(json!({"failureCondition": "result + 1.0"})), ".failureCondition", ""),
        (only(json!({"failureCondition": "canary > baseline"})), ".failureCondition", ""),
        (only(json!({"successCondition": "unknown > 1.0"})), ".successCondition", ""),
        (metric("interval", json!("0s")), ".interval", "takes no time"),
        (metric("interval", json!("9000h")), ".interval", "longer than a year"),
        (metric("count", json!(0)), ".count", "0 is not between"),
        (metric("count", json!(-1)), ".count", "-1 is not between"),
        (metric("failureLimit", json!(-2)), ".failureLimit", "-2 is not between -1"),
        (metric("inconclusiveLimit", json!(-1)), ".inconclusiveLimit", "-1 is not between"),
        (metric("consecutiveErrorLimit", json!(-1)), ".consecutiveErrorLimit", "-1 is not between"),
        (metric("consecutiveSuccessLimit", json!(0)), ".consecutiveSuccessLimit", "0 is not between"),
        (metric("failureLimit", json!(4)), "", "count 3 is less than failure limit"),
        (only(json!({"threshold": 1, "count": 2})), "", "needs an interval"),
        (only(json!({"threshold": 1, "failureLimit": -1})), "", "neither failures nor successes can end it"),
        (metric("weight", json!(0)), ".weight", "no weight above 0"),
        (metric("weight", json!(-1)), ".weight", "no weight above 0"),
        (metric("query", json!({"stable": "up"})), ".query.stable", "asks for nothing that is judged"),
        (
            metric("query", json!({"canaryTotal": "up"})),
            ".query.canaryTotal",
            "asks for nothing that is judged",
        ),
        (
            metric("query", json!({"result": "a", "canary": "b", "baseline": "c"})),
            ".query",
            "asks for one of them",
        ),
        (metric("query", json!({"canary": "up"})), ".query", "go together"),
        (metric("name", json!(" ")), ".name", "empty"),
    ] {
        expect(&text, &[(&format!("{at}{path}"), words)]);
    }
    let two = rollout(json!({"rolling": {}}), json!({"metrics": [rate(), rate()]}));
    expect(&two, &[("analysis.metrics[1].name", "a second metric is called `rate`")]);
}

#[test]
fn metrics_that_are_tests() {
    let test = |test: Value| only(json!({"test": test}));
    let at = "analysis.metrics[0]";
    for (text, path, words) in [
        (only(json!({"test": {"of": "errors"}, "threshold": 1})), ".threshold", "needs no limits"),
        (only(json!({"test": {"of": "errors"}, "count": 1})), ".count", "needs no limits"),
        (
            only(json!({"test": {"of": "errors"}, "query": {"result": "up"}})),
            ".query.result",
            "asks for nothing that is judged",
        ),
        (
            only(json!({"test": {"of": "errors"}, "query": {"canaryTotal": "a", "baselineTotal": "b"}})),
            ".query",
            "go together",
        ),
        (only(json!({"test": {"of": "errors"}, "interval": "0s"})), ".interval", "takes no time"),
        (test(json!({"of": "errors", "minimumSample": 0})), ".test.minimumSample", "0 is not between 1"),
        (test(json!({"of": "errors", "bounds": [1]})), ".test.bounds", "latency and mean"),
        (test(json!({"of": "mean"})), ".test.bounds", "highest value alone"),
        (test(json!({"of": "mean", "bounds": [0]})), ".test.bounds", "highest value alone"),
        (test(json!({"of": "latency", "bounds": [5, 1]})), ".test.bounds", ""),
    ] {
        expect(&text, &[(&format!("{at}{path}"), words)]);
    }
}

#[test]
fn the_analysis_itself() {
    let with = |key: &str, value: Value| {
        let mut analysis = json!({"metrics": [rate()]});
        analysis[key] = value;
        rollout(json!({"rolling": {}}), analysis)
    };
    for (key, value, path, words) in [
        ("maxFalseRollback", json!(0), "maxFalseRollback", "not a small probability"),
        ("maxFalseRollback", json!(0.6), "maxFalseRollback", "not a small probability"),
        ("threshold", json!(5), "threshold", "only counts with `policy: flagger`"),
        ("noData", json!({"failAfter": "0s"}), "noData.failAfter", "takes no time"),
        ("score", json!({"pass": 50, "marginal": 60}), "score", "0 <= marginal <= pass <= 100"),
        ("score", json!({"pass": 101}), "score", "0 <= marginal <= pass <= 100"),
        ("score", json!({"marginal": -1}), "score", "0 <= marginal <= pass <= 100"),
    ] {
        expect(&with(key, value), &[(&format!("analysis.{path}"), words)]);
    }
    let mut flagger = with("policy", json!("flagger"));
    flagger["analysis"]["threshold"] = json!(0);
    expect(&flagger, &[("analysis.threshold", "0 is not between 1")]);
    flagger["analysis"]["threshold"] = json!(5);
    flagger["analysis"]["score"] = json!({});
    expect(&flagger, &[("analysis.score", "does not count with `policy: flagger`")]);
    let tests = json!({"score": {}, "metrics": [{"name": "errors", "test": {"of": "errors"}}]});
    expect(&rollout(json!({"rolling": {}}), tests), &[("analysis.score", "no counted metric to score")]);
    expect(&with("score", json!({})), &[]);
}

/// Each row: an analysis of a step, and whether it ends.
#[test]
fn an_analysis_that_never_ends() {
    let endless = json!({"name": "endless", "threshold": 1, "interval": "5s"});
    let in_a_row = json!({"name": "row", "threshold": 1, "interval": "5s", "consecutiveSuccessLimit": 3});
    let errors = json!({"name": "errors", "test": {"of": "errors"}});
    let mut dry = endless.clone();
    (dry["name"], dry["dryRun"]) = (json!("dry"), json!(true));
    let metrics = json!({"metrics": [rate(), endless, in_a_row, errors, dry]});
    for (watch, ends) in [
        (json!({"metrics": ["rate"]}), true),
        (json!({"metrics": ["endless"]}), false),
        (json!({"metrics": ["endless"], "duration": "0s"}), false),
        (json!({"metrics": ["endless"], "duration": "1m"}), true),
        (json!({"metrics": ["row", "errors", "rate"]}), true),
        (json!({"metrics": ["rate", "dry"]}), false),
        (json!({"metrics": ["rate", "endless"]}), false),
    ] {
        for (strategy, path) in [
            (json!({"canary": {"steps": [{"analysis": watch}]}}), "strategy.canary.steps[0].analysis"),
            (
                json!({"blueGreen": {"prePromotionAnalysis": watch}}),
                "strategy.blueGreen.prePromotionAnalysis",
            ),
            (
                json!({"blueGreen": {"postPromotionAnalysis": watch}}),
                "strategy.blueGreen.postPromotionAnalysis",
            ),
            (json!({"rolling": {"analysis": watch}}), "strategy.rolling.analysis"),
        ] {
            let expected = [(path, "has an interval and no count: this never ends")];
            expect(&rollout(strategy, metrics.clone()), if ends { &[] } else { &expected });
        }
    }
    // Beside the steps it may go on as long as they do.
    let beside = json!({"canary": {"analysisFromStep": 1, "steps": [{"setWeight": 5}]}});
    expect(&rollout(beside, metrics), &[]);
}

#[test]
fn blue_green_ab_and_rolling() {
    let matched = json!([{"header": "x", "exact": "1"}]);
    let ab = |key: &str, value: Value| {
        let mut ab = json!({"match": matched, "iterations": 2, "interval": "10s"});
        ab[key] = value;
        json!({"ab": ab})
    };
    let migration = |migration: Value| json!({"rolling": {"migration": migration}});
    for (strategy, path, words) in [
        (json!({"blueGreen": {"previewReplicas": 0}}), "blueGreen.previewReplicas", "0 is not between 1"),
        (json!({"blueGreen": {"previewReplicas": -1}}), "blueGreen.previewReplicas", "-1 is not between 1"),
        (
            json!({"blueGreen": {"autoPromotion": false, "autoPromotionAfter": "1s"}}),
            "blueGreen.autoPromotionAfter",
            "contradicts",
        ),
        (
            json!({"blueGreen": {"prePromotionAnalysis": {"metrics": ["x"]}}}),
            "blueGreen.prePromotionAnalysis.metrics[0]",
            "no metric is called `x`",
        ),
        (
            json!({"rolling": {"analysis": {"metrics": ["x"]}}}),
            "rolling.analysis.metrics[0]",
            "no metric is called `x`",
        ),
        (ab("match", json!([])), "ab.match", "no user would get the new version"),
        (ab("match", json!([{"header": "x"}])), "ab.match[0]", "exactly one of exact, prefix and regex"),
        (ab("iterations", json!(0)), "ab.iterations", "0 is not between 1"),
        (ab("interval", json!("0s")), "ab.interval", "takes no time"),
        (ab("replicas", json!(0)), "ab.replicas", "0 is not between 1"),
        (migration(json!({"up": []})), "rolling.migration.up", "names no program"),
        (migration(json!({"up": [""]})), "rolling.migration.up", "names no program"),
        (migration(json!({"up": ["m"], "down": []})), "rolling.migration.down", "names no program"),
        (migration(json!({"up": ["m"], "timeout": "0s"})), "rolling.migration.timeout", "takes no time"),
    ] {
        expect(&rollout(strategy, json!({"metrics": [rate()]})), &[(&format!("strategy.{path}"), words)]);
    }
    let nothing = "there is nothing to analyse";
    expect(&rollout(ab("iterations", json!(1)), json!({})), &[("strategy.ab", nothing)]);
    expect(
        &rollout(json!({"rolling": {"analysis": {}}}), json!({})),
        &[("strategy.rolling.analysis", nothing)],
    );
}

/// A metric that is wrong is told once, at its place: not again by whoever names it.
#[test]
fn one_fault_is_told_once() {
    let strategy = json!({"canary": {
        "analysisFromStep": 1, "steps": [{"setWeight": 5}, {"analysis": {"metrics": ["rate"]}}, {"analysis": {}}]
    }});
    let metrics = json!({"metrics": [{"name": "rate"}]});
    expect(&rollout(strategy, metrics), &[("analysis.metrics[0]", "does not say what is good")]);
}

/// All faults at once, in the order of the text.
#[test]
fn several_faults() {
    let mut text = steps(json!([{"setWeight": 300}, {}, {"analysis": {"metrics": ["x"]}}]));
    text["name"] = json!("");
    text["replicas"] = json!(-5);
    expect(
        &text,
        &[
            ("name", "empty"),
            ("replicas", "-5 is not between"),
            ("strategy.canary.steps[0].setWeight", "300"),
            ("strategy.canary.steps[1]", "exactly one key"),
            ("strategy.canary.steps[2].analysis.metrics[0]", "no metric is called `x`"),
        ],
    );
}

/// YAML knows numbers that JSON does not.
#[test]
fn numbers_that_are_none() {
    let (nan, infinite) = (f64::NAN, f64::INFINITY);
    let metric = MetricSpec { name: "rate".to_owned(), threshold: Some(1.0), ..MetricSpec::default() };
    let range =
        |min, max| MetricSpec { threshold: None, range: Some(RangeSpec { min, max }), ..metric.clone() };
    let test = |of, bounds| MetricSpec {
        threshold: None,
        test: Some(TestSpec { of, unit: UnitSpec::Request, minimum_sample: None, bounds }),
        ..metric.clone()
    };
    for (metric, path) in [
        (MetricSpec { threshold: Some(nan), ..metric.clone() }, "threshold"),
        (range(Some(nan), Some(1.0)), "range"),
        (range(Some(1.0), Some(nan)), "range"),
        (range(None, Some(nan)), "range"),
        (MetricSpec { weight: Some(nan), ..metric.clone() }, "weight"),
        (MetricSpec { weight: Some(infinite), ..metric.clone() }, "weight"),
        (test(TestKindSpec::Latency, vec![1.0, nan]), "test.bounds"),
        (test(TestKindSpec::Latency, vec![1.0, infinite]), "test.bounds"),
        (test(TestKindSpec::Mean, vec![nan]), "test.bounds"),
        (test(TestKindSpec::Latency, (1..1_000_000).map(f64::from).collect()), "test.bounds"),
    ] {
        let analysis = AnalysisSpec { metrics: vec![metric], ..AnalysisSpec::default() };
        let found = faults_of(&plain(analysis));
        let paths: Vec<&str> = found.iter().map(|fault| fault.0.as_str()).collect();
        assert_eq!(paths, [format!("analysis.metrics[0].{path}")], "{found:?}");
    }
    let marks = Some(MarksSpec { pass: Some(nan), marginal: None });
    let scored = AnalysisSpec { metrics: vec![metric.clone()], score: marks, ..AnalysisSpec::default() };
    assert_eq!(faults_of(&plain(scored))[0].0, "analysis.score");
    let rate = AnalysisSpec { max_false_rollback: Some(nan), ..AnalysisSpec::default() };
    assert_eq!(faults_of(&plain(rate))[0].0, "analysis.maxFalseRollback");
}

fn plain(analysis: AnalysisSpec) -> RolloutSpec {
    let mut spec: RolloutSpec =
        serde_json::from_value(rollout(json!({"rolling": {}}), json!({}))).expect("a specification");
    spec.analysis = Some(analysis);
    spec
}

/// Long lists end in one fault, and at once.
#[test]
#[expect(clippy::disallowed_methods, reason = "the time that it takes is what is tested")]
fn a_million_of_anything_is_refused_at_once() {
    const MANY: usize = 1_000_000;
    let began = Instant::now();
    let mut spec: RolloutSpec = serde_json::from_value(steps(json!([{"pause": {}}]))).unwrap();
    let canary = spec.strategy.canary.as_mut().unwrap();
    canary.steps = vec![canary.steps[0].clone(); MANY];
    assert_eq!(
        faults_of(&spec),
        [("strategy.canary.steps".to_owned(), "1000000 steps are more than 1000".to_owned())]
    );
    let metrics =
        vec![MetricSpec { name: "rate".to_owned(), threshold: Some(1.0), ..MetricSpec::default() }; MANY];
    let found = faults_of(&plain(AnalysisSpec { metrics, ..AnalysisSpec::default() }));
    assert!(found.len() <= 101, "{}", found.len());
    assert_eq!(found[0].0, "analysis.metrics");
    let matched =
        MatchSpec { header: Some("x".to_owned()), exact: Some("1".to_owned()), ..MatchSpec::default() };
    let ab = AbSpec {
        matches: vec![matched; MANY],
        iterations: 1,
        interval: duration::Text(std::time::Duration::from_secs(1)),
        replicas: None,
    };
    spec.strategy = StrategySpec { ab: Some(ab), ..StrategySpec::default() };
    assert_eq!(faults_of(&spec), [("strategy.ab.match".to_owned(), "1000000 are more than 100".to_owned())]);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

/// What is read and written again is the same, for whatever the simulator thinks up.
#[test]
fn what_is_written_again_is_the_same() {
    for seed in 0..300 {
        let (spec, rollout, _) = any(seed);
        let written = serde_json::to_value(&spec).unwrap();
        let read: RolloutSpec = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(read, spec, "{written}");
        assert_eq!(check(&read).unwrap(), rollout, "{written}");
    }
    let all = json!({
        "name": "web", "replicas": 3, "progressDeadline": "5m", "rollbackWindow": 2,
        "strategy": {"canary": {
            "traffic": "router", "maxSurge": 1, "maxUnavailable": "10%", "dynamicStableScale": true, "minPods": 1,
            "scaleDownDelay": "1m", "abortScaleDownDelay": "1h", "analysisFromStep": 2,
            "steps": [
                {"setHeaderRoute": {"name": "h", "match": [{"cookie": "c", "regex": "a+"}]}},
                {"setMirrorRoute": {"name": "m", "percentage": 5}}, {"setCanaryScale": {"weight": 5}},
                {"setWeight": 5}, {"analysis": {"metrics": ["rate"], "duration": "1m"}}, {"pause": {"duration": "1s"}}
            ]
        }},
        "analysis": {
            "maxFalseRollback": 0.01, "policy": "argo", "noData": {"failAfter": "5m"}, "score": {"pass": 90.0, "marginal": 50.0},
            "metrics": [{
                "name": "rate", "source": "prometheus", "query": {"canary": "a", "baseline": "b"},
                "failureCondition": "canary > baseline", "interval": "10s", "initialDelay": "5s", "count": 5,
                "failureLimit": 1, "inconclusiveLimit": 1, "consecutiveFailureLimit": 2, "consecutiveSuccessLimit": 2,
                "consecutiveErrorLimit": 3, "weight": 2.0
            }]
        }
    });
    let read: RolloutSpec = serde_json::from_value(all).unwrap();
    assert!(check(&read).is_ok(), "{:?}", check(&read));
    let written = serde_json::to_value(&read).unwrap();
    let read_again: RolloutSpec = serde_json::from_value(written).unwrap();
    assert_eq!(read, read_again);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any_of(vec![
            json!(true),
            json!(0),
            json!(-1),
            json!(1e308),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(0.5)
        ]),
        any_of(vec![
            json!(""),
            json!("25%"),
            json!("-5s"),
            json!("10s"),
            json!("result < 1.0"),
            json!("((((")
        ]),
        ".{0,6}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((any_of(KEYS.to_vec()), inner), 0..5)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

fn any_of<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = T> {
    prop::sample::select(values)
}

const KEYS: [&str; 24] = [
    "name",
    "replicas",
    "strategy",
    "analysis",
    "canary",
    "blueGreen",
    "ab",
    "rolling",
    "steps",
    "setWeight",
    "pause",
    "duration",
    "metrics",
    "threshold",
    "range",
    "min",
    "test",
    "of",
    "interval",
    "count",
    "match",
    "migration",
    "up",
    "score",
];

/// Puts a value in some place of another one.
fn replace(text: &mut Value, mut place: usize, value: &Value) -> Result<(), usize> {
    if place == 0 {
        *text = value.clone();
        return Ok(());
    }
    place -= 1;
    let children: Vec<&mut Value> = match text {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(items) => items.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        match replace(child, place, value) {
            Ok(()) => return Ok(()),
            Err(rest) => place = rest,
        }
    }
    Err(place)
}

fn read_and_check(text: Value) {
    if let Ok(spec) = serde_json::from_value::<RolloutSpec>(text) {
        let _ = check(&spec);
    }
}

proptest! {
    #[test]
    fn no_value_makes_it_panic(text in json_value()) {
        read_and_check(text);
    }

    /// A good specification in which one or two things are anything.
    #[test]
    fn no_good_specification_gone_wrong_makes_it_panic(
        seed in 0_u64..500, changes in prop::collection::vec((0_usize..80, json_value()), 1..3),
    ) {
        let mut text = serde_json::to_value(any(seed).0).unwrap();
        for (place, value) in &changes {
            let _ = replace(&mut text, *place, value);
        }
        read_and_check(text);
    }
}
