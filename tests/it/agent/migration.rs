//! Changes of data: made before the version that needs them, taken back before the one that does not.

use super::world::{Load, World, file, get};
use taskmaster_testkit::until;

/// Says that a replica begins, and becomes it.
const SERVE: &str = "echo \"serve $1\" >> journal; shift; exec \"$@\"\n";
/// Ends once it may.
const UP: &str = "echo up >> journal; until test -e go; do sleep 0.02; done; echo made >> journal\n";
const DOWN: &str = "echo down >> journal\n";

/// A file whose processes write into the journal; the version `stuck` never becomes ready.
fn journalled(rolling: &str) -> String {
    let text = file(&format!("{{rolling: {rolling}}}"), "replicas: 2\n");
    let serve = "  command: [sh, serve.sh, \"{version}\", ";
    let stuck =
        "  versions:\n    stuck: {command: [sh, serve.sh, \"{version}\", sleep, \"600\", \"{port}\"]}\n";
    text.replacen("  command: [", serve, 1).replace("  versions:\n", stuck)
}

/// One version in full service, and a file by which the next one changes the data.
fn changing(migration: &str) -> World {
    let rolling = "maxSurge: 0, maxUnavailable: 1";
    let world = World::of(&journalled(&format!("{{{rolling}}}")));
    world.sandbox.write("serve.sh", SERVE).write("up.sh", UP).write("down.sh", DOWN);
    world.release("v1");
    world.sandbox.write("web.yaml", journalled(&format!("{{{rolling}, migration: {{{migration}}}}}")));
    world
}

fn journal(world: &World) -> Vec<String> {
    let text = world.sandbox.read("journal").unwrap_or_default();
    text.lines().skip(2).map(str::to_owned).collect()
}

fn until_journal(world: &World, lines: &[&str]) {
    until(&lines.join(", "), 20, || (journal(world) == lines).then_some(()));
}

const BOTH: &str = "up: [sh, up.sh], down: [sh, down.sh]";

#[test]
fn data_change_before_the_first_process_and_back_before_the_old_ones() {
    let world = changing(BOTH);
    let pids = world.pids();
    world.start("v2");
    until_journal(&world, &["up"]);
    assert_eq!(world.pids(), pids, "nothing else has begun");
    assert_eq!(get(world.address(), "/").unwrap(), (200, "v1".to_owned()));
    world.sandbox.write("go", "");
    world.until_phase("completed");
    assert_eq!(journal(&world), ["up", "made", "serve v2", "serve v2"]);
    world.run("rollout undo web --wait --timeout 60s").code(0);
    assert_eq!(journal(&world)[4..], ["down", "serve v1", "serve v1"]);
    assert_eq!(get(world.address(), "/").unwrap(), (200, "v1".to_owned()));
}

#[test]
fn a_change_that_fails_gives_the_version_up_and_users_do_not_notice() {
    let world = changing(BOTH);
    world.sandbox.write("up.sh", "echo up >> journal; echo no room; exit 7\n");
    let (at, pids) = (world.address(), world.pids());
    let load = Load::on(at);
    let ended = world.run("rollout start web.yaml v2 --wait --timeout 60s -o json").code(50).json();
    assert_eq!(ended["why"], "the migration failed: exit code 7: no room");
    assert_eq!((journal(&world), world.pids()), (vec!["up".to_owned()], pids));
    world.sandbox.write("up.sh", UP).write("go", "");
    world.run("rollout retry web").code(0);
    world.until_phase("completed");
    assert_eq!(journal(&world), ["up", "up", "made", "serve v2", "serve v2"]);
    let sent = load.end();
    assert!(sent.failed.is_empty() && sent.answers > 0, "{sent:?}");
}

#[test]
fn a_version_that_is_given_up_leaves_the_data_as_they_were() {
    let world = changing(BOTH);
    world.sandbox.write("go", "");
    world.start("stuck");
    until_journal(&world, &["up", "made", "serve stuck"]);
    world.run("rollout abort web --wait --timeout 60s").code(0);
    until_journal(&world, &["up", "made", "serve stuck", "down", "serve v1"]);
    until("the old version has all its pods", 20, || (world.pids().len() == 2).then_some(()));
}

/// Each row: the file, what holds it after it was given up, and what the old version does then.
#[test]
fn a_way_back_leaves_compatible_data_alone_and_is_closed_where_nothing_takes_them_back() {
    for (migration, phase, held, more) in [
        ("up: [sh, up.sh], down: [sh, down.sh], compatible: backward", "rolled_back", None, Some("serve v1")),
        ("up: [sh, up.sh]", "analyzing", Some("one_way"), None),
    ] {
        let world = changing(migration);
        world.sandbox.write("go", "");
        world.start("stuck");
        until_journal(&world, &["up", "made", "serve stuck"]);
        world.run("rollout abort web").code(0);
        let view = match held {
            Some(by) => world.until("it is held", |view| view["held"]["by"] == by),
            None => world.until_phase(phase),
        };
        let all: Vec<&str> = ["up", "made", "serve stuck"].into_iter().chain(more).collect();
        until_journal(&world, &all);
        assert!(view["why"].as_str().unwrap().contains("a person gave it up"), "{}", view["why"]);
    }
}

/// Its end is not known to the next agent: it is waited for, and made once more.
#[test]
fn a_change_outlives_its_agent_and_never_runs_beside_itself() {
    let world = changing(BOTH);
    let pids = world.pids();
    world.start("v2");
    until_journal(&world, &["up"]);
    let agent = world.agent_pid();
    World::kill(agent);
    until("another agent", 20, || (world.agent_pid() != agent).then_some(()));
    assert_eq!((journal(&world), world.pids()), (vec!["up".to_owned()], pids));
    world.sandbox.write("go", "");
    world.until_phase("completed");
    assert_eq!(journal(&world), ["up", "made", "up", "made", "serve v2", "serve v2"]);
}
