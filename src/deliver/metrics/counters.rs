//! Counters of others, as they are answered again and again: what was added since counting began.
//!
//! - A counter that is there when counting begins counts from its first value, one that comes later from nothing: its
//!   process has just begun.
//! - Not so where a version's counters come (back) all at once, as when Prometheus itself has just begun: those that come
//!   within [`SETTLING`] of them count from their first values, for they are old.
//! - A counter that falls began anew, and with it all buckets of its histogram.
//! - A counter that is away keeps what it has counted, and goes on where it was.
//! - A value that cannot be a count (NaN, negative, infinite, above 2⁵³) is left out.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};
use taskmaster_delivery::analysis::answer::{Answer, Sample};

/// Above this a counter in an `f64` misses single units.
const MOST: f64 = 9_007_199_254_740_992.0;
/// Most series of one role that are remembered.
const MAX_KNOWN: usize = 10_000;
/// For so long after a source can see again, what it finds is old. A minute is the longest usual time between two scrapes.
const SETTLING: Duration = Duration::from_secs(60);
/// Two bounds that differ by less than this part of them are the same.
const SAME: f64 = 1e-9;

/// One series.
#[derive(Clone, Debug)]
struct Known {
    histogram: u64,
    /// Its `le`; none for a plain counter.
    le: Option<f64>,
    last: f64,
    total: f64,
    /// It was part of the last answer.
    is_live: bool,
    /// It has changed since the round began.
    is_new: bool,
}

/// A series as it was answered.
struct Seen {
    key: u64,
    histogram: u64,
    le: Option<f64>,
    value: f64,
}

/// The counters of one role.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    series: HashMap<u64, Known>,
    has_buckets: bool,
}

impl Counter {
    pub(super) fn of_buckets() -> Self {
        Self { has_buckets: true, ..Self::default() }
    }

    /// Whether an answer can be taken in, and what of it.
    fn read(&self, answer: &Answer) -> Result<Vec<Seen>, String> {
        let samples = match answer {
            Answer::Vector(samples) => samples.as_slice(),
            Answer::Empty => &[],
            Answer::Scalar(_) => {
                return Err("a number where counters are wanted: ask without `scalar`".to_owned());
            }
            Answer::Error { message } => return Err(message.clone()),
        };
        let counts = samples.iter().filter(|sample| (0.0..=MOST).contains(&sample.value));
        let seen = counts.map(|sample| self.one(sample)).collect::<Result<Vec<Seen>, String>>()?;
        let more = seen.iter().filter(|seen| !self.series.contains_key(&seen.key)).count();
        if self.series.len() + more > MAX_KNOWN {
            return Err(format!("more than {MAX_KNOWN} series were seen: sum them up by pod"));
        }
        Ok(seen)
    }

    fn one(&self, sample: &Sample) -> Result<Seen, String> {
        let le = match sample.labels.get("le").filter(|_| self.has_buckets) {
            Some(label) => {
                let bound: Option<f64> = label.parse().ok().filter(|bound: &f64| !bound.is_nan());
                Some(bound.ok_or_else(|| "a label `le` is no bound of a bucket".to_owned())?)
            }
            None if self.has_buckets => return Err("a series has no label `le`".to_owned()),
            None => None,
        };
        let histogram = digest(sample.labels.iter().filter(|(name, _)| le.is_none() || *name != "le"));
        let mut hasher = DefaultHasher::new();
        (histogram, le.map(f64::to_bits)).hash(&mut hasher);
        Ok(Seen { key: hasher.finish(), histogram, le, value: sample.value })
    }

    /// Takes in what was read. Counters that were not known yet count from nothing where they are `fresh`.
    fn take(&mut self, seen: &[Seen], is_fresh: bool) {
        let fell = |seen: &&Seen| self.series.get(&seen.key).is_some_and(|known| seen.value < known.last);
        let anew: HashSet<u64> = seen.iter().filter(fell).map(|seen| seen.histogram).collect();
        self.series.values_mut().for_each(|known| known.is_live = false);
        for one in seen {
            let known = self.series.entry(one.key).or_insert_with(|| Known {
                histogram: one.histogram,
                le: one.le,
                last: if is_fresh { 0.0 } else { one.value },
                total: 0.0,
                is_live: true,
                is_new: is_fresh,
            });
            let begins = anew.contains(&known.histogram) && known.last > 0.0;
            let added = if begins { one.value } else { one.value - known.last };
            known.is_new |= one.value != known.last;
            known.is_live = true;
            known.total += added.max(0.0);
            known.last = one.value;
        }
    }

    /// What was added to all of them, each rounded down.
    fn total(&self) -> u64 {
        self.sum(|_| true)
    }

    /// What was added to the buckets up to a bound.
    fn up_to(&self, bound: f64) -> u64 {
        self.sum(|known| known.le.is_some_and(|le| is_same(le, bound)))
    }

    fn sum(&self, counts: impl Fn(&Known) -> bool) -> u64 {
        let added = self.series.values().filter(|known| counts(known)).map(|known| known.total as u64);
        added.fold(0, u64::saturating_add)
    }

    /// True where every counter that is alive has changed since the round began. Of a histogram the last bucket tells.
    fn has_gone_round(&self) -> bool {
        let tells = |known: &&Known| known.is_live && known.le.is_none_or(|le| le == f64::INFINITY);
        self.series.values().filter(tells).all(|known| known.is_new)
    }

    /// The bounds of its buckets, in rising order.
    fn bounds(&self) -> Vec<f64> {
        let mut bounds: Vec<f64> = self.series.values().filter_map(|known| known.le).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    }
}

fn is_same(le: f64, bound: f64) -> bool {
    le == bound || (bound.is_finite() && (le - bound).abs() <= SAME * bound.abs())
}

/// A digest of labels: what the buckets of one histogram have in common.
fn digest<'a>(labels: impl Iterator<Item = (&'a String, &'a String)>) -> u64 {
    let mut hasher = DefaultHasher::new();
    labels.for_each(|label| label.hash(&mut hasher));
    hasher.finish()
}

/// The counters of one version: units and those that failed, or a histogram of units alone.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    units: Counter,
    failures: Counter,
    /// Nothing was found of a version that should be there.
    is_blind: bool,
    has_been: bool,
    settles: Option<Instant>,
}

impl Counted {
    /// The new version comes later: that nothing is found of it at first is as it should be.
    pub(super) fn canary(units: Counter) -> Self {
        Self { units, failures: Counter::default(), is_blind: false, has_been: false, settles: None }
    }

    /// The stable version is there from the beginning.
    pub(super) fn baseline(units: Counter) -> Self {
        Self { is_blind: true, ..Self::canary(units) }
    }

    /// Reads the answers of one time; only what is read of both versions is taken in.
    pub(super) fn read(&self, units: &Answer, failures: &Answer) -> Result<Reading, String> {
        Ok(Reading { units: self.units.read(units)?, failures: self.failures.read(failures)? })
    }

    /// Takes in what was read. `is_first` where counting begins.
    pub(super) fn take(&mut self, reading: &Reading, is_first: bool, now: Instant) {
        if reading.units.is_empty() {
            self.is_blind |= self.has_been;
        } else {
            if self.is_blind {
                (self.is_blind, self.settles) = (false, Some(now + SETTLING));
            }
            self.has_been = true;
        }
        let is_settled = self.settles.is_none_or(|until| until <= now);
        let is_fresh = !is_first && !self.is_blind && is_settled;
        self.units.take(&reading.units, is_fresh);
        self.failures.take(&reading.failures, is_fresh);
    }

    /// Units and failures.
    pub(super) fn totals(&self) -> [u64; 2] {
        [self.units.total(), self.failures.total()]
    }

    /// Units up to each of some bounds in milliseconds, and all of them. `le` is in seconds, as Prometheus wants it; in
    /// milliseconds where only so every bound is found.
    ///
    /// # Errors
    /// A bound that is none of the histogram.
    pub(super) fn up_to(&self, bounds_ms: &[f64]) -> Result<Vec<u64>, String> {
        let found = self.units.bounds();
        if found.is_empty() {
            return Ok(vec![0; bounds_ms.len() + 1]);
        }
        let has = |bound: f64| found.iter().any(|le| is_same(*le, bound));
        let unit = [1_000.0, 1.0].into_iter().find(|unit| bounds_ms.iter().all(|bound| has(bound / unit)));
        let missing = bounds_ms.iter().find(|bound| !has(**bound / 1_000.0));
        let (Some(unit), true) = (unit, has(f64::INFINITY)) else {
            let shown: Vec<String> = found.iter().take(20).map(|bound| show(*bound)).collect();
            let bound = missing.map_or("+Inf".to_owned(), |bound| format!("{bound} ms"));
            return Err(format!("{bound} is no bound of the histogram, which has {} s", shown.join(", ")));
        };
        let all = bounds_ms.iter().map(|bound| bound / unit).chain([f64::INFINITY]);
        Ok(all.map(|bound| self.units.up_to(bound)).collect())
    }

    /// True where every counter of units has changed since the round began.
    pub(super) fn has_gone_round(&self) -> bool {
        self.units.has_gone_round()
    }

    /// Begins a round.
    pub(super) fn begin_round(&mut self) {
        self.units.series.values_mut().for_each(|known| known.is_new = false);
    }
}

fn show(bound: f64) -> String {
    if bound == f64::INFINITY { "+Inf".to_owned() } else { bound.to_string() }
}

/// What was read of one version.
pub(super) struct Reading {
    units: Vec<Seen>,
    failures: Vec<Seen>,
}

/// A sample with labels, for tests.
#[cfg(test)]
pub(super) fn sample(labels: &[(&str, &str)], value: f64) -> Sample {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sample { labels, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn pods(values: &[(&str, f64)]) -> Answer {
        Answer::Vector(values.iter().map(|(pod, value)| sample(&[("pod", pod)], *value)).collect())
    }

    /// Takes in answers about units, a second after each other, and gives the totals.
    fn totals(mut arm: Counted, answers: &[Answer]) -> Vec<u64> {
        let begun = clock::monotonic();
        let mut taken = Vec::new();
        for (at, answer) in answers.iter().enumerate() {
            let reading = arm.read(answer, &Answer::Empty).unwrap();
            arm.take(&reading, at == 0, begun + Duration::from_secs(at as u64));
            taken.push(arm.totals()[0]);
        }
        taken
    }

    fn canary() -> Counted {
        Counted::canary(Counter::default())
    }

    fn baseline() -> Counted {
        Counted::baseline(Counter::default())
    }

    #[test]
    fn only_what_is_added_counts_and_a_pod_that_goes_takes_nothing_with_it() {
        let answers = [
            pods(&[("a", 1_000.0), ("b", 500.0)]),
            pods(&[("a", 1_010.0), ("b", 505.0)]),
            pods(&[("a", 1_020.0)]),
            pods(&[("a", 1_030.0), ("b", 507.0)]),
        ];
        assert_eq!(totals(canary(), &answers), [0, 15, 25, 37]);
        assert_eq!(totals(baseline(), &answers), [0, 15, 25, 37]);
    }

    #[test]
    fn a_pod_that_comes_later_counts_from_nothing_and_so_does_one_that_begins_anew() {
        let answers = [Answer::Empty, pods(&[("a", 7.0)]), pods(&[("a", 9.0)]), pods(&[("a", 4.0)])];
        assert_eq!(totals(canary(), &answers), [0, 7, 9, 13]);
    }

    #[test]
    fn what_a_source_finds_when_it_can_see_again_is_old() {
        let back = [
            pods(&[("a", 10.0)]),
            Answer::Empty,
            pods(&[("b", 9_000.0)]),
            pods(&[("b", 9_001.0), ("c", 8_000.0)]),
            pods(&[("b", 9_002.0), ("c", 8_003.0)]),
        ];
        assert_eq!(totals(canary(), &back), [0, 0, 0, 1, 5]);
        let late = [Answer::Empty, pods(&[("a", 9_000.0)]), pods(&[("a", 9_004.0)])];
        assert_eq!(totals(baseline(), &late), [0, 0, 4]);
    }

    #[test]
    fn what_is_no_count_is_left_out() {
        for wrong in [f64::NAN, -1.0, f64::INFINITY, 1e17] {
            let answers = [pods(&[("a", 10.0)]), pods(&[("a", wrong)]), pods(&[("a", 12.0)])];
            assert_eq!(totals(canary(), &answers), [0, 0, 2], "{wrong}");
        }
        assert!(canary().read(&Answer::Scalar(1.0), &Answer::Empty).is_err());
    }

    fn histogram(counts: &[(&str, f64)]) -> Answer {
        Answer::Vector(counts.iter().map(|(le, value)| sample(&[("pod", "a"), ("le", le)], *value)).collect())
    }

    #[test]
    fn a_histogram_begins_anew_as_a_whole() {
        let mut arm = Counted::canary(Counter::of_buckets());
        let now = clock::monotonic();
        for (at, counts) in [(0, [5.0, 8.0]), (1, [6.0, 10.0]), (2, [2.0, 11.0])] {
            let answer = histogram(&[("0.1", counts[0]), ("+Inf", counts[1])]);
            let reading = arm.read(&answer, &Answer::Empty).unwrap();
            arm.take(&reading, at == 0, now);
        }
        // 1 of 2 first; then anew: 2 of 11.
        assert_eq!(arm.up_to(&[100.0]).unwrap(), [3, 13]);
    }

    #[test]
    fn bounds_are_seconds_or_else_milliseconds_and_never_guessed() {
        let of = |les: &[&str]| {
            let mut arm = Counted::canary(Counter::of_buckets());
            let counts: Vec<(&str, f64)> = les.iter().map(|le| (*le, 3.0)).collect();
            let reading = arm.read(&histogram(&counts), &Answer::Empty)?;
            arm.take(&reading, false, clock::monotonic());
            arm.up_to(&[100.0, 250.0])
        };
        assert_eq!(of(&["0.1", "0.25", "+Inf"]), Ok(vec![3, 3, 3]));
        assert_eq!(of(&["100", "250", "+Inf"]), Ok(vec![3, 3, 3]));
        assert_eq!(
            of(&["0.1", "+Inf"]).unwrap_err(),
            "250 ms is no bound of the histogram, which has 0.1, +Inf s"
        );
        assert_eq!(
            of(&["0.1", "0.25"]).unwrap_err(),
            "+Inf is no bound of the histogram, which has 0.1, 0.25 s"
        );
        assert_eq!(of(&["x"]).unwrap_err(), "a label `le` is no bound of a bucket");
        assert_eq!(Counted::canary(Counter::of_buckets()).up_to(&[1.0]), Ok(vec![0, 0]));
    }

    #[test]
    fn series_without_end_are_refused() {
        let mut arm = canary();
        let names: Vec<String> = (0..MAX_KNOWN + 1).map(|at| format!("pod{at}")).collect();
        let all: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
        let reading = arm.read(&pods(&all[1..]), &Answer::Empty).unwrap();
        arm.take(&reading, true, clock::monotonic());
        assert!(arm.read(&pods(&all), &Answer::Empty).is_err_and(|why| why.contains("sum them up by pod")));
    }

    proptest::proptest! {
        /// What is handed on only rises, whatever a source says: a count that fell would be counted a second time.
        #[test]
        fn totals_never_fall(
            looks in proptest::collection::vec(
                proptest::collection::vec((0_u8..4, proptest::num::f64::ANY), 0..4), 1..20),
        ) {
            let now = clock::monotonic();
            for mut arm in [canary(), baseline()] {
                let mut last = [0, 0];
                for (at, pods) in looks.iter().enumerate() {
                    let samples = pods.iter().map(|(pod, value)| sample(&[("pod", &pod.to_string())], *value));
                    let answer = Answer::Vector(samples.collect());
                    let reading = arm.read(&answer, &answer).unwrap();
                    arm.take(&reading, at == 0, now + Duration::from_secs(20 * at as u64));
                    let totals = arm.totals();
                    proptest::prop_assert!(totals[0] >= last[0] && totals[1] >= last[1]);
                    last = totals;
                }
            }
        }
    }
}
