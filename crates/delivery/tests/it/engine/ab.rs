//! A/B tests.

use super::world::{Source, World, spec, with};
use serde_json::{Value, json};
use taskmaster_delivery::engine::{Phase, Verb};

fn analysis() -> Value {
    json!({"metrics": [{"name": "rate", "threshold": 0.5, "interval": "5s", "count": 2}]})
}

fn ab(strategy: &Value) -> World {
    let mut world = World::serving(spec(&json!({"ab": strategy}), &analysis()));
    world.sources.insert(0, Source::Value(0.1));
    world
}

fn strategy() -> Value {
    json!({
        "match": [{"header": "x-beta", "exact": "1"}, {"cookie": "beta", "regex": "y.*"}],
        "iterations": 3, "interval": "10s"
    })
}

#[test]
fn ab_users_are_told_by_header_and_cookie_and_nobody_else_comes() {
    let mut world = ab(&strategy());
    world.limits.insert("v2".to_owned(), 9);
    world.want("v2");
    assert!(world.headers().is_empty(), "a pod is missing");
    world.limits.clear();
    world.settle();
    assert_eq!((world.headers(), world.weight("v2"), world.weight("v1")), (vec!["ab-0", "ab-1"], 0, 100));
    let routes = world.routes.as_ref().unwrap();
    assert_eq!(routes.share.as_ref().unwrap().revision.0, "v2");
    assert!(routes.headers.iter().all(|route| route.matches.len() == 1), "any of them is enough");
}

/// Three iterations of 10 s each, then all users.
#[test]
fn ab_the_analysis_must_pass_in_every_iteration() {
    let mut world = ab(&strategy());
    world.want("v2");
    world.wait(29);
    assert_eq!((world.delivery.state().passes, world.phase()), (2, Phase::Analyzing));
    world.wait(2);
    assert_eq!((world.stable(), world.weight("v2"), world.headers().len()), ("v2", 100, 0));
}

/// Each row: the second in which it turns bad. Bad in the last iteration is as bad as in the first.
#[test]
fn ab_a_failure_in_any_iteration_takes_it_back() {
    for second in [0, 14, 24] {
        let mut world = ab(&strategy());
        if second == 0 {
            world.sources.insert(0, Source::Value(0.9));
        }
        world.want("v2");
        world.wait(second);
        world.sources.insert(0, Source::Value(0.9));
        world.wait(14);
        assert_eq!(
            (world.phase(), world.headers().len(), world.stable()),
            (Phase::RolledBack, 0, "v1"),
            "{second}"
        );
    }
}

#[test]
fn ab_promote_passes_all_iterations_that_are_left() {
    let mut world = ab(&strategy());
    world.want("v2");
    world.must(Verb::Promote);
    assert_eq!((world.stable(), world.weight("v2")), ("v2", 100));
}

/// All pods unless given, and an autoscaler says how many all are.
#[test]
fn ab_pods_while_it_is_tried() {
    for (written, replicas, pods) in [(None, 10, 10), (None, 16, 16), (Some(3), 16, 3), (Some(3), 2, 2)] {
        let mut text = strategy();
        if let Some(written) = written {
            text["replicas"] = json!(written);
        }
        let mut world = ab(&text);
        world.replicas = Some(replicas);
        world.want("v2");
        assert_eq!((world.pods("v2"), world.pods("v1")), (pods, replicas), "{written:?} {replicas}");
    }
}

#[test]
fn ab_the_new_version_has_all_pods_before_all_users() {
    let mut text = strategy();
    text["replicas"] = json!(2);
    let mut world = ab(&text);
    world.limits.insert("v2".to_owned(), 9);
    world.want("v2");
    world.wait(40);
    assert_eq!((world.phase(), world.pods("v2")), (Phase::Promoting, 10));
    assert!(world.weight("v2") < 100);
    assert_eq!(world.headers().len(), 2, "who had it keeps it");
    world.limits.clear();
    world.settle();
    assert_eq!(world.stable(), "v2");
}

#[test]
fn ab_one_pod_of_one() {
    let mut world = World::serving(with(&json!({
        "name": "web", "strategy": {"ab": {"match": [{"header": "x", "prefix": ""}], "iterations": 1, "interval": "1s"}},
        "analysis": {"metrics": [{"name": "rate", "threshold": 0.5}]}
    })));
    world.sources.insert(0, Source::Value(0.1));
    world.want("v2");
    world.wait(2);
    assert_eq!((world.stable(), world.pods("v2")), ("v2", 1));
}
