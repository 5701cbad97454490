//! `taskmaster init`: what it makes parses and runs at once, and nothing that is there is lost.

use super::{sandbox, states};
use crate::agent::service::serving_at;
use std::io::Write;
use std::process::Stdio;
use taskmaster_testkit::{Finished, Sandbox};

/// All tasks in these states, and at least one.
#[track_caller]
fn all_are(sandbox: &Sandbox, wanted: &[&str]) {
    let all = states(sandbox);
    assert!(!all.is_empty() && all.iter().all(|(_, state)| wanted.contains(&state.as_str())), "{all:?}");
}

/// Parse, plan, run, report, and a second run that has nothing to do.
#[track_caller]
fn runs_at_once(sandbox: &Sandbox, tasks: usize) {
    let parsed = sandbox.run("parse prd.md --strict -o json").code(0).json();
    assert_eq!(parsed["tasks"].as_array().unwrap().len(), tasks);
    let plan = sandbox.run("plan prd.md --strict -o json").code(0);
    assert_eq!(plan.stderr, "", "no warning");
    let intents: Vec<_> =
        plan.json()["tasks"].as_array().unwrap().iter().map(|t| t["intent"].clone()).collect();
    assert_eq!(intents.len(), tasks);
    sandbox.run("run prd.md").code(0);
    all_are(sandbox, &["completed"]);
    let report = sandbox.run("report prd.md").code(0).stdout;
    assert!(report.contains("100 %"), "{report}");
    let again = sandbox.run("run prd.md -o json").code(0).stdout;
    assert!(!again.contains("attempt.started"), "a second run has nothing to do: {again}");
    all_are(sandbox, &["completed", "satisfied"]);
}

#[test]
fn the_minimal_template_runs_and_is_taken_back() {
    let sandbox = sandbox();
    let made = sandbox.run("init --title Shop").code(0).stdout;
    assert_eq!(
        made,
        "made prd.md\nmade tasks/local.yaml\n\nnext:\n  taskmaster doctor prd.md\n  taskmaster plan prd.md\n  \
         taskmaster run prd.md\n  taskmaster report prd.md\n"
    );
    assert!(sandbox.read("prd.md").unwrap().starts_with("# Shop\n"));
    sandbox.run("doctor prd.md").code(0);
    runs_at_once(&sandbox, 4);
    assert_eq!(sandbox.read("site/index.html").as_deref(), Some("<h1>blue</h1>\n"));
    sandbox.run("destroy prd.md --yes").code(0);
    assert!(!sandbox.path().join("site").exists());
}

#[test]
fn the_service_template_serves_and_brings_another_version_in() {
    let server = serving_at("\"$3\"");
    // Python is not on every machine that tests; its words are.
    let python = format!("#!/bin/sh\n[ \"$1\" = --version ] && {{ echo Python 3.11.2; exit; }}\n{server}\n");
    let sandbox = sandbox().var("TASKMASTER_AGENT_IDLE", "20").program("python3", &python);
    sandbox.run("init --template service --title Shop").code(0);
    let rollout = sandbox.read("rollouts/web.yaml").unwrap();
    assert!(rollout.contains("listen: 127.0.0.1:8080\n"));
    // Tests beside this one may want the same port, and nobody waits for pauses.
    let rollout = rollout.replace("127.0.0.1:8080", "127.0.0.1:0").replace("duration: 5s", "duration: 50ms");
    sandbox.write("rollouts/web.yaml", rollout);
    runs_at_once(&sandbox, 3);
    sandbox.run("run prd.md --var version=v2").code(0);
    sandbox.run("rollout status web --serves v2").code(0);
    sandbox.run("agent stop --force").code(0);
}

#[test]
fn the_kubernetes_template_can_be_planned() {
    let sandbox = sandbox();
    sandbox.run("init --template kubernetes").code(0);
    let commands = sandbox.run("plan prd.md --strict --commands").code(0).stdout;
    assert!(
        commands.contains("kubectl rollout status --context=kind-kind --namespace=project deployment/web"),
        "{commands}"
    );
    let prod = sandbox.run("plan prd.md --strict --env prod --commands").code(0).stdout;
    assert!(prod.contains("--context=production"), "{prod}");
    assert!(
        sandbox.read("tasks/cluster.yaml").unwrap().contains("namespace: \"project\"\n"),
        "the folder's name"
    );
}

#[test]
fn nothing_that_is_there_is_lost() {
    let sandbox = sandbox();
    sandbox.write("prd.md", "mine\n");
    let refused = sandbox.run("init --title Shop").code(2);
    assert!(refused.stderr.contains("already there: prd.md; nothing was made"), "{}", refused.stderr);
    assert!(sandbox.read("tasks/local.yaml").is_none());

    let forced = sandbox.run("init --title Shop --force -o json").code(0).json();
    assert_eq!(forced["kept"], serde_json::json!([{ "file": "prd.md", "as": "prd.md.bak" }]));
    assert_eq!(sandbox.read("prd.md.bak").as_deref(), Some("mine\n"));
    let same = sandbox.run("init --title Shop").code(0).stdout;
    assert!(same.starts_with("everything is there already\n"), "{same}");

    sandbox.write("prd.md", "mine again\n");
    sandbox.run("init --title Shop --force").code(0);
    assert_eq!(sandbox.read("prd.md.bak").as_deref(), Some("mine\n"));
    assert_eq!(sandbox.read("prd.md.bak2").as_deref(), Some("mine again\n"));
    sandbox.run("parse prd.md").code(0);
}

#[test]
fn links_and_folders_in_the_way_are_not_followed() {
    let sandbox = sandbox();
    std::os::unix::fs::symlink("elsewhere.md", sandbox.path().join("prd.md")).unwrap();
    sandbox.run("init").code(2);
    assert!(sandbox.read("elsewhere.md").is_none());
    std::fs::remove_file(sandbox.path().join("prd.md")).unwrap();
    std::fs::create_dir(sandbox.path().join("prd.md")).unwrap();
    sandbox.run("init --force").code(2);
    for place in ["../prd.md", "/tmp/taskmaster-nowhere/prd.md", "prd.txt", "a/../../b.md"] {
        sandbox.run(&format!("init --document {place}")).code(2);
    }
}

#[test]
fn in_a_folder_of_a_repository_it_is_a_project_of_its_own() {
    let sandbox = sandbox();
    sandbox.write(".git/HEAD", "ref: refs/heads/main\n").write("sub/.gitignore", "/target");
    let made = sandbox.run("-C sub init --title Sub --document docs/plan.md -o json").code(0).json();
    let files = ["docs/plan.md", "tasks/local.yaml", "taskmaster.toml", ".gitignore"];
    assert_eq!(made["files"], serde_json::json!(files));
    assert_eq!(sandbox.read("sub/.gitignore").as_deref(), Some("/target\n/.taskmaster/\n"));
    sandbox.run("-C sub run").code(0);
    assert!(sandbox.path().join("sub/.taskmaster/ledger.db").exists());
    let again = sandbox.run("-C sub init --title Sub --document docs/plan.md -o json").code(0).json();
    assert_eq!(again["files"], serde_json::json!([]), "the line is there already");
}

#[test]
fn odd_titles_run_and_titles_that_are_no_titles_are_refused() {
    for title in
        ["a \"b\" 'c' {{ vars.x }} $(touch pwned) `touch pwned`", "設定 🚀 \u{202e}x", "Phase 1: Start"]
    {
        let sandbox = sandbox();
        let made = sandbox.command(["init", "--title", title]).output().unwrap();
        assert!(made.status.success(), "{title}: {}", String::from_utf8_lossy(&made.stderr));
        sandbox.run("run prd.md --strict").code(0);
        assert!(sandbox.read("pwned").is_none());
    }
    let sandbox = sandbox();
    let refused = sandbox.command(["init", "--title", "[x] done"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(sandbox.read("prd.md").is_none());
}

/// At a terminal of its own, with these lines typed.
fn at_a_terminal(sandbox: &Sandbox, line: &str, typed: &str) -> Finished {
    let mut command = sandbox.command(["--version"]);
    let program = env!("CARGO_BIN_EXE_taskmaster");
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("'{program}' {line}"), "/dev/null"]);
    script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.current_dir(sandbox.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.spawn().expect("`script` of util-linux");
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let _ = command.output();
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn at_a_terminal_it_asks_for_what_is_not_given() {
    let sandbox = sandbox();
    let asked = at_a_terminal(&sandbox, "init", "My shop\nnosuch\nk\n").code(0).stdout;
    assert!(asked.contains("Title [project]: "), "{asked}");
    assert_eq!(asked.matches("Template [minimal]: ").count(), 2, "{asked}");
    assert!(sandbox.read("prd.md").unwrap().starts_with("# My shop\n"));
    assert!(sandbox.read("tasks/cluster.yaml").is_some());
}

#[test]
fn at_a_terminal_nothing_is_asked_where_all_is_given() {
    let sandbox = sandbox();
    let quiet = at_a_terminal(&sandbox, "init --yes", "").code(0).stdout;
    assert!(!quiet.contains("Title ["), "{quiet}");
    assert!(sandbox.read("prd.md").unwrap().starts_with("# project\n"));
}
