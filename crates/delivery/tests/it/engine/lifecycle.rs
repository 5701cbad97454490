//! Deadlines, delays, and versions that come and go.

use super::world::{World, canary, revision, spec};
use serde_json::json;
use taskmaster_delivery::engine::{Phase, State, Verb};
use taskmaster_delivery::time::Time;

/// Fault 2 (FL#1578): 10 minutes unless given, and it counts.
#[test]
fn fault_2_without_progress_it_is_taken_back_at_the_deadline() {
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}]}));
    world.limits.insert("v2".to_owned(), 1);
    world.want("v2");
    world.skip(600);
    assert_eq!(world.phase(), Phase::Initializing);
    world.skip(1);
    assert_eq!((world.phase(), world.why()), (Phase::RolledBack, "no progress for 601 s"));
}

/// Pods that come up and fall over again are no progress (fault 2: pods in a crash loop).
#[test]
fn fault_2_pods_that_come_and_go_are_no_progress() {
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}]}));
    world.limits.insert("v2".to_owned(), 1);
    world.want("v2");
    for second in 0..700 {
        world.limits.insert("v2".to_owned(), second % 2);
        world.wait(1);
    }
    assert_eq!(world.phase(), Phase::RolledBack, "{:?}", world.delivery.state());
}

#[test]
fn lifecycle_each_pod_is_progress() {
    let mut world = canary(&json!({"steps": [{"setWeight": 50}, {"pause": {}}]}));
    for pods in 0..5 {
        world.limits.insert("v2".to_owned(), pods);
        world.want("v2");
        world.skip(590);
    }
    world.limits.clear();
    world.settle();
    assert_eq!((world.place(), world.weight("v2")), (1, 50));
}

/// Each row: the steps. No pause runs into the deadline: not one before any pod, not one by a person.
#[test]
fn lifecycle_the_deadline_does_not_run_in_pauses() {
    for steps in [
        json!([{"pause": {}}, {"setWeight": 20}]),
        json!([{"setWeight": 20}, {"pause": {}}]),
        json!([{"setWeight": 20}, {"pause": {"duration": "1h"}}, {"pause": {}}]),
    ] {
        let mut world = canary(&json!({"steps": steps}));
        world.want("v2");
        world.wait(5_000);
        assert!(matches!(world.phase(), Phase::Initializing | Phase::Analyzing), "{steps}: {}", world.why());
    }
    let mut world = canary(&json!({"steps": [{"setWeight": 20}]}));
    world.limits.insert("v2".to_owned(), 0);
    world.want("v2");
    world.must(Verb::Pause);
    world.wait(5_000);
    assert_eq!(world.phase(), Phase::Initializing);
    world.must(Verb::Resume);
    world.skip(600);
    assert_eq!(world.phase(), Phase::Initializing, "it begins anew");
    world.skip(1);
    assert_eq!(world.phase(), Phase::RolledBack);
}

/// 30 s unless given. Each row: what is written, and for how long the old version has its pods.
#[test]
fn lifecycle_the_old_version_stays_for_a_while() {
    for (delay, stays) in [(None, 30), (Some("5s"), 5), (Some("2m"), 120)] {
        let mut strategy = json!({"steps": [{"setWeight": 20}]});
        if let Some(delay) = delay {
            strategy["scaleDownDelay"] = json!(delay);
        }
        let mut world = canary(&strategy);
        world.want("v2");
        assert_eq!((world.stable(), world.weight("v1")), ("v2", 0));
        world.skip(stays - 1);
        assert_eq!(world.pods("v1"), 10, "{delay:?}");
        world.skip(1);
        assert_eq!(world.pods("v1"), 0, "{delay:?}");
    }
}

/// 30 s unless given; `0s` is for ever.
#[test]
fn lifecycle_an_aborted_version_stays_for_a_while() {
    for (delay, stays) in [(None, Some(30)), (Some("5s"), Some(5)), (Some("0s"), None)] {
        let mut strategy = json!({"steps": [{"setWeight": 20}, {"pause": {}}]});
        if let Some(delay) = delay {
            strategy["abortScaleDownDelay"] = json!(delay);
        }
        let mut world = canary(&strategy);
        world.want("v2");
        world.must(Verb::Abort);
        world.skip(stays.map_or(1_000_000, |stays| stays - 1));
        assert_eq!((world.pods("v2"), world.weight("v2")), (2, 0), "{delay:?}");
        world.skip(1);
        assert_eq!(world.pods("v2"), if stays.is_some() { 0 } else { 2 }, "{delay:?}");
    }
}

#[test]
fn lifecycle_pods_that_stay_for_ever_go_with_the_next_version() {
    let strategy = json!({"abortScaleDownDelay": "0s", "steps": [{"setWeight": 20}, {"pause": {}}]});
    let mut world = canary(&strategy);
    world.want("v2");
    world.must(Verb::Abort);
    world.want("v3");
    assert_eq!((world.pods("v2"), world.pods("v3"), world.weight("v3")), (0, 2, 20));
}

#[test]
fn lifecycle_an_old_version_that_comes_back_in_time_is_not_scaled_down() {
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}]}));
    world.want("v2");
    world.must(Verb::PromoteFull);
    world.skip(20);
    world.want("v1");
    world.skip(100);
    assert_eq!((world.pods("v1"), world.weight("v1"), world.place()), (2, 20, 1), "a canary like any other");
    world.must(Verb::PromoteFull);
    world.skip(31);
    assert_eq!((world.stable(), world.pods("v1"), world.pods("v2")), ("v1", 10, 0));
}

/// The version before the last one keeps its own time.
#[test]
fn lifecycle_a_delay_outlives_the_next_rollout() {
    let mut world = canary(&json!({"scaleDownDelay": "1m", "steps": []}));
    world.want("v2");
    world.skip(40);
    world.want("v3");
    assert_eq!((world.stable(), world.pods("v1"), world.pods("v2")), ("v3", 10, 10));
    world.skip(20);
    assert_eq!((world.pods("v1"), world.pods("v2")), (0, 10));
    world.skip(40);
    assert_eq!((world.pods("v2"), world.pods("v3")), (0, 10));
}

/// While users reach a version its pods stay, whatever its time.
#[test]
fn fault_3_who_has_users_keeps_its_pods() {
    let mut world = canary(&json!({"scaleDownDelay": "5s", "steps": [{"setWeight": 20}]}));
    world.ask_for("v2");
    for _ in 0..50 {
        world.look();
        world.is_router_deaf = world.weight("v2") == 100;
    }
    assert_eq!(world.routes.as_ref().unwrap().active, revision("v1"));
    assert_eq!(world.stable(), "v2");
    world.skip(1_000);
    assert_eq!(world.pods("v1"), 10);
    world.is_router_deaf = false;
    world.settle();
    world.skip(1);
    assert_eq!(world.pods("v1"), 10, "its time has begun now");
    world.skip(5);
    assert_eq!(world.pods("v1"), 0);
}

/// What is remembered does not grow with the number of releases (fault 14 begins so).
#[test]
fn lifecycle_what_is_gone_is_forgotten() {
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}]}));
    for number in 2..40 {
        world.want(&format!("v{number}"));
        world.must(if number % 3 == 0 { Verb::Abort } else { Verb::Promote });
        world.skip(60);
    }
    let retiring = &world.delivery.state().retiring;
    assert!(retiring.len() <= 2, "{retiring:?}");
}

/// Fault 4 (AR#1292): nothing scales the stable version to nothing.
#[test]
fn fault_4_the_stable_version_keeps_all_of_its_pods_through_an_abort() {
    for strategy in [
        json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}),
        json!({"blueGreen": {"autoPromotion": false}}),
    ] {
        let mut world = World::serving(spec(&strategy, &json!({})));
        world.ask_for("v2");
        for second in 0..200 {
            world.now += 1;
            if second == 50 {
                let now = world.time();
                world.delivery.ask(Verb::Abort, now).unwrap();
            }
            world.replicas = Some(if second % 7 == 0 { 12 } else { 10 });
            world.look();
            assert!(world.pods("v1") >= 10, "{strategy} {second}");
        }
        assert_eq!(world.phase(), Phase::RolledBack);
    }
}

/// A first version cannot be taken back: there is nothing to fall back on. It keeps its pods, and a retry ends well.
#[test]
fn lifecycle_a_first_version_that_is_late_keeps_its_pods() {
    let strategy = json!({"canary": {"steps": [{"setWeight": 20}]}});
    let mut world = World::empty(spec(&strategy, &json!({})), State::new(Time(0)));
    world.limits.insert("v1".to_owned(), 0);
    world.want("v1");
    world.skip(601);
    world.skip(1_000);
    assert_eq!((world.phase(), world.pods("v1"), world.stable()), (Phase::RolledBack, 10, ""));
    world.limits.clear();
    world.settle();
    world.must(Verb::Retry);
    assert_eq!((world.phase(), world.stable()), (Phase::Completed, "v1"));
}

#[test]
fn lifecycle_a_second_version_before_the_first_was_there() {
    let strategy = json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}});
    let mut world = World::empty(spec(&strategy, &json!({})), State::new(Time(0)));
    world.limits.insert("v1".to_owned(), 0);
    world.want("v1");
    world.want("v2");
    assert_eq!((world.stable(), world.pods("v1"), world.pods("v2")), ("v2", 0, 10));
}
