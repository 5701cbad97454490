//! Rules 6 and 10: when a step is done, and where a rollout begins.

use super::{aborted, at, full, routed_canary, set, two};
use std::time::Duration;
use taskmaster_delivery::replicas::{
    Canary, Course, Evidence, Position, Sets, Stable, Step, Threshold, Traffic, Weights, at_desired_counts,
    completed,
};
use taskmaster_delivery::time::Time;

const HALF: [Step; 1] = [Step::SetWeight(50)];

#[test]
fn rule_6_the_canary_serves_as_its_threshold_says() {
    use Threshold::{Percent, Pods};
    for (threshold, available, expected) in [
        (None, 5, true),
        (None, 4, false),
        (None, 6, false),
        (Some(Percent(80)), 4, true),
        (Some(Percent(80)), 3, false),
        (Some(Percent(81)), 4, false),
        (Some(Percent(0)), 0, true),
        (Some(Percent(-1)), 4, false),
        (Some(Pods(2)), 2, true),
        (Some(Pods(2)), 1, false),
        (Some(Pods(-2)), 4, false),
    ] {
        let canary = Canary { threshold, ..routed_canary(&HALF, Traffic::default()) };
        let sets = two(set(5, 5, available), full(10));
        assert_eq!(at_desired_counts(&canary, at(0), &sets, None), expected, "{threshold:?} {available}");
    }
    let none_desired =
        Canary { threshold: Some(Percent(50)), ..routed_canary(&[Step::SetWeight(0)], Traffic::default()) };
    assert!(at_desired_counts(&none_desired, at(0), &two(full(0), full(10)), None), "nothing is desired");
    let missing = Sets { canary: None, ..two(full(0), full(10)) };
    assert!(!at_desired_counts(&none_desired, at(0), &missing, None), "there is no canary");
}

/// 55 % of 100: 55 / 100 * 100 is 55.00000000000001 in floating point, 29 of 50 is 57.99999999999999.
#[test]
fn rule_6_rounding_does_not_hold_a_share_up() {
    let canary = |replicas, percent| Canary {
        replicas,
        threshold: Some(Threshold::Percent(percent)),
        ..routed_canary(&[Step::SetWeight(100)], Traffic::default())
    };
    assert!(f64::from(29) / f64::from(50) * 100.0 < 58.0, "the case is the one that it says it is");
    for (replicas, available, percent) in [(50, 29, 58), (100, 29, 29), (100, 55, 55), (100, 57, 57)] {
        let sets = two(set(replicas, replicas, available), full(replicas));
        assert!(
            at_desired_counts(&canary(replicas, percent), at(0), &sets, None),
            "{available} of {replicas}"
        );
    }
}

#[test]
fn rule_6_stable_is_created_and_older_ones_are_gone_without_routing() {
    let canary = routed_canary(&HALF, Traffic::default());
    let dynamic = routed_canary(&HALF, super::dynamic());
    let unrouted = Canary { traffic: None, ..canary.clone() };
    let older = |pods| Sets { older: vec![set(0, pods, pods)], ..two(full(5), full(10)) };
    let older_unrouted = |pods| Sets { older: vec![set(0, pods, pods)], ..two(full(5), full(5)) };
    for (canary, sets, expected, why) in [
        (&canary, two(full(5), set(10, 10, 0)), true, "stable need not serve"),
        (&canary, two(full(5), set(10, 9, 9)), false, "stable is not created"),
        (&canary, two(full(5), set(9, 10, 10)), false, "stable is not wanted so"),
        (&dynamic, two(full(5), set(9, 1, 1)), true, "dynamic stable scale does not look"),
        (&canary, Sets { stable: Stable::Absent, ..two(full(5), full(0)) }, false, "there is no stable one"),
        (&canary, older(2), true, "routing keeps traffic from older ones"),
        (&unrouted, older_unrouted(2), false, "without it they serve"),
        (&unrouted, older_unrouted(0), true, "until they are gone"),
    ] {
        assert_eq!(at_desired_counts(canary, at(0), &sets, None), expected, "{why}");
    }
}

#[test]
fn rule_6_a_step_is_done() {
    let steps = [
        Step::SetWeight(50),
        Step::Pause(Some(Duration::from_secs(10))),
        Step::Pause(None),
        Step::Judge,
        Step::Route,
    ];
    let canary = routed_canary(&steps, Traffic::default());
    let sets = two(full(5), full(10));
    let nothing = Evidence::default();
    let verified = |verified| Evidence { verified, ..nothing };
    let since = |since| Evidence { paused: true, paused_since: since, ..nothing };
    for (step, evidence, expected, why) in [
        (0, verified(None), true, "the router cannot tell"),
        (0, verified(Some(true)), true, "the router has it"),
        (0, verified(Some(false)), false, "the router has it not"),
        (0, Evidence { held: true, ..nothing }, false, "a person holds everything"),
        (1, nothing, false, "the pause has not begun"),
        (1, since(Some(Time(90_000))), false, "ten seconds are not over at their end"),
        (1, since(Some(Time(89_999))), true, "but after it"),
        (1, since(None), true, "a person ended the pause"),
        (2, since(Some(Time(0))), false, "without a length it lasts"),
        (2, since(None), true, "until a person ends it"),
        (3, nothing, false, "not judged"),
        (3, Evidence { judged_well: true, ..nothing }, true, "judged"),
        (4, nothing, true, "routes are at once"),
        (5, Evidence { judged_well: true, ..nothing }, false, "past the last step nothing is done"),
    ] {
        let weights = Some(Weights { canary: 50, stable: 50, outdated: false });
        let found = completed(&canary, at(step), &sets, weights, evidence, Time(100_000));
        assert_eq!(found, expected, "step {step}: {why}");
    }
    let missing = two(set(5, 5, 4), full(10));
    assert!(!completed(&canary, at(0), &missing, None, nothing, Time(0)), "pods are missing");
    assert!(completed(&canary, at(0), &sets, None, verified(Some(false)), Time(0)), "no weight, no denial");
}

#[test]
fn rule_10_a_change_begins_again() {
    for (course, back, expected, step) in [
        (Course::Steps, false, Course::Steps, 0),
        (Course::Full, false, Course::Steps, 0),
        (Course::First, false, Course::First, 0),
        (Course::Stable, true, Course::Stable, 4),
        (Course::Steps, true, Course::Steps, 4),
    ] {
        let found = Position::after_change(course, 4, back);
        assert_eq!(found, Position { course: expected, aborted: false, step }, "{course:?} {back}");
    }
    assert_eq!(at(3).after_abort(4), aborted());
    let stable = Position { course: Course::Stable, ..at(3) };
    assert_eq!(stable.after_abort(4), Position { aborted: true, step: 4, ..stable });
}
