//! Injected faults: errors by a seeded coin, and added latency.
//!
//! Invariant: whether the n-th application request fails is a pure function of seed, rate and n,
//! so a test that names a seed sees the same failures on every machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Fraction;

/// Decides which requests fail and how long each one is held.
#[derive(Debug)]
pub struct Faults {
    rate: Fraction,
    seed: u64,
    latency: Duration,
    requests: AtomicU64,
}

impl Faults {
    /// Faults at `rate`, drawn from `seed`, with `latency` on every request.
    #[must_use]
    pub fn new(rate: Fraction, seed: u64, latency: Duration) -> Self {
        Self { rate, seed, latency, requests: AtomicU64::new(0) }
    }

    /// What every request waits.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// Takes the next request's number and tells whether that request fails.
    pub fn next_fails(&self) -> bool {
        fails(self.seed, self.rate, self.requests.fetch_add(1, Ordering::Relaxed))
    }
}

/// Whether request number `ordinal` (from 0) fails under `seed` at `rate`.
#[must_use]
pub fn fails(seed: u64, rate: Fraction, ordinal: u64) -> bool {
    unit_interval(splitmix64(seed, ordinal)) < rate.get()
}

/// The output number `index` (from 0) of the SplitMix64 generator started at `seed`
/// (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
fn splitmix64(seed: u64, index: u64) -> u64 {
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut z = seed.wrapping_add(GAMMA.wrapping_mul(index.wrapping_add(1)));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The upper 53 bits as a number from 0 up to, but not including, 1.
fn unit_interval(bits: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exactly what an f64 holds")]
    let mantissa = (bits >> 11) as f64;
    mantissa / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Fraction {
        text.parse().expect("a fraction")
    }

    #[test]
    fn the_generator_gives_the_published_sequence() {
        // The sequence for this seed as printed in public test vectors of SplitMix64.
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        let actual: Vec<u64> = (0..5).map(|index| splitmix64(1_234_567, index)).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn rate_zero_never_fails_and_rate_one_always_does() {
        assert!((0..10_000).all(|n| !fails(7, rate("0"), n)));
        assert!((0..10_000).all(|n| fails(7, rate("1"), n)));
    }

    #[test]
    fn the_share_of_failures_is_the_rate() {
        // 100,000 draws at 0.1: standard deviation 95, so six of them on either side are 570.
        let failures = (0..100_000).filter(|n| fails(42, rate("0.1"), *n)).count();
        assert!((9_430..=10_570).contains(&failures), "{failures} failures");
    }

    #[test]
    fn equal_seeds_agree_and_others_do_not() {
        let draw = |seed| (0..256).map(|n| fails(seed, rate("0.5"), n)).collect::<Vec<_>>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn requests_are_numbered_from_zero_in_order() {
        let faults = Faults::new(rate("0.5"), 9, Duration::ZERO);
        let seen: Vec<bool> = (0..64).map(|_| faults.next_fails()).collect();
        let expected: Vec<bool> = (0..64).map(|n| fails(9, rate("0.5"), n)).collect();
        assert_eq!(seen, expected);
    }
}
