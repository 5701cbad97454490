//! Estimates of `plan`, from what runs really took.

use super::project;
use serde_json::{Value, json};
use taskmaster_testkit::Sandbox;

const PRD: &str =
    "---\nordering: phases\n---\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n\n## Phase 2: B\n\n- [ ] Three\n";

/// Without checks, and as new whenever `version` changes.
fn tasks(version: &str) -> String {
    let task = |id: &str| format!("  {id}: {{run: {{exec: ['true', '{version}']}}}}\n");
    format!("tasks:\n{}{}{}", task("a/one"), task("a/two"), task("b/three"))
}

fn plan(sandbox: &Sandbox, options: &str) -> Value {
    sandbox.run(&format!("plan prd.md -o json {options}")).code(0).json()
}

/// Lets the newest attempt at each task, oldest first, have taken so long.
fn took(sandbox: &Sandbox, rows: &[(&str, u64)]) {
    let db = rusqlite::Connection::open(sandbox.path().join(".taskmaster/ledger.db")).unwrap();
    for (task, ms) in rows {
        let changed = db.execute(
            "UPDATE attempts SET duration_ms = ?2 WHERE seq = (SELECT max(a.seq) FROM attempts a
             JOIN task_states s ON s.key = a.key WHERE s.task = ?1)",
            (task, i64::try_from(*ms).unwrap()),
        );
        assert_eq!(changed.unwrap(), 1, "{task}");
    }
}

#[test]
fn a_plan_without_a_past_has_no_estimate() {
    let sandbox = project(PRD, &tasks("1"));
    let plan = plan(&sandbox, "--jobs 2");
    assert_eq!(
        plan["estimate"],
        json!({"jobs": 2, "duration_ms": null, "at_least_ms": 0, "tasks": 3, "measured": 0})
    );
    assert!(plan["tasks"].as_array().unwrap().iter().all(|task| task["expected_ms"].is_null()));
    let text = sandbox.run("plan prd.md").code(0).stdout;
    assert!(text.contains("Estimate: no estimate (3 tasks never measured)"), "{text}");
    assert_eq!(text.matches("no estimate").count(), 1, "{text}");
}

#[test]
fn the_last_successes_make_the_estimate() {
    let sandbox = project(PRD, &tasks("0"));
    // Seven runs; the medians of the last five: 3,000, 1,000 and 500.
    let ones = [9_999, 9_999, 1_000, 5_000, 3_000, 90_000, 2_000];
    for (run, one) in ones.into_iter().enumerate() {
        sandbox.write("tasks/local.yaml", tasks(&run.to_string()));
        sandbox.run("run prd.md --no-wait").code(0);
        took(&sandbox, &[("a/one", one), ("a/two", 1_000), ("b/three", 500)]);
    }
    let idle = plan(&sandbox, "");
    assert_eq!(idle["estimate"], Value::Null, "nothing would run");
    sandbox.write("tasks/local.yaml", tasks("next"));
    let expected = |plan: &Value| -> Vec<Value> {
        plan["tasks"].as_array().unwrap().iter().map(|task| task["expected_ms"].clone()).collect()
    };
    let two = plan(&sandbox, "--jobs 2");
    assert_eq!(expected(&two), [json!(3_000), json!(1_000), json!(500)]);
    let whole = json!({"jobs": 2, "duration_ms": 3_500, "at_least_ms": 3_500, "tasks": 3, "measured": 3});
    assert_eq!(two["estimate"], whole, "one beside two, then three");
    assert_eq!(two["critical_path_ms"], json!(3_500));
    assert_eq!(plan(&sandbox, "-j 1")["estimate"]["duration_ms"], json!(4_500), "one after the other");
    let text = sandbox.run("plan prd.md --jobs 2").code(0).stdout;
    assert!(text.contains("Estimate: about 3.5 s with 2 jobs") && text.contains("about 3.0 s"), "{text}");
    let dry = sandbox.run("run prd.md --dry-run --jobs 1 -o markdown").code(0).stdout;
    assert!(dry.contains("**Estimate**: about 4.5 s with 1 job"), "{dry}");

    // Another environment has a past of its own; a new task has none.
    assert_eq!(plan(&sandbox, "--env dev")["estimate"]["measured"], json!(0));
    sandbox.write("prd.md", format!("{PRD}- [ ] Four\n"));
    sandbox.write("tasks/local.yaml", format!("{}  b/four: {{run: {{exec: ['true']}}}}\n", tasks("next")));
    let partly = plan(&sandbox, "--jobs 2");
    assert_eq!(
        partly["estimate"],
        json!({"jobs": 2, "duration_ms": null, "at_least_ms": 3_500, "tasks": 4, "measured": 3})
    );
    let text = sandbox.run("plan prd.md --jobs 2").code(0).stdout;
    assert!(text.contains("Estimate: at least 3.5 s with 2 jobs (no estimate for 1 of 4 tasks)"), "{text}");
}

#[test]
fn what_failed_or_was_taken_back_does_not_count() {
    let one = "## Phase 1: A\n\n- [ ] One\n";
    let tasks =
        |code: &str| format!("tasks:\n  a/one: {{run: {{shell: 'exit {code}'}}, undo: {{shell: 'true'}}}}\n");
    let sandbox = project(one, &tasks("0"));
    sandbox.run("run prd.md --no-wait").code(0);
    took(&sandbox, &[("a/one", 4_000)]);
    sandbox.run("destroy prd.md --yes").code(0);
    took(&sandbox, &[("a/one", 7)]);
    sandbox.write("tasks/local.yaml", tasks("1"));
    sandbox.run("run prd.md --no-wait").code(20);
    took(&sandbox, &[("a/one", 8)]);
    assert_eq!(plan(&sandbox, "")["tasks"][0]["expected_ms"], json!(4_000));
}
