//! Notices: who is told of a rollout, and that nobody who does not listen holds it up.

use super::outside::{Outside, is_signed, yes};
use super::world::{CANARY, World, file, get};
use crate::deliver::notify::receiver::Act;
use serde_json::Value;
use std::collections::BTreeSet;

const EVENTS: &str = "[begun, step, paused, completed, rollingBack, rolledBack]";

fn notice(name: &str, at: &Outside) -> String {
    let (url, key) = (at.url(), "{env: MY_TOKEN}");
    format!("  - {{name: {name}, format: generic, url: \"{url}\", secret: {key}, events: {EVENTS}}}\n")
}

fn told(notices: &[String]) -> World {
    World::of(&file(CANARY, &format!("notices:\n{}", notices.concat())))
}

fn is(event: &'static str, version: &'static str) -> impl Fn(&Value) -> bool {
    move |heard| heard["event"] == event && heard["revision"] == version
}

fn events(heard: &[Value], version: &str) -> Vec<String> {
    let those = heard.iter().filter(|one| one["revision"] == version);
    those.map(|one| one["event"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_receiver_hears_of_all_in_order_and_every_notice_is_signed() {
    let ops = Outside::new(yes());
    let world = told(&[notice("ops", &ops)]);
    world.release("v1");
    ops.until_one("the first version", is("completed", "v1"));
    world.start("v2");
    world.until_paused();
    world.run("rollout promote web --wait --timeout 60s").code(0);
    ops.until_one("the second version", is("completed", "v2"));
    world.start("v3");
    world.until_paused();
    world.run("rollout abort web --wait --timeout 60s").code(0);
    let ended = ops.until_one("the way back", is("rolledBack", "v3"));
    assert_eq!((&ended["stable"], &ended["why"]), (&"v2".into(), &"a person gave it up".into()), "{ended}");
    assert_eq!(ended["text"], "web: v3 was taken back, v2 serves");
    let heard = ops.heard();
    assert_eq!(events(&heard, "v1"), ["begun", "completed"]);
    let of = |version| events(&heard, version).into_iter().filter(|event| event != "step");
    assert_eq!(of("v2").collect::<Vec<_>>(), ["begun", "paused", "completed"]);
    assert_eq!(of("v3").collect::<Vec<_>>(), ["begun", "paused", "rollingBack", "rolledBack"]);
    assert!(events(&heard, "v2").contains(&"step".to_owned()));
    let ids: BTreeSet<&str> = heard.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), heard.len(), "each has an id of its own");
    assert!(
        ids.iter().all(|id| id.parse::<ulid::Ulid>().is_ok()),
        "whatever else happens just then: {ids:?}"
    );
    for (request, one) in ops.requests().iter().zip(&heard) {
        assert!(is_signed(request, "swordfish-4711"), "{request:?}");
        assert!(!is_signed(request, "swordfish-4712"), "{request:?}");
        assert_eq!(request.headers["x-taskmaster-delivery"], one["id"].as_str().unwrap());
        assert_eq!((&one["schema_version"], &one["rollout"]), (&1.into(), &"web".into()), "{one}");
    }
}

#[test]
fn a_receiver_that_hangs_holds_up_neither_the_way_back_nor_other_receivers() {
    let (deaf, ops) = (Outside::new(Act::Hang), Outside::new(yes()));
    let world = told(&[notice("deaf", &deaf), notice("ops", &ops)]);
    world.release("v1");
    world.start("v2");
    deaf.until_one("the second version", is("begun", "v2"));
    world.until_paused();
    world.run("rollout abort web --wait --timeout 60s").code(0);
    ops.until_one("the way back", is("rolledBack", "v2"));
    assert_eq!(get(world.address(), "/").unwrap(), (200, "v1".to_owned()));
    let heard: BTreeSet<String> = events(&deaf.heard(), "v2").into_iter().collect();
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), ["begun"], "its first notice was never taken");
    let notices = world.view()["notices"].clone();
    assert_eq!((&notices[0]["name"], &notices[0]["sent"]), (&"deaf".into(), &0.into()), "{notices}");
}
