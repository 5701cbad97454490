//! Evidence against closed forms, and against all outcomes there are.

use super::{alpha, look};
use statrs::distribution::{Binomial, Discrete, Hypergeometric};
use taskmaster_delivery::stats::bounded_mean::BETS;
use taskmaster_delivery::stats::proportion::RATIOS;
use taskmaster_delivery::stats::{BoundedMean, Latency, Look, Proportion};

/// Rounding only.
const OFF: f64 = 1e-9;

fn evidence(looks: &[Look]) -> f64 {
    let mut test = Proportion::new();
    looks.iter().for_each(|look| test.add(*look).expect("failures are a part of units"));
    test.log_e().exp()
}

/// An average over the ratios of what a function says of one of them.
fn mixed(f: impl Fn(f64) -> f64) -> f64 {
    RATIOS.iter().map(|ratio| f(*ratio)).sum::<f64>() / RATIOS.len() as f64
}

/// The likelihood ratio of binomial counts is the closed form of the sequential probability ratio test (Wald,
/// Sequential analysis, 1947), here with probabilities of another crate.
#[test]
fn it_is_the_mixed_likelihood_ratio_of_binomial_counts() {
    let looks =
        [look((10, 1), (90, 2)), look((30, 4), (70, 3)), look((50, 0), (50, 6)), look((1, 1), (3, 0))];
    let ratio = |theta: f64| -> f64 {
        let of_look = |look: &Look| {
            let (x, y) = (look.canary.failures, look.baseline.failures);
            let w = look.canary.units as f64 / (look.canary.units + look.baseline.units) as f64;
            let likelihood = |p| Binomial::new(p, x + y).unwrap().pmf(x);
            likelihood(theta * w / (theta * w + 1.0 - w)) / likelihood(w)
        };
        looks.iter().map(of_look).product()
    };
    let expected = mixed(ratio);
    assert!((evidence(&looks) / expected - 1.0).abs() < OFF, "{} {expected}", evidence(&looks));
}

#[test]
fn small_cases_by_hand() {
    for (looks, expected) in [
        (vec![], 1.0),
        (vec![look((10, 0), (90, 0))], 1.0),
        // One arm only: nothing to compare with.
        (vec![look((10, 7), (0, 0))], 1.0),
        (vec![look((0, 0), (9, 9))], 1.0),
        // A failure at equal shares: 2θ / (θ + 1) on the canary, 2 / (θ + 1) on the baseline.
        (vec![look((1, 1), (1, 0))], mixed(|theta| 2.0 * theta / (theta + 1.0))),
        (vec![look((1, 0), (1, 1))], mixed(|theta| 2.0 / (theta + 1.0))),
        (vec![look((1, 1), (1, 1))], mixed(|theta| 4.0 * theta / (theta + 1.0).powi(2))),
    ] {
        assert!((evidence(&looks) - expected).abs() < OFF, "{looks:?}: {}", evidence(&looks));
    }
}

/// Every look of up to 12 units of equal versions: x is hypergeometric, and the expectation is at most 1.
#[test]
fn expected_evidence_of_dealt_units_is_at_most_one() {
    let mut greatest = 0f64;
    for (n, m) in (1..12u64).flat_map(|n| (1..=12 - n).map(move |m| (n, m))) {
        for k in 0..=n + m {
            let dealt = Hypergeometric::new(n + m, k, n).unwrap();
            let outcomes = k.saturating_sub(m)..=k.min(n);
            let expectation: f64 =
                outcomes.map(|x| dealt.pmf(x) * evidence(&[look((n, x), (m, k - x))])).sum();
            greatest = greatest.max(expectation);
            assert!(expectation <= 1.0 + OFF, "{n} {m} {k}: {expectation}");
        }
    }
    assert!(greatest > 1.0 - OFF, "one failure gives equality");
}

/// Every look of up to 6 + 6 independent units whose canary is no worse, over a grid of rates up to 1.
#[test]
fn expected_evidence_of_a_canary_no_worse_is_at_most_one() {
    let rates = [0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0];
    for (n, m) in (1..=6u64).flat_map(|n| (1..=6).map(move |m| (n, m))) {
        for (i, p_baseline) in rates.into_iter().enumerate() {
            for p_canary in rates.into_iter().take(i + 1) {
                let expectation = expectation_of_independent(n, m, p_canary, p_baseline);
                assert!(expectation <= 1.0 + OFF, "{n} {m} {p_canary} {p_baseline}: {expectation}");
            }
        }
    }
    let worse = expectation_of_independent(6, 6, 0.5, 0.3);
    assert!(worse > 1.1, "and that of a worse canary is not: {worse}");
}

fn expectation_of_independent(n: u64, m: u64, p_canary: f64, p_baseline: f64) -> f64 {
    let failures = |units, rate| Binomial::new(rate, units).expect("a rate is from 0 to 1");
    let (canary, baseline) = (failures(n, p_canary), failures(m, p_baseline));
    let all = (0..=n).flat_map(|x| (0..=m).map(move |y| (x, y)));
    all.map(|(x, y)| canary.pmf(x) * baseline.pmf(y) * evidence(&[look((n, x), (m, y))])).sum()
}

/// Units that differ from each other: which ones fail is fixed for each version, the canary fails on a part of
/// those that fail on the baseline, and all ways to deal 3 of 7 units are as likely.
#[test]
fn expected_evidence_of_unlike_units_is_at_most_one() {
    let deals: Vec<u32> = (0..128u32).filter(|deal| deal.count_ones() == 3).collect();
    for on_baseline in 0..128u32 {
        for on_canary in (0..128u32).filter(|set| set & on_baseline == *set) {
            let of_deal = |deal: &u32| {
                let x = u64::from((deal & on_canary).count_ones());
                let y = u64::from((!deal & on_baseline).count_ones());
                evidence(&[look((3, x), (4, y))])
            };
            let expectation = deals.iter().map(of_deal).sum::<f64>() / deals.len() as f64;
            assert!(expectation <= 1.0 + OFF, "{on_baseline:b} {on_canary:b}: {expectation}");
        }
    }
}

/// All ways in which 12 failures fall at a share of a half, one by one: how many ever reach 1/α, and what is
/// expected of one who stops at the best moment he can tell without foresight.
#[test]
fn ville_holds_for_all_sequences_of_failures() {
    let flips = 12u32;
    for level in [0.5, 0.2, 0.05, 0.01] {
        let (mut rejected, mut stopped) = (0u32, 0.0);
        for sequence in 0..1u32 << flips {
            let mut test = Proportion::new();
            let mut at_stop = None;
            for place in 0..flips {
                let canary = u64::from(sequence >> place & 1);
                let unit = look((canary, canary), (1 - canary, 1 - canary));
                test.add_with_share(unit, 0.5).unwrap();
                at_stop = at_stop.or(test.rejects(alpha(level)).then(|| test.log_e().exp()));
            }
            rejected += u32::from(test.rejects(alpha(level)));
            stopped += at_stop.unwrap_or_else(|| test.log_e().exp());
        }
        let all = f64::from(1u32 << flips);
        assert!(f64::from(rejected) / all <= level, "{rejected} of {all} at {level}");
        assert!((stopped / all - 1.0).abs() < OFF, "an equality at each stopping time: {}", stopped / all);
    }
}

/// A share by design also holds for a part of a shuffled block, and given what came before in it.
#[test]
fn parts_of_shuffled_blocks_have_a_share_of_their_own() {
    // Blocks of 6 with 2 canaries; a look of the 3 units that are left after 3 with `seen` canaries.
    for seen in 0..=2u32 {
        let left = 2 - seen;
        let deals: Vec<u32> = (0..8u32).filter(|deal| deal.count_ones() == left).collect();
        for failing in 0..8u32 {
            let of_deal = |deal: &u32| {
                let mut test = Proportion::new();
                let x = u64::from((deal & failing).count_ones());
                let y = u64::from((!deal & failing).count_ones());
                let units = (u64::from(left), u64::from(3 - left));
                test.add_with_share(look((units.0, x), (units.1, y)), f64::from(left) / 3.0).unwrap();
                test.log_e().exp()
            };
            let expectation = deals.iter().map(of_deal).sum::<f64>() / deals.len() as f64;
            assert!(expectation <= 1.0 + OFF, "{seen} {failing:b}: {expectation}");
        }
    }
}

/// Every way in which 4 + 4 units with the same latencies in three buckets are dealt.
#[test]
fn expected_evidence_of_latencies_is_at_most_one() {
    let deals: Vec<u32> = (0..256u32).filter(|deal| deal.count_ones() == 4).collect();
    for buckets in [[0, 0, 0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 2, 2, 2, 2], [2; 8], [0, 0, 0, 0, 0, 0, 0, 2]] {
        let of_deal = |deal: &u32| {
            let (mut canary, mut baseline) = ([0; 3], [0; 3]);
            for (place, bucket) in buckets.into_iter().enumerate() {
                let arm: &mut [u64; 3] = if deal >> place & 1 == 1 { &mut canary } else { &mut baseline };
                arm[bucket] += 1;
            }
            let mut test = Latency::new(&[0.1, 0.5]).unwrap();
            test.add(&canary, &baseline).unwrap();
            test.log_e().exp()
        };
        let expectation = deals.iter().map(of_deal).sum::<f64>() / deals.len() as f64;
        assert!(expectation <= 1.0 + OFF, "{buckets:?}: {expectation}");
    }
}

#[test]
fn latency_is_the_average_of_its_bounds() {
    let mut test = Latency::new(&[0.1, 0.5, 2.0]).unwrap();
    test.add(&[5, 1, 3, 1], &[80, 7, 2, 1]).unwrap();
    let bounds = [look((10, 5), (90, 10)), look((10, 4), (90, 3)), look((10, 1), (90, 1))];
    let expected = bounds.iter().map(|look| evidence(&[*look])).sum::<f64>() / 3.0;
    assert!((test.log_e().exp() / expected - 1.0).abs() < OFF);
    assert_eq!(test.strongest().unwrap().0, 0.5);
    assert!(test.max_log_e() == test.log_e() && test.rejects(alpha(0.1)));
}

/// The capital of a bettor (Waudby-Smith and Ramdas 2024, at a mean of 0 and constant bets): 1 + λ a win.
#[test]
fn capital_of_a_bettor_who_always_wins_or_always_loses() {
    for (canary, baseline, sign) in [(3.0, 0.0, 1.0), (0.0, 3.0, -1.0), (9.0, -1.0, 1.0)] {
        let mut test = BoundedMean::new(3.0).unwrap();
        (0..10).for_each(|_| test.add(canary, baseline));
        let expected = BETS.iter().map(|bet| (1.0 + sign * bet).powi(10)).sum::<f64>() / 8.0;
        assert!((test.log_e().exp() / expected - 1.0).abs() < OFF, "{canary} {baseline}");
        assert!((test.difference().unwrap() - sign * 3.0).abs() < OFF);
    }
}

/// All 2^14 sequences of fair wins and losses, of unequal size: Ville, and an expectation of exactly 1.
#[test]
fn ville_holds_for_all_sequences_of_fair_bets() {
    let (buckets, level) = (14u32, 0.1);
    let (mut rejected, mut sum) = (0u32, 0.0);
    for sequence in 0..1u32 << buckets {
        let mut test = BoundedMean::new(1.0).unwrap();
        for place in 0..buckets {
            let size = f64::from(place % 5 + 1) / 5.0;
            let won = sequence >> place & 1 == 1;
            test.add(if won { size } else { 0.0 }, if won { 0.0 } else { size });
        }
        rejected += u32::from(test.rejects(alpha(level)));
        sum += test.log_e().exp();
    }
    let all = f64::from(1u32 << buckets);
    assert!((sum / all - 1.0).abs() < OFF, "{}", sum / all);
    let share = f64::from(rejected) / all;
    assert!(share <= level && share > 0.0, "{share}");
}

#[test]
fn buckets_without_a_mean_are_left_out_and_counted() {
    let mut test = BoundedMean::new(1.0).unwrap();
    test.add(f64::NAN, 0.0);
    test.add(0.0, f64::NAN);
    assert_eq!((test.buckets(), test.ignored(), test.log_e(), test.difference()), (0, 2, 0.0, None));
    test.add(f64::INFINITY, f64::NEG_INFINITY);
    assert_eq!((test.buckets(), test.difference()), (1, Some(1.0)));
    assert!([0.0, -1.0, f64::NAN, f64::INFINITY].iter().all(|bound| BoundedMean::new(*bound).is_err()));
}

/// Mantel and Haenszel's estimate does not see an incident on both arms, at whatever share it strikes.
#[test]
fn an_incident_at_a_large_share_is_not_charged_to_the_canary() {
    let mut test = Proportion::new();
    test.add(look((1_000, 2), (9_000, 18))).unwrap();
    test.add(look((5_000, 500), (5_000, 500))).unwrap();
    assert!((test.risk_ratio().unwrap() - 1.0).abs() < OFF);
    let totals = test.totals();
    let pooled = totals.canary.rate().unwrap() / totals.baseline.rate().unwrap();
    assert!(pooled > 2.0, "{pooled}");
    assert!(!test.rejects(alpha(0.05)));
    let mut worse = Proportion::new();
    worse.add(look((1_000, 30), (9_000, 90))).unwrap();
    assert!((worse.risk_ratio().unwrap() - 3.0).abs() < OFF);
    worse.add(look((10, 0), (90, 0))).unwrap();
    assert!((worse.risk_ratio().unwrap() - 3.0).abs() < OFF);
}
