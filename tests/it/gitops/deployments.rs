//! `report --since`: what was deployed, and what it comes to.

use super::scene::{Book, Past, failed, project, state_dir};
use serde_json::{Value, json};
use taskmaster_core::state::TaskState;
use taskmaster_testkit::Sandbox;

const TWO: &str = "## Phase 1: A\n\n- [ ] One\n- [ ] Two\n";

/// Since the first day of 2020.
fn report(sandbox: &Sandbox, more: &str) -> Value {
    sandbox.run(&format!("report --since 2020-01-01 -o json {more}")).code(0).json()
}

fn empty() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_taskmaster"))
}

fn of<'v>(view: &'v Value, environment: &str) -> &'v Value {
    let all = view["environments"].as_array().expect("environments");
    all.iter().find(|of| of["environment"] == environment).unwrap_or_else(|| panic!("{environment}: {view}"))
}

fn texts(rows: &Value, field: &str) -> Vec<String> {
    rows.as_array().expect("rows").iter().map(|row| row[field].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn runs_of_the_program_are_told_by_what_they_did() {
    let tasks = "tasks:\n  a/one: {run: {shell: 'echo one >> one'}, undo: {exec: [rm, one]}}\n  a/two: {run: {shell: 'test -e ready'}}\n";
    let sandbox = project(TWO, tasks);
    sandbox.run("run prd.md").code(20);
    sandbox.write("ready", "");
    sandbox.run("run prd.md").code(0);
    sandbox.run("run prd.md").code(0);
    sandbox.run("destroy prd.md --yes").code(0);
    let view = sandbox.run("report --since 1d -o json").code(0).json();
    assert_eq!((&view["view"], &view["schema_version"]), (&json!("deployments"), &json!(1)));
    let local = of(&view, "local");
    assert_eq!(texts(&local["deployments"], "result"), ["succeeded", "failed"], "newest first: {local}");
    assert_eq!(texts(&local["removals"], "did"), ["removed"]);
    assert_eq!(local["idle_runs"], 1);
    assert_eq!(local["deployments"][0]["commit"], Value::Null);
    let tasks = local["tasks"].as_array().unwrap();
    let told: Vec<_> =
        tasks.iter().map(|t| (t["title"].as_str().unwrap(), texts(&t["deployments"], "result"))).collect();
    let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(told, [("One", words(&["succeeded"])), ("Two", words(&["succeeded", "failed"]))]);
    let figures = &local["figures"];
    assert_eq!((&figures["deployments"], &figures["change_failure_rate"]), (&json!(2), &json!(0.5)));
    assert_eq!(figures["time_to_restore"]["count"], 1);
    assert_eq!(figures["lead_time"], Value::Null, "no run names a commit");
    assert_eq!(figures["per_day"], Value::Null, "the ledger is younger than a day");
    assert!(view["window"]["from"].as_str() > view["since"].as_str(), "{view}");
    assert_eq!(view["summary"], json!({"environments": 1, "deployments": 2, "removals": 1, "idle_runs": 1}));
}

/// Hours by hand: one good, one failed and mended, one of another document, one in another environment.
fn past() -> Sandbox {
    let sandbox = empty();
    let mut book = Book::open(&sandbox);
    book.document("a.md", 2);
    book.document("b.md", 1);
    let both = || vec![(0, TaskState::Completed), (1, TaskState::Completed)];
    book.run(&Past {
        from: 10,
        to: Some(12),
        commit: Some(("c0ffee0123456789", 6)),
        tasks: both(),
        ..Past::default()
    });
    book.run(&Past {
        from: 20,
        to: Some(21),
        commit: Some(("bad", 18)),
        exit_code: 20,
        tasks: vec![(1, failed())],
        ..Past::default()
    });
    book.run(&Past { from: 22, to: Some(24), commit: Some(("good", 22)), ..Past::default() });
    // The same commit once more: repairs, brings nothing.
    book.run(&Past { from: 30, to: Some(31), commit: Some(("good", 22)), ..Past::default() });
    book.run(&Past {
        document: "b.md",
        from: 40,
        to: Some(41),
        exit_code: 22,
        tasks: vec![(0, TaskState::Pending)],
        ..Past::default()
    });
    book.run(&Past { environment: "staging", from: 50, to: Some(51), tasks: Vec::new(), ..Past::default() });
    book.run(&Past { environment: "staging", from: 60, to: None, ..Past::default() });
    sandbox
}

#[test]
fn figures_are_those_calculated_by_hand() {
    let view = report(&past(), "");
    assert_eq!(view["documents"], json!(["a.md", "b.md"]));
    let figures = &of(&view, "prod")["figures"];
    let counts = ["deployments", "succeeded", "failed", "interrupted", "unknown", "running"]
        .map(|name| figures[name].as_u64().unwrap());
    assert_eq!(counts, [5, 3, 1, 1, 0, 0]);
    assert_eq!(figures["change_failure_rate"], json!(0.2), "one of five");
    // From hour 6 to 12 and from hour 22 to 24.
    let hours = |value: &Value| value.as_f64().unwrap() / 3_600_000.0;
    let lead_time = &figures["lead_time"];
    assert_eq!((lead_time["count"].as_u64(), hours(&lead_time["median_ms"])), (Some(2), 4.0));
    assert!((hours(&lead_time["p90_ms"]) - 5.6).abs() < 1e-9);
    // From hour 21 to hour 24.
    let restore = &figures["time_to_restore"];
    assert_eq!((restore["count"].as_u64(), hours(&restore["median_ms"])), (Some(1), 3.0));
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let looked_at = time(&view["window"]["to"]).duration_since(time(&view["window"]["from"]));
    let per_day = 3.0 / (looked_at.as_secs_f64() / 86_400.0);
    assert!((figures["per_day"].as_f64().unwrap() - per_day).abs() < 1e-9, "{figures}");

    let staging = of(&view, "staging");
    assert_eq!(
        texts(&staging["deployments"], "result"),
        ["unknown"],
        "its executor died, and nobody looked yet"
    );
    assert_eq!(staging["idle_runs"], 1);
    assert_eq!(staging["figures"]["lead_time"], Value::Null);
}

#[test]
fn each_task_tells_every_time_it_was_deployed() {
    let view = report(&past(), "--env prod");
    assert_eq!(view["environments"].as_array().unwrap().len(), 1);
    let tasks = of(&view, "prod")["tasks"].as_array().unwrap();
    let names: Vec<_> =
        tasks.iter().map(|t| (t["document"].as_str().unwrap(), t["title"].as_str().unwrap())).collect();
    assert_eq!(names, [("a.md", "Task 0"), ("a.md", "Task 1"), ("b.md", "Task 0")]);
    assert_eq!(texts(&tasks[0]["deployments"], "commit"), ["good", "good", "c0ffee0123456789"]);
    assert_eq!(texts(&tasks[1]["deployments"], "result"), ["failed", "succeeded"]);
    let first = &tasks[1]["deployments"][1];
    assert_eq!(first["run"], "RUN0001");
    assert_eq!(
        (&first["revision"], &first["duration_ms"], &first["attempts"]),
        (&json!(1), &json!(60_000), &json!(1))
    );
    assert_eq!(
        (&first["started"], &first["ended"]),
        (&json!("2020-01-01T10:00:00Z"), &json!("2020-01-01T10:01:00Z"))
    );
    assert_eq!(tasks[2]["deployments"][0]["result"], "interrupted");
    let rows = of(&view, "prod")["deployments"].as_array().unwrap();
    let lead_times: Vec<_> =
        rows.iter().map(|row| row["lead_time_ms"].as_u64().map(|ms| ms / 3_600_000)).collect();
    assert_eq!(lead_times, [None, None, Some(2), None, Some(6)], "newest first");
}

#[test]
fn a_time_and_a_document_narrow_it() {
    let sandbox = past();
    let later = sandbox.run("report --since 2020-01-01T21:00 -o json").code(0).json();
    let prod = of(&later, "prod");
    assert_eq!(texts(&prod["deployments"], "run"), ["RUN0005", "RUN0004", "RUN0003"]);
    assert_eq!(prod["figures"]["time_to_restore"], Value::Null, "the failure was before");
    assert_eq!(prod["figures"]["lead_time"]["count"], 1);
    sandbox.write("b.md", "## Phase 1: P\n\n- [ ] Task 0\n");
    let one = report(&sandbox, "b.md");
    assert_eq!(one["documents"], json!(["b.md"]));
    let none = sandbox.run("report --since 1h -o json").code(0).json();
    assert_eq!((&none["environments"], &none["documents"]), (&json!([]), &json!([])));
    assert!(sandbox.run("report --since 1h").code(0).stdout.contains("no run in this time"));
    sandbox.run("report --since never").code(2);
    sandbox.run("report --since 7d --run X").code(2);
    let fresh = empty();
    assert_eq!(report(&fresh, "")["environments"], json!([]), "without a ledger there is none");
    assert!(!state_dir(&fresh).exists(), "looking makes nothing");
}

/// A plan has hundreds of kilobytes: thousands of them must not be read for a list.
#[test]
fn no_plan_is_read() {
    let sandbox = past();
    let before = report(&sandbox, "");
    let damaged = {
        let db = rusqlite::Connection::open(state_dir(&sandbox).join("ledger.db")).unwrap();
        db.execute_batch("DROP TRIGGER events_are_not_changed").unwrap();
        db.execute("UPDATE events SET json = 'no JSON' WHERE kind = 'run.started'", []).unwrap()
    };
    assert_eq!(damaged, 7);
    let after = report(&sandbox, "");
    assert_eq!(after["environments"][0]["deployments"], before["environments"][0]["deployments"]);
    assert_eq!(after["environments"][0]["tasks"], before["environments"][0]["tasks"]);
}

#[test]
fn the_faces_tell_the_same() {
    let sandbox = past();
    let text = sandbox.run("report --since 2020-01-01").code(0).stdout;
    for part in [
        "prod",
        "5 deployments",
        "20.0 % (1 of 5)",
        "median 4 h 00 min",
        "commit c0ffee012345 ",
        "commit none",
        "Task 1",
        "unknown",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let markdown = sandbox.run("report --since 2020-01-01 -o markdown").code(0).stdout;
    assert!(markdown.contains("| Change failure rate | 20.0 % (1 of 5) |"), "{markdown}");
    assert!(markdown.contains("`c0ffee012345`"), "{markdown}");
    let page = sandbox.run("report --since 2020-01-01 -o html").code(0).stdout;
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("20.0 % (1 of 5)"), "{page}");
    assert!(page.contains("script-src 'none'") && !page.contains("<script"), "it needs no script");
    sandbox.run("report --since 2020-01-01 -o html --to out/page.html").code(0);
    assert!(sandbox.read("out/page.html").unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn history_shows_the_commit_of_a_run() {
    let sandbox = empty();
    let mut book = Book::open(&sandbox);
    book.document("a.md", 2);
    book.run(&Past { environment: "local", commit: Some(("c0ffee0123456789", 0)), ..Past::default() });
    book.run(&Past {
        environment: "local",
        from: 2,
        to: Some(3),
        tasks: vec![(1, TaskState::Completed)],
        ..Past::default()
    });
    sandbox.write("a.md", "## Phase 1: P\n\n- [ ] Task 0 {#t0}\n- [ ] Task 1 {#t1}\n");
    let view = sandbox.run("history -o json").code(0).json();
    let commits: Vec<_> = view["runs"].as_array().unwrap().iter().map(|run| run["commit"].clone()).collect();
    assert_eq!(commits, [Value::Null, json!("c0ffee0123456789")]);
    let text = sandbox.run("history").code(0).stdout;
    assert!(text.contains("commit c0ffee012345 ") && !text.contains("commit_time"), "{text}");
    assert!(sandbox.run("history -o markdown").code(0).stdout.contains("| `c0ffee012345` |"));
    let touched = sandbox.run("history --task t1 -o json").code(0).json();
    assert_eq!(texts(&touched["runs"], "id"), ["RUN0002"]);
}
