//! `kill -9` at any moment: nothing finished is repeated, nothing is lost, no orphan stays.

use super::people::{alive, signal};
use super::{project, state};
use taskmaster_testkit::until;

const TWO: &str = "## Phase 1: A\n\n- [ ] One\n- [ ] Two\n- [ ] Three\n";
const SLOW: &str = "echo start >> starts; echo $$ > pid; touch begun; n=0; while ! test -e go && test $n -lt 3000; do n=$((n+1)); sleep 0.02; done; touch two";

fn tasks(slow: &str) -> String {
    format!(
        "tasks:\n  a/one: {{run: {{shell: 'echo one >> starts'}}}}\n  a/two:\n    {slow}\n    run: {{shell: '{SLOW}'}}\n  a/three: {{run: {{shell: touch three}}}}\n"
    )
}

#[test]
fn a_killed_run_is_completed_by_the_next_one_without_repeating() {
    let sandbox = project(TWO, &tasks("check: {file_exists: two}"));
    let run = sandbox.start("run prd.md");
    until("the task began", 10, || sandbox.read("begun"));
    run.kill();
    let pid = sandbox.read("pid").expect("a pid");
    assert!(alive(pid.trim()), "the child outlives us");
    let next = sandbox.start("run prd.md");
    sandbox.write("go", "");
    next.wait().code(0);
    assert_eq!(sandbox.read("starts").as_deref(), Some("one\nstart\n"), "each work began once");
    assert!(sandbox.read("three").is_some() && !alive(pid.trim()));
    sandbox.run("audit").code(0);
}

#[test]
fn an_end_that_nobody_saw_is_unknown_until_it_is_resolved() {
    let sandbox = project(TWO, &tasks("timeout: 600s"));
    let run = sandbox.start("run prd.md");
    until("the task began", 10, || sandbox.read("begun"));
    let child: u32 = sandbox.read("pid").expect("a pid").trim().parse().expect("a number");
    run.kill();
    let group = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{child}")]).status();
    assert!(group.expect("kill runs").success());
    until("the child is gone", 5, || (!alive(&child.to_string())).then_some(()));
    let next = sandbox.run("run prd.md").code(23);
    assert!(next.stderr.contains("taskmaster resolve a/two"), "{}", next.stderr);
    assert_eq!((state(&sandbox, "a/two"), state(&sandbox, "a/three")), ("unknown".into(), "blocked".into()));
    sandbox.run("resolve two completed --message looked").code(0);
    sandbox.run("run prd.md").code(0);
    assert_eq!(sandbox.read("starts").as_deref(), Some("one\nstart\n"));
    assert!(sandbox.read("three").is_some());
    sandbox.run("audit").code(0);
}

#[test]
fn work_that_may_run_twice_is_done_again_when_its_check_says_so() {
    let sandbox = project(TWO, &tasks("check: {file_exists: two}"));
    let run = sandbox.start("run prd.md");
    until("the task began", 10, || sandbox.read("begun"));
    let child: u32 = sandbox.read("pid").expect("a pid").trim().parse().expect("a number");
    signal(run.pid(), "KILL");
    let group = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{child}")]).status();
    assert!(group.expect("kill runs").success());
    run.wait();
    until("the child is gone", 5, || (!alive(&child.to_string())).then_some(()));
    sandbox.write("go", "");
    sandbox.run("run prd.md").code(0);
    assert_eq!(sandbox.read("starts").as_deref(), Some("one\nstart\nstart\n"));
}

/// Time passes while what an earlier run left is waited for; then counts what the catalogue says by now.
#[test]
fn a_catalogue_that_changes_during_the_wait_is_read_again() {
    let sandbox = project(TWO, &tasks("check: {file_exists: two}"));
    let run = sandbox.start("run prd.md");
    until("the task began", 10, || sandbox.read("begun"));
    run.kill();
    let told = std::fs::File::create(sandbox.path().join("told")).expect("a file");
    let mut next = sandbox.command(["run", "prd.md"]).stderr(told).spawn().expect("it starts");
    until("it waits", 10, || sandbox.read("told").filter(|told| told.contains("left by an earlier run")));
    let changed = tasks("check: {file_exists: two}").replace("touch three", "touch later");
    sandbox.write("tasks/local.yaml", changed).write("go", "");
    assert!(next.wait().expect("it ends").success(), "{:?}", sandbox.read("told"));
    assert!(sandbox.read("later").is_some() && sandbox.read("three").is_none());
}
