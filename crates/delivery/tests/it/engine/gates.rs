//! Gates: what each withholds, when it is asked, and who may pass it.

#![expect(clippy::needless_pass_by_value, reason = "a table of values reads better without references")]

use super::world::{Source, World, revision, with};
use serde_json::{Value, json};
use taskmaster_delivery::engine::{
    Answer, Direction, Effect, Hold, Notice, Phase, Refusal, Routes, Said, Verb,
};

fn no() -> Answer {
    Answer::No { why: "not now".to_owned() }
}

fn nothing() -> Answer {
    Answer::Nothing { why: "nobody answers".to_owned() }
}

fn text(strategy: &Value, kinds: &[&str]) -> Value {
    let gate = |(place, kind): (usize, &&str)| json!({"name": format!("{kind}-{place}"), "kind": kind, "url": "http://127.0.0.1/gate", "interval": "10s"});
    let gates: Vec<Value> = kinds.iter().enumerate().map(gate).collect();
    json!({"name": "web", "replicas": 10, "strategy": strategy, "gates": gates})
}

/// Gates of these kinds, in this order. None of them says anything yet.
fn guarded(strategy: &Value, kinds: &[&str]) -> World {
    World::serving(with(&text(strategy, kinds)))
}

fn canary(steps: Value, kinds: &[&str]) -> World {
    guarded(&json!({"canary": {"steps": steps}}), kinds)
}

/// Gates that were told of, and what.
fn told(world: &World) -> Vec<(usize, Said)> {
    let said = |notice: &Notice| match notice {
        Notice::Gate { gate, said, .. } => Some((*gate, said.clone())),
        _ => None,
    };
    world.told.iter().filter_map(said).collect()
}

/// Questions to a gate.
fn asks(world: &World, gate: usize) -> usize {
    world.questions.iter().filter(|(asked, _)| *asked == gate).count()
}

#[test]
fn gates_confirm_rollout_nothing_begins_without_its_yes() {
    for strategy in [
        json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}),
        json!({"canary": {"traffic": "pods", "steps": [{"setWeight": 20}, {"pause": {}}]}}),
        json!({"canary": {"steps": [{"setCanaryScale": {"replicas": 1}}, {"pause": {}}]}}),
        json!({"blueGreen": {"autoPromotion": false}}),
        json!({"rolling": {"migration": {"up": ["m"]}}}),
        json!({"rolling": {}}),
    ] {
        let mut world = guarded(&strategy, &["confirm-rollout"]);
        if strategy.get("rolling").is_some() || strategy["canary"]["traffic"] == "pods" {
            world.routes = None;
        }
        world.want("v2");
        world.wait(10_000);
        assert_eq!((world.pods("v2"), world.weight("v2"), world.pods("v1")), (0, 0, 10), "{strategy}");
        assert_eq!((world.phase(), world.place()), (Phase::Initializing, 0), "{strategy}: its deadline ran");
        assert!(world.migrations.is_empty(), "{strategy}");
        assert_eq!(world.questions.len(), 1, "{strategy}: one question until it is answered");
        world.gates.insert(0, Answer::Yes);
        world.wait(60);
        assert!(world.pods("v2") > 0, "{strategy}");
    }
}

/// What is usual is not told at first: a yes of what may go on, a no of what takes back.
#[test]
fn gates_what_is_usual_is_news_after_something_else_only() {
    let steps = json!([{"setWeight": 20}, {"pause": {}}]);
    let news = Said::Nothing("nobody answers".to_owned());
    let noes = Said::No("not now".to_owned());
    for (kind, usual, said) in [("rollout", Answer::Yes, Said::Yes), ("rollback", no(), noes)] {
        let mut world = canary(steps.clone(), &[kind]);
        world.gates.insert(0, usual.clone());
        world.want("v2");
        world.wait(30);
        assert!(asks(&world, 0) > 1, "{kind}");
        assert_eq!(told(&world), [], "{kind}");
        world.gates.insert(0, nothing());
        world.wait(20);
        world.gates.insert(0, usual);
        world.wait(20);
        assert_eq!(told(&world), [(0, news.clone()), (0, said)], "{kind}");
    }
}

#[test]
fn gates_pre_rollout_is_asked_once_pods_are_there_and_before_any_request() {
    for (steps, pods, place) in [
        (json!([{"setWeight": 20}, {"pause": {}}]), 2, 0),
        (json!([{"pause": {"duration": "1s"}}, {"setWeight": 20}, {"pause": {}}]), 2, 1),
        (
            json!([
                {"setCanaryScale": {"replicas": 3}},
                {"setHeaderRoute": {"name": "h", "match": [{"header": "x", "exact": "1"}]}},
                {"pause": {}}
            ]),
            3,
            1,
        ),
        (
            json!([
                {"setHeaderRoute": {"name": "h", "match": [{"header": "x", "exact": "1"}]}},
                {"setCanaryScale": {"replicas": 3}},
                {"pause": {}}
            ]),
            3,
            1,
        ),
        (
            json!([{"setCanaryScale": {"weight": 30}}, {"setMirrorRoute": {"name": "m", "percentage": 5}}, {"pause": {}}]),
            3,
            1,
        ),
        (json!([]), 10, 0),
    ] {
        let mut world = canary(steps.clone(), &["pre-rollout"]);
        world.limits.insert("v2".to_owned(), pods - 1);
        world.want("v2");
        world.wait(2);
        assert_eq!(world.questions, [], "{steps}: a pod is missing");
        world.limits.clear();
        world.wait(100);
        assert_eq!((world.pods("v2"), world.place()), (pods, place), "{steps}");
        assert!(!world.routes.as_ref().unwrap().reaches(&revision("v2")), "{steps}: {:?}", world.routes);
        assert_eq!(asks(&world, 0), 1, "{steps}");
        world.gates.insert(0, Answer::Yes);
        world.settle();
        let is_reached = world.routes.as_ref().unwrap().reaches(&revision("v2")) || world.stable() == "v2";
        assert!(is_reached, "{steps}: {:?}", world.routes);
    }
}

/// A preview is looked at before it is asked: nobody but those who look reaches it.
#[test]
fn gates_pre_rollout_comes_after_the_preview() {
    let mut world =
        guarded(&json!({"blueGreen": {"previewReplicas": 3, "autoPromotion": false}}), &["pre-rollout"]);
    world.limits.insert("v2".to_owned(), 2);
    world.want("v2");
    assert_eq!(world.questions, [], "the preview is not there");
    world.limits.clear();
    world.settle();
    assert_eq!((world.place(), asks(&world, 0)), (1, 1));
    let routes = world.routes.clone().unwrap();
    assert_eq!((routes.preview, routes.active), (Some(revision("v2")), revision("v1")));
    assert_eq!(world.ask(Verb::Resume), Err(Refusal::NotPaused), "the pause behind the gate has not begun");
}

/// Where pods share the users, a pod is a user: none comes before the yes.
#[test]
fn gates_without_a_router_withhold_the_pods() {
    for (strategy, kind) in [
        (json!({"rolling": {}}), "pre-rollout"),
        (json!({"rolling": {}}), "confirm-promotion"),
        (json!({"rolling": {}}), "confirm-traffic-increase"),
        (json!({"canary": {"traffic": "pods", "steps": [{"setWeight": 20}, {"pause": {}}]}}), "pre-rollout"),
        (
            json!({"canary": {"traffic": "pods", "steps": [{"setWeight": 20}, {"pause": {}}]}}),
            "confirm-traffic-increase",
        ),
        (json!({"canary": {"traffic": "pods"}}), "confirm-promotion"),
    ] {
        let mut world = guarded(&strategy, &[kind]);
        world.routes = None;
        world.want("v2");
        world.wait(10_000);
        assert_eq!((world.pods("v2"), world.pods("v1")), (0, 10), "{strategy}, {kind}");
        assert_eq!(asks(&world, 0), 1, "{strategy}, {kind}");
        world.gates.insert(0, Answer::Yes);
        world.settle();
        assert!(world.pods("v2") > 0, "{strategy}, {kind}");
    }
}

/// A change of data comes before the gate that its version's pods wait for.
#[test]
fn gates_pre_rollout_comes_after_a_migration() {
    let mut world = guarded(&json!({"rolling": {"migration": {"up": ["m"]}}}), &["pre-rollout"]);
    world.routes = None;
    world.migrates = None;
    world.want("v2");
    assert_eq!(
        (world.migrations.last(), world.questions.len()),
        (Some(&("v2".to_owned(), Direction::Up)), 0)
    );
    world.ends_migration(Ok(()));
    world.settle();
    assert_eq!((asks(&world, 0), world.pods("v2")), (1, 0));
}

#[test]
fn gates_confirm_traffic_increase_is_asked_before_each_rise() {
    let steps =
        json!([{"setWeight": 10}, {"pause": {"duration": "1s"}}, {"setWeight": 50}, {"setWeight": 100}]);
    let mut world = canary(steps, &["confirm-traffic-increase"]);
    world.want("v2");
    for (number, weight, pods) in [(1, 0, 1), (2, 10, 1), (3, 50, 5)] {
        world.wait(30);
        assert_eq!((world.weight("v2"), world.pods("v2")), (weight, pods), "before rise {number}");
        assert_eq!(asks(&world, 0), number, "a yes counts for one rise");
        world.gates.insert(0, Answer::Yes);
        world.look();
        world.gates.clear();
        world.look();
        world.settle();
    }
    world.wait(30);
    assert_eq!((world.stable(), asks(&world, 0)), ("v2", 3), "after all users there is no rise");
}

/// The rise that a promotion brings is one as well, and a switch.
#[test]
fn gates_confirm_traffic_increase_guards_the_last_rise() {
    let mut world = canary(json!([{"setWeight": 50}]), &["confirm-traffic-increase"]);
    world.gates.insert(0, Answer::Yes);
    world.ask_for("v2");
    while world.weight("v2") < 50 {
        world.look();
    }
    world.gates.clear();
    world.settle();
    world.wait(100);
    assert_eq!((world.weight("v2"), world.phase(), world.place()), (50, Phase::Analyzing, 1));
    let mut world = guarded(&json!({"blueGreen": {}}), &["confirm-traffic-increase"]);
    world.want("v2");
    world.wait(100);
    assert_eq!((world.pods("v2"), world.weight("v2")), (10, 0), "all is ready but the switch");
    world.gates.insert(0, Answer::Yes);
    world.settle();
    assert_eq!(world.stable(), "v2");
}

#[test]
fn gates_confirm_promotion_guards_all_users() {
    for (strategy, weight, pods) in [
        (json!({"canary": {"steps": [{"setWeight": 50}]}}), 50, 5),
        (json!({"canary": {"steps": [{"setWeight": 50}, {"setWeight": 100}, {"pause": {}}]}}), 50, 5),
        (json!({"canary": {"dynamicStableScale": true, "steps": [{"setWeight": 50}]}}), 50, 5),
        (json!({"canary": {}}), 0, 10),
        (json!({"blueGreen": {"previewReplicas": 2}}), 0, 2),
    ] {
        let mut world = guarded(&strategy, &["confirm-promotion"]);
        world.want("v2");
        world.wait(10_000);
        assert_eq!((world.weight("v2"), world.pods("v2")), (weight, pods), "{strategy}");
        assert_eq!((world.stable(), asks(&world, 0)), ("v1", 1), "{strategy}");
        world.gates.insert(0, Answer::Yes);
        world.settle();
        assert_eq!(world.weight("v2"), 100, "{strategy}");
    }
}

#[test]
fn gates_confirm_promotion_of_an_ab_test() {
    let strategy =
        json!({"ab": {"match": [{"header": "x", "exact": "1"}], "iterations": 2, "interval": "10s"}});
    let mut text = text(&strategy, &["pre-rollout", "confirm-promotion"]);
    text["analysis"] = json!({"metrics": [{"name": "rate", "threshold": 0.1, "query": {"result": "a"}}]});
    let mut world = World::serving(with(&text));
    world.sources.insert(0, Source::Value(0.0));
    world.want("v2");
    assert_eq!((world.pods("v2"), world.headers().len(), asks(&world, 0)), (10, 0, 1));
    world.gates.insert(0, Answer::Yes);
    world.wait(100);
    assert_eq!((world.headers().len(), world.weight("v2"), asks(&world, 1)), (1, 0, 1));
    world.gates.insert(1, Answer::Yes);
    world.settle();
    assert_eq!(world.stable(), "v2");
}

/// In the order of what they guard, and of the file: one after the other.
#[test]
fn gates_of_one_door_are_asked_one_after_the_other() {
    let kinds =
        ["confirm-traffic-increase", "pre-rollout", "confirm-rollout", "confirm-promotion", "pre-rollout"];
    let mut world = canary(json!([]), &kinds);
    world.want("v2");
    for (number, gate) in [2, 1, 4, 3, 0].into_iter().enumerate() {
        let asked: Vec<usize> = world.questions.iter().map(|(gate, _)| *gate).collect();
        assert_eq!((asked.last(), asked.len()), (Some(&gate), number + 1), "{asked:?}");
        assert_eq!(world.delivery.gate_at_hand(), Some(gate));
        world.gates.insert(gate, Answer::Yes);
        world.settle();
    }
    assert_eq!(world.stable(), "v2");
}

#[test]
fn gates_a_no_is_asked_again_after_its_interval() {
    for answer in [no(), nothing()] {
        let mut world = canary(json!([{"setWeight": 20}, {"pause": {}}]), &["confirm-rollout"]);
        world.gates.insert(0, answer);
        world.want("v2");
        assert_eq!(asks(&world, 0), 1);
        world.wait(9);
        assert_eq!(asks(&world, 0), 1);
        world.wait(1);
        assert_eq!(asks(&world, 0), 2);
        world.wait(100);
        assert_eq!((asks(&world, 0), world.pods("v2")), (12, 0));
        assert_eq!(told(&world).len(), 2, "what it said before is not told again: {:?}", told(&world));
    }
}

/// Pods that a gate's question needs have their time; the gate itself has all of it.
#[test]
fn gates_the_deadline_runs_until_a_guard_is_asked() {
    let mut world = canary(json!([{"setWeight": 20}]), &["pre-rollout"]);
    world.limits.insert("v2".to_owned(), 1);
    world.want("v2");
    world.wait(601);
    assert_eq!((world.phase(), world.why()), (Phase::RolledBack, "no progress for 601 s"));
    // What is asked again and again stops no deadline.
    let mut world = canary(json!([{"setWeight": 20}]), &["rollback", "rollout"]);
    world.gates.extend([(0, no()), (1, Answer::Yes)]);
    world.limits.insert("v2".to_owned(), 1);
    world.want("v2");
    world.wait(601);
    assert_eq!((world.phase(), world.why()), (Phase::RolledBack, "no progress for 601 s"));
}

/// After the yes the time begins anew.
#[test]
fn gates_the_deadline_and_a_pause_begin_behind_the_gate() {
    let steps = json!([{"setWeight": 20}, {"pause": {"duration": "60s"}}, {"pause": {}}]);
    let mut world = canary(steps, &["pre-rollout"]);
    world.want("v2");
    world.wait(5_000);
    world.is_router_deaf = true;
    world.gates.insert(0, Answer::Yes);
    world.wait(600);
    assert_eq!((world.phase(), world.place()), (Phase::Analyzing, 0));
    world.wait(2);
    assert_eq!(world.why(), "no progress for 601 s");
    // A preview's pause is behind its gate.
    let mut world = guarded(&json!({"blueGreen": {"autoPromotionAfter": "60s"}}), &["pre-rollout"]);
    world.want("v2");
    world.wait(100);
    world.gates.insert(0, Answer::Yes);
    world.wait(59);
    assert_eq!(world.stable(), "v1");
    world.wait(2);
    assert_eq!(world.stable(), "v2");
}

/// The analysis of a move begins with the move, not with the wait for its gate.
#[test]
fn gates_an_analysis_begins_behind_the_gate() {
    let mut text = text(&json!({"blueGreen": {"prePromotionAnalysis": {}}}), &["pre-rollout"]);
    text["analysis"] = json!({"metrics": [{"name": "rate", "threshold": 0.1, "query": {"result": "a"}}]});
    let mut world = World::serving(with(&text));
    world.sources.insert(0, Source::Value(1.0));
    world.want("v2");
    world.wait(100);
    assert_eq!((world.asked.len(), world.place(), world.phase()), (0, 1, Phase::Analyzing));
    world.gates.insert(0, Answer::Yes);
    world.settle();
    assert_eq!((world.phase(), world.asked.len()), (Phase::RolledBack, 1));
}

#[test]
fn gates_a_rollback_gate_takes_it_back_by_a_yes() {
    let mut world = canary(json!([{"setWeight": 20}, {"pause": {}}]), &["rollback"]);
    world.gates.insert(0, no());
    world.want("v2");
    world.wait(100);
    assert_eq!((world.weight("v2"), world.place()), (20, 1), "a no is what it says as a rule");
    assert_eq!(told(&world), []);
    world.gates.insert(0, nothing());
    world.wait(1_000);
    assert_eq!(world.weight("v2"), 20, "no answer is no yes");
    world.must(Verb::Pause);
    world.gates.insert(0, Answer::Yes);
    world.wait(10);
    assert_eq!(
        (world.phase(), world.weight("v2")),
        (Phase::RolledBack, 0),
        "also while a person has paused it"
    );
    assert_eq!(world.why(), "the gate `rollback-0` asks for it");
    let count = asks(&world, 0);
    world.wait(100);
    assert_eq!(asks(&world, 0), count, "nobody is asked about what is over");
}

/// Also while another gate is waited for.
#[test]
fn gates_a_rollback_gate_is_asked_from_the_beginning() {
    let mut world = canary(json!([{"setWeight": 20}]), &["confirm-rollout", "rollback"]);
    world.gates.insert(1, Answer::Yes);
    world.want("v2");
    assert_eq!((world.phase(), world.pods("v2")), (Phase::RolledBack, 0));
}

#[test]
fn gates_rollout_takes_it_back_after_so_many_noes() {
    let mut text = text(&json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}), &["rollout"]);
    text["gates"][0]["threshold"] = json!(3);
    let mut world = World::serving(with(&text));
    world.limits.insert("v2".to_owned(), 1);
    world.gates.insert(0, no());
    world.want("v2");
    world.wait(100);
    assert_eq!(asks(&world, 0), 0, "no user has met it");
    world.limits.clear();
    world.settle();
    assert_eq!(asks(&world, 0), 1);
    world.wait(10);
    world.gates.insert(0, nothing());
    world.wait(100);
    world.gates.insert(0, Answer::Yes);
    world.wait(100);
    assert_eq!(world.weight("v2"), 20, "two noes are forgiven, and silence is none");
    world.gates.insert(0, no());
    world.wait(10);
    assert_eq!(
        (world.phase(), world.why()),
        (Phase::RolledBack, "the gate `rollout-0` said no 3 times: not now")
    );
}

#[test]
fn gates_pre_rollout_takes_it_back_where_the_file_says_after_how_many_noes() {
    let mut text = text(&json!({"canary": {"steps": [{"setWeight": 20}]}}), &["pre-rollout"]);
    text["gates"][0]["threshold"] = json!(2);
    let mut world = World::serving(with(&text));
    world.gates.insert(0, no());
    world.want("v2");
    assert_eq!(world.phase(), Phase::Analyzing);
    world.wait(10);
    assert_eq!(
        (world.phase(), world.why()),
        (Phase::RolledBack, "the gate `pre-rollout-0` said no 2 times: not now")
    );
}

#[test]
fn gates_post_rollout_is_asked_once_it_was_completed_and_nothing_hangs_on_it() {
    for (answer, asked) in [(Answer::Yes, 1), (no(), 1), (nothing(), 3)] {
        let mut world = canary(json!([{"setWeight": 20}, {"pause": {}}]), &["post-rollout"]);
        world.gates.insert(0, answer.clone());
        world.want("v2");
        assert_eq!(asks(&world, 0), 0);
        world.must(Verb::Promote);
        assert_eq!(world.stable(), "v2");
        world.wait(1_000);
        assert_eq!((asks(&world, 0), world.phase()), (asked, Phase::Completed), "{answer:?}");
    }
    let mut world = canary(json!([{"setWeight": 20}, {"pause": {}}]), &["post-rollout"]);
    world.want("v2");
    world.want("v1");
    world.wait(100);
    assert_eq!(world.questions, [], "what went home was not completed");
}

#[test]
fn gates_an_answer_to_another_question_does_not_count() {
    let steps = json!([{"setWeight": 10}, {"setWeight": 50}]);
    let mut world = canary(steps, &["confirm-traffic-increase"]);
    world.want("v2");
    let (_, first) = world.questions[0];
    world.says(0, "v3", first, Answer::Yes);
    assert_eq!(world.weight("v2"), 0, "about another version");
    world.says(0, "v2", first + 1, Answer::Yes);
    assert_eq!(world.weight("v2"), 0, "to a question that nobody asked");
    world.says(0, "v2", first, Answer::Yes);
    assert_eq!(world.weight("v2"), 10);
    world.says(0, "v2", first, Answer::Yes);
    assert_eq!(world.weight("v2"), 10, "it came twice, and the next rise has a question of its own");
    // Another version begins anew, and so does the same one.
    world.want("v3");
    let (_, third) = *world.questions.last().unwrap();
    assert!(third > first + 1);
    world.must(Verb::Abort);
    world.must(Verb::Retry);
    world.says(0, "v3", third, Answer::Yes);
    assert_eq!(world.weight("v3"), 0, "an answer to the rollout before");
}

#[test]
fn gates_promote_passes_the_gate_at_hand_and_no_more() {
    let steps = json!([{"pause": {}}, {"setWeight": 20}, {"pause": {}}]);
    let mut world = canary(steps, &["confirm-rollout", "confirm-rollout", "pre-rollout"]);
    world.limits.insert("v2".to_owned(), 0);
    world.want("v2");
    world.must(Verb::Promote);
    assert_eq!((world.delivery.gate_at_hand(), world.place()), (Some(1), 0));
    world.must(Verb::Promote);
    assert_eq!((world.delivery.gate_at_hand(), world.place()), (None, 0), "the pause is one thing more");
    world.must(Verb::Promote);
    assert_eq!((world.delivery.gate_at_hand(), world.place(), world.pods("v2")), (None, 1, 2));
    assert_eq!(
        world.ask(Verb::Promote),
        Err(Refusal::NotWaiting),
        "it gets its pods, and the gate was not asked"
    );
    world.limits.clear();
    world.settle();
    world.must(Verb::Promote);
    assert_eq!((world.weight("v2"), world.place()), (20, 2));
    let by_hand = told(&world).into_iter().filter(|(_, said)| *said == Said::ByHand).count();
    assert_eq!(by_hand, 3);
}

#[test]
fn gates_a_full_promotion_asks_nobody() {
    let kinds =
        ["confirm-rollout", "pre-rollout", "confirm-traffic-increase", "confirm-promotion", "rollback"];
    let mut world = canary(json!([{"setWeight": 20}, {"pause": {}}]), &kinds);
    world.gates.insert(4, no());
    world.want("v2");
    world.must(Verb::PromoteFull);
    assert_eq!((world.stable(), world.questions.len()), ("v2", 2));
}

/// A first version has nothing that it could be taken back to, and a way back is not to be stopped.
#[test]
fn gates_stop_neither_a_first_version_nor_a_way_back() {
    let kinds = ["confirm-rollout", "pre-rollout", "confirm-traffic-increase", "confirm-promotion"];
    let strategy = json!({"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}});
    let mut text = text(&strategy, &kinds);
    text["rollbackWindow"] = json!(3);
    let mut world = World::empty(
        with(&text),
        taskmaster_delivery::engine::State::new(taskmaster_delivery::time::Time(0)),
    );
    world.want("v1");
    assert_eq!((world.stable(), world.questions.len()), ("v1", 0));
    world.want("v2");
    world.must(Verb::PromoteFull);
    let count = world.questions.len();
    world.want("v1");
    assert_eq!((world.stable(), world.questions.len()), ("v1", count), "it was in service not long ago");
    world.want("v3");
    world.gates.extend((0..4).map(|gate| (gate, Answer::Yes)));
    world.settle();
    assert_eq!(world.weight("v3"), 20);
    world.gates.clear();
    world.want("v1");
    assert_eq!((world.weight("v3"), world.phase()), (0, Phase::Completed));
}

#[test]
fn gates_an_abort_works_while_one_is_waited_for() {
    for kind in ["confirm-rollout", "pre-rollout", "confirm-traffic-increase", "confirm-promotion"] {
        let mut world = canary(json!([{"setWeight": 20}]), &[kind]);
        world.want("v2");
        assert_eq!(world.delivery.gate_at_hand(), Some(0), "{kind}");
        let question = world.questions[0].1;
        world.must(Verb::Abort);
        assert_eq!((world.phase(), world.weight("v2")), (Phase::RolledBack, 0), "{kind}");
        world.says(0, "v2", question, Answer::Yes);
        world.wait(100);
        assert_eq!(
            (world.phase(), world.questions.len(), world.pods("v2")),
            (Phase::RolledBack, 1, 0),
            "{kind}"
        );
        world.must(Verb::Retry);
        assert_eq!(asks(&world, 0), 2, "{kind}: what begins again asks again");
    }
}

/// A person's pause asks nobody; an answer that comes meanwhile counts once it goes on.
#[test]
fn gates_a_pause_by_a_person_comes_first() {
    let mut world = canary(json!([{"setWeight": 20}, {"pause": {}}]), &["confirm-rollout"]);
    world.want("v2");
    let question = world.questions[0].1;
    world.must(Verb::Pause);
    world.says(0, "v2", question, no());
    world.wait(100);
    assert_eq!(asks(&world, 0), 1);
    world.must(Verb::Resume);
    assert_eq!((asks(&world, 0), world.held()), (2, None));
    let question = world.questions[1].1;
    world.must(Verb::Pause);
    world.says(0, "v2", question, Answer::Yes);
    assert_eq!((world.held(), world.place()), (Some(Hold::Person), 0));
    world.must(Verb::Promote);
    assert_eq!((world.held(), world.weight("v2")), (None, 20));
}

/// A doubt at a closed door is one thing, the analysis behind it another.
#[test]
fn gates_promoting_a_doubt_passes_no_analysis_behind_the_gate() {
    let steps = json!([{"setWeight": 20}, {"setWeight": 40}, {"pause": {}}]);
    let mut text =
        text(&json!({"canary": {"steps": steps, "analysisFromStep": 1}}), &["confirm-traffic-increase"]);
    text["analysis"] =
        json!({"metrics": [{"name": "rate", "threshold": 0.1, "interval": "10s", "query": {"result": "a"}}]});
    let mut world = World::serving(with(&text));
    world.sources.insert(0, Source::Empty);
    world.want("v2");
    assert_eq!(world.asked.len(), 0, "what is measured beside the moves begins with them");
    world.must(Verb::Promote);
    assert!(matches!(world.held(), Some(Hold::Inconclusive(_))), "{:?}", world.held());
    let place = world.place();
    world.sources.insert(0, Source::Value(0.0));
    world.must(Verb::Promote);
    assert_eq!((world.held(), world.delivery.gate_at_hand(), world.weight("v2")), (None, Some(0), 20));
    assert_eq!(world.place(), place.max(1));
}

/// Each look says the same until something changes, and another process goes on where this one stood.
#[test]
fn gates_state_survives_a_crash() {
    let kinds = ["confirm-rollout", "rollback", "confirm-traffic-increase"];
    let mut world = canary(json!([{"setWeight": 20}, {"setWeight": 50}]), &kinds);
    world.want("v2");
    let asks_of = |effects: &[Effect]| -> Vec<Effect> {
        effects.iter().filter(|effect| matches!(effect, Effect::Ask { .. })).cloned().collect()
    };
    let before = asks_of(&world.look());
    assert_eq!(before.len(), 2);
    world.restart();
    assert_eq!(asks_of(&world.look()), before, "the same questions");
    world.gates.extend([(0, Answer::Yes), (1, no())]);
    world.settle();
    world.restart();
    world.settle();
    assert_eq!((asks(&world, 0), world.delivery.gate_at_hand()), (1, Some(2)), "a yes is remembered");
    assert!(world.pods("v2") > 0);
}

/// A state that was stored before there were gates can be read.
#[test]
fn gates_need_nothing_of_an_older_state() {
    let mut world = canary(json!([{"setWeight": 20}, {"pause": {}}]), &[]);
    world.want("v2");
    let mut stored = serde_json::to_value(world.delivery.state()).unwrap();
    assert!(stored.as_object_mut().unwrap().remove("gates").is_some());
    let read: taskmaster_delivery::engine::State = serde_json::from_value(stored).unwrap();
    assert_eq!(read, *world.delivery.state());
}

/// What is lost of an overtaken version's share is no business of the next one's gate.
#[test]
fn gates_a_third_version_waits_while_the_second_leaves() {
    let mut world = canary(json!([{"setWeight": 20}, {"pause": {}}]), &["confirm-rollout"]);
    world.gates.insert(0, Answer::Yes);
    world.want("v2");
    assert_eq!(world.weight("v2"), 20);
    world.gates.clear();
    world.want("v3");
    world.wait(100);
    let expected = Routes { active: revision("v1"), ..Routes::default() };
    assert_eq!((world.routes.clone(), world.pods("v2"), world.pods("v3")), (Some(expected), 0, 0));
}

/// Long words of a gate are cut, between two letters.
#[test]
fn gates_keep_few_words() {
    let mut world = canary(json!([{"setWeight": 20}]), &["confirm-rollout"]);
    world.gates.insert(0, Answer::No { why: "ü".repeat(100_000) });
    world.want("v2");
    let [_, (0, Said::No(why))] = &told(&world)[..] else { panic!("{:?}", told(&world)) };
    assert_eq!(why.chars().count(), 501);
    assert!(serde_json::to_string(world.delivery.state()).unwrap().len() < 5_000);
}

/// A version that was given up keeps its pods for a while: what begins again must not reach them by a header before
/// its gate.
#[test]
fn gates_pre_rollout_guards_pods_of_an_earlier_try() {
    let header = json!({"setHeaderRoute": {"name": "h", "match": [{"header": "x", "exact": "1"}]}});
    let mirror = json!({"setMirrorRoute": {"name": "m", "percentage": 5}});
    let mut world = canary(json!([header, mirror, {"setWeight": 20}, {"pause": {}}]), &["pre-rollout"]);
    world.gates.insert(0, Answer::Yes);
    world.want("v2");
    assert_eq!((world.weight("v2"), world.headers()), (20, vec!["h"]));
    world.gates.clear();
    world.must(Verb::Abort);
    assert_eq!((world.pods("v2"), world.headers().len()), (2, 0));
    world.must(Verb::Retry);
    assert_eq!((world.pods("v2"), world.place(), asks(&world, 0)), (2, 2, 2));
    assert!(!world.routes.as_ref().unwrap().reaches(&revision("v2")), "{:?}", world.routes);
    world.gates.insert(0, Answer::Yes);
    world.settle();
    assert_eq!((world.weight("v2"), world.headers()), (20, vec!["h"]));
}

/// Upstream forgets to look at faults while a gate is waited for (FL#1801).
#[test]
fn fault_15_a_bad_version_is_taken_back_while_a_gate_is_waited_for() {
    let kinds = ["confirm-traffic-increase", "confirm-promotion"];
    for (steps, kind) in [(json!([{"setWeight": 20}, {"setWeight": 50}]), 0), (json!([{"setWeight": 20}]), 1)]
    {
        let mut text = text(&json!({"canary": {"steps": steps}}), &kinds[kind..=kind]);
        text["analysis"] = json!({"metrics": [{"name": "errors", "test": {"of": "errors"}}]});
        let mut world = World::serving(with(&text));
        world.want("v2");
        if kind == 0 {
            world.must(Verb::Promote);
        }
        assert_eq!((world.weight("v2"), world.delivery.gate_at_hand()), (20, Some(0)));
        world.sources.insert(0, Source::Counts { canary: (100, 50), baseline: (400, 0) });
        world.wait(30);
        assert_eq!((world.phase(), world.weight("v2")), (Phase::RolledBack, 0));
        assert!(world.why().starts_with("errors: "), "{}", world.why());
    }
}
