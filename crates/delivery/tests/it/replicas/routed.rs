//! Rules 4, 5, 7 and 8: pods that follow the traffic, and the traffic itself.

use super::{aborted, at, counts, dynamic, full, routed_canary, set, two};
use taskmaster_delivery::replicas::{
    AbortDelay, AbortRule, Canary, Course, Position, Scale, Sets, Stable, Step, Threshold, Traffic, Weights,
    enough_stable, routed, shift,
};

fn weights(canary: i32, stable: i32) -> Option<Weights> {
    Some(Weights { canary, stable, outdated: false })
}

const STEPS: [Step; 2] = [Step::SetWeight(10), Step::SetWeight(50)];

#[test]
fn rule_4_pods_for_the_weight_rounded_up_beside_a_whole_stable_version() {
    let of = |weight, max_weight, min_pods| {
        let traffic = Traffic { max_weight, min_pods, ..Traffic::default() };
        routed(&routed_canary(&[Step::SetWeight(weight)], traffic), at(0), &two(full(0), full(10)), None)
    };
    for (weight, max_weight, min_pods, expected) in [
        (0, 100, None, 0),
        (1, 100, None, 1),
        (21, 100, None, 3),
        (100, 100, None, 10),
        (21, 1_000, None, 1),
        (1, 100, Some(4), 4),
        (50, 100, Some(4), 5),
        (1, 100, Some(40), 10),
        (0, 100, Some(4), 0),
    ] {
        assert_eq!(
            of(weight, max_weight, min_pods),
            counts(expected, 10),
            "{weight}/{max_weight} {min_pods:?}"
        );
    }
}

#[test]
fn rule_4_dynamic_stable_scale_follows_both_the_wanted_and_the_actual_traffic() {
    let minimum = Traffic { min_pods: Some(3), ..dynamic() };
    let scale = [Step::SetWeight(50), Step::SetCanaryScale(Scale::Pods(4))];
    for (traffic, steps, position, actual, expected, why) in [
        (dynamic(), &STEPS[..], at(1), None, (5, 5), "as wanted"),
        (dynamic(), &STEPS, at(1), weights(10, 90), (5, 9), "on the way up stable keeps what it serves"),
        (dynamic(), &STEPS, at(0), weights(50, 50), (1, 9), "on the way down it grows ahead"),
        (dynamic(), &STEPS, at(2), weights(50, 50), (10, 5), "at the end"),
        (minimum.clone(), &STEPS, at(0), weights(90, 10), (3, 9), "a minimum of the canary"),
        (minimum.clone(), &STEPS, at(2), weights(90, 10), (10, 3), "a minimum of the stable version"),
        (minimum, &STEPS, at(2), weights(100, 0), (10, 0), "no minimum of nothing"),
        (dynamic(), &scale, at(1), None, (4, 10), "beside written pods stable stays whole"),
        (dynamic(), &STEPS, aborted(), weights(50, 50), (5, 9), "an abort keeps pods under traffic"),
    ] {
        let canary = routed_canary(steps, traffic);
        let found = routed(&canary, position, &two(full(2), full(8)), actual);
        assert_eq!(found, counts(expected.0, expected.1), "{why}");
    }
}

/// The steps 10, 30, 60 and ten pods: what is still needed is what stable lacks, and what the canary has.
#[test]
fn rule_4_an_abort_walks_the_steps_in_reverse() {
    let steps = [Step::SetWeight(10), Step::Judge, Step::SetWeight(30), Step::SetWeight(60)];
    let canary = routed_canary(&steps, dynamic());
    for (new, stable, expected) in [
        (full(6), full(4), 30),
        (full(3), full(7), 10),
        (full(1), full(9), 0),
        (full(0), full(2), 60),
        (full(7), full(10), 60),
    ] {
        let sets = two(new, stable);
        assert_eq!(aborted().desired_weight(&canary, &sets), expected, "{sets:?}");
    }
    let plain = routed_canary(&steps, Traffic::default());
    assert_eq!(aborted().desired_weight(&plain, &two(full(6), full(4))), 0, "at once without it");
    let alone = Sets { canary: None, stable: Stable::Other(full(4)), older: Vec::new() };
    assert_eq!(aborted().desired_weight(&canary, &alone), 0, "at once without a canary");
}

/// The table of upstream's `TestGetDesiredCanaryWeightOnAbortWithScaleDownDelay` (in its development
/// since July 2026, argo-rollouts issue 4898), and what releases do.
#[test]
fn rule_4_a_written_delay_does_not_hold_the_weight() {
    use AbortDelay::{Never, Seconds, Unsaid};
    for (abort_delay, stable, mended, released) in
        [(Unsaid, 9, 10, 10), (Seconds(30), 5, 10, 10), (Seconds(30), 9, 0, 10), (Never, 9, 10, 10)]
    {
        for (abort_rule, expected) in [(AbortRule::Mended, mended), (AbortRule::Released, released)] {
            let traffic = Traffic { abort_delay, abort_rule, ..dynamic() };
            let found =
                aborted().desired_weight(&routed_canary(&STEPS, traffic), &two(full(5), full(stable)));
            assert_eq!(found, expected, "{abort_delay:?} {stable} {abort_rule:?}");
        }
    }
    let traffic = Traffic { abort_delay: Seconds(30), abort_rule: AbortRule::Mended, ..dynamic() };
    let found = routed(&routed_canary(&STEPS, traffic), aborted(), &two(full(5), full(9)), weights(10, 90));
    assert_eq!(found.stable, 10, "stable becomes whole once the weight reaches zero");
}

#[test]
fn rule_5_the_latest_scale_wins() {
    let steps = [
        Step::SetCanaryScale(Scale::Pods(4)),
        Step::SetWeight(20),
        Step::SetCanaryScale(Scale::Weight(70)),
        Step::Judge,
        Step::SetCanaryScale(Scale::MatchTraffic),
    ];
    let canary = routed_canary(&steps, Traffic::default());
    let sets = two(full(0), full(10));
    for (step, expected) in [(0, 4), (1, 4), (2, 7), (3, 7), (4, 2), (5, 10)] {
        assert_eq!(routed(&canary, at(step), &sets, None).canary, expected, "step {step}");
    }
    let gone = Position { aborted: true, ..at(1) };
    for (abort_delay, expected) in
        [(AbortDelay::Unsaid, 0), (AbortDelay::Seconds(9), 0), (AbortDelay::Never, 4)]
    {
        let canary = routed_canary(&steps, Traffic { abort_delay, ..Traffic::default() });
        assert_eq!(routed(&canary, gone, &sets, None).canary, expected, "aborted, {abort_delay:?}");
    }
    let scale_alone = routed_canary(&steps[..1], Traffic::default());
    assert_eq!(routed(&scale_alone, at(1), &sets, None).canary, 10, "it ends with the steps");
    let unrouted = Canary { traffic: None, ..canary };
    let aim = at(0).aim(&unrouted, &sets);
    assert_eq!((aim.pods, aim.weight), (None, 0), "it counts with traffic routing only");
}

#[test]
fn rule_7_the_weight_of_a_step_is_the_latest_before() {
    let steps = [Step::Judge, Step::SetWeight(20), Step::Route, Step::SetWeight(60), Step::Pause(None)];
    let traffic = Traffic { max_weight: 90, ..Traffic::default() };
    let canary = routed_canary(&steps, traffic);
    for (step, expected) in [(0, 0), (1, 20), (2, 20), (3, 60), (4, 60), (5, 90), (usize::MAX, 90)] {
        assert_eq!(at(step).set_weight(&canary), expected, "step {step}");
        assert_eq!(Position { aborted: true, ..at(step) }.set_weight(&canary), 0, "aborted at {step}");
    }
    assert_eq!(at(0).set_weight(&routed_canary(&[], Traffic::default())), 100, "without steps");
}

#[test]
fn rule_7_the_traffic_follows_pods() {
    let canary = routed_canary(&STEPS, Traffic::default());
    let full_course = Position { course: Course::Full, ..at(0) };
    let back = Position { course: Course::Stable, ..at(2) };
    for (position, new, actual, expected, clear, why) in [
        (at(0), full(0), None, 0, true, "never a weight without pods"),
        (at(1), set(5, 5, 0), weights(10, 90), 0, true, "not even on the way"),
        (at(1), set(5, 5, 4), weights(10, 90), 10, false, "not before the pods are there"),
        (at(1), full(5), weights(10, 90), 50, false, "with the pods"),
        (at(2), full(10), weights(50, 50), 100, false, "past the last step"),
        (aborted(), full(5), weights(50, 50), 0, true, "an abort is one write of nothing"),
        (full_course, full(5), weights(50, 50), 50, true, "a full promotion stays where it is"),
        (back, full(5), weights(50, 50), 0, true, "back to stable"),
    ] {
        let found = shift(&canary, position, &two(new, full(10)), actual);
        assert_eq!((found.weight, found.clear_routes), (Some(expected), clear), "{why}");
    }
    let no_steps = routed_canary(&[], Traffic::default());
    assert_eq!(shift(&no_steps, at(0), &two(full(10), full(10)), None).weight, Some(0), "without steps");
}

#[test]
fn rule_7_dynamic_stable_scale_gives_traffic_back_as_stable_grows() {
    let canary = routed_canary(&STEPS, dynamic());
    let outdated = Some(Weights { canary: 40, stable: 60, outdated: true });
    let back = Position { course: Course::Stable, ..at(2) };
    let full_course = Position { course: Course::Full, ..at(0) };
    for (position, new, stable, actual, expected, clear, why) in [
        (aborted(), 5, 5, weights(50, 50), 50, true, "stable lacks pods for the step before"),
        (aborted(), 5, 9, weights(50, 50), 10, true, "it has them"),
        (aborted(), 0, 10, weights(10, 90), 0, true, "it is whole"),
        (aborted(), 1, 9, weights(10, 90), 10, true, "it lacks one for nothing"),
        (aborted(), 1, 9, weights(5, 95), 5, true, "a weight never grows on the way back"),
        (aborted(), 5, 5, None, 50, true, "no weight is known: what stable lacks"),
        (back, 6, 6, outdated, 40, false, "back to stable: the other keeps its traffic"),
        (back, 10, 10, outdated, 0, true, "until stable is whole"),
        (back, 10, 10, weights(40, 60), 0, true, "its weight is its own"),
        (full_course, 7, 3, weights(50, 50), 70, true, "a full promotion follows the pods"),
        (full_course, 12, 0, None, 120, true, "upstream's excess: more pods than are wanted"),
    ] {
        let sets = match position.course {
            Course::Stable => Sets { stable: Stable::Canary, ..two(full(new), full(0)) },
            _ => two(full(new), full(stable)),
        };
        let found = shift(&canary, position, &sets, actual);
        assert_eq!((found.weight, found.clear_routes), (Some(expected), clear), "{why}");
    }
    let own = Sets { stable: Stable::Canary, ..two(full(6), full(0)) };
    let found = shift(&canary, back, &own, weights(40, 60));
    assert_eq!((found.weight, found.clear_routes), (None, true), "its own weight is not given back");
    let none_wanted = Canary { replicas: 0, ..canary };
    let found = shift(&none_wanted, full_course, &two(full(2), full(0)), None);
    assert_eq!(found.weight, Some(0), "upstream divides by zero here");
    let found = shift(&none_wanted, aborted(), &two(full(2), full(0)), weights(50, 50));
    assert_eq!(found.weight, Some(0), "an abort of nothing is at once");
}

#[test]
fn rule_8_nothing_changes_while_stable_lacks_pods() {
    let with = |threshold| Canary { threshold, ..routed_canary(&STEPS, Traffic::default()) };
    for (threshold, available, weight, expected) in [
        (None, 9, 100, false),
        (None, 10, 100, true),
        (None, 9, 99, true),
        (None, 8, 99, false),
        (Some(Threshold::Percent(80)), 8, 100, true),
        (Some(Threshold::Percent(80)), 7, 100, false),
        (Some(Threshold::Pods(3)), 3, 100, true),
        (Some(Threshold::Pods(-1)), 3, 100, false),
    ] {
        let sets = two(full(1), set(10, 10, available));
        assert_eq!(
            enough_stable(&with(threshold), &sets, weight),
            expected,
            "{threshold:?} {available} {weight}"
        );
    }
    let few = two(full(1), set(10, 10, 8));
    let found = shift(&with(None), at(0), &few, weights(50, 50));
    assert_eq!((found.weight, found.clear_routes), (None, false), "90 % need nine");
    let found = shift(&with(None), aborted(), &few, weights(50, 50));
    assert_eq!((found.weight, found.clear_routes), (None, true), "routes go all the same");
    let none = Sets { canary: Some(full(5)), stable: Stable::Absent, older: Vec::new() };
    assert_eq!(shift(&with(None), at(0), &none, None).weight, None, "no stable version at all");
}
