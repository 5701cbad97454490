//! What CI servers are told: GitHub Actions and GitLab, and that nobody else speaks to them.

use super::project;
use std::collections::BTreeMap;
use taskmaster_testkit::{Finished, Sandbox};

/// Titles and outputs that want to be commands.
const PRD: &str = "## Phase 1: ##[add-mask]Build\n\n- [ ] ::add-mask::Run, 50% of it: ##[set-output name=a]b\n\
                   - [ ] Fine\n";
const TASKS: &str = r#"vars: {token: {secret: env:TOKEN}}
tasks:
  add-mask-build/add-mask-run-50-of-it-set-output-name-a-b:
    run:
      shell:
        env: {TOKEN: '{{ vars.token }}'}
        script: |
          printf '::set-env name=PATH::/tmp\n  ::stop-commands::x\na\r::add-mask::b\n##[add-path]/tmp\n'
          for n in 1 2 3 4 5 6 7 8 9; do echo "line $n $TOKEN"; done
          printf 'section_end:1:x\r\033[0K\n'
          exit 3
"#;
const TOKEN: &str = "s3cr3t-Token-Value";

/// A project on a server, with the variables that it sets.
fn on(server: &[(&str, &str)]) -> Sandbox {
    let mut sandbox = project(PRD, TASKS).var("TOKEN", TOKEN);
    let root = sandbox.path();
    sandbox = sandbox.var("GITHUB_WORKSPACE", root.parent().unwrap().to_string_lossy());
    for (name, file) in [("GITHUB_STEP_SUMMARY", "summary.md"), ("GITHUB_OUTPUT", "output")] {
        sandbox = sandbox.var(name, root.join(file).to_string_lossy());
    }
    server.iter().fold(sandbox, |sandbox, (name, value)| sandbox.var(name, *value))
}

fn github() -> Sandbox {
    on(&[("GITHUB_ACTIONS", "true"), ("CI", "true")])
}

/// A command as the runner of GitHub reads it: a line of either stream that begins with `::`, or holds `##[`.
#[derive(Debug, PartialEq)]
struct Command {
    name: String,
    given: BTreeMap<String, String>,
    message: String,
}

fn commands(ended: &Finished) -> Vec<Command> {
    let text = format!("{}\n{}", ended.stderr, ended.stdout);
    text.split(['\n', '\r']).filter_map(command).collect()
}

fn command(line: &str) -> Option<Command> {
    let value = |text: &str| {
        let text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
        text.replace("%25", "%")
    };
    let split = |head: &str, message: &str, between: char| {
        let (name, given) = head.split_once(' ').unwrap_or((head, ""));
        let pair = |pair: &str| pair.split_once('=').map(|(key, text)| (key.to_owned(), value(text)));
        let given = given.split(between).filter_map(pair).collect();
        Command { name: name.to_owned(), given, message: value(message) }
    };
    if let Some((head, message)) = line.trim_start().strip_prefix("::").and_then(|rest| rest.split_once("::"))
    {
        return Some(split(head, message, ','));
    }
    let (head, message) = line.split_once("##[")?.1.split_once(']')?;
    Some(split(head, message, ';'))
}

#[test]
fn a_finding_is_shown_at_its_line() {
    let sandbox = github();
    sandbox.write("prd.md", "## Phase 1: A\n\n- [ ] One (depends on: Tow)\n- [ ] Two\n");
    let ended = sandbox.run("parse prd.md").code(10);
    let told = commands(&ended);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].name, "error");
    let given = |name: &str| told[0].given.get(name).map(String::as_str);
    assert_eq!((given("file"), given("line"), given("col")), (Some("project/prd.md"), Some("3"), Some("24")));
    assert_eq!(given("title"), Some("unknown-dependency"));
    assert_eq!(told[0].message, "no task or phase is called `Tow`\nhelp: did you mean `Two`?");
    assert!(ended.stderr.contains("--> prd.md:3:24"), "people are told as ever: {}", ended.stderr);
}

#[test]
fn what_ends_a_command_is_shown() {
    let ended = github().run("plan nothing.md").code(2);
    let told = commands(&ended);
    assert_eq!((told.len(), told[0].name.as_str()), (1, "error"), "{told:?}");
    assert!(told[0].message.contains("nothing.md"), "{told:?}");
    let broken = github();
    broken.write("taskmaster.toml", "colour = 1\n");
    assert_eq!(commands(&broken.run("parse prd.md").code(2)).len(), 1);
}

#[test]
fn a_failed_run_is_told_and_nothing_foreign_is_a_command() {
    let sandbox = github();
    sandbox.write("summary.md", "kept\n");
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    let told = commands(&ended);
    let names: Vec<&str> = told.iter().map(|command| command.name.as_str()).collect();
    assert!(
        names.iter().all(|name| ["error", "warning", "notice", "group", "endgroup"].contains(name)),
        "{told:#?}"
    );
    let errors: Vec<&Command> = told.iter().filter(|command| command.name == "error").collect();
    assert_eq!(errors.len(), 1, "{told:#?}");
    let title = "1.1 ::add-mask::Run, 50% of it: ##[set-output name=a]b";
    let given = |name: &str| errors[0].given.get(name).map(String::as_str);
    assert_eq!(
        (given("title"), given("file"), given("line")),
        (Some(title), Some("project/prd.md"), Some("3"))
    );
    assert!(errors[0].message.starts_with("failed: "), "{errors:?}");
    let group = names.iter().position(|name| *name == "group").expect("the log folds");
    assert_eq!(names[group + 1], "endgroup");
    assert!(
        ended.stderr.contains("    | line 1 ") && ended.stderr.contains("    | line 9 "),
        "{}",
        ended.stderr
    );

    let summary = sandbox.read("summary.md").expect("a summary");
    assert!(summary.starts_with("kept\n## "), "{summary}");
    assert!(summary.contains("exit code 3"), "{summary}");
    let output = sandbox.read("output").expect("outputs");
    let pairs: BTreeMap<&str, &str> =
        output.lines().map(|line| line.split_once('=').expect("a pair")).collect();
    assert_eq!(
        (pairs["result"], pairs["failed"], pairs["completed"], pairs["tasks"]),
        ("failed", "1", "0", "2")
    );
    let history = sandbox.run("history -o json").code(0).json();
    assert_eq!(history["runs"][0]["id"], pairs["run"]);

    let all = [&ended.stdout, &ended.stderr, &summary, &output];
    assert!(all.iter().all(|text| !text.contains(TOKEN)), "the secret is nowhere");
    for line in [
        "logs add-mask",
        "tasks list",
        "plan prd.md --commands",
        "report -o markdown",
        "tasks show 1.1",
        "report",
    ] {
        for command in commands(&sandbox.run(line)) {
            assert!(["error", "warning", "notice"].contains(&command.name.as_str()), "{line}: {command:?}");
        }
    }
}

#[test]
fn a_plan_is_a_summary() {
    let sandbox = github();
    sandbox.write(
        "tasks/local.yaml",
        "tasks:\n  add-mask-build/add-mask-run-50-of-it-set-output-name-a-b: {run: {exec: ['true']}}\n  1.9: {run: {exec: ['true']}}\n",
    );
    let ended = sandbox.run("plan prd.md").code(0);
    let told = commands(&ended);
    let warning = told.iter().find(|command| command.name == "warning").expect("a warning");
    assert_eq!(warning.given["title"], "bind-unused-entry");
    assert_eq!(
        (warning.given["file"].as_str(), warning.given["line"].as_str()),
        ("project/tasks/local.yaml", "3")
    );
    let same = told.iter().filter(|command| *command == warning).count();
    assert_eq!(same, 1, "each is told once");
    assert!(sandbox.read("summary.md").expect("a summary").contains("Fine"));
    assert_eq!(sandbox.read("output").as_deref(), Some("changes=1\n"));
}

/// Programs read the same values.
#[test]
fn json_is_what_it_is_elsewhere() {
    let (on, off) = (github(), on(&[]));
    for line in ["plan prd.md -o json", "parse prd.md -o json"] {
        let (on, off) = (on.run(line).code(0), off.run(line).code(0));
        assert_eq!(on.json(), off.json(), "{line}");
        assert!(off.stdout.contains("##[") && !on.stdout.contains("##["), "{line}");
    }
    let records = on.run("run prd.md --no-wait -o json").code(20);
    let kinds: Vec<_> = records.json_lines().iter().map(|line| line["record"]["kind"].clone()).collect();
    assert!(kinds.contains(&"run.ended".into()), "{kinds:?}");
}

#[test]
fn gitlab_gets_sections_and_no_commands() {
    let sandbox = on(&[("GITLAB_CI", "true")]);
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    let mark = |kind: &str| {
        let marks: Vec<&str> = ended.stderr.split(&format!("\u{1b}[0Ksection_{kind}:")).skip(1).collect();
        let (seconds, rest) = marks[0].split_once(':').expect("a time");
        let (name, rest) = rest.split_once('\r').expect("a name");
        assert!(seconds.parse::<i64>().expect("seconds") > 1_700_000_000 && rest.starts_with("\u{1b}[0K"));
        (marks.len(), name.to_owned(), rest.lines().next().unwrap_or_default().to_owned())
    };
    let (begun, name, title) = mark("start");
    let (ended_marks, same, _) = mark("end");
    assert_eq!((begun, ended_marks), (1, 1), "the one of the program is none: {:?}", ended.stderr);
    assert_eq!(name, format!("{same}[collapsed=true]"));
    assert!(title.contains("log of 1.1 "), "{title}");
    assert!(!ended.stderr.contains("::error") && sandbox.read("summary.md").is_none());
}

#[test]
fn nobody_is_told_where_it_is_switched_off() {
    let is_silent = |sandbox: &Sandbox, line: &str| {
        let ended = sandbox.run(line).code(20);
        let title = |line: &&str| !line.contains("::error") && !line.contains("::group");
        ended.stderr.lines().all(|line| title(&line)) && sandbox.read("summary.md").is_none()
    };
    assert!(is_silent(&on(&[]), "run prd.md --no-wait"));
    assert!(is_silent(&github(), "run prd.md --no-wait --ci off"));
    assert!(is_silent(&github().var("TASKMASTER_CI", "off"), "run prd.md --no-wait"));
    let sandbox = github();
    sandbox.write("taskmaster.toml", "ci = \"off\"\n");
    assert!(is_silent(&sandbox, "run prd.md --no-wait"));
    assert!(!is_silent(&sandbox, "run prd.md --no-wait --ci github"), "a flag goes before a file");
    let wrong = github().var("TASKMASTER_CI", "jenkins").run("plan prd.md").code(2);
    assert!(wrong.stderr.contains("TASKMASTER_CI=jenkins is not a server"), "{}", wrong.stderr);
}

/// A server whose files cannot be written fails no run.
#[test]
fn a_summary_that_cannot_be_written_is_told_only() {
    let sandbox = github();
    sandbox.write("tasks/local.yaml", "tasks:\n  add-mask-build/fine: {run: {exec: ['true']}}\n");
    let away = sandbox.path().join("gone/summary.md");
    let sandbox = sandbox.var("GITHUB_STEP_SUMMARY", away.to_string_lossy());
    let ended = sandbox.run("plan prd.md").code(0);
    assert!(ended.stderr.contains("warning: cannot add to GITHUB_STEP_SUMMARY"), "{}", ended.stderr);
    let full = github();
    full.write("summary.md", vec![b'x'; 1 << 20]);
    let ended = full.run("plan prd.md").code(0);
    assert!(ended.stderr.contains("GITHUB_STEP_SUMMARY has no room"), "{}", ended.stderr);
    assert_eq!(full.read("summary.md").expect("kept").len(), 1 << 20);
}
