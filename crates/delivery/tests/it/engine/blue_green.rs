//! Blue-green.

use super::world::{Source, World, revision, spec};
use serde_json::{Value, json};
use taskmaster_delivery::engine::{Effect, Phase, Verb};

fn blue_green(strategy: &Value) -> World {
    World::serving(spec(&json!({"blueGreen": strategy}), &json!({})))
}

fn judged(strategy: &Value) -> World {
    let metric = json!({"name": "rate", "threshold": 0.5, "interval": "5s", "count": 3});
    World::serving(spec(&json!({"blueGreen": strategy}), &json!({"metrics": [metric]})))
}

/// Where users go, and where the preview leads.
fn routes(world: &World) -> (&str, &str) {
    let routes = world.routes.as_ref().expect("a router");
    (&routes.active.0, routes.preview.as_ref().map_or("", |preview| &preview.0))
}

#[test]
fn blue_green_promotes_by_itself_unless_told() {
    let mut world = blue_green(&json!({}));
    world.want("v2");
    assert_eq!((routes(&world), world.stable(), world.pods("v1")), (("v2", "v2"), "v2", 10));
    world.skip(29);
    assert_eq!(world.pods("v1"), 10, "30 s unless given");
    world.skip(1);
    assert_eq!(world.pods("v1"), 0);
}

#[test]
fn blue_green_waits_for_a_person_or_its_time() {
    let mut world = blue_green(&json!({"autoPromotion": false}));
    world.want("v2");
    world.skip(100_000);
    assert_eq!(routes(&world), ("v1", "v2"));
    world.must(Verb::Promote);
    assert_eq!((routes(&world), world.stable()), (("v2", "v2"), "v2"));
    let mut world = blue_green(&json!({"autoPromotionAfter": "40s"}));
    world.want("v2");
    world.wait(39);
    assert_eq!(routes(&world), ("v1", "v2"));
    world.wait(1);
    assert_eq!(routes(&world), ("v2", "v2"));
}

#[test]
fn blue_green_a_small_preview_grows_before_the_switch() {
    let mut world = blue_green(&json!({"previewReplicas": 1, "autoPromotion": false}));
    world.want("v2");
    assert_eq!((world.pods("v2"), routes(&world)), (1, ("v1", "v2")));
    world.limits.insert("v2".to_owned(), 9);
    world.must(Verb::Promote);
    assert_eq!((world.pods("v2"), routes(&world)), (10, ("v1", "v2")), "a pod is missing");
    world.limits.clear();
    world.settle();
    assert_eq!((world.pods("v1"), routes(&world)), (10, ("v2", "v2")));
}

/// AR#4728: it is never left out; and before it is over nothing is switched.
#[test]
fn fault_9_the_analysis_before_the_switch() {
    for (answer, after, stable) in [(0.1, ("v2", "v2"), "v2"), (0.9, ("v1", "v1"), "v1")] {
        let mut world = judged(&json!({"prePromotionAnalysis": {}}));
        world.want("v2");
        assert_eq!(routes(&world), ("v1", "v2"), "nothing is known");
        world.sources.insert(0, Source::Value(answer));
        world.wait(20);
        assert_eq!((routes(&world), world.stable(), world.pods("v1")), (after, stable, 10), "{answer}");
    }
}

#[test]
fn blue_green_the_analysis_after_the_switch_switches_back_to_pods_that_are_there() {
    let mut world = judged(&json!({"postPromotionAnalysis": {}, "scaleDownDelay": "1s"}));
    world.want("v2");
    world.skip(1_000);
    assert_eq!((routes(&world), world.stable(), world.pods("v1")), (("v2", "v2"), "v1", 10));
    world.sources.insert(0, Source::Value(0.9));
    world.skip(1);
    assert_eq!((routes(&world), world.phase()), (("v1", "v1"), Phase::RolledBack));
    world.skip(30);
    assert_eq!((world.pods("v1"), world.pods("v2")), (10, 0));
}

/// As in Argo Rollouts: the old version whose pods still wait for their end needs neither steps nor analysis.
#[test]
fn blue_green_a_switch_back_while_the_old_pods_are_there_is_at_once() {
    for (waited, is_direct) in [(29, true), (31, false)] {
        let mut world = judged(&json!({"prePromotionAnalysis": {}, "autoPromotion": false}));
        world.want("v2");
        world.must(Verb::PromoteFull);
        world.skip(waited);
        world.want("v1");
        let expected = if is_direct { (("v1", "v1"), "v1") } else { (("v2", "v1"), "v2") };
        assert_eq!((routes(&world), world.stable()), expected, "{waited}");
    }
}

/// Only who was in service may do so: a preview that failed may not.
#[test]
fn blue_green_what_was_aborted_takes_every_step_again() {
    let mut world = judged(&json!({"prePromotionAnalysis": {}, "autoPromotion": false}));
    world.want("v2");
    world.must(Verb::Abort);
    world.want("v1");
    world.want("v2");
    assert_eq!((routes(&world), world.stable()), (("v1", "v2"), "v1"));
}

/// Fault 9 (AR#2641, AR#2488): the preview leads to who can answer, and stays there until the next one can.
#[test]
fn fault_9_the_preview_is_never_without_pods() {
    let mut world = blue_green(&json!({"autoPromotion": false}));
    world.limits.insert("v2".to_owned(), 9);
    world.want("v2");
    assert_eq!(routes(&world), ("v1", "v1"));
    world.limits.clear();
    world.settle();
    assert_eq!(routes(&world), ("v1", "v2"));
    world.limits.insert("v3".to_owned(), 0);
    world.want("v3");
    assert_eq!((routes(&world), world.pods("v2")), (("v1", "v2"), 10), "v3 cannot answer yet");
    world.limits.clear();
    world.settle();
    assert_eq!((routes(&world), world.pods("v2"), world.pods("v3")), (("v1", "v3"), 0, 10));
}

#[test]
fn blue_green_a_third_version_after_the_switch_goes_back_to_the_stable_one() {
    let mut world = judged(&json!({"postPromotionAnalysis": {}}));
    world.want("v2");
    assert_eq!(routes(&world).0, "v2");
    world.limits.insert("v3".to_owned(), 0);
    world.want("v3");
    assert_eq!((routes(&world).0, world.pods("v1")), ("v1", 10));
}

#[test]
fn blue_green_promote_full_waits_for_all_pods() {
    let mut world =
        judged(&json!({"prePromotionAnalysis": {}, "previewReplicas": 2, "autoPromotion": false}));
    world.limits.insert("v2".to_owned(), 9);
    world.want("v2");
    world.must(Verb::PromoteFull);
    assert_eq!((routes(&world).0, world.pods("v2"), world.stable()), ("v1", 10, "v1"));
    world.limits.clear();
    world.settle();
    assert_eq!((routes(&world).0, world.stable()), ("v2", "v2"));
}

/// The users are switched in one write, which names no share.
#[test]
fn blue_green_the_switch_is_one_write() {
    let mut world = blue_green(&json!({}));
    world.ask_for("v2");
    let mut switches = 0;
    for _ in 0..20 {
        for effect in world.look() {
            if let Effect::Route(routes) = effect {
                assert_eq!(routes.share, None);
                switches += u32::from(routes.active == revision("v2"));
            }
        }
    }
    assert_eq!((switches, routes(&world)), (1, ("v2", "v2")));
}

/// Each row: pods of the new version that serve after the switch, and where users go.
#[test]
fn blue_green_users_leave_a_version_that_has_no_pod() {
    for (available, active) in [(10, "v2"), (1, "v2"), (0, "v1")] {
        let mut world = judged(&json!({"postPromotionAnalysis": {}}));
        world.want("v2");
        world.limits.insert("v2".to_owned(), available);
        world.settle();
        assert_eq!(routes(&world).0, active, "{available}");
    }
}
