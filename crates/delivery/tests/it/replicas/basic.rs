//! Rules 2 and 3: pods as weight.

use super::{at, counts, full, set, two};
use proptest::prelude::*;
use taskmaster_delivery::replicas::{
    Amount, Canary, Course, Position, Set, Sets, Stable, Step, Traffic, approximate, basic, drain,
};

fn canary(replicas: i32, weight: i32, unavailable: i32, surge: i32) -> Canary {
    Canary {
        replicas,
        steps: vec![Step::SetWeight(weight)],
        max_surge: Amount::Pods(surge),
        max_unavailable: Amount::Pods(unavailable),
        ..Canary::default()
    }
}

/// Every ratio there is, in whole numbers: the nearest, and of two equally near the one with more canaries;
/// between the ends of the scale neither version has nothing.
#[test]
fn rule_2_without_surge_the_nearest_of_all_ratios() {
    for max_weight in [100_i32, 7, 64, 1_000] {
        for (replicas, weight) in (1_i32..25).flat_map(|r| (0..=max_weight).map(move |w| (r, w))) {
            let inner = replicas > 1 && weight > 0 && weight < max_weight;
            let choices = if inner { 1..replicas } else { 0..replicas + 1 };
            let best =
                choices.rev().min_by_key(|c: &i32| (c * max_weight - weight * replicas).abs()).unwrap();
            let highest_tie = inner && 2 * weight * replicas == (2 * replicas - 1) * max_weight;
            let expected = if highest_tie { 0 } else { best };
            let found = approximate(replicas, weight, max_weight, 0);
            assert_eq!(found, counts(expected, replicas - expected), "{weight}/{max_weight} of {replicas}");
        }
    }
}

#[test]
fn rule_2_surge_ties_and_ends() {
    for (replicas, weight, surge, expected, why) in [
        (0, 50, 1, (0, 0), "nothing of nothing"),
        (10, 25, 0, (3, 7), "a tie goes up"),
        (10, 24, 0, (2, 8), "nearest"),
        (10, 1, 0, (1, 9), "never nothing"),
        (10, 99, 0, (9, 1), "never everything"),
        (10, 100, 1, (10, 0), "the end needs no surge"),
        (10, 0, 1, (0, 10), "nor does the other"),
        (1, 5, 1, (1, 1), "one pod and surge: both"),
        (1, 5, 0, (0, 1), "one pod without surge: one of them"),
        (1, 95, 0, (1, 0), "one pod without surge: the other"),
        (3, 50, 1, (2, 2), "one more is nearer"),
        (2, 33, 1, (1, 2), "of one more, too"),
        (10, 30, 1, (3, 7), "no surge where it gains nothing"),
        (50, 7, 0, (4, 46), "3.5, which is no tie in floating point, goes up all the same"),
        (2, 75, 0, (0, 2), "upstream's hole: a tie whose upper end is everything leaves no candidate"),
        (5, 90, 1, (5, 1), "surge fills the hole; the share is of five, not of six"),
    ] {
        let found = approximate(replicas, weight, 100, surge);
        assert_eq!(found, counts(expected.0, expected.1), "{weight} % of {replicas}, surge {surge}: {why}");
    }
    // 13.5 pods: a tie, but neither the ratio nor the distances are exact in floating point.
    assert_eq!(approximate(21, 261, 406, 0), counts(13, 8), "upstream's rounding, too");
}

/// The examples of upstream's comment on `CalculateReplicaCountsForBasicCanary`. Its fourth says 1 and 9,
/// from before surge was weighed: with one more pod 5 % are nearer, and upstream answers 1 and 10.
#[test]
fn rule_3_examples_of_upstream() {
    for (replicas, weight, stable, unavailable, surge, expected) in [
        (10, 10, 10, 1, 1, (1, 9)),
        (10, 30, 10, 0, 3, (3, 10)),
        (10, 30, 10, 5, 0, (0, 7)),
        (10, 5, 10, 1, 1, (1, 10)),
        (1, 5, 1, 0, 1, (1, 1)),
        (1, 95, 1, 0, 1, (1, 1)),
    ] {
        let canary = canary(replicas, weight, unavailable, surge);
        let found = basic(&canary, at(0), &two(full(0), full(stable)));
        assert_eq!(found, counts(expected.0, expected.1), "{canary:?}");
    }
}

#[test]
fn rule_3_moves() {
    let quiet = |canary, stable| two(canary, stable);
    let older = |canary, stable, pods| Sets { older: vec![full(pods)], ..two(canary, stable) };
    for (canary, sets, expected, why) in [
        (canary(10, 50, 0, 2), quiet(full(0), full(4)), (5, 5), "the stable version is raised first"),
        (canary(10, 50, 0, 0), quiet(full(0), full(4)), (5, 5), "and what is left raises the canary"),
        (canary(10, 50, 1, 0), older(full(0), full(2), 7), (0, 3), "older pods take up room"),
        (canary(10, 50, 9, 0), older(full(0), full(8), 1), (1, 8), "and nothing shrinks beside them"),
        (canary(10, 50, 1, 0), quiet(full(5), full(8)), (5, 5), "the stable version shrinks to the aim"),
        (canary(10, 50, 1, 1), quiet(set(5, 5, 0), full(9)), (5, 9), "nothing goes that must serve"),
        (canary(10, 50, 1, 0), quiet(full(4), set(6, 6, 0)), (4, 5), "what shrinks counts, serving or not"),
        (canary(10, 50, 1, 0), quiet(set(3, 5, 5), full(8)), (3, 6), "pods that go anyway do not count"),
        (canary(10, 50, 1, 0), quiet(set(5, 5, 1), full(9)), (2, 8), "the clamp lowers the canary, too"),
        (canary(10, 50, 1, 1), quiet(set(7, 7, 1), set(9, 9, 8)), (3, 8), "also one that grows"),
        (canary(10, 20, 1, 0), quiet(set(8, 8, 0), full(9)), (1, 9), "the clamp keeps what must serve"),
        (canary(10, 20, 1, 1), quiet(full(8), full(2)), (7, 3), "the canary shrinks as the stable one grows"),
        (canary(10, 20, 1, 1), quiet(set(8, 8, 3), full(5)), (4, 5), "and counts in full then"),
    ] {
        let found = basic(&canary, at(0), &sets);
        assert_eq!(found, counts(expected.0, expected.1), "{why}: {canary:?} {sets:?}");
    }
}

#[test]
fn rule_10_the_first_version_takes_everything_at_once() {
    let canary = canary(10, 20, 0, 1);
    for (course, stable, expected) in [
        (Course::First, Stable::Absent, (10, 0)),
        (Course::Stable, Stable::Canary, (10, 0)),
        (Course::Steps, Stable::Canary, (10, 0)),
        (Course::Steps, Stable::Absent, (10, 0)),
        (Course::Full, Stable::Other(full(0)), (10, 0)),
        (Course::Steps, Stable::Other(full(8)), (2, 8)),
    ] {
        let sets = Sets { canary: Some(full(0)), stable, older: Vec::new() };
        let found = basic(&canary, Position { course, ..at(0) }, &sets);
        assert_eq!(found, counts(expected.0, expected.1), "{course:?}");
    }
    let grown = Sets { canary: Some(full(8)), stable: Stable::Canary, older: Vec::new() };
    assert_eq!(basic(&canary, at(0), &grown), counts(10, 0), "nor are its pods counted as another's");
}

#[test]
fn rule_3_older_versions_are_drained() {
    let (routing, dynamic) = (Some(Traffic::default()), Some(super::dynamic()));
    let promoted = Position { course: Course::Stable, ..at(1) };
    for (traffic, position, older, expected, why) in [
        (&None, at(0), vec![full(2), full(3)], vec![0, 1], "the newest first, as many as may be missing"),
        (&None, at(0), vec![set(4, 4, 1), full(3)], vec![0, 1], "what does not serve goes at once"),
        (&None, at(0), vec![set(9, 9, 0)], vec![0], "even all of it"),
        (&None, at(0), vec![full(1), set(1, 2, 2)], vec![1, 1], "one that shrinks already is waited for"),
        (&None, at(0), vec![set(3, 3, 1), set(1, 2, 2), set(3, 3, 1)], vec![3, 1, 1], "by all newer ones"),
        (&None, at(0), vec![set(0, 2, 2), full(1)], vec![0, 0], "but not one that is told to go"),
        (&routing, at(0), vec![full(5), full(1)], vec![0, 1], "with routing a whole version"),
        (&routing, promoted, vec![set(5, 5, 4)], vec![4], "after a promotion the others wait for a delay"),
        (&dynamic, promoted, vec![full(5)], vec![0], "which dynamic stable scale does not"),
    ] {
        let canary = Canary { traffic: traffic.clone(), ..canary(10, 50, 2, 0) };
        let sets = Sets { older: older.clone(), ..two(full(4), full(4)) };
        let sets = Sets { canary: Some(full(3)), ..sets };
        assert_eq!(drain(&canary, position, &sets), expected, "{why}: {older:?}");
    }
    let sets = Sets { older: vec![full(2)], ..two(full(3), full(3)) };
    assert_eq!(drain(&canary(10, 50, 2, 0), at(0), &sets), [2], "nothing goes that must serve");
}

/// One round of a cluster that does at once what it is told.
fn obey(canary: &Canary, sets: &mut Sets) -> bool {
    let next = basic(canary, at(0), sets);
    let changed = *sets != two(full(next.canary), full(next.stable));
    *sets = two(full(next.canary), full(next.stable));
    changed
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// From every whole state that keeps the limits a rollout reaches the ratio, and keeps the limits on
    /// its way: never more pods than replicas and surge, never fewer that serve than may be.
    #[test]
    fn rule_3_the_limits_hold_on_the_way_and_the_ratio_is_reached(
        replicas in 1..25, weight in 0..101, surge in 0..4, unavailable in 0..4, begin in 0..101,
    ) {
        let canary = canary(replicas, weight, unavailable, surge);
        let limits = canary.limits();
        let mut sets = two(full(0), full(0));
        let begin = approximate(replicas, begin, 100, 0);
        sets.canary = Some(full(begin.canary));
        sets.stable = Stable::Other(full(begin.stable));
        let mut rounds = 0;
        while obey(&canary, &mut sets) {
            let pods: i32 = [sets.canary, sets.stable()].iter().flatten().map(|set| set.wanted).sum();
            prop_assert!(pods <= replicas + limits.surge, "{sets:?}");
            prop_assert!(pods >= replicas - limits.unavailable, "{sets:?}");
            rounds += 1;
            prop_assert!(rounds < 200, "{sets:?}");
        }
        let aim = approximate(replicas, weight, 100, limits.surge);
        prop_assert_eq!(sets, two(full(aim.canary), full(aim.stable)));
    }

    /// Whatever serves and whatever does not: of what serves now not more is taken away than may be
    /// missing, unless it was told to go before.
    #[test]
    fn rule_3_what_must_serve_is_not_taken_away(
        replicas in 1..12, weight in 0..101, surge in 0..4, unavailable in 0..4,
        numbers in prop::array::uniform4(0..14),
    ) {
        let canary = canary(replicas, weight, unavailable, surge);
        let of = |wanted: i32, some: i32| Set { wanted, created: wanted, available: some.min(wanted) };
        let (new, stable) = (of(numbers[0], numbers[1]), of(numbers[2], numbers[3]));
        let next = basic(&canary, at(0), &two(new, stable));
        let least = replicas - canary.limits().unavailable;
        let before = new.available + stable.available;
        let after = new.available.min(next.canary) + stable.available.min(next.stable);
        prop_assert!(after >= before.min(least), "{new:?} {stable:?} {next:?}");
    }
}
