//! Measurements as the engine asks for them, by a server and by the proxy's counters.

use super::server::{Request, Server, runtime, success, vector};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use taskmaster::deliver::metrics::{BadSettings, Context, Meter, Sources, bounds_ms, look_up, measure};
use taskmaster::deliver::traffic::{Counts, Snapshot};
use taskmaster_delivery::analysis::answer::Answer;
use taskmaster_delivery::analysis::condition::Readings;
use taskmaster_delivery::analysis::rule::{NoData, Outcome};
use taskmaster_delivery::engine::{Reading, Revision};
use taskmaster_delivery::spec::{Judge, Rollout, RolloutSpec, Source, check};
use taskmaster_delivery::stats::{Arm, Look};

/// A rollout of a local service with this metric, by a server at this address.
fn rollout(url: &str, metric: &str) -> Rollout {
    let text = format!(
        "name: web\nstrategy: {{canary: {{}}}}\n\
         service: {{command: [web, '{{port}}'], listen: '127.0.0.1:8080'}}\n\
         sources: {{prometheus: {{url: '{url}', timeout: 5s, retries: 0}}}}\n\
         analysis: {{metrics: [{{name: m, {metric}}}]}}\n"
    );
    let spec: RolloutSpec = serde_yaml::from_str(&text).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    check(&spec).unwrap_or_else(|faults| panic!("{faults:?}: {text}"))
}

fn sources(rollout: &Rollout) -> Sources {
    let folder = Path::new(".");
    Sources::new(&rollout.sources, folder, |text| look_up(text, folder)).unwrap()
}

/// A rollout with one metric, and everything to measure it.
struct World {
    rollout: Rollout,
    context: Context,
}

impl World {
    fn new(url: &str, metric: &str) -> Self {
        let rollout = rollout(url, metric);
        let context = Context {
            sources: Arc::new(sources(&rollout)),
            meter: Arc::new(Meter::default()),
            canary: Revision("v2".into()),
            stable: Some(Revision("v1".into())),
            share: Some(10),
            proxy: None,
            bounds_ms: bounds_ms(&rollout.analysis).into(),
        };
        Self { rollout, context }
    }

    fn of(server: &Server, metric: &str) -> Self {
        Self::new(&format!("http://{}", server.address), metric)
    }

    /// By a client of its own each time, which has no answers of the moment before.
    fn measure(&self) -> Reading {
        let context = Context { sources: Arc::new(sources(&self.rollout)), ..self.context.clone() };
        runtime().block_on(measure(&self.rollout.analysis.metrics[0], context))
    }

    fn counted(&mut self, canary: Counts, stable: Counts) -> Reading {
        let versions = BTreeMap::from([(Revision("v2".into()), canary), (Revision("v1".into()), stable)]);
        self.context.proxy = Some(Arc::new(Snapshot { versions, ..Snapshot::default() }));
        self.measure()
    }

    /// What its rule says of a measurement.
    fn judged(&self) -> (Outcome, String) {
        let Judge::Counted(rule, _) = &self.rollout.analysis.metrics[0].judge else { panic!("a test") };
        match self.measure() {
            Reading::Answers(readings) => {
                let finding = rule.judge(&readings, NoData::Inconclusive);
                (finding.outcome, finding.words)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn look(canary: (u64, u64), baseline: (u64, u64)) -> Reading {
    let arm = |(units, failures)| Arm { units, failures };
    Reading::Counts(Look { canary: arm(canary), baseline: arm(baseline) })
}

fn one(value: f64) -> Reading {
    Reading::Answers(Readings::One(Answer::Scalar(value)))
}

/// Answers by query; every fourth request begins a new measurement, for a test of errors has four queries.
fn counters(of: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Server {
    Server::saying(move |request, number| (200, of(request.field("query").unwrap(), number / 4)))
}

const ERRORS: &str = "source: prometheus, test: {of: errors}, query: {canaryTotal: ct, canaryFailures: cf, \
                      baselineTotal: bt, baselineFailures: bf}";

#[test]
fn errors_are_counted_by_series_from_the_first_look_on() {
    // The measurement's number, from 0 on; the failures of the new version begin with a series of their own.
    let server = counters(|query, at| match (query, at) {
        ("ct", 0) | ("cf", 0 | 1) => success("vector", "[]"),
        ("ct", 1) => vector(&[(r#"{"pod":"c"}"#, 20.0)]),
        ("ct", _) => vector(&[(r#"{"pod":"c"}"#, 50.0)]),
        ("cf", _) => vector(&[(r#"{"pod":"c","code":"500"}"#, 4.0), (r#"{"pod":"c","code":"503"}"#, 1.0)]),
        ("bt", 2) => vector(&[(r#"{"pod":"a"}"#, 5_300.0)]),
        ("bt", at) => {
            let at = at as f64;
            vector(&[(r#"{"pod":"a"}"#, 5_000.0 + 100.0 * at), (r#"{"pod":"b"}"#, 3_000.0 + 80.0 * at)])
        }
        ("bf", _) => vector(&[(r#"{"pod":"a","code":"500"}"#, 9.0)]),
        _ => String::new(),
    });
    let world = World::of(&server, ERRORS);
    assert_eq!(world.measure(), look((0, 0), (0, 0)));
    assert_eq!(world.measure(), look((20, 0), (180, 0)));
    assert_eq!(world.measure(), look((50, 5), (380, 0)));
    let times: Vec<Option<String>> =
        server.requests().iter().map(|request| request.field("time").map(str::to_owned)).collect();
    let at = Some("1763740800.250".to_owned());
    // Of the first measurement the first two answers are empty and say no time.
    assert_eq!(times[..4], [None, None, None, at.clone()]);
    assert_eq!(times[4..8], [None, at.clone(), at.clone(), at]);
}

#[test]
fn a_version_is_named_in_a_query_and_no_name_gets_out_of_its_place() {
    let server = Server::saying(|_, _| (200, vector(&[("{}", 0.1)])));
    let metric = r#"source: prometheus, threshold: 1, query: {canary: 'x{v="{canary}"}', baseline: 'x{v="{stable}"}'}"#;
    let mut world = World::of(&server, metric);
    let expected = Readings::Pair { baseline: Answer::Scalar(0.1), canary: Answer::Scalar(0.1) };
    assert_eq!(world.measure(), Reading::Answers(expected));
    let asked: Vec<String> =
        server.requests().iter().map(|request| request.field("query").unwrap().to_owned()).collect();
    assert_eq!(asked, [r#"x{v="v2"}"#, r#"x{v="v1"}"#]);
    world.context.canary = Revision(r#"v2"} or up{a=""#.into());
    assert_eq!(world.judged().1, "could not be measured: the version's name cannot stand in a query");
    world.context.canary = Revision("v2".into());
    world.context.stable = None;
    assert_eq!(world.judged().1, "could not be measured: there is no stable version yet");
    assert_eq!(server.requests().len(), 2);
}

const LATENCY: &str = "source: prometheus, test: {of: latency, bounds: [100, 250]}, \
                       query: {canaryBuckets: cb, baselineBuckets: bb}";

#[test]
fn latencies_are_buckets_of_both() {
    let server = Server::saying(|request, number| {
        let is_canary = request.field("query") == Some("cb");
        let part = if is_canary { 1.0 } else { 10.0 } * (number / 2) as f64;
        let bucket = |le: &str, value: f64| {
            format!(r#"{{"metric":{{"le":"{le}"}},"value":[1763740800.25,"{}"]}}"#, 1_000.0 + part * value)
        };
        let all = [bucket("0.1", 5.0), bucket("0.25", 8.0), bucket("1", 9.0), bucket("+Inf", 10.0)];
        (200, success("vector", &format!("[{}]", all.join(","))))
    });
    let world = World::of(&server, LATENCY);
    let buckets = |canary: [u64; 3], baseline: [u64; 3]| Reading::Buckets {
        canary: canary.into(),
        baseline: baseline.into(),
    };
    assert_eq!(world.measure(), buckets([0; 3], [0; 3]));
    assert_eq!(world.measure(), buckets([5, 3, 2], [50, 30, 20]));
}

#[test]
fn what_a_server_lacks_is_told() {
    let told = |metric: &str, answer: &'static str| {
        let server = Server::saying(move |_, _| (200, answer.to_owned()));
        match World::of(&server, metric).measure() {
            Reading::Nothing { message } => message,
            other => panic!("{other:?}"),
        }
    };
    let le = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"le":"0.1"},"value":[1,"2"]}]}}"#;
    assert_eq!(told(LATENCY, le), "canaryBuckets: 250 ms is no bound of the histogram, which has 0.1 s");
    let number = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#;
    assert_eq!(told(ERRORS, number), "canaryTotal: a number where counters are wanted: ask without `scalar`");
    assert!(told(ERRORS, "<html>").starts_with("canaryTotal: no answer of Prometheus: "));
    let mean = "source: prometheus, test: {of: mean, bounds: [1]}, query: {canary: c, baseline: b}";
    let nan = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}"#;
    assert_eq!(told(mean, nan), "canary: is not a number");
    let none = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    assert_eq!(told(mean, none), "canary: has no data");
}

#[test]
fn means_that_did_not_change_are_no_new_ones() {
    let of = |request: &Request| if request.field("query") == Some("c") { 0.5 } else { 0.25 };
    let server = Server::saying(move |request, _| (200, vector(&[("{}", of(request))])));
    let world = World::of(
        &server,
        "source: prometheus, test: {of: mean, bounds: [1]}, query: {canary: c, baseline: b}",
    );
    assert_eq!(world.measure(), Reading::Means { canary: 0.5, baseline: 0.25 });
    let again = Reading::Nothing { message: "nothing new since the last measurement".into() };
    assert_eq!(world.measure(), again);
}

#[test]
fn counted_metrics_have_every_kind_of_answer_defined() {
    let judged = |metric: &str, answer: &str| {
        let answer = answer.to_owned();
        let server = Server::saying(move |_, _| (200, answer.clone()));
        World::of(&server, &format!("query: {{result: x}}, {metric}")).judged()
    };
    let vector_of = |values: &[f64]| vector(&values.iter().map(|value| ("{}", *value)).collect::<Vec<_>>());
    let rule = "threshold: 0.5";
    assert_eq!(judged(rule, &vector_of(&[0.1])), (Outcome::Healthy, "0.1 is < 0.5".into()));
    assert_eq!(
        judged(rule, &success("scalar", r#"[1,"0.7"]"#)),
        (Outcome::Unhealthy, "0.7 is not < 0.5".into())
    );
    assert_eq!(judged(rule, &vector_of(&[0.1, 0.9])), (Outcome::Unhealthy, "0.9 is not < 0.5".into()));
    assert_eq!(judged(rule, &vector_of(&[])), (Outcome::Inconclusive, "has no data".into()));
    assert_eq!(
        judged(rule, &success("scalar", r#"[1,"NaN"]"#)),
        (Outcome::Inconclusive, "is not a number".into())
    );
    assert_eq!(judged(rule, &success("scalar", r#"[1,"-Inf"]"#)).0, Outcome::Healthy);
    assert_eq!(judged(rule, &success("matrix", "[]")).0, Outcome::Error);
    assert_eq!(judged(rule, &success("string", r#"[1,"a"]"#)).0, Outcome::Error);
    assert_eq!(
        judged(rule, r#"{"status":"error","errorType":"execution","error":"no"}"#).1,
        "could not be measured: execution: no"
    );
    assert_eq!(judged("successCondition: result < 0.5", &vector_of(&[0.1])).0, Outcome::Healthy);
    assert_eq!(judged("successCondition: 'result[0] < 0.5'", &vector_of(&[0.1])).0, Outcome::Healthy);
    assert_eq!(
        judged("successCondition: 'result.all(r, r < 0.5)'", &vector_of(&[0.1, 0.2])).0,
        Outcome::Healthy
    );
    assert_eq!(judged("successCondition: result < 0.5", &vector_of(&[0.1, 0.2])).0, Outcome::Error);
    let many = vec![0.1; 1_001];
    assert!(judged(rule, &vector_of(&many)).1.contains("1001 samples"));
}

fn counts(requests: u64, failures: u64) -> Counts {
    Counts { requests, failures, ..Counts::default() }
}

#[test]
fn the_proxy_counts_for_tests_and_a_look_that_spans_a_change_of_the_share_is_left_out() {
    let mut world = World::new("http://127.0.0.1:9", "test: {of: errors}");
    assert_eq!(world.counted(counts(5, 1), counts(100, 1)), look((0, 0), (0, 0)));
    assert_eq!(world.counted(counts(15, 3), counts(190, 1)), look((10, 2), (90, 0)));
    world.context.share = Some(50);
    assert_eq!(world.counted(counts(30, 9), counts(230, 2)), look((10, 2), (90, 0)));
    assert_eq!(world.counted(counts(80, 9), counts(280, 3)), look((60, 2), (140, 1)));
    // Another version is another story.
    world.context.canary = Revision("v3".into());
    assert_eq!(world.counted(counts(90, 9), counts(290, 3)), look((0, 0), (0, 0)));
}

#[test]
fn the_proxy_counts_sessions_latencies_and_means() {
    let mut sessions = World::new("http://127.0.0.1:9", "test: {of: errors}");
    let Judge::Test(test) = &mut sessions.rollout.analysis.metrics[0].judge else { panic!("no test") };
    test.unit = taskmaster_delivery::spec::Unit::Session;
    let of = |sessions, failed_sessions| Counts { sessions, failed_sessions, ..counts(1_000, 900) };
    sessions.counted(Counts::default(), Counts::default());
    assert_eq!(sessions.counted(of(7, 2), of(70, 3)), look((7, 2), (70, 3)));

    let mut latency = World::new("http://127.0.0.1:9", "test: {of: latency, bounds: [30, 100]}");
    let bounds = latency.context.bounds_ms.clone();
    let fall = |ms: f64, count: u64| {
        let mut buckets = vec![0; bounds.len() + 1];
        buckets[bounds.partition_point(|bound| *bound < ms)] = count;
        Counts { buckets, ..counts(count, 0) }
    };
    latency.counted(Counts::default(), Counts::default());
    let expected = Reading::Buckets { canary: vec![0, 3, 0], baseline: vec![17, 0, 0] };
    assert_eq!(latency.counted(fall(70.0, 3), fall(30.0, 17)), expected);

    let mut mean = World::new("http://127.0.0.1:9", "test: {of: mean, bounds: [1000]}");
    let of = |requests, sum_ms| Counts { sum_ms, ..counts(requests, 0) };
    assert!(matches!(mean.counted(of(1, 10.0), of(1, 10.0)), Reading::Nothing { .. }));
    let expected = Reading::Means { canary: 40.0, baseline: 20.0 };
    assert_eq!(mean.counted(of(3, 90.0), of(11, 210.0)), expected);
    assert!(matches!(mean.counted(of(3, 90.0), of(12, 230.0)), Reading::Nothing { .. }));
}

#[test]
fn the_proxy_answers_counted_metrics_by_words_of_its_own() {
    let mut errors =
        World::new("http://127.0.0.1:9", "source: proxy, query: {result: errors-percent}, threshold: 5");
    assert_eq!(errors.counted(counts(100, 3), counts(0, 0)), one(3.0));
    assert_eq!(errors.counted(counts(150, 28), counts(0, 0)), one(50.0));
    assert_eq!(errors.counted(counts(150, 28), counts(0, 0)), Reading::Answers(Readings::One(Answer::Empty)));
    let mut pair = World::new(
        "http://127.0.0.1:9",
        "source: proxy, query: {canary: 'errors[1m]', baseline: 'errors[1m]'}, successCondition: canary <= baseline",
    );
    let expected = Readings::Pair { baseline: Answer::Scalar(0.25), canary: Answer::Scalar(0.5) };
    assert_eq!(pair.counted(counts(10, 5), counts(20, 5)), Reading::Answers(expected));
    assert_eq!(pair.judged().0, Outcome::Unhealthy);
    let gone = World::new("http://127.0.0.1:9", "source: proxy, query: {result: errors}, threshold: 5");
    assert_eq!(gone.judged().1, "could not be measured: there is no proxy whose counters could be asked");
}

#[test]
fn sources_that_cannot_be_asked_are_told_all_at_once() {
    let source = |text: &str| serde_yaml::from_str::<serde_yaml::Value>(text).unwrap();
    let text = "name: web\nstrategy: {canary: {}}\nsources:\n  a: {url: {env: TASKMASTER_NONE}}\n  b: {url: 'http://h', ca: none.pem}\n  \
                c: {url: 'http://h', bearer: {file: none}}\n  d: {url: 'http://h'}\n";
    let spec: RolloutSpec = serde_yaml::from_value(source(text)).unwrap();
    let sources: BTreeMap<String, Source> = check(&spec).unwrap().sources;
    let folder = tempfile::tempdir().unwrap();
    let faults = Sources::new(&sources, folder.path(), |text| look_up(text, folder.path())).unwrap_err();
    let names: Vec<&str> = faults.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(matches!(faults[1].1, BadSettings::Certificates { .. }));
    assert!(faults[0].1.to_string().starts_with("url: the variable `TASKMASTER_NONE`"));
}
