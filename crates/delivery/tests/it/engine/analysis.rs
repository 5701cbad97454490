//! What an analysis does to a rollout.

use super::world::{Source, World, spec};
use serde_json::{Value, json};
use std::time::Duration;
use taskmaster_delivery::engine::{Hold, Phase, Verb};

fn rollout(steps: &Value, from: Option<u32>, analysis: &Value) -> World {
    let mut strategy = json!({"canary": {"steps": steps}});
    if let Some(from) = from {
        strategy["canary"]["analysisFromStep"] = json!(from);
    }
    World::serving(spec(&strategy, analysis))
}

fn rate() -> Value {
    json!({"name": "rate", "threshold": 0.5, "interval": "5s", "count": 3})
}

fn steps() -> Value {
    json!([{"setWeight": 20}, {"analysis": {}}, {"setWeight": 50}, {"pause": {}}])
}

/// Each row: what the source answers, and where the rollout is after a minute.
#[test]
fn steps_6_an_analysis_is_done_when_it_ends_well() {
    for (source, phase, place) in [
        (Source::Value(0.1), Phase::Analyzing, 3),
        (Source::Value(0.9), Phase::RolledBack, 1),
        (Source::Empty, Phase::Analyzing, 1),
        (Source::Silent, Phase::Analyzing, 1),
    ] {
        let mut world = rollout(&steps(), None, &json!({"metrics": [rate()]}));
        world.sources.insert(0, source);
        world.want("v2");
        world.wait(60);
        assert_eq!((world.phase(), world.place()), (phase, place), "{source:?}");
    }
}

/// Fault 6: no data is neither good nor by itself bad. Each row: for how long it is forgiven.
#[test]
fn fault_6_no_data_holds_or_fails_after_its_time() {
    for (no_data, until) in [(json!({}), None), (json!({"failAfter": "2m"}), Some(120))] {
        let mut world = rollout(&steps(), None, &json!({"metrics": [rate()], "noData": no_data}));
        world.sources.insert(0, Source::Empty);
        world.want("v2");
        world.skip(until.unwrap_or(100_000) - 1);
        assert!(matches!(world.held(), Some(Hold::Inconclusive(_))), "{:?}", world.held());
        assert_eq!((world.weight("v2"), world.place()), (20, 1));
        world.skip(1);
        let phase = if until.is_some() { Phase::RolledBack } else { Phase::Analyzing };
        assert_eq!(world.phase(), phase);
    }
}

/// Each row: an analysis that has no data. A night in which nobody looked is none of the time in which it may come.
#[test]
fn fault_6_nobody_looking_is_no_want_of_data() {
    let errors = json!({"name": "errors", "test": {"of": "errors", "minimumSample": 500}});
    for (metric, source) in [(rate(), Source::Empty), (errors, Source::Silent)] {
        let analysis = json!({"metrics": [metric], "noData": {"failAfter": "2m"}});
        let mut world = rollout(&steps(), None, &analysis);
        world.sources.insert(0, source);
        world.want("v2");
        world.wait(60);
        let night = 8 * 3_600;
        world.delivery.was_away(Duration::from_secs(night));
        world.skip(night);
        assert_eq!(
            (world.phase(), world.weight("v2")),
            (Phase::Analyzing, 20),
            "{source:?}: {}",
            world.why()
        );
        world.wait(55);
        assert_eq!(world.phase(), Phase::Analyzing, "{source:?}: {}", world.why());
        world.wait(10);
        assert_eq!(world.phase(), Phase::RolledBack, "{source:?}, and no more than that");
    }
}

/// Fault 7: one bad answer within the limit is forgiven.
#[test]
fn fault_7_a_failure_within_the_limit_takes_nothing_back() {
    for (limit, phase) in [(0, Phase::RolledBack), (1, Phase::Analyzing)] {
        let mut metric = rate();
        metric["failureLimit"] = json!(limit);
        let mut world = rollout(&steps(), None, &json!({"metrics": [metric]}));
        world.sources.insert(0, Source::Value(0.9));
        world.ask_for("v2");
        world.look_until_asked();
        world.sources.insert(0, Source::Value(0.1));
        world.wait(60);
        assert_eq!(world.phase(), phase, "{limit}");
    }
}

/// As Flagger counts: each row is what the source answers, and where the rollout is after a minute.
#[test]
fn checks_that_fail_are_counted_to_the_threshold() {
    let metric = json!({"name": "rate", "threshold": 0.5, "interval": "5s"});
    let analysis = json!({"policy": "flagger", "threshold": 2, "metrics": [metric]});
    for (value, phase) in [(0.1, Phase::Analyzing), (0.9, Phase::RolledBack)] {
        let mut world = rollout(&json!([{"setWeight": 20}, {"pause": {}}]), Some(1), &analysis);
        world.sources.insert(0, Source::Value(value));
        world.want("v2");
        world.wait(60);
        assert_eq!(world.phase(), phase, "{value}");
        let why = if phase == Phase::RolledBack { "2 checks failed" } else { "" };
        assert_eq!(world.why(), why);
    }
}

/// A pause by a person does not keep a bad version among users.
#[test]
fn fault_4_what_fails_while_a_person_has_paused_is_taken_back() {
    for (from, steps) in [(None, steps()), (Some(1), json!([{"setWeight": 20}, {"pause": {}}]))] {
        let mut world = rollout(&steps, from, &json!({"metrics": [rate()]}));
        world.want("v2");
        world.must(Verb::Pause);
        world.sources.insert(0, Source::Value(0.9));
        world.wait(10);
        assert_eq!(
            (world.phase(), world.weight("v2"), world.held()),
            (Phase::RolledBack, 0, None),
            "{from:?}"
        );
    }
}

/// While a person has paused, an analysis that ends well passes nothing, and its doubt changes nothing.
#[test]
fn verbs_an_analysis_that_ends_in_a_pause_waits_for_the_person() {
    let mut world = rollout(&steps(), None, &json!({"metrics": [rate()]}));
    world.want("v2");
    world.must(Verb::Pause);
    world.sources.insert(0, Source::Value(0.1));
    world.wait(60);
    assert_eq!((world.place(), world.held()), (1, Some(Hold::Person)));
    world.must(Verb::Resume);
    assert_eq!(world.place(), 3);
}

/// AR#3850: a doubt beside the steps is never promoted, not even after the last of them.
#[test]
fn fault_8_a_doubt_beside_the_steps_holds_to_the_very_end() {
    let metric = json!({"name": "rate", "threshold": 0.5, "interval": "5s"});
    let mut world = rollout(&json!([{"setWeight": 20}]), Some(1), &json!({"metrics": [metric]}));
    world.limits.insert("v2".to_owned(), 5);
    world.sources.insert(0, Source::Value(0.1));
    world.want("v2");
    assert_eq!(world.phase(), Phase::Promoting);
    world.sources.insert(0, Source::Empty);
    world.wait(6);
    world.limits.clear();
    world.wait(60);
    assert!(matches!(world.held(), Some(Hold::Inconclusive(_))), "{:?}", world.held());
    assert_eq!((world.stable(), world.phase()), ("v1", Phase::Promoting));
    world.sources.insert(0, Source::Value(0.1));
    world.must(Verb::Promote);
    assert_eq!((world.stable(), world.phase()), ("v2", Phase::Completed));
}

#[test]
fn fault_8_what_fails_after_the_last_step_is_taken_back() {
    let metric = json!({"name": "rate", "threshold": 0.5, "interval": "5s"});
    let mut world = rollout(&json!([{"setWeight": 20}]), Some(1), &json!({"metrics": [metric]}));
    world.limits.insert("v2".to_owned(), 5);
    world.want("v2");
    world.sources.insert(0, Source::Value(0.9));
    world.wait(6);
    assert_eq!((world.phase(), world.weight("v2")), (Phase::RolledBack, 0));
}

/// Each row: the step that it begins at, counted from 1, and metrics that were asked for at 20 % and at 50 %.
#[test]
fn steps_an_analysis_beside_the_steps_begins_where_it_should() {
    for (from, early, late) in [(1, true, true), (3, false, true)] {
        let steps = json!([{"setWeight": 20}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]);
        let mut world = rollout(&steps, Some(from), &json!({"metrics": [rate()]}));
        world.want("v2");
        world.wait(10);
        assert_eq!(!world.asked.is_empty(), early, "{from}");
        world.must(Verb::Promote);
        world.wait(10);
        assert_eq!(!world.asked.is_empty(), late, "{from}");
    }
}

/// A watch of a minute over a metric with an end and one without: both have their say, and it ends.
#[test]
fn fault_2_an_analysis_of_metrics_with_and_without_an_end_ends() {
    let steps = json!([{"setWeight": 20}, {"analysis": {"duration": "1m"}}, {"pause": {}}]);
    let endless = json!({"name": "endless", "threshold": 0.5, "interval": "5s"});
    for metrics in [json!([rate(), endless]), json!([endless]), json!([rate()])] {
        let mut world = rollout(&steps, None, &json!({"metrics": metrics}));
        world.sources.insert(0, Source::Value(0.1));
        world.sources.insert(1, Source::Value(0.1));
        world.want("v2");
        world.wait(if metrics == json!([rate()]) { 59 } else { 58 });
        assert_eq!(world.place(), 1, "{metrics}");
        world.wait(7);
        assert_eq!(world.place(), 2, "{metrics}");
    }
}

/// A sequential test takes back at any time, in a pause like in an analysis; and it needs its sample to pass.
#[test]
fn steps_a_sequential_test_watches_from_the_first_user_on() {
    let analysis = json!({"metrics": [{"name": "errors", "test": {"of": "errors", "minimumSample": 500}}]});
    let counts = |failures| Source::Counts { canary: (20, failures), baseline: (80, 0) };
    let mut world = rollout(&json!([{"setWeight": 20}, {"pause": {}}]), None, &analysis);
    world.sources.insert(0, counts(10));
    world.want("v2");
    world.wait(30);
    assert_eq!((world.phase(), world.weight("v2")), (Phase::RolledBack, 0));
    let mut world = rollout(&steps(), None, &analysis);
    world.sources.insert(0, counts(0));
    world.want("v2");
    // The first look begins the count: 500 units are 25 looks later.
    world.wait(24);
    assert_eq!(world.place(), 1);
    world.wait(2);
    assert_eq!(world.place(), 3);
    let alpha = world.delivery.spec().analysis.alphas()[0];
    let tested = &world.delivery.state().judging.tests[&0];
    let power = tested.power(alpha).expect("enough was counted");
    assert!(power.starts_with("no fault detected down to "), "{power}");
}

/// Answers that were asked for another version, or that nobody asked for, count for nothing.
#[test]
fn fault_2_old_answers_count_for_nothing() {
    let mut world = rollout(&steps(), None, &json!({"metrics": [rate()]}));
    world.sources.insert(0, Source::Value(0.9));
    world.ask_for("v2");
    world.look_until_asked();
    // The bad answer about v2 comes after v3 was asked for.
    world.sources.insert(0, Source::Silent);
    world.want("v3");
    // Now v3 waits for an answer of its own.
    world.answer_late("v2", 0.9);
    world.wait(10);
    assert_eq!((world.phase(), world.place()), (Phase::Analyzing, 1), "{}", world.why());
}

fn scored(marks: &Value) -> Value {
    let metric = |name: &str, weight: u32| json!({"name": name, "threshold": 0.5, "interval": "5s", "count": 3, "weight": weight});
    json!({"score": marks, "metrics": [metric("a", 6), metric("b", 3), metric("c", 1)]})
}

/// Each row: what a, b and c (weights 6, 3 and 1) answer, and what comes of it. The score of those that have data is
/// the weight of the good ones by theirs: 90 without c, 70 without b, 60 without both, 40 without a.
#[test]
fn steps_metrics_are_judged_together_by_their_score() {
    use Source::{Empty, Value as Of};
    let (good, bad) = (Of(0.1), Of(0.9));
    for (answers, phase, place, is_held) in [
        ([good, good, good], Phase::Analyzing, 3, false),
        ([good, good, bad], Phase::Analyzing, 1, true),
        ([good, bad, good], Phase::RolledBack, 1, false),
        ([bad, good, good], Phase::RolledBack, 1, false),
        // 6 of 7 are 85.7; without data for a three of four are 75, but that is too little weight.
        ([good, Empty, bad], Phase::Analyzing, 1, true),
        ([good, good, Empty], Phase::Analyzing, 3, false),
        ([Empty, good, good], Phase::Analyzing, 1, true),
    ] {
        let mut world = rollout(&steps(), None, &scored(&json!({"pass": 95, "marginal": 75})));
        world.sources.extend(answers.into_iter().enumerate());
        world.want("v2");
        world.wait(60);
        let held = matches!(world.held(), Some(Hold::Inconclusive(_)));
        assert_eq!((world.phase(), world.place(), held), (phase, place, is_held), "{answers:?}");
    }
}

/// It is given up as soon as the others cannot save it: b has answered, a and c never do.
#[test]
fn steps_a_score_that_cannot_be_reached_any_more_fails_at_once() {
    for (from, steps) in [(None, steps()), (Some(1), json!([{"setWeight": 20}, {"pause": {}}]))] {
        let mut world = rollout(&steps, from, &scored(&json!({"pass": 95, "marginal": 75})));
        world.sources.insert(1, Source::Value(0.9));
        world.want("v2");
        assert_eq!(
            (world.phase(), world.why().contains("70.0")),
            (Phase::RolledBack, true),
            "{}",
            world.why()
        );
    }
}

/// Beside the steps: metrics without an end count as good while nothing is wrong with them.
#[test]
fn steps_a_score_beside_the_steps_of_metrics_without_an_end() {
    let metric =
        |name: &str, weight: u32| json!({"name": name, "threshold": 0.5, "interval": "5s", "weight": weight});
    let analysis =
        json!({"score": {"pass": 95, "marginal": 75}, "metrics": [metric("a", 8), metric("b", 2)]});
    for (bad, phase, is_held) in [(1, Phase::Analyzing, true), (0, Phase::RolledBack, false)] {
        let mut world = rollout(&json!([{"setWeight": 20}, {"pause": {}}]), Some(1), &analysis);
        world.sources.insert(0, Source::Value(0.1));
        world.sources.insert(1, Source::Value(0.1));
        world.want("v2");
        world.wait(20);
        assert_eq!((world.phase(), world.held()), (Phase::Analyzing, None));
        world.sources.insert(bad, Source::Value(0.9));
        world.wait(6);
        let held = matches!(world.held(), Some(Hold::Inconclusive(_)));
        assert_eq!((world.phase(), held), (phase, is_held), "{bad}: {}", world.why());
    }
}

/// What is measured for show has no part in the score.
#[test]
fn steps_a_dry_run_has_no_part_in_the_score() {
    let mut analysis = scored(&json!({"pass": 95, "marginal": 75}));
    analysis["metrics"][0]["dryRun"] = json!(true);
    let mut world = rollout(&steps(), None, &analysis);
    for (index, value) in [(0, 0.9), (1, 0.1), (2, 0.1)] {
        world.sources.insert(index, Source::Value(value));
    }
    world.want("v2");
    world.wait(60);
    assert_eq!((world.phase(), world.place()), (Phase::Analyzing, 3));
}
