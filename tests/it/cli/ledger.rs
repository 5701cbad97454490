//! `audit` and `history`.

use super::project;

const ONE: &str = "## Phase 1: A\n\n- [ ] One\n";
const TASKS: &str = "tasks:\n  a/one: {run: {exec: ['true']}}\n";

#[test]
fn an_audit_names_the_first_broken_link() {
    let sandbox = project(ONE, TASKS);
    sandbox.run("run prd.md").code(0);
    let whole = sandbox.run("audit -o json").code(0).json();
    assert_eq!(whole["holds"], true);
    let head = sandbox.run("audit --head").code(0).stdout;
    assert_eq!(head.trim(), whole["head"].as_str().expect("a head"));

    let ledger = sandbox.path().join(".taskmaster/ledger.db");
    let changed = {
        let db = rusqlite::Connection::open(&ledger).unwrap();
        db.execute_batch("DROP TRIGGER events_are_not_changed").unwrap();
        db.execute("UPDATE events SET json = replace(json, 'a/one', 'a/onE') WHERE seq = 3", []).unwrap()
    };
    assert_eq!(changed, 1);
    let broken = sandbox.run("audit -o json").code(42).json();
    assert_eq!((&broken["holds"], &broken["broken"]["seq"]), (&false.into(), &3.into()), "{broken}");
}

#[test]
fn history_lists_runs_newest_first() {
    let sandbox = project(ONE, TASKS);
    sandbox.run("run prd.md").code(0);
    sandbox.run("run prd.md").code(0);
    let history = sandbox.run("history -o json").code(0).json();
    let plans: Vec<_> =
        history["runs"].as_array().expect("runs").iter().map(|run| run["plan"].clone()).collect();
    assert_eq!(plans, [2, 1]);
    let touched = sandbox.run("history --task one -o json").code(0).json();
    assert_eq!(touched["runs"].as_array().expect("runs").len(), 1, "only the first run had to run it");
}
