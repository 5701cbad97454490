//! What a person may ask, as Argo Rollouts' own verbs mean it.

use super::world::{Source, World, canary, revision, spec, with};
use serde_json::{Value, json};
use taskmaster_delivery::engine::{Hold, Observation, Phase, Pods, Refusal, Verb, Version, undo_target};

/// 20 %, a pause for a person, 50 %, a pause for a person.
fn two_pauses() -> World {
    canary(&json!({"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]}))
}

fn analysed(steps: &Value) -> World {
    let metric = json!({"name": "rate", "threshold": 0.5, "interval": "5s", "count": 3});
    World::serving(spec(&json!({"canary": {"steps": steps}}), &json!({"metrics": [metric]})))
}

#[test]
fn verbs_pause_and_resume() {
    let steps = json!({"steps": [{"setWeight": 20}, {"pause": {"duration": "10s"}}, {"setWeight": 50}, {"pause": {}}]});
    let mut world = canary(&steps);
    world.want("v2");
    world.must(Verb::Pause);
    world.wait(1_000);
    assert_eq!((world.place(), world.weight("v2"), world.held()), (1, 20, Some(Hold::Person)));
    assert_eq!(world.ask(Verb::Pause), Err(Refusal::AlreadyPaused));
    world.must(Verb::Resume);
    assert_eq!((world.place(), world.weight("v2"), world.held()), (3, 50, None));
}

/// As `catalogue.md` has it: it clears the pause of a step, too.
#[test]
fn verbs_resume_clears_the_pause_of_a_step_and_no_analysis() {
    let mut world = two_pauses();
    world.want("v2");
    world.must(Verb::Resume);
    assert_eq!(world.place(), 3);
    let mut world = analysed(&json!([{"setWeight": 20}, {"analysis": {}}]));
    world.want("v2");
    assert_eq!(world.ask(Verb::Resume), Err(Refusal::NotPaused));
}

#[test]
fn verbs_promote_lifts_a_pause_by_a_person_or_passes_a_step_never_both() {
    let mut world = two_pauses();
    world.want("v2");
    world.must(Verb::Pause);
    world.must(Verb::Promote);
    assert_eq!((world.place(), world.held()), (1, None), "the person's pause");
    world.must(Verb::Promote);
    assert_eq!((world.place(), world.weight("v2")), (3, 50), "the step's");
}

#[test]
fn verbs_promote_during_an_analysis_skips_it_alone() {
    let mut world = analysed(&json!([{"setWeight": 20}, {"analysis": {}}, {"analysis": {}}, {"pause": {}}]));
    world.want("v2");
    assert_eq!((world.place(), world.asked.contains(&0)), (1, true));
    world.must(Verb::Promote);
    assert_eq!(world.place(), 2, "the next one is not skipped with it");
    world.sources.insert(0, Source::Value(0.1));
    world.wait(11);
    assert_eq!(world.place(), 3);
}

/// Argo Rollouts keeps a TODO where two analyses follow each other.
#[test]
fn verbs_promote_after_a_doubt_begins_the_next_analysis_afresh() {
    let mut world = analysed(&json!([{"setWeight": 20}, {"analysis": {}}, {"analysis": {}}, {"pause": {}}]));
    world.sources.insert(0, Source::Empty);
    world.want("v2");
    assert!(matches!(world.held(), Some(Hold::Inconclusive(_))), "{:?}", world.held());
    world.sources.insert(0, Source::Silent);
    world.must(Verb::Promote);
    assert_eq!((world.place(), world.held(), world.phase()), (2, None, Phase::Analyzing));
    world.wait(60);
    assert_eq!((world.place(), world.held()), (2, None), "it has heard nothing yet");
    world.sources.insert(0, Source::Value(0.1));
    world.wait(15);
    assert_eq!(world.place(), 3);
}

/// The doubt or the step, never both; and what doubted goes on judging.
#[test]
fn verbs_promote_after_a_doubt_beside_the_steps_passes_no_pause() {
    let strategy = json!({"canary": {"analysisFromStep": 1, "steps": [{"setWeight": 20}, {"pause": {}}]}});
    let metric = json!({"name": "rate", "threshold": 0.5, "interval": "5s"});
    let mut world = World::serving(spec(&strategy, &json!({"metrics": [metric]})));
    world.want("v2");
    assert_eq!((world.place(), world.held()), (1, None));
    world.sources.insert(0, Source::Empty);
    world.settle();
    assert!(matches!(world.held(), Some(Hold::Inconclusive(_))), "{:?}", world.held());
    world.sources.insert(0, Source::Value(0.1));
    world.must(Verb::Promote);
    assert_eq!((world.place(), world.held()), (1, None));
    world.sources.insert(0, Source::Value(0.9));
    world.wait(6);
    assert_eq!(world.phase(), Phase::RolledBack, "a fault after it is found");
}

#[test]
fn verbs_resume_after_a_doubt_measures_again() {
    let mut world = analysed(&json!([{"setWeight": 20}, {"analysis": {}}, {"pause": {}}]));
    world.sources.insert(0, Source::Empty);
    world.want("v2");
    world.sources.insert(0, Source::Value(0.1));
    world.must(Verb::Resume);
    assert_eq!((world.place(), world.held()), (1, None));
    world.wait(11);
    assert_eq!(world.place(), 2);
}

#[test]
fn verbs_promote_full_leaves_out_steps_and_analysis_and_waits_for_all_pods() {
    let mut world = analysed(&json!([{"setWeight": 20}, {"pause": {}}, {"analysis": {}}, {"setWeight": 50}]));
    world.want("v2");
    world.limits.insert("v2".to_owned(), 9);
    world.must(Verb::Pause);
    world.must(Verb::PromoteFull);
    assert_eq!((world.held(), world.phase(), world.pods("v2")), (None, Phase::Promoting, 10));
    assert_eq!((world.stable(), world.pods("v1")), ("v1", 10), "one pod is missing");
    assert!(world.weight("v2") < 100);
    world.limits.clear();
    world.settle();
    assert_eq!((world.stable(), world.weight("v2"), world.phase()), ("v2", 100, Phase::Completed));
    assert!(world.asked.is_empty());
}

fn tested() -> World {
    let strategy = json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}});
    let analysis = json!({"metrics": [{"name": "errors", "test": {"of": "errors"}}]});
    let mut world = World::serving(spec(&strategy, &analysis));
    world.sources.insert(0, Source::Counts { canary: (20, 0), baseline: (80, 0) });
    world.want("v2");
    world.wait(5);
    world
}

/// A person knows what they do: no test takes it back any more.
#[test]
fn verbs_promote_full_is_not_judged() {
    let mut world = tested();
    world.limits.insert("v2".to_owned(), 9);
    world.must(Verb::PromoteFull);
    world.asked.clear();
    world.sources.insert(0, Source::Counts { canary: (20, 20), baseline: (80, 0) });
    world.wait(60);
    assert_eq!((world.phase(), world.asked.len()), (Phase::Promoting, 0));
}

/// Not even while users have not left it yet.
#[test]
fn verbs_what_goes_back_is_not_measured() {
    let mut world = tested();
    world.is_router_deaf = true;
    world.must(Verb::Abort);
    world.asked.clear();
    world.wait(60);
    assert_eq!((world.weight("v2"), world.asked.len()), (20, 0));
}

/// Upstream's clears an abort, too.
#[test]
fn verbs_promote_full_brings_in_what_was_aborted() {
    let mut world = two_pauses();
    world.want("v2");
    world.must(Verb::Abort);
    world.must(Verb::PromoteFull);
    assert_eq!((world.stable(), world.phase()), ("v2", Phase::Completed));
}

#[test]
fn verbs_abort_stays_and_asks_nothing_more() {
    let mut world = analysed(&json!([{"setWeight": 20}, {"analysis": {}}]));
    world.want("v2");
    world.must(Verb::Abort);
    assert_eq!((world.phase(), world.weight("v2"), world.stable()), (Phase::RolledBack, 0, "v1"));
    world.asked.clear();
    world.skip(100_000);
    assert_eq!((world.phase(), world.asked.len(), world.wanted.as_str()), (Phase::RolledBack, 0, "v2"));
}

/// Fault 4 (AR#2929): it does not begin again by itself.
#[test]
fn fault_4_what_was_aborted_is_not_tried_again_by_itself() {
    let mut world = two_pauses();
    world.want("v2");
    world.must(Verb::Abort);
    for replicas in [4, 12, 10] {
        world.replicas = Some(replicas);
        world.skip(3_600);
        world.restart();
        world.settle();
        assert_eq!((world.phase(), world.pods("v1"), world.pods("v2")), (Phase::RolledBack, replicas, 0));
    }
}

#[test]
fn verbs_retry_begins_at_the_first_step() {
    let mut world = two_pauses();
    world.want("v2");
    world.must(Verb::Promote);
    world.must(Verb::Abort);
    world.must(Verb::Retry);
    assert_eq!((world.place(), world.weight("v2"), world.phase()), (1, 20, Phase::Analyzing));
    assert_eq!(world.why(), "");
}

#[test]
fn verbs_the_stable_version_asked_for_again_needs_no_steps() {
    let mut world = two_pauses();
    world.want("v2");
    world.want("v1");
    let state = world.delivery.state();
    assert_eq!(
        (world.phase(), state.revision.clone(), world.weight("v1")),
        (Phase::Completed, revision("v1"), 100)
    );
    world.skip(31);
    assert_eq!((world.pods("v1"), world.pods("v2")), (10, 0));
    world.want("v2");
    assert_eq!((world.place(), world.weight("v2")), (1, 20), "and the other one again takes its steps");
}

#[test]
fn verbs_the_new_version_asked_for_again_on_the_way_home_begins_again() {
    let mut world = two_pauses();
    world.want("v2");
    world.must(Verb::Promote);
    world.is_router_deaf = true;
    world.want("v1");
    assert_eq!(world.phase(), Phase::RollingBack);
    world.is_router_deaf = false;
    world.want("v2");
    assert_eq!((world.place(), world.weight("v2"), world.phase()), (1, 20, Phase::Analyzing));
}

/// On the way home to a version that is asked for, nobody can bring in the other one.
#[test]
fn verbs_on_the_way_home_are_refused() {
    for verb in [Verb::Retry, Verb::PromoteFull, Verb::Promote, Verb::Abort, Verb::Pause, Verb::Resume] {
        let mut world = two_pauses();
        world.want("v2");
        world.is_router_deaf = true;
        world.want("v1");
        assert_eq!(world.ask(verb), Err(Refusal::GoesBack), "{verb:?}");
    }
}

/// Each row: a verb, and what it is answered at rest, while pods are awaited, on the way back, and taken back.
#[test]
fn verbs_that_mean_nothing_are_refused_and_change_nothing() {
    use Refusal::{AtRest, GoesBack, NotBack, NotPaused, NotWaiting};
    let table = [
        (Verb::Promote, [Some(AtRest), Some(NotWaiting), Some(GoesBack), Some(AtRest)]),
        (Verb::PromoteFull, [Some(AtRest), None, None, None]),
        (Verb::Pause, [Some(AtRest), None, Some(GoesBack), Some(AtRest)]),
        (Verb::Resume, [Some(AtRest), Some(NotPaused), Some(GoesBack), Some(AtRest)]),
        (Verb::Abort, [Some(AtRest), None, Some(GoesBack), Some(AtRest)]),
        (Verb::Retry, [Some(NotBack), Some(NotBack), None, None]),
    ];
    for (verb, row) in table {
        for (at, expected) in row.into_iter().enumerate() {
            let mut world = two_pauses();
            world.limits.insert("v2".to_owned(), 1);
            if at > 0 {
                world.want("v2");
            }
            if at > 1 {
                world.limits.clear();
                world.settle();
                world.is_router_deaf = at == 2;
                world.must(Verb::Abort);
            }
            let before = world.delivery.state().clone();
            let now = world.time();
            assert_eq!(world.delivery.ask(verb, now).err(), expected, "{verb:?} {at}");
            assert!(expected.is_none() || *world.delivery.state() == before, "{verb:?} {at}");
        }
    }
}

/// Each row: the number asked for, what is wanted now, what is found.
#[test]
fn verbs_undo_finds_the_newest_but_one_or_a_number() {
    let version = |name: &str, number| Version { revision: revision(name), number, pods: Pods::default() };
    let versions = vec![version("c", 7), version("a", 1), version("d", 9), version("b", 4)];
    for (number, wanted, found) in [
        (None, "d", Ok("c")),
        (None, "a", Ok("d")),
        (Some(4), "d", Ok("b")),
        (Some(9), "d", Ok("d")),
        (Some(5), "d", Err(Refusal::NoVersion)),
    ] {
        let seen =
            Observation { wanted: revision(wanted), versions: versions.clone(), ..Observation::default() };
        assert_eq!(undo_target(&seen, number), found.map(revision), "{number:?} {wanted}");
    }
    assert_eq!(undo_target(&Observation::default(), None), Err(Refusal::NoVersion));
}

/// Each row: the window, versions between the stable one and the one that is gone back to, without steps or not.
#[test]
fn verbs_a_way_back_within_the_window_takes_no_steps() {
    for (window, between, is_direct) in
        [(0, 0, false), (1, 0, true), (1, 1, false), (2, 1, true), (2, 2, false), (3, 2, true)]
    {
        let mut world = World::serving(with(&json!({
            "name": "web", "replicas": 10, "rollbackWindow": window,
            "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}
        })));
        for number in 2..(3 + between) {
            world.want(&format!("v{number}"));
            world.must(Verb::PromoteFull);
        }
        world.want("v1");
        let expected = if is_direct { ("v1", 100) } else { (world.stable(), 20) };
        assert_eq!((world.stable(), world.weight("v1")), expected, "{window} {between}");
    }
}

/// What comes after the stable version is no way back, however near.
#[test]
fn verbs_the_window_is_for_older_versions_alone() {
    let mut world = World::serving(with(&json!({
        "name": "web", "replicas": 10, "rollbackWindow": 5,
        "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}
    })));
    world.want("v2");
    assert_eq!((world.stable(), world.weight("v2")), ("v1", 20));
    world.must(Verb::Abort);
    world.want("v3");
    world.want("v2");
    assert_eq!((world.stable(), world.weight("v2")), ("v1", 20));
}
