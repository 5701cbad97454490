//! Properties over generated looks.

use super::{alpha, look};
use proptest::collection::vec;
use proptest::prelude::*;
use taskmaster_delivery::stats::power::Design;
use taskmaster_delivery::stats::{Arm, BoundedMean, Evidence, Latency, Look, Proportion, classical};

fn arm(units: impl Strategy<Value = u64>) -> impl Strategy<Value = Arm> {
    units.prop_flat_map(|units| (0..=units).prop_map(move |failures| Arm { units, failures }))
}

fn any_look() -> impl Strategy<Value = Look> {
    let units = prop_oneof![0..3u64, 0..1000u64, any::<u64>(), Just(u64::MAX)];
    (arm(units.clone()), arm(units)).prop_map(|(canary, baseline)| Look { canary, baseline })
}

/// A look of 10 % canary, so that shares are equal.
fn tenth() -> impl Strategy<Value = Look> {
    (0..40u64)
        .prop_flat_map(|size| (0..=size, 0..=9 * size).prop_map(move |(x, y)| look((size, x), (9 * size, y))))
}

fn all(looks: &[Look]) -> Proportion {
    let mut test = Proportion::new();
    looks.iter().for_each(|look| test.add(*look).expect("failures are a part of units"));
    test
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -10.0..10.0f64,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(0.0),
    ]
}

proptest! {
    #[test]
    fn no_look_panics_and_evidence_stays_a_number(looks in vec(any_look(), 0..20), share in any_number()) {
        let mut test = all(&looks);
        for look in &looks {
            let _ = test.add_with_share(*look, share);
        }
        prop_assert!(test.log_e().is_finite() && test.max_log_e() >= 0.0);
        prop_assert!(test.max_log_e() >= test.log_e());
        prop_assert!(test.risk_ratio().is_none_or(|ratio| ratio >= 0.0));
        let words = Evidence::of(&test, alpha(0.01)).words("errors", "requests");
        prop_assert!(words.contains(" against "));
    }

    /// The greatest value is kept although most looks do not compute it.
    #[test]
    fn the_greatest_evidence_is_that_of_all_looks(looks in vec(any_look(), 0..20)) {
        let mut test = Proportion::new();
        let mut greatest = 0f64;
        for look in &looks {
            test.add(*look).unwrap();
            greatest = greatest.max(test.log_e());
            prop_assert_eq!(test.max_log_e(), greatest);
        }
    }

    #[test]
    fn what_is_stored_is_what_is_read(looks in vec(any_look(), 0..10), means in vec(any_number(), 0..10)) {
        let test = all(&looks);
        let mut betting = BoundedMean::new(0.7).unwrap();
        means.windows(2).for_each(|pair| betting.add(pair[0], pair[1]));
        let mut latency = Latency::new(&[0.1, 1.0 / 3.0]).unwrap();
        for look in &looks {
            let counts = |arm: Arm| [arm.units - arm.failures, arm.failures / 2, arm.failures - arm.failures / 2];
            latency.add(&counts(look.canary), &counts(look.baseline)).unwrap();
        }
        fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
            serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
        }
        prop_assert_eq!(&again(&test), &test);
        prop_assert_eq!(&again(&betting), &betting);
        prop_assert_eq!(&again(&latency), &latency);
        let evidence = Evidence::of(&test, alpha(0.001));
        prop_assert_eq!(again(&evidence), evidence);
    }

    /// Within one look at a share by design nothing but the counts matters.
    #[test]
    fn order_within_a_look_does_not_matter(
        mut units in vec((any::<bool>(), any::<bool>()), 1..60),
        share in 0.01..0.99f64,
        turn in 0..60usize,
    ) {
        let by_unit = |units: &[(bool, bool)]| {
            let mut test = Proportion::new();
            for (is_canary, fails) in units {
                let (one, failed) = (1, u64::from(*fails));
                let unit = if *is_canary { look((one, failed), (0, 0)) } else { look((0, 0), (one, failed)) };
                test.add_with_share(unit, share).unwrap();
            }
            test.log_e()
        };
        let mut whole = Look::default();
        for (is_canary, fails) in &units {
            let arm = if *is_canary { &mut whole.canary } else { &mut whole.baseline };
            arm.units += 1;
            arm.failures += u64::from(*fails);
        }
        let mut at_once = Proportion::new();
        at_once.add_with_share(whole, share).unwrap();
        let before = by_unit(&units);
        let length = units.len();
        units.rotate_left(turn % length);
        prop_assert!((before - by_unit(&units)).abs() < 1e-9);
        prop_assert!((before - at_once.log_e()).abs() < 1e-9);
    }

    /// Looks of one share in one: the same evidence in the end, and no greater one in between.
    #[test]
    fn merged_looks_of_one_share_never_say_more(looks in vec(tenth(), 1..20)) {
        let merged = looks.iter().fold(Look::default(), |mut sum, look| {
            sum.canary.units += look.canary.units;
            sum.canary.failures += look.canary.failures;
            sum.baseline.units += look.baseline.units;
            sum.baseline.failures += look.baseline.failures;
            sum
        });
        let (apart, merged) = (all(&looks), all(&[merged]));
        prop_assert!((apart.log_e() - merged.log_e()).abs() < 1e-9);
        prop_assert!(merged.max_log_e() <= apart.max_log_e() + 1e-9);
    }

    #[test]
    fn no_number_panics(
        one in vec(any_number(), 0..12),
        other in vec(any_number(), 0..12),
        numbers in (any_number(), any_number(), any_number(), any_number()),
        units in any::<u64>(),
    ) {
        if let Ok(interval) = classical::welch(&one, &other, numbers.0) {
            prop_assert!(interval.low <= interval.high);
        }
        if let Ok(test) = classical::mann_whitney(&one, &other) {
            prop_assert!((0.0..=1.0).contains(&test.p_two_sided), "{test:?}");
        }
        if let Ok(mut betting) = BoundedMean::new(numbers.0) {
            one.iter().zip(&other).for_each(|(one, other)| betting.add(*one, *other));
            prop_assert!(betting.log_e().is_finite());
        }
        if let Ok(design) = Design::new(numbers.0, numbers.1, alpha(0.001)) {
            let _ = (design.smallest_detectable(numbers.2, units), design.expected_time(numbers.2, numbers.3));
        }
    }

    #[test]
    fn a_design_of_any_size_is_answered(
        share in 1e-6..0.999f64,
        base in prop_oneof![Just(0.0), 1e-9..1.0f64, Just(1.0)],
        units in prop_oneof![0..100u64, 0..1_000_000u64, any::<u64>(), Just(u64::MAX)],
    ) {
        let design = Design::new(share, base, alpha(0.001)).unwrap();
        let (least, most) = (design.smallest_detectable(0.8, units), design.smallest_detectable(0.95, units));
        for (found, probability) in [(least, 0.8), (most, 0.95)] {
            let Some(found) = found else { continue };
            prop_assert!(found.rate >= base && found.rate <= 1.0, "{found:?}");
            prop_assert!(design.detection_probability(found.rate, units) >= probability - 1e-3, "{found:?}");
        }
        if let (Some(least), Some(most)) = (least, most) {
            prop_assert!(least.rate <= most.rate, "{least:?} {most:?}");
        }
    }
}
