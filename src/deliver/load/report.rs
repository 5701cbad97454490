//! What came back, for people and programs.

use super::histogram::Histogram;
use super::tally::{OfVersion, Row, Tally};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What came back. Times count from the start, latencies from the turn of each request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadReport {
    /// Server and port.
    pub target: String,
    /// Requests a second, as wanted.
    pub rate: f64,
    /// From the start to the last answer.
    pub elapsed_ms: f64,
    /// Requests whose end is known.
    pub sent: u64,
    /// Those answered with 2xx or 3xx.
    pub ok: u64,
    /// All others of them.
    pub failed: u64,
    /// Requests that did not go out, for too many waited for a connection.
    pub missed: u64,
    /// Failed ones as a share of those sent.
    pub error_rate: f64,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests without an answer, by cause: connect, closed, garbage, body, timeout.
    pub errors: BTreeMap<&'static str, u64>,
    /// Latencies of answers.
    pub latency: LatencyReport,
    /// Answers by the version that gave them.
    pub versions: BTreeMap<String, VersionReport>,
    /// Seconds of each row of the time line.
    pub row_s: u64,
    /// What came back by time.
    pub timeline: Vec<SecondReport>,
}

/// Latencies in milliseconds; absent where nothing was answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LatencyReport {
    /// The mean.
    pub mean_ms: Option<f64>,
    /// The median.
    pub p50_ms: Option<f64>,
    /// The 90th percentile.
    pub p90_ms: Option<f64>,
    /// The 99th percentile.
    pub p99_ms: Option<f64>,
    /// The slowest.
    pub max_ms: Option<f64>,
}

/// What a version answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct VersionReport {
    /// How often.
    pub answers: u64,
    /// How often with neither 2xx nor 3xx.
    pub failed: u64,
    /// Turn of the first request that it answered.
    pub first_ms: f64,
    /// Turn of the last one.
    pub last_ms: f64,
    /// Its latencies.
    #[serde(flatten)]
    pub latency: LatencyReport,
}

/// What became of the requests of a stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SecondReport {
    /// When it begins, in seconds.
    pub at_s: u64,
    /// Requests.
    pub sent: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that did not go out.
    pub missed: u64,
    /// Mean time to their end.
    pub mean_ms: Option<f64>,
    /// Longest time to their end.
    pub max_ms: Option<f64>,
    /// Answers by version.
    pub versions: BTreeMap<String, u64>,
}

impl LoadReport {
    pub(super) fn new(target: String, rate: f64, elapsed: Duration, tally: &Tally) -> Self {
        let width = tally.line.width;
        let rows = (0..).zip(&tally.line.rows);
        Self {
            target,
            rate,
            elapsed_ms: milliseconds(elapsed),
            sent: tally.sent,
            ok: tally.ok,
            failed: tally.failed,
            missed: tally.missed,
            error_rate: share(tally.failed, tally.sent),
            by_status: tally.by_status.clone(),
            errors: tally.by_error.iter().map(|(lost, count)| (lost.name(), *count)).collect(),
            latency: LatencyReport::of(&tally.latency),
            versions: tally.by_version.iter().map(|(name, of)| (name.clone(), of.into())).collect(),
            row_s: width,
            timeline: rows.map(|(at, row)| SecondReport::new(at * width, row)).collect(),
        }
    }
}

impl LatencyReport {
    fn of(histogram: &Histogram) -> Self {
        let at = |per_mille| histogram.quantile(per_mille).map(milliseconds);
        Self {
            mean_ms: histogram.mean().map(milliseconds),
            p50_ms: at(500),
            p90_ms: at(900),
            p99_ms: at(990),
            max_ms: histogram.max().map(milliseconds),
        }
    }
}

impl From<&OfVersion> for VersionReport {
    fn from(of: &OfVersion) -> Self {
        Self {
            answers: of.answers,
            failed: of.failed,
            first_ms: milliseconds(of.first),
            last_ms: milliseconds(of.last),
            latency: LatencyReport::of(&of.latency),
        }
    }
}

impl SecondReport {
    fn new(at_s: u64, row: &Row) -> Self {
        let count = u32::try_from(row.sent).unwrap_or(u32::MAX);
        Self {
            at_s,
            sent: row.sent,
            failed: row.failed,
            missed: row.missed,
            mean_ms: (count > 0).then(|| milliseconds(row.sum / count)),
            max_ms: (count > 0).then(|| milliseconds(row.max)),
            versions: row.versions.clone(),
        }
    }
}

/// Milliseconds, to the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
