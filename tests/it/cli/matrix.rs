//! Tasks that are done once for each of several values, by the real program.

use super::{project, states};
use serde_json::{Value, json};
use taskmaster_testkit::Sandbox;

const PRD: &str = "## Phase 1: Ship\n\n- [ ] Build\n- [ ] Deploy\n- [ ] Tell\n";
const TASKS: &str = "tasks:
  ship/build: {run: {exec: [touch, built]}}
  ship/deploy:
    matrix: {region: [eu, us], channel: [stable, beta]}
    check: {exec: [test, -e, '{{ matrix.region }}-{{ matrix.channel }}']}
    run: {shell: {script: 'test -e built; echo \"$REGION\" >>log; test ! -e no-$REGION; touch \"$REGION-$CHANNEL\"', env: {REGION: '{{ matrix.region }}', CHANNEL: '{{ matrix.channel }}'}}}
    undo: {exec: [rm, -f, '{{ matrix.region }}-{{ matrix.channel }}']}
  ship/tell: {run: {exec: [touch, told]}}
";

fn is_there(sandbox: &Sandbox, names: &[&str]) -> Vec<bool> {
    names.iter().map(|name| sandbox.path().join(name).exists()).collect()
}

fn has(states: &[(String, String)], id: &str) -> String {
    states.iter().find(|(known, _)| known == id).map_or("no such task".to_owned(), |(_, state)| state.clone())
}

const CELLS: [&str; 4] = ["eu-stable", "eu-beta", "us-stable", "us-beta"];

#[test]
fn every_cell_is_done_before_whatever_waits_for_the_task() {
    let sandbox = project(PRD, TASKS);
    let plan = sandbox.run("plan prd.md -o json").code(0).json();
    let ids: Vec<&str> =
        plan["tasks"].as_array().unwrap().iter().map(|t| t["id"].as_str().unwrap()).collect();
    let expected = [
        "ship/build",
        "ship/deploy",
        "ship/deploy/eu/stable",
        "ship/deploy/eu/beta",
        "ship/deploy/us/stable",
        "ship/deploy/us/beta",
        "ship/tell",
    ];
    assert_eq!(ids, expected);
    sandbox.run("run prd.md --write-back --no-wait").code(0);
    assert_eq!(is_there(&sandbox, &CELLS), [true; 4]);
    assert!(states(&sandbox).iter().all(|(_, state)| state == "completed"), "{:?}", states(&sandbox));
    let marked = sandbox.read("prd.md").unwrap();
    assert_eq!(marked.matches("- [x]").count(), 3, "cells have no marks: {marked}");

    let report = sandbox.run("report").code(0).stdout;
    assert_eq!(report.matches("marked done").count(), 3, "{report}");
    assert_eq!(report.matches("marked open").count(), 0, "{report}");

    // What was done stays done, and one that is not is found alone.
    std::fs::remove_file(sandbox.path().join("us-beta")).unwrap();
    sandbox.run("run prd.md --no-wait").code(0);
    assert_eq!(is_there(&sandbox, &CELLS), [true; 4]);
    let log = sandbox.read("log").unwrap();
    assert_eq!(log.lines().filter(|line| *line == "us").count(), 3, "{log}");
    assert_eq!(log.lines().filter(|line| *line == "eu").count(), 2, "{log}");
    let audit = sandbox.run("audit").code(0).stdout;
    assert!(audit.contains("whole") || audit.contains("intact") || !audit.is_empty(), "{audit}");
}

#[test]
fn a_cell_that_fails_holds_up_what_waits_and_nothing_else() {
    let sandbox = project(PRD, TASKS);
    sandbox.write("no-us", "");
    sandbox.run("run prd.md --no-wait --keep-going").code(20);
    let now = states(&sandbox);
    assert_eq!(
        (has(&now, "ship/deploy/eu/beta").as_str(), has(&now, "ship/deploy/us/beta").as_str()),
        ("completed", "failed")
    );
    assert_eq!(has(&now, "ship/tell"), "blocked");
    assert_ne!(has(&now, "ship/deploy"), "completed");
    let report = sandbox.run("report -o json").code(0).json();
    let failed = report["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["id"] == "ship/deploy/us/beta")
        .unwrap()
        .clone();
    assert_eq!((&failed["parent"], &failed["title"]), (&json!("ship/deploy"), &json!("Deploy (us, beta)")));
    let log = sandbox.run("logs ship/deploy/us/beta").code(0);
    assert_eq!(log.stderr.matches("no such").count(), 0, "{log:?}");

    std::fs::remove_file(sandbox.path().join("no-us")).unwrap();
    sandbox.run("run prd.md --no-wait").code(0);
    assert_eq!(
        sandbox.read("log").unwrap().lines().filter(|line| *line == "eu").count(),
        2,
        "those were done"
    );
    assert!(states(&sandbox).iter().all(|(_, state)| state == "completed" || state == "satisfied"));
}

#[test]
fn one_cell_or_all_of_them_can_be_asked_for() {
    let sandbox = project(PRD, TASKS);
    sandbox.run("run prd.md --no-wait --task ship/build").code(0);
    sandbox.run("run prd.md --no-wait --task ship/deploy/us/beta").code(0);
    assert_eq!(is_there(&sandbox, &CELLS), [false, false, false, true]);
    sandbox.run("run prd.md --no-wait --task Deploy").code(0);
    assert_eq!(is_there(&sandbox, &CELLS), [true; 4]);
    assert_eq!(is_there(&sandbox, &["told"]), [false]);
    let shown = sandbox.run("tasks show ship/deploy/eu/stable -o json").code(0).json();
    assert_eq!(shown["task"]["title"], json!("Deploy (eu, stable)"));
    sandbox.run("tasks set ship/deploy/eu/stable pending --message again").code(0);
    assert_eq!(has(&states(&sandbox), "ship/deploy/eu/stable"), "pending");
    let near = sandbox.run("run prd.md --no-wait --task ship/deploy/us/bet").code(2).stderr;
    assert!(near.contains("ship/deploy/us/beta"), "{near}");
}

#[test]
fn each_cell_is_taken_back() {
    let sandbox = project(PRD, TASKS);
    sandbox.run("run prd.md --no-wait").code(0);
    sandbox.run("destroy prd.md --yes --task ship/deploy/us/beta").code(0);
    assert_eq!(is_there(&sandbox, &CELLS), [true, true, true, false]);
    sandbox.run("destroy prd.md --yes").code(0);
    assert_eq!(is_there(&sandbox, &CELLS), [false; 4]);
}

#[test]
fn a_variable_names_the_values_and_reports_see_what_the_run_saw() {
    let tasks = TASKS.replace("region: [eu, us]", "region: '{{ vars.regions }}'");
    let sandbox = project(PRD, &format!("vars: {{regions: [eu]}}\n{tasks}"));
    sandbox.run("run prd.md --no-wait --var regions=us,ap").code(0);
    assert_eq!(is_there(&sandbox, &["us-beta", "ap-beta", "eu-beta"]), [true, true, false]);
    let report = sandbox.run("report -o json").code(0).json();
    let ids: Vec<&Value> = report["tasks"].as_array().unwrap().iter().map(|task| &task["id"]).collect();
    assert!(ids.contains(&&json!("ship/deploy/ap/stable")), "{ids:?}");
}

#[test]
fn a_mark_claims_every_cell_that_nothing_can_ask() {
    let tasks =
        TASKS.replace("    check: {exec: [test, -e, '{{ matrix.region }}-{{ matrix.channel }}']}\n", "");
    let sandbox = project(&PRD.replace("- [ ] Deploy", "- [x] Deploy"), &tasks);
    sandbox.run("run prd.md --no-wait").code(0);
    assert_eq!(is_there(&sandbox, &CELLS), [false; 4]);
    let now = states(&sandbox);
    assert_eq!(
        (has(&now, "ship/deploy/us/beta").as_str(), has(&now, "ship/tell").as_str()),
        ("claimed", "completed")
    );
}

#[test]
fn a_change_of_the_values_is_told_before_it_is_merged() {
    let sandbox = project(PRD, TASKS);
    for line in ["init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm one"] {
        let mut git = std::process::Command::new("/usr/bin/git");
        assert!(git.args(line.split(' ')).current_dir(sandbox.path()).status().unwrap().success());
    }
    sandbox.write("tasks/local.yaml", TASKS.replace("[eu, us]", "[eu, ap]"));
    let told = sandbox.run("plan prd.md --against git:HEAD").code(0).stdout;
    assert!(told.contains("Deploy (ap, stable)") && told.contains("Deploy (us, stable)"), "{told}");
}

#[test]
fn a_matrix_without_cells_ends_a_plan_with_its_place() {
    let sandbox = project(PRD, &TASKS.replace("[eu, us]", "[]"));
    let told = sandbox.run("plan prd.md").code(12).stderr;
    assert!(told.contains("tasks/local.yaml:4") && told.contains("no cell is left"), "{told}");
}
