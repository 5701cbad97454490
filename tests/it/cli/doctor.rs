//! `taskmaster doctor`: what it finds, what it ends with, and that nothing changes by it.

use super::{project, sandbox};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Instant;
use taskmaster_testkit::Sandbox;

const PRD: &str = "# P\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n";
const TASKS: &str = "requires: {mytool: '>=2.1'}\ntasks:\n  a/one: {run: {exec: [mytool, apply]}}\n  a/two: {run: {exec: ['true']}}\n";

/// A tool that tells a version, or does as `rest` says.
fn with_tool(sandbox: Sandbox, rest: &str) -> Sandbox {
    sandbox.program("mytool", &format!("#!/bin/sh\n{rest}\n"))
}

/// Findings by area and subject: how they stand and what was found.
fn findings(json: &Json) -> BTreeMap<(String, String), (String, String)> {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let all = json["findings"].as_array().unwrap().iter();
    let row = |f: &Json| ((text(&f["area"]), text(&f["subject"])), (text(&f["health"]), text(&f["found"])));
    all.map(row).collect()
}

#[track_caller]
fn finding(json: &Json, area: &str, subject: &str) -> (String, String) {
    let all = findings(json);
    let key = (area.to_owned(), subject.to_owned());
    all.get(&key).unwrap_or_else(|| panic!("{key:?} is not in {all:#?}")).clone()
}

#[track_caller]
fn health(json: &Json, area: &str, subject: &str) -> String {
    finding(json, area, subject).0
}

/// Every file and folder below: its size, its times and its permissions.
fn tree(dir: &Path) -> BTreeMap<String, (u64, i64, i64, u32)> {
    let mut all = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let facts = (meta.len(), meta.mtime(), meta.mtime_nsec(), meta.permissions().mode());
            all.insert(path.display().to_string(), facts);
            if meta.is_dir() {
                open.push(path);
            }
        }
    }
    all
}

#[test]
fn a_version_that_will_do_is_ok_and_one_that_will_not_is_a_problem() {
    for (version, code, health) in [("2.10.0", 0, "ok"), ("2.0.9", 44, "problem")] {
        let sandbox = with_tool(project(PRD, TASKS), &format!("echo mytool {version}"));
        let json = sandbox.run("doctor prd.md -o json").code(code).json();
        let (stands, found) = finding(&json, "tools", "mytool");
        assert_eq!(stands, health, "{found}");
        assert!(found.contains(version), "{found}");
        let tool = json["findings"].as_array().unwrap().iter().find(|f| f["subject"] == "mytool").unwrap();
        assert_eq!(tool["tool"]["version"], version);
        assert_eq!(tool["tool"]["wanted"][0]["versions"], ">=2.1");
        assert_eq!(tool["tool"]["wanted"][0]["place"], "tasks/local.yaml:1");
        assert_eq!(tool["tool"]["tasks"], serde_json::json!(["a/one"]));
        assert_eq!(
            json["summary"]["health"],
            if code == 0 { json["summary"]["health"].clone() } else { "problem".into() }
        );
        assert_eq!(json["schema_version"], 1);
    }
}

#[test]
fn a_program_that_is_missing_is_a_problem_and_says_who_needs_it() {
    let sandbox = project(PRD, TASKS);
    let shown = sandbox.run("doctor prd.md").code(44).stdout;
    assert!(shown.contains("✗ mytool: problem: `mytool` is in none of the"), "{shown}");
    assert!(shown.contains("needed by a/one"), "{shown}");
    assert!(shown.contains("→ install mytool, or put its folder on PATH"), "{shown}");
    assert!(shown.contains("1 problem, "), "{shown}");
    sandbox.run("doctor prd.md -o markdown").code(44);
}

#[test]
fn what_when_leaves_out_for_want_of_a_program_is_a_warning() {
    let tasks =
        "tasks:\n  a/one: {when: {tool: nosuch}, run: {exec: [nosuch]}}\n  a/two: {run: {exec: ['true']}}\n";
    let json = project(PRD, tasks).run("doctor prd.md -o json").code(0).json();
    let (stands, found) = finding(&json, "tools", "nosuch");
    assert_eq!(stands, "warning");
    assert!(found.contains("a/one left out by `when`"), "{found}");
}

#[test]
fn a_tool_that_hangs_or_babbles_costs_its_time_limit_and_no_more() {
    let sandbox = with_tool(project(PRD, TASKS), "exec sleep 600");
    let began = Instant::now();
    let json = sandbox.run("doctor prd.md -o json").code(0).json();
    assert!(began.elapsed().as_secs() < 20, "took {:?}", began.elapsed());
    let (stands, found) = finding(&json, "tools", "mytool");
    assert_eq!(stands, "warning");
    assert!(found.contains("no answer within 5 s"), "{found}");
    let sandbox = with_tool(project(PRD, TASKS), "yes 3.1.4");
    let json = sandbox.run("doctor prd.md -o json").code(0).json();
    assert!(finding(&json, "tools", "mytool").1.starts_with("3.1.4 "), "{json}");
}

#[test]
fn only_programs_that_are_known_or_named_are_started() {
    let tasks = "tasks:\n  a/one: {run: {exec: [mytool, x]}}\n  a/two: {run: {exec: ['./deploy.sh']}}\n";
    let sandbox = with_tool(project(PRD, tasks), "touch started");
    sandbox.write("deploy.sh", "#!/bin/sh\ntouch started\n");
    let json = sandbox.run("doctor prd.md -o json").code(44).json();
    assert_eq!(health(&json, "tools", "mytool"), "ok");
    assert_eq!(
        finding(&json, "tools", "./deploy.sh"),
        ("problem".into(), "not executable; run by a/two".into())
    );
    assert_eq!(sandbox.read("started"), None);
}

#[test]
fn nothing_changes_wherever_it_is_asked() {
    let empty = sandbox();
    empty.run("doctor").code(0);
    empty.run("doctor --state-dir deep/er/state").code(0);
    assert!(tree(&empty.path()).is_empty(), "{:?}", tree(&empty.path()));

    let tasks = "tasks:\n  a/one: {run: {exec: ['true']}}\n  a/two: {run: {exec: ['true']}}\n";
    let sandbox = project(PRD, tasks);
    sandbox.run("run prd.md").code(0);
    let before = tree(&sandbox.path());
    assert!(before.keys().any(|path| path.ends_with("ledger.db")));
    let json = sandbox.run("doctor -o json").code(0).json();
    assert_eq!(json["document"], "prd.md", "the only one parsed");
    assert_eq!(tree(&sandbox.path()), before);
}

#[test]
fn a_ledger_that_somebody_broke_is_a_problem() {
    let tasks = "tasks:\n  a/one: {run: {exec: ['true']}}\n  a/two: {run: {exec: ['true']}}\n";
    let sandbox = project(PRD, tasks);
    sandbox.run("run prd.md").code(0);
    let json = sandbox.run("doctor -o json").code(0).json();
    let (stands, found) = finding(&json, "ledger", "ledger");
    assert_eq!(stands, "ok");
    assert!(found.ends_with("events holds"), "{found}");

    let file = sandbox.path().join(".taskmaster/ledger.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(5).rposition(|window| window == b"a/one");
    bytes[at.unwrap()] = b'b';
    std::fs::write(&file, &bytes).unwrap();
    let json = sandbox.run("doctor -o json").code(44).json();
    assert!(finding(&json, "ledger", "ledger").1.contains("chain is broken at event"), "{json}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "it is left as it is");

    std::fs::write(&file, "no database").unwrap();
    let json = sandbox.run("doctor -o json").code(44).json();
    assert!(finding(&json, "ledger", "ledger").1.contains("is not a SQLite database"), "{json}");
}

#[test]
fn settings_and_documents_with_faults_are_findings_and_hide_nothing() {
    let sandbox = project("# P\n\n## Phase 1: A\n\n- [ ] One (depends on: nosuch)\n", TASKS);
    sandbox.write("taskmaster.toml", "job = 3\n");
    sandbox.run("plan prd.md").code(2);
    let sandbox = sandbox.var("TASKMASTER_JOB", "3");
    let json = sandbox.run("doctor prd.md -o json").code(44).json();
    assert!(finding(&json, "settings", "settings").1.contains("job = 3"), "{json}");
    assert_eq!(health(&json, "settings", "TASKMASTER_JOB"), "warning");
    let (stands, found) = finding(&json, "document", "document");
    assert_eq!(stands, "problem");
    assert!(found.starts_with("1 error: prd.md:5: "), "{found}");
    for area in ["git", "state", "ledger", "agent", "clock", "terminal"] {
        assert!(findings(&json).keys().any(|(of, _)| of == area), "{area}");
    }
    let json = sandbox.run("doctor nosuch.md -o json").code(44).json();
    assert!(finding(&json, "document", "document").1.contains("nosuch.md does not exist"), "{json}");
}

#[test]
fn a_state_directory_that_others_read_is_told() {
    let sandbox = sandbox();
    sandbox.run("doctor --state-dir /proc/self/cmdline").code(44);
    let state = sandbox.path().join(".taskmaster");
    std::fs::create_dir(&state).unwrap();
    for (mode, stands) in [(0o755, "warning"), (0o700, "ok")] {
        std::fs::set_permissions(&state, PermissionsExt::from_mode(mode)).unwrap();
        let json = sandbox.run("doctor -o json").code(0).json();
        assert_eq!(health(&json, "state", "permissions"), stands, "{mode:o}");
    }
}

#[test]
fn git_is_asked_whether_it_leaves_the_state_directory_alone() {
    let sandbox = project(PRD, TASKS);
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git").args(arguments).current_dir(sandbox.path()).output();
        assert!(done.unwrap().status.success());
    };
    git(&["init", "--quiet"]);
    std::fs::create_dir(sandbox.path().join(".taskmaster")).unwrap();
    let json = sandbox.run("doctor -o json").json();
    assert_eq!(health(&json, "git", "state directory"), "warning");
    sandbox.write(".taskmaster/.gitignore", "*\n");
    let json = sandbox.run("doctor -o json").json();
    assert_eq!(health(&json, "git", "state directory"), "ok");
}
