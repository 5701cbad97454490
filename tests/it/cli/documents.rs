//! `parse` and `plan`: documents, catalogues, and what is said of faults in them.

use super::{project, sandbox};

#[test]
fn a_fault_has_a_place_a_caret_and_help() {
    let sandbox = sandbox();
    sandbox.write("prd.md", "## Phase 1: A\n\n- [ ] Install it\n- [ ] Use it (depends on: Instal it)\n");
    let parse = sandbox.run("parse prd.md").code(10);
    for part in ["error[unknown-dependency]", "prd.md:4:", "^", "help:", "Install it"] {
        assert!(parse.stderr.contains(part), "{part}: {}", parse.stderr);
    }
    assert!(!sandbox.path().join(".taskmaster").exists(), "a faulty document is not remembered");
}

#[test]
fn a_cycle_has_an_exit_code_of_its_own() {
    let sandbox = sandbox();
    let prd = "## Phase 1: A\n\n- [ ] T001 One (depends on T002)\n- [ ] T002 Two (depends on T001)\n";
    let parse = sandbox.write("prd.md", prd).run("parse prd.md").code(11);
    assert!(parse.stderr.contains("dependency-cycle"), "{}", parse.stderr);
}

#[test]
fn a_document_without_tasks_is_told_loudly() {
    let sandbox = sandbox();
    sandbox.write("prd.md", "# Vision\n\n## Why\n\nBecause.\n");
    let parse = sandbox.run("parse prd.md").code(0);
    assert!(parse.stderr.contains("0 tasks under 2 headings"), "{}", parse.stderr);
    sandbox.run("parse prd.md --strict").code(10);
}

#[test]
fn a_missing_file_names_its_neighbour() {
    let sandbox = sandbox();
    sandbox.write("prd/platform.md", "# x\n");
    let parse = sandbox.run("parse prd/platfrom.md").code(2);
    assert!(parse.stderr.contains("did you mean prd/platform.md"), "{}", parse.stderr);
}

#[test]
fn json_of_a_parse_is_the_contract() {
    let sandbox = sandbox();
    sandbox.write("prd.md", "# T\n\n## Phase 1: A (Priority: High)\n\n- [x] One\n- [ ] Two #tag\n");
    let json = sandbox.run("parse prd.md -o json").code(0).json();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["phases"][0]["priority"], "high");
    assert_eq!(json["tasks"][0]["status"], "completed");
    assert_eq!(json["tasks"][1]["id"], "a/two");
    assert_eq!(json["tasks"][1]["dependencies"], serde_json::json!(["a/one"]));
    assert_eq!(json["tasks"][1]["tags"], serde_json::json!(["tag"]));
}

#[test]
fn a_parse_again_shows_what_changed_and_keeps_keys() {
    let sandbox = sandbox();
    sandbox.write("prd.md", "## Phase 1: A\n\n- [ ] One\n- [ ] Two\n- [ ] Three\n");
    sandbox.run("parse prd.md").code(0);
    let key =
        |id: &str| sandbox.run(&format!("tasks show {id} -o json")).code(0).json()["task"]["key"].clone();
    let two = key("a/two");
    sandbox.write("prd.md", "## Phase 1: A (Priority: High)\n\n- [ ] Zero\n- [ ] Two\n- [ ] Three\n");
    let parse = sandbox.run("parse prd.md").code(0);
    assert!(parse.stdout.contains("a/zero") || parse.stdout.contains("Zero"), "{}", parse.stdout);
    assert_eq!(key("a/two"), two, "a key outlives an edit elsewhere");
    let again = sandbox.run("parse prd.md").code(0);
    assert!(!again.stdout.contains("Zero  "), "nothing changed the second time: {}", again.stdout);
}

#[test]
fn a_fault_of_the_catalogue_shows_its_line() {
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", "tasks:\n  a/one:\n    runn: {exec: [\"true\"]}\n");
    let plan = sandbox.run("plan prd.md").code(13);
    for part in ["tasks/local.yaml:3:5", "runn", "run", "^"] {
        assert!(plan.stderr.contains(part), "{part}: {}", plan.stderr);
    }
}

#[test]
fn an_entry_for_no_task_and_two_for_one_are_binding_faults() {
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", "tasks:\n  a/one: {run: {exec: [\"true\"]}}\n");
    sandbox.write("tasks/more.yaml", "tasks:\n  a/one: {run: {exec: [\"false\"]}}\n");
    let plan = sandbox.run("plan prd.md").code(12);
    assert!(plan.stderr.contains("tasks/more.yaml"), "{}", plan.stderr);
}

#[test]
fn a_plan_runs_nothing_and_says_what_would_run() {
    let tasks = "tasks:\n  a/one: {check: {shell: touch checked; exit 1}, run: {shell: touch ran}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n- [ ] Two\n", tasks);
    let plan = sandbox.run("plan prd.md -o json --detailed-exitcode").code(30).json();
    assert_eq!(plan["tasks"][0]["intent"], "run");
    assert_eq!(plan["tasks"][1]["intent"], "manual");
    assert!(sandbox.read("ran").is_none() && sandbox.read("checked").is_none());
    sandbox.run("run prd.md --dry-run").code(0);
    assert!(sandbox.read("ran").is_none() && sandbox.read("checked").is_none());
    let plan = sandbox.run("plan prd.md --check -o json").code(0).json();
    assert!(sandbox.read("checked").is_some() && sandbox.read("ran").is_none());
    assert_eq!(plan["tasks"][0]["intent"], "run");
    assert_eq!(plan["checked"], true);
}

#[test]
fn unbound_tasks_are_manual_and_faults_under_strict() {
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", "tasks: {}\n");
    let plan = sandbox.run("plan prd.md").code(0);
    assert!(plan.stdout.contains('?'), "{}", plan.stdout);
    sandbox.run("plan prd.md --strict").code(12);
}

#[test]
fn a_pipe_or_a_device_is_refused_and_not_waited_for() {
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", "tasks: {}\n");
    let pipe = sandbox.path().join("tasks/pipe.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let plan = sandbox.run("plan prd.md");
    assert!(plan.code != 0 && plan.stderr.contains("no regular file"), "{}", plan.stderr);
    let device = sandbox.run("parse /dev/zero --no-record");
    assert!(device.code != 0 && device.stderr.contains("no regular file"), "{}", device.stderr);
}

#[test]
fn a_report_never_replaces_what_it_is_made_from() {
    let prd = "## Phase 1: A\n\n- [ ] One\n";
    let tasks = "tasks: {}\n";
    let sandbox = project(prd, tasks);
    sandbox.write("taskmaster.toml", "document = \"prd.md\"\n");
    std::os::unix::fs::symlink("prd.md", sandbox.path().join("link.md")).expect("a link");
    for target in ["prd.md", "./tasks/../prd.md", "link.md", "tasks/local.yaml", "taskmaster.toml"] {
        let ended = sandbox.run(&format!("report -o markdown --to {target}")).code(2);
        assert!(
            ended.stderr.contains("would be lost") && ended.stderr.contains("another file"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(
        (sandbox.read("prd.md").as_deref(), sandbox.read("tasks/local.yaml").as_deref()),
        (Some(prd), Some(tasks))
    );
    sandbox.run("report -o markdown --to out/report.md").code(0);
    sandbox.run("report -o markdown --to out/report.md").code(0);
}

#[test]
fn a_folder_that_is_none_is_a_wrong_call() {
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", "tasks: {}\n");
    for dir in ["/nonexistent", "prd.md"] {
        let ended = sandbox.run(&format!("-C {dir} plan")).code(2);
        assert!(ended.stderr.contains(dir) && ended.stderr.contains("help: "), "{}", ended.stderr);
    }
}
