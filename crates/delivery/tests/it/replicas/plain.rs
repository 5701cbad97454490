//! The plain form, and the clamps.

use super::{counts, full, set, two};
use proptest::prelude::*;
use taskmaster_delivery::replicas::{Clamp, Sets, at_least, safe_weight, split};

#[test]
fn a_share_is_rounded_up() {
    for (total, percent, expected) in [
        (10, 25, (3, 7)),
        (10, 0, (0, 10)),
        (10, 1, (1, 9)),
        (10, 100, (10, 0)),
        (10, 30, (3, 7)),
        (3, 50, (2, 1)),
        (1, 99, (1, 0)),
        (0, 50, (0, 0)),
        (-4, 50, (0, 0)),
        (10, -5, (0, 10)),
        (10, 250, (10, 0)),
        (i32::MAX, 50, (1 << 30, (1 << 30) - 1)),
    ] {
        assert_eq!(split(total, percent), counts(expected.0, expected.1), "{percent} % of {total}");
    }
}

#[test]
fn terminating_pods_take_up_room() {
    for (terminating, surge, planned, sets, expected, why) in [
        (0, 2, (5, 7), two(full(3), full(7)), (5, 7), "nothing terminates"),
        (1, 2, (5, 7), two(full(3), full(7)), (4, 7), "room for one"),
        (2, 2, (5, 7), two(full(3), full(7)), (3, 7), "no room"),
        (9, 2, (5, 7), two(full(3), full(7)), (3, 7), "less than no room takes nothing away"),
        (1, 2, (5, 8), two(full(3), full(7)), (3, 8), "the stable version first"),
        (0, 0, (5, 7), two(set(3, 4, 0), full(7)), (4, 7), "pods that are there still count"),
        (0, 1, (5, 7), two(set(4, 1, 0), full(7)), (4, 7), "so do those that were asked for"),
        (9, 0, (1, 6), two(full(3), full(7)), (1, 6), "taking away is always possible"),
        (-5, 0, (5, 7), two(full(3), full(7)), (3, 7), "fewer than none terminate"),
    ] {
        let clamp = Clamp { replicas: 10, surge, terminating };
        let found = clamp.terminating(counts(planned.0, planned.1), &sets);
        assert_eq!(found, counts(expected.0, expected.1), "{why}");
    }
    let sets = Sets { older: vec![full(2)], ..two(full(1), full(7)) };
    let clamp = Clamp { replicas: 10, surge: 1, terminating: 0 };
    assert_eq!(clamp.terminating(counts(5, 7), &sets), counts(2, 7), "older ones take up room");
}

#[test]
fn stable_keeps_its_minimum_and_a_canary_without_pods_no_weight() {
    assert_eq!(at_least(3, counts(9, 1)), counts(9, 3));
    assert_eq!(at_least(3, counts(9, 5)), counts(9, 5));
    for (weight, available, expected) in
        [(40, 0, 0), (40, -1, 0), (40, 1, 40), (120, 12, 100), (-5, 3, 0), (i32::MIN, i32::MAX, 0)]
    {
        assert_eq!(safe_weight(weight, 100, available), expected, "{weight} on {available} pods");
    }
    assert_eq!(safe_weight(5, -1, 1), 0, "a whole below zero");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_split_loses_no_pod_and_is_the_smallest_share_that_suffices(total in 0..100_000i32, percent in 0..101) {
        let split = split(total, percent);
        prop_assert_eq!(split.canary + split.stable, total);
        let enough = |pods: i32| i64::from(pods) * 100 >= i64::from(total) * i64::from(percent);
        prop_assert!(enough(split.canary) && (split.canary == 0 || !enough(split.canary - 1)));
    }

    /// Where anything grows, everything that runs, terminates or was asked for fits; nothing shrinks that
    /// was not planned to.
    #[test]
    fn growth_fits_beside_terminating_pods(
        numbers in prop::array::uniform4(0..12), planned in (0..15, 0..15), terminating in 0..6, surge in 0..4,
    ) {
        let sets = two(set(numbers[0], numbers[1], 0), set(numbers[2], numbers[3], 0));
        let planned = counts(planned.0, planned.1);
        let found = Clamp { replicas: 10, surge, terminating }.terminating(planned, &sets);
        let held = (numbers[0].max(numbers[1]), numbers[2].max(numbers[3]));
        prop_assert!(found.canary >= planned.canary.min(held.0) && found.canary <= planned.canary);
        prop_assert!(found.stable >= planned.stable.min(held.1) && found.stable <= planned.stable);
        if found.canary > held.0 || found.stable > held.1 {
            let all = found.canary.max(held.0) + found.stable.max(held.1) + terminating;
            prop_assert!(all <= 10 + surge, "{found:?}");
        }
    }
}
