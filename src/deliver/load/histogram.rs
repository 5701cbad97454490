//! Counts of latencies in buckets whose width grows with them: any quantile to 3 %, in a fixed space.

use std::time::Duration;

/// Buckets of each power of two, as a power of two.
const FINE_BITS: u32 = 5;
const FINE: usize = 1 << FINE_BITS;

/// Microseconds up to 2³⁶, which is 19 hours; what takes longer counts as that.
const OCTAVES: usize = 36 - FINE_BITS as usize;
const BUCKETS: usize = FINE * (OCTAVES + 1);

/// Counts of latencies.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: Duration,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], count: 0, sum: Duration::ZERO, max: Duration::ZERO }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(latency);
        self.max = self.max.max(latency);
    }

    pub(super) fn max(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.max)
    }

    pub(super) fn mean(&self) -> Option<Duration> {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        (count > 0).then(|| self.sum / count)
    }

    /// The smallest latency that at least this share of them does not exceed, rounded up to the end of
    /// its bucket.
    pub(super) fn quantile(&self, per_mille: u64) -> Option<Duration> {
        let rank = self.count.saturating_mul(per_mille).div_ceil(1_000).max(1);
        let mut below = 0;
        for (index, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return Some(Duration::from_micros(last_of(index)).min(self.max));
            }
        }
        None
    }
}

/// Values below 32 have buckets of their own; above, each power of two has 32 of them.
fn bucket(micros: u64) -> usize {
    let octave = (64 - micros.leading_zeros()).saturating_sub(FINE_BITS + 1);
    let index = (octave as usize) * FINE + (micros >> octave) as usize;
    index.min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn last_of(index: usize) -> u64 {
    let octave = (index / FINE).saturating_sub(1);
    let first = (index - octave * FINE) as u64;
    ((first + 1) << octave) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_are_in_order_and_narrow() {
        let mut before = None;
        for index in 0..BUCKETS {
            let last = last_of(index);
            assert_eq!(bucket(last), index, "{last}");
            if let Some(before) = before {
                assert_eq!(bucket(before + 1), index, "{index}");
                assert!(last - before <= (last / FINE as u64).max(1), "{index}");
            }
            before = Some(last);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    proptest! {
        #[test]
        fn quantiles_agree_with_sorting(mut micros in prop::collection::vec(0_u64..1 << 36, 1..200), per_mille in 1_u64..=1_000) {
            let mut histogram = Histogram::default();
            micros.iter().for_each(|micros| histogram.add(Duration::from_micros(*micros)));
            micros.sort_unstable();
            let rank = (micros.len() as u64 * per_mille).div_ceil(1_000) as usize;
            let exact = micros[rank - 1];
            let found = histogram.quantile(per_mille).unwrap().as_micros() as u64;
            prop_assert!(found >= exact && found - exact <= exact / FINE as u64 + 1, "{found} for {exact}");
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        let histogram = Histogram::default();
        assert_eq!((histogram.quantile(500), histogram.mean(), histogram.max()), (None, None, None));
    }
}
