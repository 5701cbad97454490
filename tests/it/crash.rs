//! Killed at each moment at which something is made to last, just before and just after it: the next command ends
//! well, nothing finished is repeated, nothing is left over. The moments are those that the program itself passes
//! (`src/crash.rs`), so a new one is tested as soon as it is there.

use super::cli::{project, sandbox};
use super::gitops::Shop;
use super::store::first_schema;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use taskmaster_testkit::{Sandbox, until};

const PRD: &str = "# Shop\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n- [ ] Three\n";
const TASKS: &str = "tasks:
  a/one: {check: {file_exists: one}, run: {shell: 'echo one >>starts; touch one'}}
  a/two: {check: {file_exists: two}, run: {shell: 'echo two >>starts; touch two'}}
  a/three: {check: {file_exists: three}, run: {shell: 'echo three >>starts; touch three'}}
";

/// Of moments with the same name: each.
const ALL: usize = usize::MAX;

/// Kills `line` at its moments, each time in a new world, and then has it end; the names of the moments. Of those with
/// the same name `most` are taken, from the first to the last.
fn killed_everywhere<W: Sync>(
    most: usize,
    world: impl Fn() -> W + Sync,
    here: impl Fn(&W) -> &Sandbox + Sync,
    line: impl Fn(&W) -> String + Sync,
    holds: impl Fn(&W) + Sync,
) -> BTreeSet<String> {
    let lived = world();
    let log = here(&lived).path().with_file_name("moments");
    let mut whole = here(&lived).command(line(&lived).split(' '));
    let whole = whole.env("TASKMASTER_CRASH_LOG", &log).output().unwrap();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    holds(&lived);
    let log = std::fs::read_to_string(log).expect("moments are noted");
    let moments: Vec<&str> = log.lines().map(|line| line.split_once(' ').expect("a number").1).collect();
    let one = |number: usize, moment: &str| {
        let world = world();
        let mut command = here(&world).command(line(&world).split(' '));
        let killed = command.env("TASKMASTER_CRASH_AT", number.to_string()).output().unwrap();
        let is_killed = killed.status.signal() == Some(9);
        let said = String::from_utf8_lossy(&killed.stderr);
        assert!(is_killed || killed.status.success(), "{number} {moment}: {said}");
        let next = here(&world).run(&line(&world));
        assert_eq!(next.code, 0, "after {number} {moment}: {}{}", next.stdout, next.stderr);
        holds(&world);
        until("nobody is at work any more", 20, || nobody_works_in(here(&world)));
        here(&world).run("audit").code(0);
        is_killed
    };
    let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    (1..).zip(&moments).for_each(|(number, moment)| named.entry(moment).or_default().push(number));
    let spread = |(moment, numbers): (&'_ &str, &Vec<usize>)| -> Vec<(usize, String)> {
        let (last, count) = (numbers.len() - 1, numbers.len().min(most));
        let place = |at: usize| at * last / (count - 1).max(1);
        (0..count).map(|at| (numbers[place(at)], (*moment).to_owned())).collect()
    };
    let taken: Vec<(usize, String)> = named.iter().flat_map(spread).collect();
    let (one, halves) = (&one, taken.split_at(taken.len() / 2));
    let killed: usize = std::thread::scope(|scope| {
        let half =
            |half: &'_ [(usize, String)]| half.iter().filter(|(number, moment)| one(*number, moment)).count();
        let other = scope.spawn(move || half(halves.0));
        half(halves.1) + other.join().expect("every place holds")
    });
    // What happens while a command is at work may come together in one moment or in two, so the last are not always met.
    assert!(killed * 20 >= taken.len() * 19, "{killed} of {} moments were met", taken.len());
    moments.iter().map(|moment| (*moment).to_owned()).collect()
}

/// Nobody's working directory is below the project.
fn nobody_works_in(sandbox: &Sandbox) -> Option<()> {
    let root = sandbox.path().canonicalize().ok()?;
    let works = |entry: std::fs::DirEntry| {
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&root))
    };
    (!std::fs::read_dir("/proc").ok()?.filter_map(Result::ok).any(works)).then_some(())
}

fn assert_passed(moments: &BTreeSet<String>, wanted: &[&str]) {
    for what in wanted {
        for when in ["before", "after"] {
            let named = |moment: &String| moment.starts_with(when) && moment.contains(what);
            assert!(moments.iter().any(named), "{when} {what} is none of {moments:#?}");
        }
    }
}

fn each_began_once(text: Option<String>) {
    let text = text.unwrap_or_default();
    let mut starts: Vec<_> = text.lines().collect();
    starts.sort_unstable();
    assert_eq!(starts, ["one", "three", "two"]);
}

/// Whatever a rename was to bring in, under another name.
fn left_beside(sandbox: &Sandbox) -> Vec<String> {
    let names = [sandbox.path(), sandbox.path().join(".taskmaster")].into_iter().flat_map(|dir| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
    });
    names
        .filter(|name| name.contains(".new") || (name.ends_with(".taskmaster") && name != ".taskmaster"))
        .collect()
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_run_that_is_killed_anywhere_is_finished_by_the_next() {
    let holds = |sandbox: &Sandbox| {
        each_began_once(sandbox.read("starts"));
        assert_eq!(sandbox.read("prd.md").unwrap(), PRD.replace("[ ]", "[x]"));
        assert_eq!(left_beside(sandbox), Vec::<String>::new());
    };
    let line = |_: &Sandbox| "run prd.md --write-back --jobs 1 --quiet".to_owned();
    let moments = killed_everywhere(ALL, || project(PRD, TASKS), |sandbox| sandbox, line, holds);
    let wanted =
        ["create the ledger", "run.started", "attempt.started", "run.ended", "spawn", "write marks back"];
    assert_passed(&moments, &wanted);
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn outputs_that_are_lost_with_a_run_are_there_for_the_next() {
    let tasks = "tasks:
  a/one: {check: {file_exists: one}, run: {shell: 'echo one >>starts; touch one; echo \"port=7\"'}, outputs: lines}
  a/two: {check: {file_exists: two}, run: [{wait: 1ms}, {exec: [touch, two]}]}
  a/three: {check: {file_exists: port7}, run: {exec: [touch, 'port{{ outputs[\"a/one\"].port }}']}}
";
    let holds = |sandbox: &Sandbox| {
        assert!(sandbox.read("two").is_some() && sandbox.read("port7").is_some());
        // What was done and not recorded is done again, for what it printed; nothing else is.
        let starts = sandbox.read("starts").unwrap();
        assert!(["one\n", "one\none\n"].contains(&starts.as_str()), "{starts}");
    };
    let line = |_: &Sandbox| "run prd.md --jobs 1 --quiet".to_owned();
    let moments = killed_everywhere(ALL, || project(PRD, tasks), |sandbox| sandbox, line, holds);
    assert_passed(&moments, &["attempt.ended"]);
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_failed_attempt_is_tried_again_though_its_run_is_killed_anywhere() {
    let tasks = "tasks:
  a/one: {check: {file_exists: one}, run: {shell: 'echo one >>starts; touch one'}}
  a/two: {check: {file_exists: two}, retry: {attempts: 3, base_delay: 1ms}, run: {shell: 'test -e again || { touch again; exit 1; }; echo two >>starts; touch two'}}
  a/three: {check: {file_exists: three}, run: {shell: 'echo three >>starts; touch three'}}
";
    let holds = |sandbox: &Sandbox| {
        each_began_once(sandbox.read("starts"));
        assert_eq!(left_beside(sandbox), Vec::<String>::new());
    };
    let line = |_: &Sandbox| "run prd.md --jobs 1 --quiet".to_owned();
    let moments = killed_everywhere(ALL, || project(PRD, tasks), |sandbox| sandbox, line, holds);
    assert_passed(&moments, &["retry"]);
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_destroy_that_is_killed_anywhere_is_finished_by_the_next() {
    let undone = |task: &str| {
        format!(
            "  a/{task}: {{check: {{file_exists: {task}}}, run: {{exec: [touch, {task}]}}, \
             undo: {{shell: 'echo {task} >>starts; rm -f {task}'}}}}\n"
        )
    };
    let tasks = format!("tasks:\n{}", ["one", "two", "three"].map(undone).concat());
    let world = || {
        let sandbox = project(PRD, &tasks);
        sandbox.run("run prd.md --quiet").code(0);
        sandbox
    };
    let holds = |sandbox: &Sandbox| {
        for task in ["one", "two", "three"] {
            assert!(sandbox.read(task).is_none(), "{task} is gone");
        }
        each_began_once(sandbox.read("starts"));
    };
    let line = |_: &Sandbox| "destroy prd.md --yes --quiet".to_owned();
    let moments = killed_everywhere(ALL, world, |sandbox| sandbox, line, holds);
    assert_passed(&moments, &["attempt.started", "run.ended", "spawn"]);
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_parse_that_is_killed_anywhere_is_finished_by_the_next() {
    let world = || {
        let sandbox = project(PRD, TASKS);
        sandbox.run("parse prd.md").code(0);
        sandbox.write("prd.md", PRD.replace("Two", "Zwei"));
        sandbox
    };
    let holds = |sandbox: &Sandbox| {
        let known = sandbox.run("tasks list -o json").code(0).json();
        let ids: Vec<_> =
            known["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["a/one", "a/zwei", "a/three"]);
    };
    let moments = killed_everywhere(ALL, world, |sandbox| sandbox, |_| "parse prd.md".to_owned(), holds);
    assert_passed(&moments, &["document.parsed"]);
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_migration_that_is_killed_anywhere_is_finished_by_the_next_command() {
    let world = || {
        let sandbox = sandbox();
        let state = sandbox.path().join(".taskmaster");
        std::fs::create_dir(&state).unwrap();
        first_schema(&state);
        sandbox
    };
    let holds = |sandbox: &Sandbox| {
        let events = sandbox.run("audit -o json").code(0).json()["events"].clone();
        assert_eq!(events, 3);
        assert!(sandbox.path().join(".taskmaster/ledger.db.schema-1").is_file(), "the older one is kept");
    };
    let line = |_: &Sandbox| "audit".to_owned();
    let moments = killed_everywhere(ALL, world, |sandbox| sandbox, line, holds);
    assert_passed(&moments, &["back the ledger up", "migrate"]);
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_sync_that_is_killed_at_each_moment_is_finished_by_the_next() {
    let world = || {
        let shop = Shop::new();
        shop.origin.commit(&[("prd.md", PRD), ("tasks/local.yaml", TASKS)], "three tasks");
        shop
    };
    let line = |shop: &Shop| shop.line("--once --write-back --jobs 1 --quiet");
    let holds = |shop: &Shop| {
        each_began_once(shop.read("starts"));
        assert_eq!(shop.origin.read("prd.md"), PRD.replace("[ ]", "[x]"));
    };
    let moments = killed_everywhere(2, world, |shop| &shop.here, line, holds);
    assert_passed(&moments, &["make the mirror", "note the checkout", "git", "run.started", "memo"]);
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_sync_that_takes_back_what_was_removed_is_finished_by_the_next() {
    let undone = TASKS.replace("touch two'}", "touch two'}, undo: {shell: 'echo gone >>undone; rm two'}");
    let world = || {
        let shop = Shop::new();
        shop.origin.commit(&[("prd.md", PRD), ("tasks/local.yaml", &undone)], "three tasks");
        shop.here.run(&shop.line("--once --jobs 1 --quiet")).code(0);
        shop.origin.commit(&[("prd.md", &PRD.replace("- [ ] Two\n", ""))], "two goes");
        shop
    };
    let line = |shop: &Shop| shop.line("--once --prune --jobs 1 --quiet");
    let holds = |shop: &Shop| {
        each_began_once(shop.read("starts"));
        assert_eq!((shop.read("two"), shop.read("undone").as_deref()), (None, Some("gone\n")));
        assert!(shop.read("one").is_some() && shop.read("three").is_some());
    };
    let moments = killed_everywhere(1, world, |shop| &shop.here, line, holds);
    assert_passed(&moments, &["git", "attempt.started", "attempt.ended", "memo"]);
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn an_approval_that_is_killed_was_given_or_can_be_given_again() {
    let tasks = "tasks:\n  a/one: {run: {approval: Go on?}}\n  a/two: {run: {exec: [touch, two]}}\n";
    let prd = "# Shop\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n";
    for (moment, is_given) in [(1, false), (2, true)] {
        let sandbox = project(prd, tasks);
        let run = sandbox.start("run prd.md --quiet");
        let waits = || sandbox.run("tasks list --status waiting -o json").json()["tasks"][0]["id"] == "a/one";
        until("it waits", 20, || {
            sandbox.path().join(".taskmaster/ledger.db").exists().then(waits)?.then_some(())
        });
        let mut approve = sandbox.command(["approve", "a/one"]);
        let killed = approve.env("TASKMASTER_CRASH_AT", moment.to_string()).output().unwrap();
        assert_eq!(killed.status.signal(), Some(9), "{}", String::from_utf8_lossy(&killed.stderr));
        if !is_given {
            assert!(waits(), "nothing was given");
            sandbox.run("approve a/one").code(0);
        }
        run.wait().code(0);
        assert!(sandbox.read("two").is_some());
        sandbox.run("audit").code(0);
    }
}
