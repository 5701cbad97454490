//! What came back: counters while the load runs, a report and a verdict when it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::client::{Answer, RequestError};
use crate::config::{Fraction, Pair};

/// Counters of one worker; those of all workers are merged at the end.
#[derive(Debug, Default)]
pub struct Tally {
    ok: u64,
    failed: u64,
    retried: u64,
    by_status: BTreeMap<u16, u64>,
    by_version: BTreeMap<String, u64>,
    by_target: BTreeMap<String, u64>,
    errors: BTreeMap<&'static str, u64>,
    latencies: Vec<Duration>,
}

impl Tally {
    /// Records an answer that took `latency`; 2xx and 3xx are ok, all else failed.
    pub fn answered(&mut self, target: String, answer: Answer, latency: Duration) {
        let ok = answer.status.is_success() || answer.status.is_redirection();
        *(if ok { &mut self.ok } else { &mut self.failed }) += 1;
        self.retried += u64::from(answer.retried);
        *self.by_status.entry(answer.status.as_u16()).or_default() += 1;
        *self.by_target.entry(target).or_default() += 1;
        if let Some(version) = answer.version {
            *self.by_version.entry(version).or_default() += 1;
        }
        self.latencies.push(latency);
    }

    /// Records a request that got no answer.
    pub fn unanswered(&mut self, target: String, error: &RequestError) {
        *self.by_target.entry(target).or_default() += 1;
        self.lost(error.kind());
    }

    /// Records a request that had nowhere to go.
    pub fn unaddressed(&mut self) {
        self.lost("no_target");
    }

    fn lost(&mut self, kind: &'static str) {
        self.failed += 1;
        *self.errors.entry(kind).or_default() += 1;
    }

    /// Adds the counters of another worker.
    pub fn merge(&mut self, other: Self) {
        self.ok += other.ok;
        self.failed += other.failed;
        self.retried += other.retried;
        add(&mut self.by_status, other.by_status);
        add(&mut self.by_version, other.by_version);
        add(&mut self.by_target, other.by_target);
        add(&mut self.errors, other.errors);
        self.latencies.extend(other.latencies);
    }
}

fn add<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(key).or_default() += count;
    }
}

/// What must hold for the load to count as passed.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    /// The largest share of failed requests.
    pub max_error_rate: Option<Fraction>,
    /// The largest 95th percentile, in milliseconds.
    pub max_p95_ms: Option<f64>,
    /// The versions that must have answered, each with its exact count if one is given; when any
    /// is named, no other version may have answered.
    pub versions: Vec<Pair>,
}

/// The result of a load run, as printed.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// Requests sent.
    pub sent: u64,
    /// Requests answered with 2xx or 3xx.
    pub ok: u64,
    /// All other requests.
    pub failed: u64,
    /// Requests answered at the second try, their kept connection having just been closed.
    pub retried: u64,
    /// Failed requests as a share of those sent.
    pub error_rate: f64,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Answers by the version that gave them.
    pub by_version: BTreeMap<String, u64>,
    /// Requests by the host and port they went to.
    pub by_target: BTreeMap<String, u64>,
    /// Requests without an answer, by cause.
    pub errors: BTreeMap<&'static str, u64>,
    /// From the first request to the last answer.
    pub elapsed_ms: f64,
    /// Requests a second.
    pub rps: f64,
    /// The median latency; absent, like those below, when nothing was answered.
    pub p50_ms: Option<f64>,
    /// The 95th percentile.
    pub p95_ms: Option<f64>,
    /// The 99th percentile.
    pub p99_ms: Option<f64>,
    /// The slowest answer.
    pub max_ms: Option<f64>,
    /// What did not hold; empty when the load passed.
    pub violations: Vec<String>,
}

impl LoadReport {
    /// The report of everything that was counted in `elapsed`, judged by `expectations`.
    #[must_use]
    pub fn new(mut tally: Tally, elapsed: Duration, expectations: &Expectations) -> Self {
        tally.latencies.sort_unstable();
        let sent = tally.ok + tally.failed;
        let percentile = |percent| percentile(&tally.latencies, percent).map(milliseconds);
        let mut report = Self {
            sent,
            ok: tally.ok,
            failed: tally.failed,
            retried: tally.retried,
            error_rate: ratio(tally.failed, sent),
            elapsed_ms: milliseconds(elapsed),
            rps: per_second(sent, elapsed),
            p50_ms: percentile(50),
            p95_ms: percentile(95),
            p99_ms: percentile(99),
            max_ms: percentile(100),
            by_status: tally.by_status,
            by_version: tally.by_version,
            by_target: tally.by_target,
            errors: tally.errors,
            violations: Vec::new(),
        };
        report.violations = report.judge(expectations);
        report
    }

    fn judge(&self, expectations: &Expectations) -> Vec<String> {
        let mut violations = Vec::new();
        if self.sent == 0 {
            violations.push("no request was sent".to_owned());
        }
        if let Some(limit) = expectations.max_error_rate
            && self.error_rate > limit.get()
        {
            violations.push(format!("error rate {:.4} is over {}", self.error_rate, limit.get()));
        }
        if let Some(limit) = expectations.max_p95_ms {
            match self.p95_ms {
                Some(p95) if p95 > limit => violations.push(format!("p95 {p95} ms is over {limit} ms")),
                Some(_) => {}
                None => violations.push("no latency was measured".to_owned()),
            }
        }
        if !expectations.versions.is_empty() {
            violations.extend(self.judge_versions(&expectations.versions));
        }
        violations
    }

    fn judge_versions(&self, expected: &[Pair]) -> Vec<String> {
        let mut violations = Vec::new();
        for Pair { name, value } in expected {
            let actual = self.by_version.get(name).copied().unwrap_or(0);
            match value {
                Some(count) if *count != actual.to_string() => {
                    violations.push(format!("version {name} answered {actual} times, expected {count}"));
                }
                None if actual == 0 => violations.push(format!("version {name} never answered")),
                _ => {}
            }
        }
        let unexpected = self.by_version.keys().filter(|v| !expected.iter().any(|e| e.name == **v));
        violations.extend(unexpected.map(|version| format!("version {version} answered too")));
        violations
    }
}

/// The nearest-rank percentile of ascending values: the smallest that at least `percent` of them
/// do not exceed.
fn percentile(ascending: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).copied()
}

/// Milliseconds, to the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^53")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "a rate of counts far below 2^53")]
fn per_second(count: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { (count as f64 / seconds * 10.0).round() / 10.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use hyper::body::Bytes;

    use super::*;

    fn answer(status: u16, version: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            version: Some(version.to_owned()),
            body: Bytes::new(),
            retried: false,
        }
    }

    fn tally(rows: &[(u16, &str, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (status, version, latency_ms) in rows {
            let latency = Duration::from_millis(*latency_ms);
            tally.answered("host:1".to_owned(), answer(*status, version), latency);
        }
        tally
    }

    fn violations(tally: Tally, expectations: &Expectations) -> Vec<String> {
        LoadReport::new(tally, Duration::from_secs(1), expectations).violations
    }

    /// The definition itself, by counting, without ranks.
    fn percentile_by_counting(values: &[Duration], percent: usize) -> Option<Duration> {
        let covers =
            |v: &&Duration| values.iter().filter(|other| other <= v).count() * 100 >= percent * values.len();
        values.iter().filter(covers).min().copied()
    }

    #[test]
    fn percentiles_agree_with_their_definition() {
        for length in 0..=205_u64 {
            // A permutation that is not sorted, with repeats.
            let mut values: Vec<Duration> = (0..length).map(|n| Duration::from_millis(n * 7 % 31)).collect();
            values.sort_unstable();
            for percent in [1, 50, 95, 99, 100] {
                let expected = percentile_by_counting(&values, percent);
                assert_eq!(percentile(&values, percent), expected, "{percent} of {length}");
            }
        }
    }

    #[test]
    fn counts_are_by_outcome_status_version_and_target() {
        let mut all = tally(&[(200, "v1", 1), (302, "v2", 2), (404, "v2", 3)]);
        let mut other = tally(&[(500, "v2", 10)]);
        other.unanswered("host:2".to_owned(), &RequestError::Timeout);
        other.unaddressed();
        all.merge(other);
        let report = LoadReport::new(all, Duration::from_secs(2), &Expectations::default());
        assert_eq!((report.sent, report.ok, report.failed), (6, 2, 4));
        assert_eq!(report.by_status, BTreeMap::from([(200, 1), (302, 1), (404, 1), (500, 1)]));
        assert_eq!(report.by_version, BTreeMap::from([("v1".to_owned(), 1), ("v2".to_owned(), 3)]));
        let targets = BTreeMap::from([("host:1".to_owned(), 4), ("host:2".to_owned(), 1)]);
        assert_eq!(report.by_target, targets);
        assert_eq!(report.errors, BTreeMap::from([("no_target", 1), ("timeout", 1)]));
        assert_eq!((report.p50_ms, report.max_ms), (Some(2.0), Some(10.0)));
        assert!((report.rps - 3.0).abs() < f64::EPSILON);
        assert!(report.violations.is_empty());
    }

    #[test]
    fn the_error_rate_is_held_against_its_limit() {
        let one_of_four = || tally(&[(200, "v1", 1), (200, "v1", 1), (200, "v1", 1), (500, "v1", 1)]);
        let limit = |text: &str| Expectations {
            max_error_rate: Some(text.parse().expect("a fraction")),
            ..Expectations::default()
        };
        assert!(violations(one_of_four(), &limit("0.25")).is_empty());
        assert_eq!(violations(one_of_four(), &limit("0.24")), ["error rate 0.2500 is over 0.24"]);
    }

    #[test]
    fn the_latency_is_held_against_its_limit() {
        let limit = Expectations { max_p95_ms: Some(5.0), ..Expectations::default() };
        assert!(violations(tally(&[(200, "v1", 5)]), &limit).is_empty());
        assert_eq!(violations(tally(&[(200, "v1", 6)]), &limit), ["p95 6 ms is over 5 ms"]);
        let mut unanswered = Tally::default();
        unanswered.unaddressed();
        assert_eq!(violations(unanswered, &limit), ["no latency was measured"]);
    }

    #[test]
    fn versions_are_counted_exactly_and_no_other_may_answer() {
        let expect = |texts: &[&str]| Expectations {
            versions: texts.iter().map(|text| text.parse().expect("a pair")).collect(),
            ..Expectations::default()
        };
        let mixed = || tally(&[(200, "v1", 1), (200, "v1", 1), (200, "v2", 1)]);
        assert!(violations(mixed(), &expect(&["v1=2", "v2=1"])).is_empty());
        assert!(violations(mixed(), &expect(&["v1", "v2"])).is_empty());
        assert_eq!(
            violations(mixed(), &expect(&["v1=3", "v2=1"])),
            ["version v1 answered 2 times, expected 3"]
        );
        assert_eq!(violations(mixed(), &expect(&["v1"])), ["version v2 answered too"]);
        let absent = violations(mixed(), &expect(&["v1", "v2", "v3"]));
        assert_eq!(absent, ["version v3 never answered"]);
    }

    #[test]
    fn a_load_that_sent_nothing_has_not_passed() {
        assert_eq!(violations(Tally::default(), &Expectations::default()), ["no request was sent"]);
    }
}
