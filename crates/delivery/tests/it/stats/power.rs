//! What would have been detected, against simulation.

use super::{alpha, look};
use rand::SeedableRng;
use rand_distr::{Binomial, Distribution};
use rand_pcg::Pcg64Mcg;
use std::time::Duration;
use taskmaster_delivery::stats::Proportion;
use taskmaster_delivery::stats::power::Design;

/// Units of both arms after which a canary is rejected, if it ever is, looked at `looks` times.
fn units_to_reject(
    seed: u64,
    share: f64,
    rates: (f64, f64),
    level: f64,
    units: u64,
    looks: u64,
) -> Option<u64> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut test = Proportion::new();
    let size = units / looks;
    let canary = (size as f64 * share).round() as u64;
    let failures = |units, rate| Binomial::new(units, rate).expect("a rate is from 0 to 1");
    let (canary_failures, baseline_failures) = (failures(canary, rates.0), failures(size - canary, rates.1));
    (1..=looks).find_map(|index| {
        let (x, y) = (canary_failures.sample(&mut rng), baseline_failures.sample(&mut rng));
        test.add(look((canary, x), (size - canary, y))).expect("counts fit");
        test.rejects(alpha(level)).then_some(index * size)
    })
}

const DESIGNS: [(f64, f64, f64, u64); 7] = [
    (0.1, 0.002, 0.001, 20_000),
    (0.1, 0.0, 0.001, 2_000),
    (0.5, 0.002, 0.001, 100_000),
    (0.05, 0.01, 0.01, 50_000),
    (0.2, 0.05, 0.001, 10_000),
    (0.1, 0.000_1, 0.001, 1_000_000),
    (0.5, 0.3, 0.05, 2_000),
];

/// The probability is of the evidence at the end. That of ever is greater: by up to 8 parts in 100, as stated here.
#[test]
fn what_is_said_to_be_detected_is() {
    let runs = 400;
    for (share, base, level, units) in DESIGNS {
        let design = Design::new(share, base, alpha(level)).unwrap();
        for probability in [0.8, 0.95] {
            let found = design.smallest_detectable(probability, units).unwrap();
            assert!((design.detection_probability(found.rate, units) - probability).abs() < 1e-3);
            let detects =
                |seed: &u64| units_to_reject(*seed, share, (found.rate, base), level, units, 50).is_some();
            let part = (0..runs).filter(detects).count() as f64 / runs as f64;
            // Five standard deviations of 400 runs, and what looks in between add.
            let noise = 5.0 * (probability * (1.0 - probability) / runs as f64).sqrt();
            println!("{share} {base} {units}: {found}, {probability} is {part}");
            assert!(part > probability - noise && part < probability + 0.08 + noise, "{found}: {part}");
        }
    }
}

/// No more can be asked of a test than what a clairvoyant one has: the fewest failures that can reject at all. At
/// share 1/10, nothing failing on the baseline and α = 0.001 that is 4 of the canary: `mean (θ / (0.1θ + 0.9))^4`
/// is 1044 by hand, and 3 give 174.
#[test]
fn without_failures_of_the_baseline_four_of_the_canary_reject() {
    let design = Design::new(0.1, 0.0, alpha(0.001)).unwrap();
    assert_eq!(design.smallest_detectable(0.8, 30), None, "three units cannot fail four times");
    assert!(design.smallest_detectable(0.8, 40).is_some());
    // At least 4 of a Poisson number: half the quantile of chi-squared with 8 degrees of freedom, which is 11.030 at
    // 80 % and 15.507 at 95 % in all tables.
    for (probability, mean) in [(0.8, 5.515), (0.95, 7.754)] {
        let found = design.smallest_detectable(probability, 10_000_000).unwrap();
        assert!((found.rate * 1e6 / mean - 1.0).abs() < 1e-3, "{found:?}");
        assert!(found.ratio().is_infinite());
    }
}

/// Wald's time is within a third of the mean of simulated ones.
#[test]
fn expected_time_is_that_of_simulations() {
    for (share, rate, base) in [(0.1, 0.05, 0.002), (0.1, 0.2, 0.002), (0.5, 0.02, 0.01), (0.05, 0.03, 0.01)]
    {
        let design = Design::new(share, base, alpha(0.001)).unwrap();
        let expected = design.expected_units(rate).unwrap();
        let looks = (20.0 * expected / 100.0) as u64;
        let units =
            |seed| units_to_reject(seed, share, (rate, base), 0.001, 100 * looks, looks).unwrap() as f64;
        let mean = (0..300).map(units).sum::<f64>() / 300.0;
        println!("{share} {rate} {base}: {mean} of {expected}");
        assert!(mean / expected > 0.75 && mean / expected < 1.34, "{mean} {expected}");
        let time = design.expected_time(rate, 100.0).unwrap();
        assert!(time.abs_diff(Duration::from_secs_f64(expected / 100.0)) < Duration::from_millis(1));
    }
}
