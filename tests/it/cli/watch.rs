//! `run --watch`, by the real program: what is written to while it looks.

use super::{project, sandbox};
use std::time::Duration;
use taskmaster_testkit::{Finished, Running, Sandbox, until};

const PRD: &str = "## Phase 1: A\n\n- [ ] One\n";
const TASKS: &str = "tasks:\n  a/one: {inputs: 'src/*.txt', run: {shell: 'cat src/*.txt >>log'}}\n";

/// Talk of the running program so far.
struct Watched<'s> {
    sandbox: &'s Sandbox,
    running: Running,
}

impl<'s> Watched<'s> {
    fn start(sandbox: &'s Sandbox, options: &str) -> Self {
        let running = sandbox.start(&format!("run prd.md --watch {options}"));
        Self { sandbox, running }
    }

    /// Waits until a file holds this text.
    #[track_caller]
    fn until(&self, name: &str, text: &str) {
        until(&format!("{name} with {text:?}"), 30, || {
            (self.sandbox.read(name).as_deref() == Some(text)).then_some(())
        });
    }

    /// Sends a Ctrl-C, and what was said.
    fn interrupt(self) -> Finished {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.running.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.running.wait()
    }
}

#[test]
fn whatever_the_plan_is_made_from_is_looked_at() {
    let sandbox = project(PRD, TASKS);
    sandbox.write("src/a.txt", "a\n");
    let watched = Watched::start(&sandbox, "");
    watched.until("log", "a\n");
    // A file that the action names as its own, changed in place and replaced as editors do it.
    sandbox.write("src/a.txt", "b\n");
    watched.until("log", "a\nb\n");
    sandbox.write("new", "c\n");
    std::fs::rename(sandbox.path().join("new"), sandbox.path().join("src/a.txt")).unwrap();
    watched.until("log", "a\nb\nc\n");
    sandbox.write("src/b.txt", "d\n");
    watched.until("log", "a\nb\nc\nc\nd\n");
    // A new task, and what is done for it.
    sandbox.write("tasks/more.yaml", "tasks: {a/two: {run: {shell: 'echo two >>second'}}}\n");
    sandbox.write("prd.md", format!("{PRD}- [ ] Two\n"));
    watched.until("second", "two\n");
    sandbox.write("tasks/more.yaml", "tasks: {a/two: {run: {shell: 'echo zwei >>second'}}}\n");
    watched.until("second", "two\nzwei\n");
    assert_eq!(sandbox.read("log").unwrap(), "a\nb\nc\nc\nd\n", "what did not change did not run");
    let ended = watched.interrupt().code(0);
    assert!(ended.stderr.contains("watching 4 files for changes; Ctrl-C ends it"), "{}", ended.stderr);
    // What nobody asked for is not looked at: no run came of it.
    assert_eq!(sandbox.run("history -o json").json()["runs"].as_array().unwrap().len(), 6);
}

#[test]
fn a_slip_is_told_and_mended_by_the_next_change() {
    let sandbox = project("## Phase 1: A\n\n- [ ] One (depends on: Tow)\n", TASKS);
    sandbox.write("src/a.txt", "a\n");
    let watched = Watched::start(&sandbox, "");
    std::thread::sleep(Duration::from_millis(600));
    sandbox.write("prd.md", PRD);
    watched.until("log", "a\n");
    sandbox.write("tasks/local.yaml", "tasks: [\n");
    std::thread::sleep(Duration::from_millis(900));
    sandbox.write("tasks/local.yaml", TASKS.replace("cat", "cat src/a.txt"));
    watched.until("log", "a\na\na\n");
    std::fs::remove_file(sandbox.path().join("prd.md")).unwrap();
    std::thread::sleep(Duration::from_millis(900));
    let ended = watched.interrupt();
    for told in ["unknown-dependency", "no task or phase is called", "schema-syntax", "prd.md does not exist"]
    {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    assert_eq!(ended.code, 2, "as the last run ended: {}", ended.stderr);
}

#[test]
fn it_waits_for_nobody_and_ends_as_the_last_run_did() {
    let sandbox = project(PRD, "tasks: {a/one: {run: {exec: ['false']}}}\n");
    let watched = Watched::start(&sandbox, "");
    let ended = |sandbox: &Sandbox| {
        let history = sandbox.run("history -o json");
        (history.code == 0 && history.json()["runs"][0]["exit_code"] == 20).then_some(())
    };
    until("the failure", 30, || ended(&sandbox));
    std::thread::sleep(Duration::from_millis(300));
    watched.interrupt().code(20);
    // A person is not waited for: the next change is.
    let sandbox = project(PRD, "tasks: {a/one: {manual: true}}\n");
    let watched = Watched::start(&sandbox, "");
    until("a run", 30, || sandbox.read(".taskmaster/ledger.db").map(|_| ()).or(Some(())));
    sandbox.write("tasks/local.yaml", "tasks: {a/one: {run: {exec: [touch, done]}}}\n");
    watched.until("done", "");
    watched.interrupt().code(0);
}

#[test]
fn marks_that_a_run_writes_itself_start_no_further_run() {
    let sandbox = project(PRD, TASKS);
    sandbox.write("src/a.txt", "a\n");
    let watched = Watched::start(&sandbox, "--write-back");
    watched.until("prd.md", &PRD.replace("[ ]", "[x]"));
    std::thread::sleep(Duration::from_millis(1_500));
    watched.interrupt().code(0);
    assert_eq!(sandbox.read("log").unwrap(), "a\n");
    assert_eq!(sandbox.run("history -o json").json()["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn what_it_cannot_be_is_said() {
    let sandbox = sandbox();
    sandbox.run("run prd.md --watch --dry-run").code(2);
}
