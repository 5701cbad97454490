//! Ledgers that cannot be used, as commands meet them; what the store itself does is in `store::files`.

use super::super::cli::{project, sandbox};
use super::super::store::first_schema;
use super::world::{PRD, TASKS, give_away, run_without_rights};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use taskmaster_testkit::{Sandbox, until};

/// A project whose ledger knows a run.
fn ran() -> Sandbox {
    let sandbox = project(PRD, TASKS);
    sandbox.run("run prd.md --quiet").code(0);
    sandbox
}

fn file(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join(".taskmaster/ledger.db")
}

/// Commands that read the ledger, and those that write it.
const READERS: [&str; 4] = ["report", "tasks list", "audit", "history"];
const WRITERS: [&str; 3] = ["run prd.md", "parse prd.md", "tasks set a/one pending"];

#[test]
fn a_newer_ledger_ends_every_command_with_41_and_stays_as_it_is() {
    let sandbox = ran();
    Connection::open(file(&sandbox)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(file(&sandbox)).unwrap();
    for line in READERS.iter().chain(&WRITERS) {
        let ended = sandbox.run(line).code(41);
        assert!(ended.stderr.contains("has schema 99, this program knows"), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("help: use the taskmaster that wrote it, or a newer one"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(std::fs::read(file(&sandbox)).unwrap(), before);
}

#[test]
fn an_older_ledger_is_migrated_once_and_a_backup_is_kept() {
    let sandbox = sandbox();
    let state = sandbox.path().join(".taskmaster");
    std::fs::create_dir(&state).unwrap();
    first_schema(&state);
    sandbox.run("audit").code(0);
    sandbox.run("audit").code(0);
    let kept: Vec<_> = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let backups = kept.iter().filter(|name| name.to_string_lossy().contains("schema-")).count();
    assert_eq!(backups, 1, "{kept:?}");
    let backup = Connection::open(state.join("ledger.db.schema-1")).unwrap();
    let version: u32 = backup.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
}

#[test]
fn a_damaged_ledger_ends_every_command_with_42_and_is_kept_and_named() {
    let whole = std::fs::read(file(&ran())).unwrap();
    let mut garbage = whole.clone();
    garbage[100..4096].fill(0xA5);
    for (kind, bytes) in [
        ("zero bytes", Vec::new()),
        ("truncated", whole[..whole.len() / 2 + 7].to_vec()),
        ("garbage at its root", garbage),
        ("something else", b"#!/bin/sh\necho no ledger\n".to_vec()),
    ] {
        let sandbox = project(PRD, TASKS);
        std::fs::create_dir(sandbox.path().join(".taskmaster")).unwrap();
        std::fs::write(file(&sandbox), &bytes).unwrap();
        for line in READERS.iter().chain(&WRITERS) {
            let ended = sandbox.run(line).code(42);
            assert!(ended.stderr.contains("ledger.db is damaged: "), "{kind}: {}", ended.stderr);
            assert!(ended.stderr.contains("help: nothing was changed; to begin"), "{kind}: {}", ended.stderr);
        }
        let told = sandbox.run("run prd.md").stderr;
        let (_, kept) = told.split_once("(a copy is kept at ").unwrap_or_else(|| panic!("{kind}: {told}"));
        let kept = kept.split(')').next().unwrap();
        assert_eq!(std::fs::read(kept).unwrap(), bytes, "{kind}");
        assert_eq!(std::fs::read(file(&sandbox)).unwrap(), bytes, "{kind}: it was written to");
        assert!(sandbox.read("starts").is_none(), "{kind}: nothing ran");
        // What the help line says works: an empty one, and checks decide.
        std::fs::remove_file(file(&sandbox)).unwrap();
        sandbox.run("run prd.md --quiet").code(0);
    }
}

/// Damage that no open can see is met where it is read: with 42 as well, and by `audit` wherever it is.
#[test]
fn garbage_in_the_middle_is_found_where_it_is_read() {
    let sandbox = ran();
    let path = file(&sandbox);
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    for page in 2..pages {
        bytes[page * 4096..(page + 1) * 4096].fill(0xA5);
    }
    std::fs::write(&path, &bytes).unwrap();
    for line in READERS.iter().chain(&WRITERS) {
        let ended = sandbox.run(line).code(42);
        assert!(ended.stderr.contains("is damaged"), "{line}: {}", ended.stderr);
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "it was written to");
}

/// SQLite's log holds checksums: what is garbage in it is not read, as after a power cut.
#[test]
fn a_log_of_garbage_is_not_read() {
    for bytes in [vec![0xA5; 40_000], b"not a log".to_vec(), Vec::new()] {
        let sandbox = ran();
        let events = |sandbox: &Sandbox| sandbox.run("audit -o json").code(0).json()["events"].as_u64();
        let before = events(&sandbox);
        std::fs::write(sandbox.path().join(".taskmaster/ledger.db-wal"), &bytes).unwrap();
        assert_eq!(events(&sandbox), before);
        sandbox.run("run prd.md --quiet").code(0);
        assert!(events(&sandbox) > before, "the next run is recorded");
    }
}

/// What a killed executor left in the log counts up to the damage, and checks tell the rest.
#[test]
fn a_log_with_garbage_in_its_middle_loses_no_more_than_what_follows() {
    let sandbox = project(PRD, TASKS);
    sandbox.write(
        "tasks/local.yaml",
        TASKS.replace("touch three'", "touch three; until test -e go; do sleep 0.01; done'"),
    );
    let running = sandbox.start("run prd.md --quiet");
    until("the last one runs", 20, || sandbox.read("three"));
    running.kill();
    let log = sandbox.path().join(".taskmaster/ledger.db-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xA5);
    std::fs::write(&log, &bytes).unwrap();
    sandbox.write("go", "");
    sandbox.run("audit").code(0);
    sandbox.run("run prd.md --quiet").code(0);
    sandbox.run("audit").code(0);
    assert_eq!(sandbox.read("starts").as_deref(), Some("one\ntwo\nthree\n"), "nothing is done twice");
}

#[test]
fn a_state_directory_that_is_only_read_is_told_and_reports_still_work() {
    let sandbox = ran();
    give_away(&sandbox);
    let state = sandbox.path().join(".taskmaster");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o555)).unwrap();
    for line in ["report", "tasks list", "history", "audit"] {
        let ended = run_without_rights(&sandbox, line).code(0);
        assert!(!ended.stdout.is_empty(), "{line}");
    }
    std::fs::set_permissions(state.join("ledger.db"), std::fs::Permissions::from_mode(0o444)).unwrap();
    std::fs::set_permissions(state.join("executor.lock"), std::fs::Permissions::from_mode(0o444)).unwrap();
    for line in WRITERS {
        let ended = run_without_rights(&sandbox, line).code(1);
        assert!(ended.stderr.contains("cannot be written to"), "{line}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("help: let this user write there, or name another place"),
            "{}",
            ended.stderr
        );
    }
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn readers_during_a_run_see_it_and_hold_nobody_up() {
    let tasks = "tasks:\n  a/one: {run: {shell: 'until test -e go; do sleep 0.01; done'}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
    let running = sandbox.start("run prd.md --quiet");
    until("it runs", 20, || {
        let list = sandbox.run("tasks list -o json");
        (list.code == 0 && list.stdout.contains("\"running\"")).then_some(())
    });
    for line in
        ["report", "report -o html", "report -o json", "tasks show a/one", "history", "audit", "logs a/one"]
    {
        sandbox.run(line).code(0);
    }
    sandbox.write("go", "");
    running.wait().code(0);
    sandbox.run("audit").code(0);
}
