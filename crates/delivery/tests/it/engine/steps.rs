//! The steps of a canary. Numbers in the names are those of the replica maths in the list of upstream's rules.

use super::world::{Source, World, canary, revision, spec};
use serde_json::{Value, json};
use taskmaster_delivery::engine::{Effect, Notice, Phase, Pods, Routes, State, Verb, Version};
use taskmaster_delivery::time::Time;

#[test]
fn steps_6_a_weight_is_done_with_its_pods_and_its_router() {
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}]}));
    world.limits.insert("v2".to_owned(), 1);
    world.is_router_deaf = true;
    world.want("v2");
    assert_eq!((world.pods("v2"), world.weight("v2"), world.place()), (2, 0, 0), "a pod is missing");
    world.limits.clear();
    world.settle();
    assert_eq!((world.weight("v2"), world.place()), (0, 0), "the router does not listen");
    world.is_router_deaf = false;
    world.settle();
    assert_eq!((world.weight("v2"), world.place(), world.phase()), (20, 1, Phase::Analyzing));
}

/// The pods of the next weight come before it; those of the last one carry what they carried.
#[test]
fn steps_6_a_share_stays_while_the_pods_of_a_greater_one_start() {
    for (next, needed) in [
        (json!({"setWeight": 75}), 8),
        (json!({"setCanaryScale": {"replicas": 9}}), 9),
        // What a step has said no more holds, and the half needs five.
        (json!({"setCanaryScale": {"matchTrafficWeight": true}}), 5),
    ] {
        let few = json!({"setCanaryScale": {"replicas": 3}});
        let has_few = needed == 5;
        let first = if has_few { few } else { json!({"pause": {"duration": "1s"}}) };
        let steps = json!([first, {"setWeight": 50}, {"pause": {}}, next, {"pause": {}}]);
        let mut world = canary(&json!({"steps": steps}));
        world.want("v2");
        world.wait(2);
        let before = if has_few { 3 } else { 5 };
        assert_eq!((world.weight("v2"), world.pods("v2"), world.place()), (50, before, 2), "{next}");
        world.limits.insert("v2".to_owned(), before);
        world.must(Verb::Promote);
        assert_eq!((world.weight("v2"), world.pods("v2"), world.place()), (50, needed, 3), "{next}");
        world.limits.insert("v2".to_owned(), before - 1);
        world.settle();
        assert!((30..50).contains(&world.weight("v2")), "{next}: {}", world.weight("v2"));
        world.limits.clear();
        world.settle();
        assert_eq!(world.place(), 4, "{next}");
    }
}

#[test]
fn steps_6_a_router_that_cannot_be_read_completes_no_weight() {
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}]}));
    world.routes = None;
    world.want("v2");
    assert_eq!((world.pods("v2"), world.place()), (2, 0));
}

#[test]
fn steps_6_a_pause_takes_its_time() {
    let mut world =
        canary(&json!({"steps": [{"setWeight": 20}, {"pause": {"duration": "30s"}}, {"pause": {}}]}));
    world.want("v2");
    world.wait(29);
    assert_eq!(world.place(), 1);
    world.wait(1);
    assert_eq!(world.place(), 2);
    world.wait(100_000);
    assert_eq!((world.place(), world.weight("v2")), (2, 20), "nobody has promoted it");
}

/// Where nobody has to promote it, nobody is told to.
#[test]
fn steps_6_a_pause_without_a_time_is_told() {
    let waits = |world: &World| {
        let pauses = world.told.iter().filter(|notice| matches!(notice, Notice::Paused { .. }));
        pauses.count()
    };
    let steps = json!([{"pause": {}}, {"pause": {"duration": "30s"}}, {"setWeight": 50}, {"pause": {}}]);
    let mut world = canary(&json!({"steps": steps}));
    world.want("v2");
    let begun = world.told.iter().position(|notice| matches!(notice, Notice::Begun { .. }));
    let paused = world.told.iter().position(|notice| matches!(notice, Notice::Paused { .. }));
    assert!(begun.is_some() && begun < paused && waits(&world) == 1, "{:?}", world.told);
    world.must(Verb::Promote);
    assert_eq!((world.place(), waits(&world)), (1, 1));
    world.wait(31);
    assert_eq!((world.place(), waits(&world)), (3, 2), "{:?}", world.told);
    world.must(Verb::Abort);
    world.must(Verb::PromoteFull);
    assert_eq!((world.stable(), waits(&world)), ("v2", 2));
}

#[test]
fn steps_6_a_header_route_is_done_when_the_router_has_it() {
    let route = json!({"setHeaderRoute": {"name": "beta", "match": [{"header": "x", "exact": "1"}]}});
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}, route, {"pause": {}}]}));
    world.want("v2");
    world.is_router_deaf = true;
    world.must(Verb::Promote);
    assert_eq!(world.place(), 2);
    world.is_router_deaf = false;
    world.settle();
    assert_eq!((world.place(), world.headers()), (3, vec!["beta"]));
}

/// Without a router older pods would have users.
#[test]
fn steps_6_a_canary_of_pods_waits_for_older_ones_to_be_gone() {
    let mut world = canary(&json!({"traffic": "pods", "steps": [{"setWeight": 20}, {"pause": {}}]}));
    world.routes = None;
    world.ask_for("v2");
    // A third version that is told to go still serves.
    let lingering = Pods { wanted: 0, created: 1, available: 1, terminating: 0 };
    for _ in 0..20 {
        let mut seen = world.observation();
        seen.versions.push(Version { revision: revision("v0"), number: 0, pods: lingering });
        for effect in world.delivery.handle(&seen, Time(0)) {
            if let Effect::Scale { revision, replicas } = effect {
                world.versions.iter_mut().filter(|one| one.revision == revision).for_each(|one| {
                    one.pods.wanted = replicas;
                });
            }
        }
    }
    assert_eq!((world.pods("v2"), world.pods("v1"), world.place()), (2, 8, 0));
    world.settle();
    assert_eq!(world.place(), 1);
}

#[test]
fn steps_7_the_weight_is_that_of_the_nearest_set_weight_before() {
    let route = json!({"setHeaderRoute": {"name": "beta", "match": [{"cookie": "x", "exact": "1"}]}});
    let steps = json!([
        {"pause": {}}, {"setWeight": 20}, {"pause": {}}, {"setCanaryScale": {"replicas": 4}}, {"pause": {}},
        {"setWeight": 60}, {"pause": {}}, route, {"pause": {}}
    ]);
    let mut world = canary(&json!({"steps": steps}));
    world.want("v2");
    let mut seen = Vec::new();
    for _ in 0..5 {
        assert_ne!(world.phase(), Phase::Completed);
        seen.push((world.place(), world.weight("v2"), world.pods("v2")));
        world.must(Verb::Promote);
    }
    assert_eq!(seen, [(0, 0, 0), (2, 20, 2), (4, 20, 4), (6, 60, 4), (8, 60, 4)]);
    assert_eq!((world.weight("v2"), world.stable(), world.pods("v2")), (100, "v2", 10), "past the last");
}

#[test]
fn steps_7_after_an_abort_there_is_no_weight() {
    let mut world = canary(&json!({"steps": [{"setWeight": 60}, {"pause": {}}]}));
    world.want("v2");
    world.must(Verb::Abort);
    assert_eq!((world.weight("v1"), world.weight("v2"), world.phase()), (100, 0, Phase::RolledBack));
}

/// Upstream does not bring the routes back before another step sets one (fault 13).
#[test]
fn steps_7_who_has_no_pod_has_no_weight_and_no_routes_until_one_is_back() {
    let route = json!({"setHeaderRoute": {"name": "beta", "match": [{"header": "x", "prefix": "1"}]}});
    let mirror = json!({"setMirrorRoute": {"name": "copy", "percentage": 10}});
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, route, mirror, {"pause": {}}]}));
    world.want("v2");
    let before = world.routes.clone();
    assert_eq!((world.weight("v2"), world.headers()), (20, vec!["beta"]));
    assert_eq!(world.routes.as_ref().unwrap().mirror.as_ref().unwrap().percentage, 10);
    world.limits.insert("v2".to_owned(), 0);
    world.settle();
    assert_eq!(world.routes, Some(Routes { active: revision("v1"), ..Routes::default() }));
    world.limits.clear();
    world.settle();
    assert_eq!(world.routes, before);
}

/// Each row: pods of the canary that serve of five, and its weight of 50 % wanted.
#[test]
fn steps_7_weight_falls_with_the_pods_and_comes_back_with_all_of_them() {
    let mut world = canary(&json!({"steps": [{"setWeight": 50}, {"pause": {}}]}));
    world.want("v2");
    for (available, weight) in [(5, 50), (3, 30), (4, 30), (1, 10), (0, 0), (2, 0), (5, 50)] {
        world.limits.insert("v2".to_owned(), available);
        world.settle();
        assert_eq!(world.weight("v2"), weight, "{available} pods");
        assert_eq!((world.place(), world.pods("v1")), (1, 10));
    }
}

/// Each row: pods of the stable version that serve of ten, and what comes of a step from 20 to 60 %.
#[test]
fn steps_8_a_weight_is_not_raised_while_the_stable_version_lacks_pods_for_the_rest() {
    for (available, weight) in [(10, 60), (4, 60), (3, 20), (0, 20)] {
        let steps = json!([{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]);
        let mut world = canary(&json!({"steps": steps}));
        world.want("v2");
        world.limits.insert("v1".to_owned(), available);
        world.must(Verb::Promote);
        assert_eq!((world.weight("v2"), world.pods("v2")), (weight, 6), "{available} stable pods");
    }
}

/// Upstream would leave the users with a canary that has no pods (fault 3).
#[test]
fn steps_8_a_weight_is_lowered_whatever_the_stable_version_lacks() {
    let mut world = canary(&json!({"steps": [{"setWeight": 60}, {"pause": {}}]}));
    world.want("v2");
    world.limits.insert("v1".to_owned(), 5);
    world.limits.insert("v2".to_owned(), 0);
    world.settle();
    assert_eq!(world.weight("v2"), 0);
}

/// Pods come before traffic, and traffic goes before pods (fault 3).
#[test]
fn steps_9_pods_come_before_traffic_and_go_after_it() {
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}]}));
    world.ask_for("v2");
    let first = world.look();
    assert!(first.iter().all(|effect| !matches!(effect, Effect::Route(_))), "{first:?}");
    world.settle();
    world.is_router_deaf = true;
    world.must(Verb::Abort);
    world.skip(1_000);
    assert_eq!((world.weight("v2"), world.pods("v2"), world.phase()), (20, 2, Phase::RollingBack));
    world.is_router_deaf = false;
    world.settle();
    world.skip(31);
    assert_eq!((world.weight("v2"), world.pods("v2"), world.phase()), (0, 0, Phase::RolledBack));
}

#[test]
fn steps_9_another_version_takes_nothing_over_from_the_one_before() {
    let mut world = canary(&json!({"steps": [{"setWeight": 50}, {"pause": {}}]}));
    world.want("v2");
    world.limits.insert("v3".to_owned(), 0);
    world.want("v3");
    assert_eq!((world.weight("v1"), world.weight("v2"), world.weight("v3")), (100, 0, 0));
    assert_eq!((world.pods("v1"), world.pods("v2"), world.pods("v3")), (10, 5, 5));
    world.skip(31);
    assert_eq!(world.pods("v2"), 0, "whoever reaches it has heard of the change");
    world.limits.clear();
    world.settle();
    assert_eq!((world.weight("v3"), world.place()), (50, 1));
}

#[test]
fn steps_10_the_first_version_takes_no_steps() {
    let strategy = json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}});
    let mut world = World::empty(spec(&strategy, &json!({})), State::new(Time(0)));
    world.limits.insert("v1".to_owned(), 9);
    world.want("v1");
    assert_eq!((world.pods("v1"), world.phase()), (10, Phase::Promoting), "a pod is missing");
    world.limits.clear();
    world.settle();
    assert_eq!((world.stable(), world.phase(), world.weight("v1")), ("v1", Phase::Completed, 100));
}

/// Each row: what was asked of v2 before v3 is wanted.
#[test]
fn steps_10_another_version_begins_at_the_first_step_with_nothing_left_over() {
    for verbs in [&[][..], &[Verb::Pause], &[Verb::Abort], &[Verb::Promote], &[Verb::PromoteFull]] {
        let steps = json!([{"setWeight": 20}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]);
        let mut world = canary(&json!({"steps": steps}));
        world.want("v2");
        world.limits.insert("v2".to_owned(), 5);
        verbs.iter().for_each(|verb| world.must(*verb));
        world.want("v3");
        let state = world.delivery.state();
        assert_eq!((world.place(), world.weight("v3"), world.weight("v2")), (1, 20, 0), "{verbs:?}");
        assert_eq!((state.held.clone(), state.why.clone(), state.is_full), (None, None, false), "{verbs:?}");
    }
}

/// Rule 5. Each row: a scale step after a weight of 20 %, the pods of the canary then, and past the next weight.
#[test]
fn steps_5_a_scale_of_its_own() {
    for (scale, pods, later) in [
        (json!({"replicas": 3}), 3, 3),
        (json!({"weight": 70}), 7, 7),
        (json!({"matchTrafficWeight": true}), 2, 5),
    ] {
        let steps = json!([
            {"setWeight": 20}, {"setCanaryScale": scale}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}
        ]);
        let mut world = canary(&json!({"steps": steps}));
        world.want("v2");
        assert_eq!((world.pods("v2"), world.weight("v2")), (pods, 20), "{scale}");
        world.must(Verb::Promote);
        assert_eq!((world.pods("v2"), world.weight("v2")), (later, 50), "{scale}");
    }
}

#[test]
fn steps_mirrors_and_header_routes_are_set_and_taken_away() {
    let header = |matches: Value| json!({"setHeaderRoute": {"name": "beta", "match": matches}});
    let mirror = |percentage: u32| json!({"setMirrorRoute": {"name": "copy", "percentage": percentage}});
    let steps = json!([
        {"setCanaryScale": {"replicas": 1}}, header(json!([{"header": "x", "regex": "[0-9]+"}])), mirror(30),
        {"pause": {}}, header(json!([])), mirror(0), {"pause": {}}
    ]);
    let mut world = canary(&json!({"steps": steps}));
    world.want("v2");
    assert_eq!((world.headers(), world.weight("v2")), (vec!["beta"], 0));
    assert_eq!(world.routes.as_ref().unwrap().mirror.as_ref().unwrap().percentage, 30);
    world.must(Verb::Promote);
    assert_eq!(world.routes, Some(Routes { active: revision("v1"), ..Routes::default() }));
}

/// Fault 1: the numbers of an autoscaler hold for whoever they are meant for.
#[test]
fn fault_1_an_autoscaler_changes_all_in_the_middle() {
    let mut world = canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}]}));
    world.want("v2");
    for (replicas, stable, new) in [(20, 20, 4), (5, 5, 1), (1, 1, 1), (10, 10, 2)] {
        world.replicas = Some(replicas);
        world.settle();
        assert_eq!((world.pods("v1"), world.pods("v2"), world.weight("v2")), (stable, new, 20), "{replicas}");
    }
    world.replicas = Some(16);
    world.must(Verb::Promote);
    assert_eq!((world.stable(), world.pods("v2")), ("v2", 16));
}

/// The terminating pods are a later clamp: 10 pods and 25 % of surge make 13 at most.
#[test]
fn steps_terminating_pods_take_room() {
    for (terminating, most) in [(0, 13), (2, 11), (3, 10), (50, 10)] {
        let mut world = canary(&json!({"traffic": "pods", "steps": [{"setWeight": 50}, {"pause": {}}]}));
        world.routes = None;
        world.ask_for("v2");
        let mut seen = world.observation();
        seen.versions[0].pods.terminating = terminating;
        let effects = world.delivery.handle(&seen, Time(0));
        let pods = |name: &str| {
            let scaled = effects.iter().find_map(|effect| match effect {
                Effect::Scale { revision, replicas } if revision.0 == name => Some(*replicas),
                _ => None,
            });
            scaled.unwrap_or_else(|| world.pods(name))
        };
        assert!(pods("v1") + pods("v2") <= most, "{terminating}: {effects:?}");
        assert!(pods("v1") + pods("v2") + terminating <= 13 || pods("v2") == 0, "{terminating}: {effects:?}");
        assert!(pods("v1") >= 8, "{effects:?}");
    }
}

/// By pods: each row is a weight and the pods of ten that it means.
#[test]
fn steps_2_pods_are_the_weight_without_a_router() {
    for (weight, new) in [(0, 0), (10, 1), (50, 5), (90, 9)] {
        let mut world = canary(&json!({"traffic": "pods", "steps": [{"setWeight": weight}, {"pause": {}}]}));
        world.routes = None;
        world.want("v2");
        assert_eq!((world.pods("v2"), world.pods("v1"), world.place()), (new, 10 - new, 1), "{weight}");
        world.must(Verb::Promote);
        assert_eq!((world.pods("v2"), world.pods("v1"), world.stable()), (10, 0, "v2"), "{weight}");
    }
}

/// Rule 4: the stable version gives up what it does not carry, and no sooner.
#[test]
fn steps_4_a_dynamic_stable_version_has_pods_for_its_share() {
    let steps = json!([{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]);
    let mut world = canary(&json!({"dynamicStableScale": true, "steps": steps}));
    world.want("v2");
    assert_eq!((world.pods("v1"), world.pods("v2")), (8, 2));
    world.is_router_deaf = true;
    world.must(Verb::Promote);
    assert_eq!((world.pods("v1"), world.pods("v2"), world.weight("v2")), (8, 6, 20), "as its share is");
    world.is_router_deaf = false;
    world.settle();
    assert_eq!((world.pods("v1"), world.pods("v2"), world.weight("v2")), (4, 6, 60));
}

/// Fault 4 (AR#4898): the share goes back as the stable version's pods come, and it ends.
#[test]
fn fault_4_a_dynamic_stable_version_takes_back_what_it_can_carry() {
    for delay in [json!("30s"), json!("0s"), json!("5m")] {
        let strategy = json!({
            "dynamicStableScale": true, "abortScaleDownDelay": delay, "steps": [{"setWeight": 60}, {"pause": {}}]
        });
        let mut world = canary(&strategy);
        world.want("v2");
        assert_eq!((world.pods("v1"), world.weight("v2")), (4, 60));
        world.limits.insert("v1".to_owned(), 4);
        world.must(Verb::Abort);
        for (available, weight) in [(4, 60), (7, 30), (9, 10)] {
            world.limits.insert("v1".to_owned(), available);
            world.settle();
            assert_eq!((world.pods("v1"), world.pods("v2"), world.weight("v2")), (10, 6, weight));
            assert_eq!(world.phase(), Phase::RollingBack);
        }
        world.limits.clear();
        world.settle();
        assert_eq!((world.weight("v2"), world.phase()), (0, Phase::RolledBack));
    }
}

/// A third version finds a stable one that gave up pods: the users stay where there are pods for them.
#[test]
fn fault_3_a_third_version_does_not_crowd_a_stable_one_that_gave_up_pods() {
    let strategy = json!({"dynamicStableScale": true, "steps": [{"setWeight": 60}, {"pause": {}}]});
    let mut world = canary(&strategy);
    world.want("v2");
    world.limits.insert("v1".to_owned(), 4);
    world.want("v3");
    assert_eq!((world.weight("v1"), world.weight("v2"), world.weight("v3")), (40, 60, 0));
    assert_eq!((world.pods("v1"), world.pods("v2")), (10, 6));
    world.limits.insert("v1".to_owned(), 8);
    world.settle();
    assert_eq!((world.weight("v1"), world.weight("v2"), world.weight("v3")), (80, 20, 0));
    world.limits.clear();
    world.settle();
    assert_eq!((world.weight("v2"), world.weight("v3"), world.pods("v2"), world.place()), (0, 60, 6, 1));
    world.skip(31);
    assert_eq!(world.pods("v2"), 0, "its users have left it");
}

/// Whatever is seen, the same look again asks for nothing new; and a restart changes nothing.
#[test]
fn fault_5_a_restart_changes_nothing() {
    let analysis = json!({"metrics": [{"name": "rate", "threshold": 0.5, "interval": "5s", "count": 3}]});
    let steps = json!([
        {"setWeight": 20}, {"analysis": {}}, {"pause": {"duration": "20s"}}, {"setWeight": 50},
        {"pause": {"duration": "20s"}}
    ]);
    let run = |restarts: bool| {
        let mut world = World::serving(spec(&json!({"canary": {"steps": steps}}), &analysis));
        world.sources.insert(0, Source::Value(0.1));
        world.ask_for("v2");
        let mut log = Vec::new();
        for _ in 0..120 {
            world.now += 1;
            log.push(world.look());
            if restarts {
                world.restart();
            }
        }
        assert_eq!(world.stable(), "v2");
        log
    };
    assert_eq!(run(false), run(true));
}

/// FL#1577: what is remembered is lost; what users reach is the stable version, not the one asked for.
#[test]
fn fault_5_who_serves_is_stable_where_nothing_is_remembered() {
    let steps = json!({"steps": [{"setWeight": 20}, {"pause": {}}]});
    for has_router in [true, false] {
        let mut world = canary(&steps);
        world.want("v2");
        let spec = world.delivery.spec().clone();
        world.delivery = taskmaster_delivery::engine::Delivery::new(spec, State::new(Time(0)));
        if !has_router {
            world.routes = None;
        }
        world.settle();
        assert_eq!((world.stable(), world.pods("v1"), world.pods("v2")), ("v1", 10, 2), "{has_router}");
        assert!(!matches!(world.phase(), Phase::Promoting | Phase::Completed));
    }
}
