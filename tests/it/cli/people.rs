//! People in a run: approvals, manual tasks, Ctrl-C, and a second executor.

use super::{project, state};
use std::time::Instant;
use taskmaster_testkit::{Sandbox, until};

const TWO: &str = "## Phase 1: A\n\n- [ ] One\n- [ ] Two\n";

/// Waits until the only task that waits is `id`.
pub(super) fn wait_for_waiting(sandbox: &Sandbox, id: &str) {
    until(&format!("{id} waits"), 20, || {
        let list = sandbox.run("tasks list --status waiting -o json");
        (list.code == 0 && list.json()["tasks"][0]["id"] == id).then_some(())
    });
}

#[test]
fn a_yes_is_for_a_run_that_is_at_work() {
    let sandbox =
        project("## Phase 1: A\n\n- [ ] One\n", "tasks:\n  a/one: {run: {approval: 'Go {{ vars.n }}?'}}\n");
    let run = sandbox.run("run prd.md --var n=2 --no-wait").code(21);
    assert!(run.stderr.contains("next: taskmaster run --var 'n=2'"), "{}", run.stderr);
    let late = sandbox.run("approve one").code(2);
    assert!(late.stderr.contains("no run is at work that asks for a/one"), "{}", late.stderr);
    assert!(late.stderr.contains("`taskmaster run --var 'n=2'` asks again"), "{}", late.stderr);
}

#[test]
fn an_approval_from_another_terminal_takes_effect_within_a_second() {
    let tasks = "tasks:\n  a/one: {run: {approval: Go on?}}\n  a/two: {run: {shell: touch two}}\n";
    let sandbox = project(TWO, tasks);
    let run = sandbox.start("run prd.md");
    wait_for_waiting(&sandbox, "a/one");
    let began = Instant::now();
    sandbox.run("approve one --message fine").code(0);
    until("the run goes on", 5, || sandbox.read("two"));
    assert!(began.elapsed().as_secs_f64() < 2.0, "took {:?} with two program starts", began.elapsed());
    run.wait().code(0);
    let show = sandbox.run("tasks show one -o json").code(0).json();
    assert_eq!(show["task"]["approvals"][0]["message"], "fine");
}

#[test]
fn what_looks_at_a_run_knows_the_variables_that_it_was_given() {
    let tasks = concat!(
        "vars: {tag: {description: what is released}}\n",
        "tasks:\n",
        "  a/one: {run: {approval: 'Release {{ vars.tag }}?'}}\n",
        "  a/two: {run: {exec: [cp, prd.md, '{{ vars.tag }}']}, undo: {exec: [rm, '{{ vars.tag }}']}}\n",
    );
    let sandbox = project(TWO, tasks);
    let run = sandbox.start("run prd.md --var tag=v2");
    wait_for_waiting(&sandbox, "a/one");
    sandbox.run("approve one").code(0);
    run.wait().code(0);
    assert!(sandbox.read("v2").is_some());
    sandbox.run("report").code(0);
    sandbox.run("plan prd.md").code(12);
    sandbox.run("destroy prd.md --yes").code(0);
    assert!(sandbox.read("v2").is_none());
}

#[test]
fn a_yes_is_no_yes_to_what_came_after_it() {
    let tasks = concat!(
        "tasks:\n",
        "  a/one: {check: {shell: 'cmp -s page made || exit 1'}, run: {exec: [cp, page, made]}}\n",
        "  a/two: {run: {approval: Does it look right?}}\n",
    );
    let sandbox = project(TWO, tasks);
    let write = |text: &str| std::fs::write(sandbox.path().join("page"), text).unwrap();
    write("good");
    let run = sandbox.start("run prd.md");
    wait_for_waiting(&sandbox, "a/two");
    sandbox.run("approve two").code(0);
    run.wait().code(0);
    let report = sandbox.run("report -o json").code(0).json();
    let proof = &report["tasks"][1]["proof"];
    assert_eq!(proof["kind"], "person", "{proof}");
    assert!(proof["by"].as_str().is_some_and(|by| !by.is_empty()), "{proof}");
    sandbox.run("run prd.md --no-wait").code(0);
    write("other");
    sandbox.run("run prd.md --no-wait").code(21);
    assert_eq!(state(&sandbox, "a/two"), "waiting");
}

#[test]
fn a_plan_during_a_run_takes_nothing_for_lost() {
    let sandbox = project(TWO, "tasks:\n  a/one: {run: {shell: 'touch begun; sleep 30'}}\n");
    let run = sandbox.start("run prd.md");
    until("the task began", 10, || sandbox.read("begun"));
    let plan = sandbox.run("plan prd.md").code(0);
    assert!(!plan.stdout.contains("not recorded"), "{}", plan.stdout);
    assert!(plan.stdout.contains(&format!("a run is at work (process {})", run.pid())), "{}", plan.stdout);
    signal(run.pid(), "INT");
    signal(run.pid(), "TERM");
    let ended = run.wait();
    assert!(ended.stderr.contains("Once more"), "{}", ended.stderr);
}

#[test]
fn a_manual_task_is_set_from_another_terminal() {
    let sandbox = project(TWO, "tasks:\n  a/two: {run: {shell: touch two}}\n");
    let run = sandbox.start("run prd.md");
    wait_for_waiting(&sandbox, "a/one");
    sandbox.run("tasks set one completed --message did-it").code(0);
    let told = run.wait().code(0).stderr;
    assert_eq!(told.matches("done      1.1    One").count(), 1, "{told}");
    assert!(told.contains("One  (set it with `taskmaster tasks set a/one completed`)"), "{told}");
    assert!(sandbox.read("two").is_some());
    assert_eq!(state(&sandbox, "a/one"), "completed");
    sandbox.run("run prd.md").code(0);
}

#[test]
fn what_is_set_while_it_is_pending_is_told_once() {
    let sandbox = project(
        "## Phase 1: A\n\n- [ ] One\n- [ ] Two\n- [ ] Three\n",
        "tasks:\n  a/three: {run: {exec: ['true']}}\n",
    );
    let run = sandbox.start("run prd.md");
    wait_for_waiting(&sandbox, "a/one");
    // Both before the run looks again, so that it takes the second for ready before it hears of it.
    sandbox.run("tasks set one completed").code(0);
    sandbox.run("tasks set two completed").code(0);
    let told = run.wait().code(0).stderr;
    assert_eq!(told.matches("done      1.2    Two").count(), 1, "{told}");
}

#[test]
fn a_run_that_must_not_wait_ends_with_21() {
    let sandbox = project(TWO, "tasks:\n  a/two: {run: {shell: touch two}}\n");
    let run = sandbox.run("run prd.md --no-wait").code(21);
    assert!(run.stderr.contains("taskmaster tasks set a/one completed"), "{}", run.stderr);
    assert!(sandbox.read("two").is_none());
}

#[test]
fn a_second_executor_is_refused_with_the_first_ones_pid() {
    let sandbox = project(TWO, "tasks: {}\n");
    let run = sandbox.start("run prd.md");
    wait_for_waiting(&sandbox, "a/one");
    let second = sandbox.run("run prd.md").code(40);
    assert!(second.stderr.contains(&run.pid().to_string()), "{} in {}", run.pid(), second.stderr);
    run.kill();
    sandbox.run("run prd.md --no-wait").code(21);
}

#[test]
fn ctrl_c_lets_what_runs_end_and_starts_nothing_new() {
    let tasks = "tasks:\n  a/one: {run: {shell: 'touch begun; n=0; while ! test -e go && test $n -lt 3000; do n=$((n+1)); sleep 0.02; done; touch one'}}\n  a/two: {run: {shell: touch two}}\n";
    let sandbox = project(TWO, tasks);
    let run = sandbox.start("run prd.md");
    until("the task began", 10, || sandbox.read("begun"));
    signal(run.pid(), "INT");
    // Taken at once; nobody else can see it before the task has ended.
    std::thread::sleep(std::time::Duration::from_millis(300));
    sandbox.write("go", "");
    let ended = run.wait().code(22);
    assert!(sandbox.read("one").is_some() && sandbox.read("two").is_none(), "{}", ended.stderr);
    assert!(ended.stderr.contains("Stopping when 1 task at work ends"), "{}", ended.stderr);
    sandbox.run("run prd.md").code(0);
    assert!(sandbox.read("two").is_some());
}

#[test]
fn a_second_ctrl_c_stops_what_runs() {
    let tasks = "tasks:\n  a/one: {run: {shell: 'echo $$ > pid; touch begun; sleep 600'}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
    let run = sandbox.start("run prd.md");
    until("the task began", 10, || sandbox.read("begun"));
    let pid = sandbox.read("pid").expect("a pid");
    signal(run.pid(), "INT");
    signal(run.pid(), "TERM");
    run.wait().code(22);
    until("the child is gone", 5, || (!alive(pid.trim())).then_some(()));
    assert_eq!(state(&sandbox, "a/one"), "pending");
}

/// Sends a signal to a process by its id.
pub(super) fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.expect("kill runs").success());
}

/// True while a process with this id runs and is no zombie.
pub(super) fn alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
