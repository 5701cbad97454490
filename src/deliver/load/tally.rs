//! What came back, counted while the load runs.

use super::client::{Answer, Lost};
use super::histogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Most versions that are told apart; further ones are counted together.
const MOST_VERSIONS: usize = 64;

/// Where those are counted.
const OTHERS: &str = "others";

/// Most rows of the time line. Where more are needed, two become one.
const MOST_ROWS: usize = 600;

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) ok: u64,
    pub(super) failed: u64,
    pub(super) missed: u64,
    pub(super) by_status: BTreeMap<u16, u64>,
    pub(super) by_error: BTreeMap<Lost, u64>,
    pub(super) by_version: BTreeMap<String, OfVersion>,
    pub(super) latency: Histogram,
    pub(super) line: Line,
}

/// What a version answered.
#[derive(Debug, Default)]
pub(super) struct OfVersion {
    pub(super) answers: u64,
    pub(super) failed: u64,
    /// Turn of the first request that it answered, since the start.
    pub(super) first: Duration,
    /// Turn of the last one.
    pub(super) last: Duration,
    pub(super) latency: Histogram,
}

impl Tally {
    /// A request whose turn came so long after the start, and what became of it so long after its turn.
    pub(super) fn note(&mut self, turn: Duration, end: Result<&Answer, Lost>, latency: Duration) {
        self.sent += 1;
        let is_ok = end.is_ok_and(|answer| answer.status.is_success() || answer.status.is_redirection());
        *(if is_ok { &mut self.ok } else { &mut self.failed }) += 1;
        let row = self.line.row(turn);
        row.sent += 1;
        row.failed += u64::from(!is_ok);
        row.max = row.max.max(latency);
        row.sum = row.sum.saturating_add(latency);
        match end {
            Ok(answer) => self.answered(turn, answer, is_ok, latency),
            Err(lost) => *self.by_error.entry(lost).or_default() += 1,
        }
    }

    fn answered(&mut self, turn: Duration, answer: &Answer, is_ok: bool, latency: Duration) {
        *self.by_status.entry(answer.status.as_u16()).or_default() += 1;
        self.latency.add(latency);
        let Some(name) = answer.version.as_deref() else { return };
        let is_full = self.by_version.len() >= MOST_VERSIONS && !self.by_version.contains_key(name);
        let name = if is_full { OTHERS } else { name };
        let version = self.by_version.entry(name.to_owned()).or_default();
        version.first = if version.answers == 0 { turn } else { version.first.min(turn) };
        version.last = version.last.max(turn);
        version.answers += 1;
        version.failed += u64::from(!is_ok);
        version.latency.add(latency);
        *self.line.row(turn).versions.entry(name.to_owned()).or_default() += 1;
    }

    /// A request that did not go out, for too many waited already.
    pub(super) fn missed(&mut self, turn: Duration) {
        self.missed += 1;
        self.line.row(turn).missed += 1;
    }
}

/// Counts by time.
#[derive(Debug)]
pub(super) struct Line {
    /// Seconds of a row.
    pub(super) width: u64,
    pub(super) rows: Vec<Row>,
}

impl Default for Line {
    fn default() -> Self {
        Self { width: 1, rows: Vec::new() }
    }
}

/// Requests whose turn came in a stretch of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) sent: u64,
    pub(super) failed: u64,
    pub(super) missed: u64,
    pub(super) sum: Duration,
    pub(super) max: Duration,
    pub(super) versions: BTreeMap<String, u64>,
}

impl Line {
    fn row(&mut self, turn: Duration) -> &mut Row {
        while turn.as_secs() / self.width >= MOST_ROWS as u64 {
            self.fold();
        }
        let index = usize::try_from(turn.as_secs() / self.width).unwrap_or(0);
        if self.rows.len() <= index {
            self.rows.resize(index + 1, Row::default());
        }
        &mut self.rows[index]
    }

    fn fold(&mut self) {
        self.width = self.width.saturating_mul(2);
        let rows = std::mem::take(&mut self.rows);
        let mut rows = rows.into_iter();
        while let Some(mut first) = rows.next() {
            first.add(rows.next().unwrap_or_default());
            self.rows.push(first);
        }
    }
}

impl Row {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.failed += other.failed;
        self.missed += other.missed;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
        for (name, count) in other.versions {
            *self.versions.entry(name).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;
    use hyper::header::HeaderMap;

    fn answer(status: u16, version: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, version: Some(version.to_owned()), headers: HeaderMap::new() }
    }

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn everything_is_counted_once() {
        let mut tally = Tally::default();
        for (at, status, version) in [(0, 200, "v1"), (1, 302, "v1"), (2, 404, "v2"), (5, 500, "v2")] {
            tally.note(second(at), Ok(&answer(status, version)), Duration::from_millis(at));
        }
        tally.note(second(6), Err(Lost::Timeout), second(5));
        tally.missed(second(7));
        assert_eq!((tally.sent, tally.ok, tally.failed, tally.missed), (5, 2, 3, 1));
        assert_eq!(tally.by_status, BTreeMap::from([(200, 1), (302, 1), (404, 1), (500, 1)]));
        assert_eq!(tally.by_error, BTreeMap::from([(Lost::Timeout, 1)]));
        let versions = tally.by_version.iter();
        let versions: Vec<_> =
            versions.map(|(name, of)| (name.as_str(), of.answers, of.failed, of.first, of.last)).collect();
        assert_eq!(versions, [("v1", 2, 0, second(0), second(1)), ("v2", 2, 2, second(2), second(5))]);
        let rows: Vec<_> = tally.line.rows.iter().map(|row| (row.sent, row.failed, row.missed)).collect();
        assert_eq!(rows[5..], [(1, 1, 0), (1, 1, 0), (0, 0, 1)]);
    }

    #[test]
    fn rows_and_versions_are_bounded() {
        let mut tally = Tally::default();
        for at in 0..5_000 {
            tally.note(second(at), Ok(&answer(200, &format!("v{at}"))), Duration::ZERO);
        }
        assert_eq!((tally.line.width, tally.line.rows.len()), (16, 313));
        assert_eq!(tally.line.rows.iter().map(|row| row.sent).sum::<u64>(), 5_000);
        assert!(tally.line.rows[..312].iter().all(|row| row.sent == 16));
        assert_eq!(tally.by_version.len(), MOST_VERSIONS + 1);
        assert_eq!(tally.by_version[OTHERS].answers, 5_000 - MOST_VERSIONS as u64);
        tally.note(Duration::MAX, Err(Lost::Closed), Duration::MAX);
        assert!(tally.line.rows.len() <= MOST_ROWS);
    }
}
