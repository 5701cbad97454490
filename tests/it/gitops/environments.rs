//! Locks of environments.

use super::scene::{Book, Past, hour, project};
use jiff::Timestamp;
use serde_json::{Value, json};
use taskmaster::app::exit::Exit;
use taskmaster::app::ledger::LedgerError;
use taskmaster::app::plan::Request;
use taskmaster::app::run::{self, RunOptions};
use taskmaster::app::workspace::{ReadOptions, Workspace};
use taskmaster::config::{Project, Settings};
use taskmaster::exec::ports::Silent;
use taskmaster::store::Durability;
use taskmaster_core::journal::Record;
use taskmaster_testkit::{Sandbox, until};

const ONE: &str = "## Phase 1: A\n\n- [ ] One\n";
const TASKS: &str = "tasks:\n  a/one: {run: {shell: 'echo ran >> ran'}, undo: {exec: [rm, ran]}}\nenvironments: {local: {}, prod: {}, staging: {}}\n";

fn environment(sandbox: &Sandbox, name: &str) -> Value {
    let list = sandbox.run("env list -o json").code(0).json();
    let all = list["environments"].as_array().unwrap();
    all.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {list}")).clone()
}

#[test]
fn a_locked_environment_refuses_whatever_would_run_there() {
    let sandbox = project(ONE, TASKS);
    sandbox.run("run prd.md --env prod").code(0);
    sandbox.run("run prd.md --env staging").code(0);
    let lock = ["env", "lock", "prod", "--message", "accounts are\nbeing \u{1b}[31mclosed"];
    let lock = sandbox.command(lock).output().unwrap();
    assert!(lock.status.success());
    assert_eq!(String::from_utf8_lossy(&lock.stdout), "prod: locked\n");
    assert_eq!(String::from_utf8_lossy(&lock.stderr), "", "a name that is known is no doubt");
    // A newer text is not even recorded there.
    sandbox.write("prd.md", format!("{ONE}\nMore.\n"));
    let events = || sandbox.run("audit -o json").code(0).json()["events"].clone();
    let before = events();
    let commands = [
        "run prd.md --env prod",
        "destroy prd.md --env prod --yes",
        "promote-env staging prod prd.md",
        "promote-env staging prod prd.md --run --yes",
    ];
    for command in commands {
        let refused = sandbox.run(command).code(43);
        for part in [
            "the environment prod is locked by ",
            " since 20",
            "accounts are",
            "`taskmaster env unlock prod`",
        ] {
            assert!(refused.stderr.contains(part), "{command}: {part}: {}", refused.stderr);
        }
        assert!(!refused.stderr.contains('\u{1b}'), "{}", refused.stderr);
    }
    assert_eq!(sandbox.read("ran").unwrap(), "ran\nran\n", "nothing ran, nothing was taken back");
    assert_eq!(events(), before, "a refusal leaves nothing");
    let plan = sandbox.run("plan prd.md --env prod -o json").code(0).json();
    let codes: Vec<_> =
        plan["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].clone()).collect();
    assert!(codes.contains(&json!("environment-locked")), "{plan}");
    assert!(!sandbox.run("plan prd.md").code(0).stdout.contains("locked"), "the lock is of prod alone");
    sandbox.run("run prd.md --env staging").code(0);

    sandbox.run("env unlock prod").code(0);
    sandbox.run("destroy prd.md --env prod --yes").code(0);
    assert!(!sandbox.run("plan prd.md --env prod").code(0).stdout.contains("locked"));
}

#[test]
fn locks_are_events_of_the_chain_and_listed() {
    let sandbox = project(ONE, TASKS);
    sandbox.run("env lock prod --message why --until 2h").code(0);
    let row = environment(&sandbox, "prod");
    assert_eq!((&row["in_catalogue"], &row["lock"]["message"]), (&json!(true), &json!("why")));
    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let lasts = time(&row["lock"]["until"]).duration_since(time(&row["lock"]["since"]));
    assert!((7_190..=7_200).contains(&lasts.as_secs()), "{row}");
    assert_eq!(environment(&sandbox, "staging")["lock"], Value::Null);
    assert_eq!(environment(&sandbox, "local")["is_default"], true);
    let text = sandbox.run("env list").code(0).stdout;
    assert!(text.contains("locked by ") && text.contains(" until 20") && text.contains("why"), "{text}");
    assert!(sandbox.run("env list -o markdown").code(0).stdout.contains("| `prod` | locked by "));
    sandbox.run("env unlock prod").code(0);
    assert_eq!(environment(&sandbox, "prod")["lock"], Value::Null);
    assert_eq!(sandbox.run("audit -o json").code(0).json()["events"], 2);
    let export = sandbox.run("audit --export").code(0);
    let streams: Vec<_> =
        export.json_lines().iter().map(|line| line["predicate"]["stream"].clone()).collect();
    assert_eq!(streams[..2], [json!("environment/prod"), json!("environment/prod")]);
}

#[test]
fn what_cannot_be_locked_or_unlocked_is_refused() {
    let sandbox = project(ONE, TASKS);
    assert!(sandbox.run("env unlock prod").code(2).stderr.contains("the environment prod is not locked"));
    sandbox.run("env lock prod").code(0);
    let again = sandbox.run("env lock prod --message mine").code(43);
    assert!(again.stderr.contains("is locked by"), "{}", again.stderr);
    let list = environment(&sandbox, "prod");
    assert_eq!(list["lock"]["message"], Value::Null, "the first lock stays as it is");
    sandbox.run("env lock staging --until yesterday").code(2);
    assert!(sandbox.run("env lock staging --until 2020-01-01").code(2).stderr.contains("is over"));
    let empty = sandbox.command(["env", "lock", " "]).output().unwrap();
    assert_eq!(empty.status.code(), Some(2));
    let doubt = sandbox.run("env lock prd").code(0);
    assert!(doubt.stderr.contains("knows an environment `prd`; did you mean `prod`?"), "{}", doubt.stderr);
}

#[test]
fn a_lock_ends_by_itself() {
    let sandbox = project(ONE, TASKS);
    sandbox.run("run prd.md --env prod").code(0);
    let lock = sandbox.run("env lock prod --until 1s -o json").code(0).json();
    let over: Timestamp = lock["lock"]["until"].as_str().unwrap().parse().unwrap();
    until("the lock is over", 20, || (Timestamp::now() > over).then_some(()));
    assert_eq!(environment(&sandbox, "prod")["lock"], Value::Null);
    sandbox.run("env unlock prod").code(2);
    sandbox.run("run prd.md --env prod").code(0);
    sandbox.run("env lock prod").code(0);
    sandbox.run("run prd.md --env prod").code(43);
}

#[test]
fn of_two_that_lock_at_once_one_is_refused() {
    let sandbox = project(ONE, TASKS);
    sandbox.run("parse prd.md").code(0);
    for round in 0..5 {
        let racers: Vec<_> = (0..4).map(|_| sandbox.start(&format!("env lock e{round}"))).collect();
        let mut codes: Vec<i32> = racers.into_iter().map(|racer| racer.wait().code).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 43, 43, 43]);
    }
    assert_eq!(sandbox.run("audit -o json").code(0).json()["holds"], true);
}

/// Between the look of a run and its first event somebody may lock: the transaction decides.
#[test]
fn no_run_is_recorded_while_a_lock_holds() {
    let sandbox = project(ONE, TASKS);
    let mut book = Book::open(&sandbox);
    book.document("a.md", 1);
    book.run(&Past::default());
    let lock = |until| Record::EnvironmentLocked {
        environment: "prod".into(),
        by: "ann".to_owned(),
        message: None,
        until,
    };
    book.commit(hour(5), vec![lock(Some(hour(7)))]);
    let again = Record::RunEnded { run: "RUN0001".into(), exit_code: 0, counts: Default::default() };
    assert!(book.ledger.commit(vec![again], hour(5), Durability::Normal).is_err(), "it is over");
    let begin = |book: &mut Book, at| {
        let past = Past { from: at, to: None, tasks: Vec::new(), ..Past::default() };
        let started = book.started(&past);
        book.ledger.commit(vec![started], hour(at), Durability::Normal)
    };
    let refused = begin(&mut book, 6).unwrap_err();
    assert!(matches!(&refused, LedgerError::Locked { .. }), "{refused}");
    assert_eq!(refused.exit_code(), 43);
    assert!(begin(&mut book, 7).is_ok(), "from then on it counts as unlocked");
}

/// As between the question of a `destroy` and its answer.
#[test]
fn a_lock_that_comes_after_the_plan_refuses_as_one_before() {
    let sandbox = project(ONE, TASKS);
    let project = Project::find(&sandbox.path(), Settings::default(), &|_| None).unwrap();
    let workspace = Workspace { project, working_dir: sandbox.path(), known_as: None };
    let read = ReadOptions { document: Some("prd.md".into()), ..ReadOptions::default() };
    let request = Request { read, environment: Some("prod".to_owned()), ..Request::default() };
    let session = run::begin(&workspace, &request, &mut Silent).unwrap();
    sandbox.run("env lock prod --message now").code(0);
    let refused = session.execute(&RunOptions::default(), &mut Silent).unwrap_err();
    assert_eq!(refused.exit(), Exit::Locked, "{refused}");
    assert!(refused.to_string().starts_with("the environment prod is locked by"), "{refused}");
    assert_eq!(sandbox.read("ran"), None);
}

#[test]
fn the_page_tells_what_is_so() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/environments.md")).unwrap();
    let sandbox = project(ONE, TASKS);
    sandbox.run("run prd.md --env staging").code(0);
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("$ taskmaster ")).collect();
    assert_eq!(commands.len(), 6);
    for command in commands {
        let output = sandbox.command(shell_words::split(command).unwrap()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(sandbox.read("ran").unwrap(), "ran\nran\n", "promoted once");
}
