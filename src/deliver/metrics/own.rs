//! What the proxy's own counters say of a metric.

use super::looks::{Read, singles};
use crate::deliver::traffic::Counts;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use taskmaster_delivery::analysis::answer::Answer;
use taskmaster_delivery::spec::{Analysis, Judge, OwnNumber, OwnQuery, TestKind, Unit};

/// Most readings that are kept for questions about a stretch of time.
const MAX_KEPT: usize = 4_096;
/// Bounds of the proxy's histogram where nothing asks for others, in milliseconds.
const BOUNDS: [f64; 14] =
    [1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 30_000.0];
/// Most bounds of the proxy's histogram.
const MAX_BOUNDS: usize = 512;

/// Bounds that a proxy's histogram needs for an analysis, in milliseconds: usual ones, and those of every test of latency.
pub fn bounds_ms(analysis: &Analysis) -> Vec<f64> {
    let tests = analysis.metrics.iter().filter_map(|metric| match &metric.judge {
        Judge::Test(test) => match &test.kind {
            TestKind::Latency(bounds) => Some(bounds),
            _ => None,
        },
        Judge::Counted(..) => None,
    });
    // Those of tests first: they are what must be there.
    let mut all: Vec<f64> = tests.flatten().copied().collect();
    all.truncate(MAX_BOUNDS);
    all.extend(BOUNDS);
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

/// Both versions' counters, and when they were read.
#[derive(Clone, Debug)]
pub(super) struct Both {
    pub(super) canary: Counts,
    pub(super) baseline: Counts,
}

/// What a test counts.
///
/// # Errors
/// What the proxy does not count.
pub(super) fn read(
    both: &Both,
    kind: &TestKind,
    unit: Unit,
    bounds_ms: &[f64],
    share: Option<u32>,
) -> Result<Read, String> {
    let Both { canary, baseline } = both;
    let whole = |counts, units| Read { counts, units, has_gone_round: true, share };
    match (kind, unit) {
        (TestKind::Errors, Unit::Request) => {
            let of = |counts: &Counts| [counts.requests, counts.failures];
            Ok(whole([of(canary), of(baseline)].concat(), [canary.requests, baseline.requests]))
        }
        (TestKind::Errors, Unit::Session) => {
            let of = |counts: &Counts| [counts.sessions, counts.failed_sessions];
            Ok(whole([of(canary), of(baseline)].concat(), [canary.sessions, baseline.sessions]))
        }
        (TestKind::Latency(bounds), Unit::Request) => {
            let of = |counts: &Counts| up_to(counts, bounds_ms, bounds).map(|up_to| singles(&up_to));
            let units = [canary, baseline].map(|counts| counts.buckets.iter().sum());
            Ok(whole([of(canary)?, of(baseline)?].concat(), units))
        }
        (TestKind::Latency(_), Unit::Session) => Err("of sessions the proxy counts errors alone".to_owned()),
        _ => Err("the proxy deals requests and sessions, no stretches of time".to_owned()),
    }
}

/// Requests up to each bound, then all of them.
fn up_to(counts: &Counts, counted: &[f64], bounds: &[f64]) -> Result<Vec<u64>, String> {
    let below = |bound: f64| {
        let at = counted.iter().position(|counted| *counted == bound);
        let at = at.ok_or_else(|| format!("the proxy's histogram has no bound of {bound} ms"))?;
        Ok(counts.buckets.iter().take(at + 1).sum())
    };
    let mut all = bounds.iter().map(|bound| below(*bound)).collect::<Result<Vec<u64>, String>>()?;
    all.push(counts.buckets.iter().sum());
    Ok(all)
}

/// Readings of the past, for numbers over a stretch of time.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    kept: VecDeque<(Instant, Both)>,
}

impl History {
    /// The reading that a stretch of time begins with: the last one that is at least so old; the last one of all where no
    /// time is given. Nothing where it goes back to the beginning.
    fn begin(&self, window: Option<Duration>, now: Instant) -> Option<&(Instant, Both)> {
        let Some(window) = window else { return self.kept.back() };
        let is_old = |(at, _): &&(Instant, Both)| now.saturating_duration_since(*at) >= window;
        let oldest = || self.kept.front().filter(|_| self.kept.len() >= MAX_KEPT);
        self.kept.iter().rev().find(is_old).or_else(oldest)
    }

    /// Keeps a reading, and forgets what no question of these reaches any more.
    pub(super) fn keep(&mut self, both: Both, longest: Option<Duration>, now: Instant) {
        self.kept.push_back((now, both));
        let is_old = |at: Instant| longest.is_none_or(|window| now.saturating_duration_since(at) >= window);
        while self.kept.len() > MAX_KEPT || self.kept.get(1).is_some_and(|(at, _)| is_old(*at)) {
            self.kept.pop_front();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The mean latency in milliseconds of both versions since the last reading, where both had requests.
    pub(super) fn means(&self, both: &Both) -> Option<(f64, f64)> {
        let (_, last) = self.kept.back()?;
        let mean = |now: &Counts, last: &Counts| {
            let requests = now.requests.checked_sub(last.requests).filter(|requests| *requests > 0)?;
            Some((now.sum_ms - last.sum_ms).max(0.0) / requests as f64)
        };
        Some((mean(&both.canary, &last.canary)?, mean(&both.baseline, &last.baseline)?))
    }

    /// The answer to a question about one version. `began` is when the proxy's counters were at `base`.
    pub(super) fn answer(&self, query: OwnQuery, both: &Both, of: Arm, scene: &Scene<'_>) -> Answer {
        let (since, last) = match self.begin(query.window, scene.now) {
            Some((at, last)) => (*at, of.counts(last)),
            None => (scene.began, of.counts(scene.base)),
        };
        let added = added(of.counts(both), last);
        let number = match query.of {
            OwnNumber::Errors(whole) => share(added.failures, added.requests).map(|share| share * whole),
            OwnNumber::Success(whole) => {
                share(added.failures, added.requests).map(|share| (1.0 - share) * whole)
            }
            OwnNumber::Latency { quantile, second } => {
                quantile_ms(&added.buckets, scene.bounds_ms, quantile).map(|ms| ms / 1_000.0 * second)
            }
            OwnNumber::Rate => {
                let span = scene.now.saturating_duration_since(since).as_secs_f64();
                (span > 0.0).then(|| added.requests as f64 / span)
            }
        };
        number.map_or(Answer::Empty, Answer::Scalar)
    }
}

/// Where a question is asked.
pub(super) struct Scene<'a> {
    pub(super) base: &'a Both,
    pub(super) began: Instant,
    pub(super) bounds_ms: &'a [f64],
    pub(super) now: Instant,
}

/// One of two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arm {
    Canary,
    Baseline,
}

impl Arm {
    fn counts(self, both: &Both) -> &Counts {
        match self {
            Self::Canary => &both.canary,
            Self::Baseline => &both.baseline,
        }
    }
}

/// What was added; all of it where a counter fell, for then its proxy began anew.
fn added(now: &Counts, last: &Counts) -> Counts {
    if now.requests < last.requests || now.failures < last.failures {
        return now.clone();
    }
    let mut added = now.clone();
    added.requests -= last.requests;
    added.failures -= last.failures;
    for (bucket, last) in added.buckets.iter_mut().zip(&last.buckets) {
        *bucket = bucket.saturating_sub(*last);
    }
    added
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A quantile by its bucket, in a straight line between its ends, as `histogram_quantile` finds it; what lies above the
/// last bound is taken for that.
fn quantile_ms(buckets: &[u64], bounds_ms: &[f64], quantile: f64) -> Option<f64> {
    let all: u64 = buckets.iter().sum();
    if all == 0 {
        return None;
    }
    let rank = quantile * all as f64;
    let (mut below, mut low) = (0.0, 0.0);
    for (count, high) in buckets.iter().zip(bounds_ms) {
        let count = *count as f64;
        if count > 0.0 && below + count >= rank {
            return Some(low + (high - low) * ((rank - below) / count).clamp(0.0, 1.0));
        }
        below += count;
        low = *high;
    }
    bounds_ms.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn counts(requests: u64, failures: u64, buckets: &[u64]) -> Counts {
        Counts {
            requests,
            failures,
            buckets: buckets.to_vec(),
            sum_ms: requests as f64 * 20.0,
            ..Counts::default()
        }
    }

    fn both(canary: Counts, baseline: Counts) -> Both {
        Both { canary, baseline }
    }

    #[test]
    fn buckets_are_joined_to_the_bounds_of_a_test() {
        let found = up_to(&counts(15, 0, &[1, 2, 3, 4, 5]), &[10.0, 20.0, 30.0, 40.0], &[20.0, 40.0]);
        assert_eq!(found.unwrap(), [3, 10, 15]);
        let missing = up_to(&Counts::default(), &[10.0], &[20.0]).unwrap_err();
        assert_eq!(missing, "the proxy's histogram has no bound of 20 ms");
        let empty = up_to(&Counts::default(), &[20.0], &[20.0]);
        assert_eq!(empty.unwrap(), [0, 0]);
    }

    #[test]
    fn a_quantile_lies_in_its_bucket() {
        let bounds = [10.0, 20.0, 40.0];
        for (buckets, quantile, expected) in [
            ([10, 0, 0, 0], 0.5, Some(5.0)),
            ([10, 10, 0, 0], 0.5, Some(10.0)),
            ([10, 10, 0, 0], 0.75, Some(15.0)),
            ([0, 0, 0, 7], 0.5, Some(40.0)),
            ([0, 0, 8, 0], 0.0, Some(20.0)),
            ([0, 0, 8, 0], 1.0, Some(40.0)),
            ([0, 0, 0, 0], 0.5, None),
        ] {
            assert_eq!(quantile_ms(&buckets, &bounds, quantile), expected, "{buckets:?} {quantile}");
        }
    }

    #[test]
    fn numbers_are_of_a_stretch_of_time_and_nothing_where_nobody_came() {
        let now = clock::monotonic();
        let at = |seconds| now + Duration::from_secs(seconds);
        let base = both(counts(100, 50, &[100, 0]), Counts::default());
        let mut history = History::default();
        let ask = |history: &History, text: &str, both: &Both, seconds| {
            let scene = Scene { base: &base, began: now, bounds_ms: &[10.0], now: at(seconds) };
            history.answer(text.parse().unwrap(), both, Arm::Canary, &scene)
        };
        let first = both(counts(110, 51, &[110, 0]), Counts::default());
        assert_eq!(ask(&history, "errors", &first, 10), Answer::Scalar(0.1));
        assert_eq!(ask(&history, "success-percent", &first, 10), Answer::Scalar(90.0));
        assert_eq!(ask(&history, "requests-per-second", &first, 10), Answer::Scalar(1.0));
        history.keep(first.clone(), Some(Duration::from_secs(30)), at(10));
        assert_eq!(ask(&history, "errors", &first, 20), Answer::Empty);
        let second = both(counts(120, 51, &[120, 0]), Counts::default());
        assert_eq!(ask(&history, "errors", &second, 20), Answer::Scalar(0.0));
        history.keep(second, Some(Duration::from_secs(30)), at(20));
        let third = both(counts(130, 56, &[130, 0]), Counts::default());
        assert_eq!(ask(&history, "errors", &third, 45), Answer::Scalar(0.5));
        assert_eq!(ask(&history, "errors[30s]", &third, 45), Answer::Scalar(0.25));
        let anew = both(counts(4, 1, &[4, 0]), Counts::default());
        assert_eq!(ask(&history, "errors", &anew, 45), Answer::Scalar(0.25));
    }

    #[test]
    fn a_history_is_as_long_as_its_questions_and_bounded() {
        let now = clock::monotonic();
        let mut history = History::default();
        for second in 0..10_000 {
            let nothing = both(Counts::default(), Counts::default());
            history.keep(nothing, Some(Duration::from_secs(10)), now + Duration::from_secs(second));
        }
        assert_eq!(history.kept.len(), 11);
        for _ in 0..10_000 {
            history.keep(both(Counts::default(), Counts::default()), Some(Duration::from_secs(60)), now);
        }
        assert!(history.kept.len() <= MAX_KEPT);
    }

    #[test]
    fn means_need_requests_of_both() {
        let mut history = History::default();
        let one = both(counts(1, 0, &[]), counts(10, 0, &[]));
        assert_eq!(history.means(&one), None);
        history.keep(one.clone(), None, clock::monotonic());
        assert_eq!(history.means(&one), None);
        let two = both(Counts { sum_ms: 120.0, ..counts(3, 0, &[]) }, counts(12, 0, &[]));
        assert_eq!(history.means(&two), Some((50.0, 20.0)));
    }
}
