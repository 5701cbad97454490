//! Whole rollouts, simulated: how often healthy canaries are rejected, and how fast bad ones. Seeded; the same
//! numbers on every machine.

use super::{alpha, look};
use rand::{RngExt, SeedableRng};
use rand_distr::{Binomial, Distribution, LogNormal};
use rand_pcg::Pcg64Mcg;
use std::hint::black_box;
use taskmaster_delivery::stats::classical::mann_whitney;
use taskmaster_delivery::stats::latency::log_spaced;
use taskmaster_delivery::stats::{BoundedMean, Latency, Look, Proportion, budget};

/// The most rejections of `runs` that a rate of `level` lets one expect: five standard deviations above the mean.
fn bound(runs: u32, level: f64) -> u32 {
    let mean = f64::from(runs) * level;
    (mean + 5.0 * (mean * (1.0 - level)).sqrt()).ceil() as u32
}

fn draw(rng: &mut Pcg64Mcg, units: u64, rate: f64) -> u64 {
    Binomial::new(units, rate).expect("a rate is from 0 to 1").sample(rng)
}

/// One look of independent units, of which some go to the canary.
fn dealt(rng: &mut Pcg64Mcg, units: u64, share: f64, rates: (f64, f64)) -> Look {
    let canary = draw(rng, units, share);
    look((canary, draw(rng, canary, rates.0)), (units - canary, draw(rng, units - canary, rates.1)))
}

/// A z test of two proportions at a nominal one-sided 5 %, as textbooks have it.
fn z_test_rejects(sum: &Look) -> bool {
    let (n, m) = (sum.canary.units as f64, sum.baseline.units as f64);
    let (x, y) = (sum.canary.failures as f64, sum.baseline.failures as f64);
    let pooled = (x + y) / (n + m);
    let z = (x / n - y / m) / (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    n >= 30.0 && m >= 30.0 && z > 1.644_854
}

/// Equal versions, looked at after every unit for 1,000 units.
#[test]
fn a_healthy_canary_may_be_looked_at_after_every_unit() {
    let (runs, level, share) = (2_000u32, 0.05, 0.3);
    let (mut ours, mut naive) = (0, 0);
    for seed in 0..runs {
        let mut rng = Pcg64Mcg::seed_from_u64(u64::from(seed));
        let (mut test, mut is_naively_rejected) = (Proportion::new(), false);
        for _ in 0..1_000 {
            let failed = u64::from(rng.random_bool(0.1));
            let is_canary = rng.random_bool(share);
            let unit = if is_canary { look((1, failed), (0, 0)) } else { look((0, 0), (1, failed)) };
            test.add_with_share(unit, share).unwrap();
            is_naively_rejected |= z_test_rejects(&test.totals());
        }
        ours += u32::from(test.rejects(alpha(level)));
        naive += u32::from(is_naively_rejected);
    }
    assert!(ours <= (f64::from(runs) * level) as u32, "{ours} of {runs}");
    assert!(naive > 3 * bound(runs, level), "peeking at a z test: {naive} of {runs}");
}

/// Base rate, load and share change from look to look, the share in answer to what was seen; there are incidents.
#[test]
fn a_healthy_canary_in_unquiet_times() {
    let (runs, level) = (2_000u32, 0.05);
    let mut rejected = 0;
    for seed in 0..runs {
        let mut rng = Pcg64Mcg::seed_from_u64(u64::from(seed));
        let (mut test, mut share) = (Proportion::new(), 0.05);
        for second in 0..100 {
            let units = rng.random_range(0..60);
            let rate = if (40..60).contains(&second) { 0.5 } else { 0.01 };
            test.add(dealt(&mut rng, units, share, (rate, rate))).unwrap();
            share = if test.log_e() > 0.0 { 0.5 } else { 0.05 };
        }
        rejected += u32::from(test.rejects(alpha(level)));
    }
    assert!(rejected <= (f64::from(runs) * level) as u32, "{rejected} of {runs}");
}

/// Sessions of five requests that fail together: the trap of counting what was not dealt.
#[test]
fn errors_in_clusters_need_the_cluster_as_the_unit() {
    let (runs, level, share) = (500, 0.001, 0.1);
    let (mut by_request, mut by_session) = (0, 0);
    for seed in 0..runs {
        let mut rng = Pcg64Mcg::seed_from_u64(u64::from(seed));
        let (mut requests, mut sessions) = (Proportion::new(), Proportion::new());
        for _ in 0..240 {
            let look = dealt(&mut rng, 100, share, (0.01, 0.01));
            sessions.add(look).unwrap();
            let mut five = look;
            for arm in [&mut five.canary, &mut five.baseline] {
                (arm.units, arm.failures) = (5 * arm.units, 5 * arm.failures);
            }
            requests.add(five).unwrap();
        }
        by_request += u32::from(requests.rejects(alpha(level)));
        by_session += u32::from(sessions.rejects(alpha(level)));
    }
    assert!(by_session <= bound(runs, level), "{by_session} of {runs}");
    assert!(by_request > 10 * bound(runs, level), "{by_request} of {runs}");
}

/// Equal latencies, looked at after every 10 requests of each arm, 40 times; and Mann and Whitney's test likewise.
#[test]
fn equal_latencies_may_be_looked_at_and_mann_and_whitney_may_not() {
    let (runs, level) = (300, 0.05);
    let latencies = LogNormal::new(-2.0, 0.7).unwrap();
    let (mut ours, mut naive, mut slower) = (0, 0, 0);
    for seed in 0..runs {
        let mut rng = Pcg64Mcg::seed_from_u64(u64::from(seed));
        let mut test = Latency::new(&log_spaced(0.05, 1.0, 8).unwrap()).unwrap();
        let mut slow_test = test.clone();
        let (mut all, mut is_naively_rejected) = ([Vec::new(), Vec::new()], false);
        for _ in 0..40 {
            let mut counts = [[0; 9]; 3];
            for (arm, factor) in [1.0, 1.0, 1.6].into_iter().enumerate() {
                for _ in 0..10 {
                    let latency = factor * latencies.sample(&mut rng);
                    counts[arm][test.bucket(latency).unwrap()] += 1;
                    all.get_mut(arm).into_iter().for_each(|all| all.push(latency));
                }
            }
            test.add(&counts[0], &counts[1]).unwrap();
            slow_test.add(&counts[2], &counts[1]).unwrap();
            is_naively_rejected |= mann_whitney(&all[0], &all[1]).unwrap().p_two_sided < level;
        }
        ours += u32::from(test.rejects(alpha(level)));
        slower += u32::from(slow_test.rejects(alpha(level)));
        naive += u32::from(is_naively_rejected);
    }
    assert!(ours <= bound(runs, level) / 2, "{ours} of {runs}");
    assert!(naive > 2 * bound(runs, level), "peeking at Mann and Whitney: {naive} of {runs}");
    assert!(slower > runs * 9 / 10, "1.6 times as slow: {slower} of {runs}");
}

/// Errors, latency and bucket means of one rollout, all from the same requests: slow ones fail. Each has its part
/// of the false-rollback rate; together they keep to the whole.
#[test]
fn all_metrics_of_a_healthy_rollout_share_one_rate() {
    let (runs, level, share) = (1_000u32, 0.1, 0.3);
    let parts = budget::split(alpha(level), &[2.0, 1.0, 1.0]).unwrap();
    let mut rejected = 0;
    for seed in 0..runs {
        let mut rng = Pcg64Mcg::seed_from_u64(u64::from(seed));
        let (mut errors, mut means) = (Proportion::new(), BoundedMean::new(1.0).unwrap());
        let mut latency = Latency::new(&[0.5, 0.8]).unwrap();
        for _ in 0..100 {
            let (mut counts, mut sums) = ([[0u64; 3]; 2], [0.0; 2]);
            for _ in 0..20 {
                let (seconds, arm) = (rng.random::<f64>(), usize::from(rng.random_bool(share)));
                counts[arm][latency.bucket(seconds).unwrap()] += 1;
                sums[arm] += seconds;
            }
            let [baseline, canary] = counts.map(|counts| (counts.iter().sum::<u64>(), counts[2]));
            errors.add(look(canary, baseline)).unwrap();
            latency.add(&counts[1], &counts[0]).unwrap();
            means.add(sums[1] / canary.0 as f64, sums[0] / baseline.0 as f64);
        }
        let verdicts = [errors.rejects(parts[0]), latency.rejects(parts[1]), means.rejects(parts[2])];
        rejected += u32::from(verdicts.contains(&true));
    }
    assert!(rejected > 0 && rejected <= (f64::from(runs) * level) as u32, "{rejected} of {runs}");
}

/// Bucket means of equal versions, of few units and of many, with a level that drifts; and of a slower canary.
#[test]
fn means_of_buckets_may_be_looked_at() {
    let (runs, level) = (1_000, 0.05);
    let (mut healthy, mut slower) = (0, 0);
    for seed in 0..runs {
        let mut rng = Pcg64Mcg::seed_from_u64(u64::from(seed));
        let (mut test, mut slow_test) = (BoundedMean::new(1.0).unwrap(), BoundedMean::new(1.0).unwrap());
        for bucket in 0..200 {
            let top = if bucket % 50 < 25 { 0.4 } else { 0.8 };
            let mut mean =
                |units: i32| (0..units).map(|_| top * rng.random::<f64>()).sum::<f64>() / f64::from(units);
            let (canary, baseline) = (mean(2), mean(6));
            test.add(canary, baseline);
            slow_test.add(canary + 0.1, baseline);
        }
        healthy += u32::from(test.rejects(alpha(level)));
        slower += u32::from(slow_test.rejects(alpha(level)));
    }
    assert!(healthy <= (f64::from(runs) * level) as u32, "{healthy} of {runs}");
    assert!(slower > runs * 9 / 10, "{slower} of {runs}");
}

/// Long: the figures of the documents. Prints seconds to detect on data of one second at 10 % share, 0.2 % failures
/// of the baseline and α = 0.001; and false rollbacks in 40 minutes.
#[test]
#[ignore = "a table of minutes; run it in release with --nocapture"]
fn table_of_detection() {
    let share = 0.1;
    for (rate, canary) in
        [(20, 0.05), (50, 0.05), (50, 0.2), (200, 0.01), (200, 0.2), (20, 0.002), (200, 0.002)]
    {
        let seconds = |seed| {
            let mut rng = Pcg64Mcg::seed_from_u64(seed);
            let mut tests = [Proportion::new(), Proportion::new()];
            let mut found = [None; 2];
            for second in 1..=2_400 {
                let look = dealt(&mut rng, rate, share, (canary, 0.002));
                tests[0].add(look).unwrap();
                tests[1].add_with_share(look, share).unwrap();
                for (found, test) in found.iter_mut().zip(&tests) {
                    *found = found.or(test.rejects(alpha(0.001)).then_some(second));
                }
            }
            found
        };
        let runs: Vec<[Option<u32>; 2]> = (0..2_000).map(seconds).collect();
        for (place, name) in ["own share", "share by design"].into_iter().enumerate() {
            let mut found: Vec<u32> = runs.iter().filter_map(|run| run[place]).collect();
            found.sort_unstable();
            let at = |part: usize| found.get(found.len() * part / 100).copied().unwrap_or(0);
            println!(
                "{rate} rps {canary} {name}: found {} of 2000, p50 {} p99 {}",
                found.len(),
                at(50),
                at(99)
            );
        }
    }
}

/// Long: looks of a healthy canary, half of them with failures; to be timed from outside.
#[test]
#[ignore = "for `time`, in release"]
fn a_hundred_million_healthy_looks() {
    take_a_hundred_million((0.014, 0.014));
}

/// Long: looks of a bad canary, of which nearly each sets a new record; to be timed from outside.
#[test]
#[ignore = "for `time`, in release"]
fn a_hundred_million_bad_looks() {
    take_a_hundred_million((0.3, 0.014));
}

fn take_a_hundred_million(rates: (f64, f64)) {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let looks: Vec<Look> = (0..1_000).map(|_| dealt(&mut rng, 50, 0.1, rates)).collect();
    let failing = looks.iter().filter(|look| look.canary.failures + look.baseline.failures > 0).count();
    let mut test = Proportion::new();
    for _ in 0..100_000 {
        for look in &looks {
            test.add(black_box(*look)).expect("a look of counts that fit");
        }
    }
    println!("{failing} of 1000 looks have failures; {}", black_box(&test).log_e());
}
