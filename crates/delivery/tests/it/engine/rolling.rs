//! Rolling updates, and the migrations before them.

use super::world::{Source, World, revision, spec};
use serde_json::{Value, json};
use taskmaster_delivery::engine::{Direction, Effect, Hold, Phase, Refusal, State, Verb};
use taskmaster_delivery::time::Time;

fn rolling(strategy: &Value) -> World {
    let mut world = World::serving(spec(&json!({"rolling": strategy}), &json!({})));
    world.routes = None;
    world
}

fn judged(strategy: &Value) -> World {
    let metric = json!({"name": "rate", "threshold": 0.5, "interval": "5s", "count": 2});
    let mut world = World::serving(spec(&json!({"rolling": strategy}), &json!({"metrics": [metric]})));
    world.routes = None;
    world
}

/// A migration: its way back, and whether the old version works with the new data.
fn change(down: bool, compatible: &str) -> Value {
    let mut migration = json!({"up": ["m", "up"], "compatible": compatible});
    if down {
        migration["down"] = json!(["m", "down"]);
    }
    json!({"migration": migration})
}

/// The same, and an analysis.
fn migration(down: bool, compatible: &str) -> Value {
    let mut strategy = change(down, compatible);
    strategy["analysis"] = json!({});
    strategy
}

fn up(name: &str) -> (String, Direction) {
    (name.to_owned(), Direction::Up)
}

fn down(name: &str) -> (String, Direction) {
    (name.to_owned(), Direction::Down)
}

/// Each row: surge, unavailable, most pods there may be, fewest that serve. Both nothing would never end: one may go.
#[test]
fn rolling_stays_within_its_bounds() {
    for (surge, unavailable, most, least) in [
        (json!(0), json!(0), 10, 9),
        (json!(2), json!(0), 12, 10),
        (json!(0), json!(3), 10, 7),
        (json!("25%"), json!("25%"), 13, 8),
        (json!(1), json!("10"), 11, 9),
    ] {
        let mut world = rolling(&json!({"maxSurge": surge, "maxUnavailable": unavailable}));
        // A pod serves one look after it was asked for.
        let mut ready = 0;
        world.ask_for("v2");
        for _ in 0..100 {
            world.limits.insert("v2".to_owned(), ready);
            world.look();
            let (old, new) = (world.pods("v1"), world.pods("v2"));
            assert!(old + new <= most, "{surge} {unavailable}: {old} and {new}");
            assert!(old + ready.min(new) >= least, "{surge} {unavailable}: {old} and {ready}");
            ready = new;
        }
        assert_eq!(
            (world.stable(), world.pods("v1"), world.pods("v2")),
            ("v2", 0, 10),
            "{surge} {unavailable}"
        );
    }
}

/// Health checks: pods that do not serve take no pod's place, and at the deadline the old ones come back.
#[test]
fn rolling_goes_no_further_than_its_pods_serve() {
    let mut world = rolling(&json!({"maxSurge": 1, "maxUnavailable": 0}));
    world.limits.insert("v2".to_owned(), 3);
    world.want("v2");
    assert_eq!((world.pods("v1"), world.pods("v2")), (7, 4));
    world.skip(601);
    assert_eq!((world.phase(), world.pods("v1"), world.pods("v2")), (Phase::RolledBack, 10, 0));
}

#[test]
fn rolling_is_taken_back_by_its_analysis_pod_by_pod() {
    let mut world = judged(&json!({"maxSurge": 1, "maxUnavailable": 0, "analysis": {}}));
    world.want("v2");
    assert_eq!((world.pods("v1"), world.pods("v2"), world.stable()), (0, 10, "v1"));
    world.sources.insert(0, Source::Value(0.9));
    world.wait(10);
    assert_eq!((world.phase(), world.pods("v1"), world.pods("v2")), (Phase::RolledBack, 10, 0));
}

/// A driver that forgets versions without pods does not make the way back impossible.
#[test]
fn fault_4_the_way_back_to_a_version_that_has_no_pod_left() {
    let mut world = judged(&json!({"analysis": {}}));
    world.want("v2");
    world.sources.insert(0, Source::Value(0.9));
    let mut comes_back = false;
    for _ in 0..20 {
        world.now += 1;
        let mut seen = world.observation();
        seen.versions.retain(|version| version.pods.created > 0 || version.revision == seen.wanted);
        for effect in world.delivery.handle(&seen, world.time()) {
            match effect {
                Effect::Scale { revision, .. } => comes_back |= revision.0 == "v1",
                Effect::Measure { .. } => {
                    seen.measured.clear();
                    world.look();
                }
                _ => {}
            }
        }
    }
    assert!(comes_back, "{:?}", world.delivery.state());
}

#[test]
fn fault_15_a_migration_comes_before_any_pod() {
    let mut world = rolling(&json!({"migration": {"up": ["m"]}}));
    world.migrates = None;
    world.want("v2");
    assert_eq!((world.pods("v1"), world.pods("v2"), world.place()), (10, 0, 0));
    assert!(world.migrations.iter().all(|migration| *migration == up("v2")));
    world.ends_migration(Ok(()));
    world.settle();
    assert_eq!((world.stable(), world.pods("v1"), world.pods("v2")), ("v2", 0, 10));
    assert!(world.migrations.iter().all(|migration| *migration == up("v2")));
}

/// Nobody's haste leaves it out: not a full promotion, not a first release.
#[test]
fn fault_15_no_way_leads_past_a_migration() {
    let strategy = json!({"rolling": {"migration": {"up": ["m"]}}});
    for is_first in [false, true] {
        let mut world = if is_first {
            World::empty(spec(&strategy, &json!({})), State::new(Time(0)))
        } else {
            World::serving(spec(&strategy, &json!({})))
        };
        world.routes = None;
        world.migrates = None;
        world.want("v2");
        let _ = world.ask(Verb::PromoteFull);
        assert_eq!((world.pods("v2"), world.migrations.first()), (0, Some(&up("v2"))), "{is_first}");
        assert_ne!(world.phase(), Phase::Completed);
        world.ends_migration(Ok(()));
        world.settle();
        assert_eq!((world.stable(), world.phase()), ("v2", Phase::Completed), "{is_first}");
    }
}

#[test]
fn fault_15_a_migration_that_fails_brings_no_pod() {
    let mut world = rolling(&json!({"migration": {"up": ["m"], "down": ["m", "down"]}}));
    world.migrates = Some(Err("no such table".to_owned()));
    world.want("v2");
    assert_eq!((world.phase(), world.pods("v1"), world.pods("v2")), (Phase::RolledBack, 10, 0));
    assert_eq!(world.why(), "the migration failed: no such table");
    assert!(world.migrations.iter().all(|migration| *migration == up("v2")), "there is nothing to take back");
}

/// The old version works with the new data: nothing needs to be taken back.
#[test]
fn fault_15_a_compatible_migration_stays_on_the_way_back() {
    for down in [false, true] {
        let mut world = judged(&migration(down, "backward"));
        world.want("v2");
        world.must(Verb::Abort);
        assert_eq!((world.phase(), world.pods("v1"), world.pods("v2")), (Phase::RolledBack, 10, 0));
        assert!(world.migrations.iter().all(|migration| *migration == up("v2")), "{:?}", world.migrations);
    }
}

/// The old version does not: its data comes before its pods.
#[test]
fn fault_15_an_incompatible_migration_is_taken_back_before_the_pods() {
    let mut world = judged(&migration(true, "none"));
    world.want("v2");
    assert_eq!((world.pods("v1"), world.pods("v2")), (0, 10));
    world.migrates = None;
    world.must(Verb::Abort);
    world.skip(100);
    assert_eq!((world.migrations.last(), world.phase()), (Some(&down("v2")), Phase::RollingBack));
    assert_eq!((world.pods("v1"), world.pods("v2")), (0, 10), "its data is not back yet");
    world.ends_migration(Ok(()));
    world.settle();
    assert_eq!((world.phase(), world.pods("v1"), world.pods("v2")), (Phase::RolledBack, 10, 0));
}

/// It holds, says so, and the pods stay with the data that they can read. A retry goes forward again.
#[test]
fn fault_15_a_migration_that_cannot_be_taken_back_holds() {
    let mut world = judged(&migration(true, "none"));
    world.want("v2");
    world.migrates = Some(Err("locked".to_owned()));
    world.must(Verb::Abort);
    world.skip(10_000);
    assert_eq!((world.phase(), world.held()), (Phase::RollingBack, Some(Hold::OneWay)));
    assert_eq!((world.pods("v1"), world.pods("v2")), (0, 10));
    assert!(world.why().contains("locked"), "{}", world.why());
    world.migrates = Some(Ok(()));
    world.must(Verb::Retry);
    assert_eq!((world.phase(), world.held(), world.place()), (Phase::Analyzing, None, 2));
}

/// Without a way back it pauses and says so, whoever wants it back.
#[test]
fn fault_15_without_a_way_back_it_pauses_and_says_so() {
    let by_person = |world: &mut World| world.must(Verb::Abort);
    let by_analysis = |world: &mut World| {
        world.sources.insert(0, Source::Value(0.9));
        world.wait(10);
    };
    let by_undo = |world: &mut World| world.want("v1");
    for back in [by_person as fn(&mut World), by_analysis, by_undo] {
        let mut world = judged(&migration(false, "none"));
        world.want("v2");
        back(&mut world);
        world.skip(10_000);
        assert_eq!(world.held(), Some(Hold::OneWay));
        assert!(Hold::OneWay.words().contains("cannot be brought back"));
        assert_eq!((world.pods("v1"), world.pods("v2"), world.stable()), (0, 10, "v1"));
        assert!(!world.why().is_empty());
        assert!(world.migrations.iter().all(|migration| *migration == up("v2")));
    }
}

/// What a person can do then: promote it, or bring a way back. Aborting and retrying say that they cannot.
#[test]
fn fault_15_out_of_a_pause_without_a_way_back() {
    let held = || {
        let mut world = judged(&migration(false, "none"));
        world.want("v2");
        world.sources.insert(0, Source::Value(0.9));
        world.wait(10);
        world.skip(10_000);
        world
    };
    let mut world = held();
    world.must(Verb::Promote);
    assert_eq!((world.stable(), world.phase()), ("v2", Phase::Completed));
    let mut world = held();
    assert_eq!(world.ask(Verb::Abort), Err(Refusal::OneWay));
    assert_eq!(world.ask(Verb::Retry), Err(Refusal::NotBack));
    assert_eq!(world.held(), Some(Hold::OneWay));
    let mut world = held();
    let mended = spec(
        &json!({"rolling": migration(true, "none")}),
        &json!({"metrics": [{"name": "rate", "threshold": 0.5, "interval": "5s", "count": 2}]}),
    );
    let state = world.delivery.state().clone();
    world.delivery = taskmaster_delivery::engine::Delivery::new(mended, state);
    world.settle();
    assert_eq!((world.phase(), world.migrations.last()), (Phase::RolledBack, Some(&down("v2"))));
    assert_eq!((world.pods("v1"), world.pods("v2")), (10, 0));
}

/// The specification of the stable version knows no way back over the change of the new one: that which was known counts.
#[test]
fn fault_15_a_way_back_that_was_known_is_not_forgotten_on_it() {
    let mut world = judged(&migration(true, "none"));
    world.want("v2");
    let before = judged(&migration(false, "none")).delivery.spec().clone();
    let state = world.delivery.state().clone();
    world.delivery = taskmaster_delivery::engine::Delivery::new(before, state);
    world.want("v1");
    world.skip(1_000);
    assert_eq!((world.held(), world.migrations.last()), (None, Some(&down("v2"))));
    assert_eq!((world.pods("v1"), world.pods("v2"), world.stable()), (10, 0, "v1"));
}

/// The stable version is asked for again: a promotion would be undone at the next look.
#[test]
fn fault_15_nobody_promotes_what_is_not_asked_for() {
    let mut world = judged(&migration(false, "none"));
    world.want("v2");
    world.want("v1");
    assert_eq!(world.ask(Verb::Promote), Err(Refusal::GoesBack));
    assert_eq!(world.held(), Some(Hold::OneWay));
    world.want("v2");
    assert_eq!(world.held(), None);
}

/// An abort while it is at work waits for its end: who knows what it has done so far.
#[test]
fn fault_15_an_abort_in_the_middle_of_a_migration_waits_for_its_end() {
    for (is_down, end, migrations, held) in [
        (true, Ok(()), vec![up("v2"), down("v2")], None),
        (true, Err("no".to_owned()), vec![up("v2")], None),
        (false, Ok(()), vec![up("v2")], Some(Hold::OneWay)),
    ] {
        let mut world = judged(&migration(is_down, "none"));
        world.migrates = None;
        world.ask_for("v2");
        world.look();
        world.must(Verb::Abort);
        assert_eq!((world.phase(), world.pods("v2")), (Phase::RollingBack, 0));
        world.skip(10_000);
        assert_eq!(world.phase(), Phase::RollingBack);
        world.migrates = Some(Ok(()));
        world.ends_migration(end.clone());
        world.settle();
        world.migrations.dedup();
        assert_eq!((&world.migrations, world.held()), (&migrations, held.clone()), "{is_down} {end:?}");
        assert_eq!(world.phase() == Phase::RolledBack, held.is_none());
        assert_eq!((world.pods("v1"), world.pods("v2")), (10, 0));
    }
}

/// A third version in the middle: the data of the second goes back first, then the third one begins.
#[test]
fn fault_15_another_version_waits_until_the_data_is_back() {
    let mut world = judged(&migration(true, "none"));
    world.want("v2");
    world.want("v3");
    world.migrations.dedup();
    assert_eq!(world.migrations, [up("v2"), down("v2"), up("v3")]);
    assert_eq!((world.delivery.state().revision.clone(), world.phase()), (revision("v3"), Phase::Analyzing));
}

/// A mend comes as a third version: it begins at once, and there is still no way back to the first.
#[test]
fn fault_15_another_version_is_the_way_out_of_a_closed_one() {
    let mut world = judged(&migration(false, "none"));
    world.want("v2");
    world.must(Verb::Abort);
    world.want("v3");
    assert_eq!((world.held(), world.pods("v2"), world.pods("v3")), (None, 0, 10));
    world.must(Verb::Abort);
    assert_eq!((world.held(), world.pods("v1")), (Some(Hold::OneWay), 0));
    world.must(Verb::Promote);
    assert_eq!(world.stable(), "v3");
    world.want("v4");
    world.must(Verb::Abort);
    let needed: Vec<&str> = world.delivery.state().reads.iter().map(|one| one.revision.0.as_str()).collect();
    assert_eq!((world.held(), needed), (Some(Hold::OneWay), vec!["v1", "v2", "v3"]), "a new beginning");
}

/// Even where the third version has changed nothing itself.
#[test]
fn fault_15_a_closed_way_stays_closed_for_the_next_version() {
    let mut world = judged(&migration(false, "none"));
    world.want("v2");
    world.migrates = Some(Err("no".to_owned()));
    world.want("v3");
    assert_eq!((world.held(), world.why()), (Some(Hold::OneWay), "the migration failed: no"));
    assert_eq!((world.phase(), world.stable()), (Phase::Initializing, "v1"));
}

#[test]
fn fault_15_a_first_version_whose_migration_fails_has_nothing_to_go_back_to() {
    let strategy = json!({"rolling": {"migration": {"up": ["m"]}}});
    let mut world = World::empty(spec(&strategy, &json!({})), State::new(Time(0)));
    world.routes = None;
    world.migrates = Some(Err("no".to_owned()));
    world.want("v1");
    assert_eq!((world.phase(), world.why()), (Phase::RolledBack, "the migration failed: no"));
    assert_eq!(world.pods("v1"), 0, "its data is not there");
}

/// The stable version could not read what the second one has made: it stays away, and the second one serves
/// until the third one's data are there and its pods come.
#[test]
fn fault_15_a_third_version_after_a_closed_one_brings_no_old_pod_back() {
    let mut world = judged(&migration(false, "none"));
    world.want("v2");
    world.migrates = None;
    world.want("v3");
    world.skip(100);
    assert_eq!((world.pods("v1"), world.pods("v2"), world.pods("v3")), (0, 10, 0));
    world.must(Verb::Pause);
    world.ends_migration(Ok(()));
    world.settle();
    assert_eq!((world.pods("v1"), world.pods("v2"), world.pods("v3")), (0, 10, 0), "paused");
    world.must(Verb::Resume);
    assert_eq!((world.pods("v1"), world.pods("v2"), world.pods("v3")), (0, 0, 10));
}

/// Back from a version that was completed: its data first, and its pods serve until then.
#[test]
fn fault_15_the_way_back_from_a_completed_version_takes_its_data_back_first() {
    let mut world = rolling(&change(true, "none"));
    world.want("v2");
    assert_eq!(world.stable(), "v2");
    world.migrates = None;
    world.want("v1");
    world.skip(100);
    assert_eq!((world.migrations.last(), world.phase()), (Some(&down("v2")), Phase::Initializing));
    assert_eq!((world.pods("v1"), world.pods("v2")), (0, 10));
    world.ends_migration(Ok(()));
    world.settle();
    world.migrations.dedup();
    assert_eq!((world.stable(), world.pods("v1"), world.pods("v2")), ("v1", 10, 0));
    assert_eq!(world.migrations, [up("v2"), down("v2")], "the first version's data are there then");
}

#[test]
fn fault_15_over_two_completed_versions_the_newest_goes_first() {
    let mut world = rolling(&change(true, "none"));
    world.want("v2");
    world.want("v3");
    world.want("v1");
    world.migrations.dedup();
    assert_eq!(world.migrations, [up("v2"), up("v3"), down("v3"), down("v2")]);
    assert_eq!(world.stable(), "v1");
    world.want("v3");
    world.migrations.dedup();
    assert_eq!(world.migrations[4..], [up("v3")]);
}

/// What an older version can read as well stays, and is not made twice.
#[test]
fn fault_15_a_compatible_migration_of_a_completed_version_stays() {
    let mut world = rolling(&change(true, "backward"));
    world.want("v2");
    world.want("v1");
    world.want("v2");
    world.migrations.dedup();
    assert_eq!((world.stable(), &world.migrations), ("v2", &vec![up("v2")]));
}

/// Without a `down` it holds and says whose; a person who has mended the data promotes it.
#[test]
fn fault_15_back_from_a_completed_version_without_a_way_back_holds() {
    let mut world = rolling(&change(false, "none"));
    world.want("v2");
    world.want("v1");
    world.skip(10_000);
    assert_eq!((world.held(), world.why()), (Some(Hold::OneWay), "the migration of v2 has no `down`"));
    assert_eq!((world.pods("v1"), world.pods("v2"), world.stable()), (0, 10, "v2"));
    world.must(Verb::Resume);
    assert_eq!(world.held(), Some(Hold::OneWay), "nothing was mended");
    world.must(Verb::Promote);
    world.migrations.dedup();
    assert_eq!((world.stable(), &world.migrations), ("v1", &vec![up("v2")]));
}

/// It is given up after the data went back: the version that serves gets them again.
#[test]
fn fault_15_a_way_back_that_is_given_up_makes_the_data_again() {
    let mut world = judged(&migration(true, "none"));
    world.sources.insert(0, Source::Value(0.1));
    world.want("v2");
    world.wait(60);
    assert_eq!(world.stable(), "v2");
    world.want("v1");
    world.must(Verb::Abort);
    world.migrations.dedup();
    assert_eq!(world.migrations, [up("v2"), down("v2"), up("v2")]);
    assert_eq!((world.phase(), world.pods("v1"), world.pods("v2")), (Phase::RolledBack, 0, 10));
}

/// A change that failed is asked for again, and what is known of the first try does not count.
#[test]
fn fault_15_what_failed_can_be_asked_for_again() {
    let mut world = judged(&migration(true, "none"));
    world.migrates = Some(Err("locked".to_owned()));
    world.want("v2");
    assert_eq!(world.phase(), Phase::RolledBack);
    world.migrates = Some(Ok(()));
    world.must(Verb::Retry);
    assert_eq!((world.phase(), world.pods("v2")), (Phase::Analyzing, 10));
    world.migrates = Some(Err("locked".to_owned()));
    world.must(Verb::Abort);
    assert_eq!((world.phase(), world.held()), (Phase::RollingBack, Some(Hold::OneWay)));
    world.migrates = Some(Ok(()));
    world.must(Verb::Resume);
    assert_eq!((world.phase(), world.held(), world.pods("v1")), (Phase::RolledBack, None, 10));
}

/// An overtaken version's pods serve until others do.
#[test]
fn replicas_the_overtaken_go_as_others_can_serve() {
    let mut world = judged(&json!({"maxUnavailable": 0, "analysis": {}}));
    world.want("v2");
    assert_eq!((world.pods("v1"), world.pods("v2")), (0, 10));
    world.ask_for("v3");
    world.look();
    assert!(world.pods("v2") > 0, "nobody else serves");
    world.settle();
    assert_eq!((world.pods("v1"), world.pods("v2"), world.pods("v3")), (0, 0, 10));
}

/// A third version's pod never serves, and an overtaken one's pods take the rest of the room.
#[test]
fn fault_4_pods_that_never_serve_do_not_hold_up_the_way_back() {
    let mut world = judged(&json!({"maxSurge": 1, "maxUnavailable": 0, "analysis": {}}));
    world.want("v2");
    assert_eq!((world.pods("v1"), world.pods("v2")), (0, 10));
    world.limits.insert("v3".to_owned(), 0);
    world.want("v3");
    assert_eq!((world.pods("v1"), world.pods("v2"), world.pods("v3")), (0, 10, 1));
    world.must(Verb::Abort);
    world.settle();
    assert_eq!((world.phase(), world.pods("v1"), world.pods("v2")), (Phase::RolledBack, 10, 0));
}
