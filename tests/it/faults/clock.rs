//! A clock that jumps forward and backward at every look. The program of the tests has such a clock
//! (`TASKMASTER_CLOCK_JUMPS`); no release has.

use super::super::cli::{project, states};
use super::world::{PRD, TASKS};
use std::time::{Duration, Instant};

/// A day forward, ten years back, an hour forward, none.
const JUMPS: &str = "86400,-315360000,3600,0";

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_run_whose_clock_jumps_both_ways_waits_as_long_as_it_should() {
    let tasks = "tasks:
  a/one: {retry: {attempts: 3, base_delay: 200ms, jitter: false}, run: {shell: 'echo one >>starts; test $(wc -l <starts) -ge 3'}}
  a/two: {run: {shell: 'echo two >>starts'}, verify: {shell: 'echo >>asked; test $(wc -l <asked) -ge 3'}, verify_interval: 100ms, verify_timeout: 20s}
  a/three: {timeout: 300ms, grace: 100ms, run: {shell: 'echo three >>starts; sleep 1000'}}
";
    let sandbox = project(PRD, tasks).var("TASKMASTER_CLOCK_JUMPS", JUMPS);
    let began = Instant::now();
    let ended = sandbox.run("run prd.md").code(20);
    let took = began.elapsed();
    // 200 ms and 400 ms until the third attempt, twice 100 ms until the third question, 300 ms until the timeout.
    assert!(took > Duration::from_millis(1_000), "{took:?}: {}", ended.stderr);
    assert!(took < Duration::from_secs(20), "{took:?}: {}", ended.stderr);
    let got: Vec<_> = states(&sandbox).into_iter().map(|(_, state)| state).collect();
    assert_eq!(got, ["completed", "completed", "failed"]);
    assert_eq!(sandbox.read("starts").as_deref(), Some("one\none\none\ntwo\nthree\n"));
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_ledger_whose_clock_jumps_stays_in_the_order_of_what_happened() {
    let sandbox = project(PRD, TASKS).var("TASKMASTER_CLOCK_JUMPS", JUMPS);
    let run = || {
        let lines = sandbox.run("run prd.md -o json").code(0).json_lines();
        let started = lines.iter().find(|line| line["record"]["kind"] == "run.started").expect("a start");
        started["record"]["run"].clone()
    };
    let runs: Vec<_> = (0..4).map(|_| run()).collect();
    let history = sandbox.run("history -o json").code(0).json();
    let listed: Vec<_> = history["runs"].as_array().unwrap().iter().map(|run| run["id"].clone()).collect();
    let newest_first: Vec<_> = runs.iter().rev().cloned().collect();
    assert_eq!(listed, newest_first);
    assert_eq!(sandbox.run("report -o json").code(0).json()["run"], runs[3], "the report is of the last run");
    assert_eq!(sandbox.read("starts").as_deref(), Some("one\ntwo\nthree\n"), "what is done is done once");
    sandbox.run("audit").code(0);
    for line in
        ["report", "report -o html", "report -o markdown", "history", "tasks show a/one", "plan prd.md"]
    {
        let shown = sandbox.run(line).code(0).stdout;
        assert!(!shown.contains("NaN") && !shown.contains("width:-"), "{line}: {shown}");
    }
}

#[test]
#[cfg_attr(
    not(feature = "crashpoints"),
    ignore = "needs --features taskmaster/crashpoints, as `make test` gives"
)]
fn a_person_s_word_counts_though_the_clock_went_back_since_the_question() {
    let tasks = "tasks:\n  a/one: {run: {approval: {message: go on?}}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks).var("TASKMASTER_CLOCK_JUMPS", JUMPS);
    let running = sandbox.start("run prd.md --quiet");
    taskmaster_testkit::until("it waits", 20, || {
        sandbox.run("tasks list -o json").stdout.contains("\"state\": \"waiting\"").then_some(())
    });
    sandbox.run("approve a/one").code(0);
    running.wait().code(0);
}
