//! `taskmaster drift`: what was done and is no longer so.

use super::super::cli::{project, state};
use taskmaster_testkit::{Sandbox, until};

const FOUR: &str =
    "# Shop\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n\n## Phase 2: B\n\n- [ ] Three\n- [ ] Four\n";
const TASKS: &str = "tasks:
  a/one: {check: {exec: [test, -e, one]}, run: {exec: [touch, one]}}
  a/two: {check: {shell: 'test ! -e broken || exit 7; test -e two'}, run: {exec: [touch, two]}}
  b/three: {run: {exec: [touch, three]}}
  b/four: {check: {exec: [test, -e, four]}, run: {exec: [touch, four]}}
";

fn shop() -> Sandbox {
    let sandbox = project(FOUR, TASKS);
    sandbox.run("run prd.md").code(0);
    sandbox
}

fn remove(sandbox: &Sandbox, name: &str) {
    std::fs::remove_file(sandbox.path().join(name)).unwrap();
}

/// `(id, finding)` of every task that was asked.
fn findings(sandbox: &Sandbox, code: i32) -> Vec<(String, String)> {
    let view = sandbox.run("drift -o json").code(code).json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let tasks = view["tasks"].as_array().unwrap();
    tasks.iter().map(|task| (text(&task["id"]), text(&task["finding"]))).collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(id, finding)| ((*id).to_owned(), (*finding).to_owned())).collect()
}

#[test]
fn what_is_as_it_was_done_has_not_drifted() {
    let sandbox = shop();
    assert_eq!(findings(&sandbox, 0), pairs(&[("a/one", "true"), ("a/two", "true"), ("b/four", "true")]));
    let view = sandbox.run("drift -o json").code(0).json();
    assert_eq!(view["unasked"], serde_json::json!({"without_check": 1, "changed": 0}));
    assert_eq!(view["summary"], serde_json::json!({"asked": 3, "healthy": 3, "drifted": 0, "errors": 0}));
    assert_eq!(view["next"], serde_json::Value::Null);
    let logs = sandbox.path().join(".taskmaster/logs");
    assert_eq!(std::fs::read_dir(logs).unwrap().count(), 1, "asking leaves no folder behind");
}

#[test]
fn what_is_gone_is_told_with_what_stands_behind_it_and_since_when() {
    let sandbox = shop();
    remove(&sandbox, "one");
    let first = sandbox.run("drift -o json").code(31).json();
    let one = &first["tasks"][0];
    assert_eq!((&one["id"], &one["finding"]), (&"a/one".into(), &"drifted".into()));
    assert_eq!(one["behind"], serde_json::json!(["a/two", "b/three", "b/four"]));
    assert_eq!(one["check"][0]["line"], "test -e one");
    assert_eq!(first["tasks"][1]["behind"], serde_json::json!([]), "of what is well nothing is told");
    assert_eq!(first["next"], "taskmaster run");
    let second = sandbox.run("drift -o json").code(31).json();
    assert_eq!(second["tasks"][0]["since"], one["since"], "since it was found first");
    assert_eq!(state(&sandbox, "a/one"), "completed", "drift is no state: it was done");
    let text = sandbox.run("drift").code(31).stdout;
    assert!(
        text.contains("≠ 1.1 One") && text.contains("Of 3 tasks that were asked: 1 drifted, 2 as they"),
        "{text}"
    );
    assert!(text.contains("behind it: 1.2, 2.1, 2.2") && text.contains("→ taskmaster run"), "{text}");
    let markdown = sandbox.run("drift -o markdown").code(31).stdout;
    assert!(markdown.contains("| `≠` | 1.1 One | no longer so since 20"), "{markdown}");
}

#[test]
fn a_check_that_cannot_tell_is_neither_drift_nor_health() {
    let sandbox = shop();
    sandbox.write("broken", "");
    assert_eq!(findings(&sandbox, 23), pairs(&[("a/one", "true"), ("a/two", "error"), ("b/four", "true")]));
    // It was drifted before nobody could tell: it still is.
    remove(&sandbox, "broken");
    remove(&sandbox, "two");
    sandbox.run("drift").code(31);
    sandbox.write("broken", "");
    sandbox.run("drift").code(23);
    let history = sandbox.run("drift --history -o json").code(0).json();
    assert_eq!(history["episodes"].as_array().unwrap().len(), 1);
    assert_eq!(history["episodes"][0]["end"], "open");
    let view = sandbox.run("drift -o json").code(23).json();
    assert_eq!(view["summary"], serde_json::json!({"asked": 3, "healthy": 2, "drifted": 0, "errors": 1}));
    let text = sandbox.run("drift").code(23).stdout;
    assert!(text.contains("cannot be told: exit code 7"), "{text}");
    // Where one drifts and another cannot tell, the graver one is the exit code; both are told.
    remove(&sandbox, "one");
    assert_eq!(findings(&sandbox, 23)[0].1, "drifted");
}

#[test]
fn its_history_says_when_it_began_and_how_it_ended() {
    let sandbox = shop();
    remove(&sandbox, "one");
    sandbox.run("drift").code(31);
    sandbox.write("one", "");
    sandbox.run("drift").code(0);
    remove(&sandbox, "four");
    sandbox.run("drift").code(31);
    sandbox.run("run").code(0);
    let history = sandbox.run("drift --history -o json").code(0).json();
    let ends: Vec<_> =
        history["episodes"].as_array().unwrap().iter().map(|e| (&e["id"], &e["end"])).collect();
    assert_eq!(ends, [(&"b/four".into(), &"repaired".into()), (&"a/one".into(), &"by_itself".into())]);
    let run = sandbox.run("history -o json").code(0).json()["runs"][0]["id"].clone();
    assert_eq!(history["episodes"][0]["run"], run);
    let text = sandbox.run("drift --history").code(0).stdout;
    assert!(text.contains("well again by itself") && text.contains("done again by run"), "{text}");
    sandbox.run("audit").code(0);
}

#[test]
fn an_action_that_changed_is_a_pending_change_and_no_drift() {
    let sandbox = shop();
    sandbox.write("tasks/local.yaml", TASKS.replace("[touch, one]", "[touch, one, uno]"));
    remove(&sandbox, "one");
    assert_eq!(findings(&sandbox, 0), pairs(&[("a/two", "true"), ("b/four", "true")]));
    let view = sandbox.run("drift -o json").code(0).json();
    assert_eq!(view["unasked"]["changed"], 1);
    assert!(sandbox.run("drift").code(0).stdout.contains("1 action changed since: a run does it again"));
}

#[test]
fn only_the_selected_part_is_asked() {
    let sandbox = shop();
    remove(&sandbox, "one");
    let view = sandbox.run("drift --phase B -o json").code(0).json();
    assert_eq!(view["tasks"].as_array().unwrap().len(), 1);
    sandbox.run("drift --task one").code(31);
}

#[test]
fn what_was_never_done_cannot_drift() {
    let sandbox = project(FOUR, TASKS);
    let told = sandbox.run("drift prd.md").code(0);
    assert!(told.stdout.contains("No task that was done can be asked."), "{}", told.stdout);
}

#[test]
fn nothing_is_said_about_what_a_run_moves_on_meanwhile() {
    let wait = "check: {shell: 'touch asked; while test -e hold; do sleep 0.05; done; test -e one'}";
    let tasks = TASKS.replace("check: {exec: [test, -e, one]}", wait);
    let sandbox = project(FOUR, &tasks);
    sandbox.run("run prd.md").code(0);
    for name in ["one", "asked"] {
        remove(&sandbox, name);
    }
    sandbox.write("hold", "");
    let looking = sandbox.start("drift -o json");
    until("the check is asked", 20, || sandbox.read("asked"));
    // Somebody sets it while its check is under way, which will say no.
    sandbox.run("tasks set one pending").code(0);
    remove(&sandbox, "hold");
    let view = looking.wait().code(0).json();
    assert!(view["tasks"].as_array().unwrap().iter().all(|task| task["id"] != "a/one"), "{view}");
    let history = sandbox.run("drift --history -o json").code(0).json();
    assert_eq!(history["episodes"], serde_json::json!([]));
}

#[test]
fn what_is_written_in_the_document_is_asked_only_where_that_is_allowed() {
    let prd =
        "## Phase 1: A\n\n- [ ] One\n  ```sh check\n  test -e one\n  ```\n  ```sh run\n  touch one\n  ```\n";
    let sandbox = project(prd, "tasks: {}\n");
    sandbox.run("run prd.md --allow-inline").code(0);
    remove(&sandbox, "one");
    assert_eq!(findings(&sandbox, 0), []);
    sandbox.run("drift --allow-inline").code(31);
}
