//! What guides, pipelines and the Makefile tell people and machines to type. Whether it has the effect
//! that they say is for the end-to-end suite; here every command line is one that exists.

use super::sandbox;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde_yaml::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use taskmaster_testkit::Sandbox;

const GUIDES: [&str; 5] = ["setup", "blue-green", "canary", "local", "troubleshooting"];
const PIPELINES: [&str; 2] = ["github-actions.yml", "gitlab-ci.yml"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

/// Lines of the blocks in these languages; a `$` of a console is not typed.
fn typed(markdown: &str, languages: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_console = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if languages.contains(&&*info) => {
                is_console = Some(&*info == "console");
            }
            Event::Text(text) => match is_console {
                Some(false) => lines.extend(text.lines().map(str::to_owned)),
                Some(true) => {
                    lines.extend(text.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned));
                }
                None => {}
            },
            Event::End(TagEnd::CodeBlock) => is_console = None,
            _ => {}
        }
    }
    lines
}

/// The arguments of the program where a line runs it.
fn arguments(program: &str, line: &str) -> Option<Vec<String>> {
    let words = shell_words::split(line).unwrap_or_else(|fault| panic!("{line}: {fault}"));
    let at = words.iter().position(|word| word == program)?;
    let is_run = at == 0 || ["until", "&&", "||", "|", "if"].contains(&words[at - 1].as_str());
    let ends = |word: &String| ["|", "||", "&&", "#"].contains(&word.as_str()) || word.starts_with('>');
    is_run.then(|| words[at + 1..].iter().take_while(|word| !ends(word)).cloned().collect())
}

/// The parser of the command line takes them: in an empty folder they may lead nowhere, but what is
/// wrong is not their usage. (With `--help` nobody would miss an argument.)
fn accept(sandbox: &Sandbox, line: &str, arguments: &[String]) {
    let output = sandbox.command(arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("Usage: taskmaster"), "{line}\n{said}");
}

/// Every text of a YAML document.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Sequence(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Mapping(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

fn pipeline(name: &str) -> (Value, Vec<String>) {
    let value: Value = serde_yaml::from_str(&text(&format!("docs/ci/{name}"))).expect("it is YAML");
    let mut found = Vec::new();
    texts(&value, &mut found);
    let lines = found.iter().flat_map(|text| text.lines()).map(|line| line.trim().to_owned()).collect();
    (value, lines)
}

#[test]
fn the_command_line_accepts_what_guides_tell_people_to_type() {
    let sandbox = sandbox();
    let makefile = text("Makefile");
    for name in GUIDES {
        let mut count = 0;
        for line in typed(&text(&format!("docs/guides/{name}.md")), &["sh", "console"]) {
            if let Some(arguments) = arguments("taskmaster", &line) {
                accept(&sandbox, &line, &arguments);
                count += 1;
            }
            if let Some(arguments) = arguments("make", &line) {
                let target = arguments.first().expect("a target");
                assert!(makefile.lines().any(|rule| rule.starts_with(&format!("{target}: "))), "{line}");
            }
        }
        assert!(count >= 4, "{name}: {count} lines");
    }
}

#[test]
fn the_command_line_accepts_what_pipelines_run() {
    let sandbox = sandbox();
    for name in PIPELINES {
        let mut verbs = BTreeSet::new();
        for line in pipeline(name).1 {
            if let Some(arguments) = arguments("taskmaster", &line) {
                verbs.extend(arguments.first().cloned());
                accept(&sandbox, &line, &arguments);
            }
        }
        assert_eq!(Vec::from_iter(verbs), ["plan", "report", "run"], "{name}");
    }
}

#[test]
fn a_line_that_does_not_exist_is_found() {
    let sandbox = sandbox();
    for line in
        ["taskmaster plan --fromat markdown", "taskmaster promote", "until taskmaster run --no-weight; do"]
    {
        let arguments = arguments("taskmaster", line).expect("it runs taskmaster");
        let found = std::panic::catch_unwind(|| accept(&sandbox, line, &arguments));
        assert!(found.is_err(), "{line}");
    }
    assert_eq!(
        arguments("taskmaster", "a | taskmaster logs x --lines 5 >f"),
        Some(vec!["logs".into(), "x".into(), "--lines".into(), "5".into()])
    );
    assert_eq!(arguments("taskmaster", "cargo install taskmaster"), None);
}

/// What others can change under its name is not what was looked at.
#[test]
fn pipelines_name_versions() {
    let (actions, lines) = pipeline("github-actions.yml");
    let mut used = 0;
    for job in actions["jobs"].as_mapping().expect("jobs").values() {
        let steps = job["steps"].as_sequence().expect("steps");
        for action in steps.iter().filter_map(|step| step["uses"].as_str()) {
            let commit = action.split_once('@').expect("a version").1;
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{action}");
            used += 1;
        }
    }
    assert!(used >= 4, "{used}");
    assert!(lines.iter().any(|line| line.starts_with("docker.io/aquasec/trivy:0.")), "trivy");
    let (gitlab, _) = pipeline("gitlab-ci.yml");
    for (name, job) in gitlab.as_mapping().expect("jobs") {
        let image = job["image"].as_str().or_else(|| job["image"]["name"].as_str());
        let is_versioned = image.is_none_or(|image| {
            image
                .split_once(':')
                .is_some_and(|(_, tag)| tag.starts_with(|first: char| first.is_ascii_digit()))
        });
        assert!(is_versioned, "{name:?}: {image:?}");
    }
}

/// The anchor that Git hosts make of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || ['-', '_'].contains(c)).collect()
}

fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => found.extend(heading.take().as_deref().map(anchor)),
            _ => {}
        }
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let guides = GUIDES.map(|name| format!("docs/guides/{name}.md"));
    let recipes = crate::cookbook::recipes();
    let recipes = recipes.iter().map(|name| format!("cookbook/{name}/README.md"));
    let pages = [
        "docs/ci/README.md",
        "README.md",
        "cookbook/README.md",
        "docs/exit-codes.md",
        "docs/state-machines.md",
    ];
    let pages: Vec<String> = guides.into_iter().chain(recipes).chain(pages.map(str::to_owned)).collect();
    let mut count = 0;
    for path in pages.iter().map(String::as_str) {
        let markdown = text(path);
        for event in Parser::new(&markdown) {
            let Event::Start(Tag::Link { dest_url, .. }) = event else { continue };
            if dest_url.contains("://") {
                continue;
            }
            let (file, fragment) = dest_url.split_once('#').unwrap_or((&dest_url, ""));
            let folder = Path::new(path).parent().expect("a folder");
            let target = if file.is_empty() { root().join(path) } else { root().join(folder).join(file) };
            assert!(target.exists(), "{path}: {dest_url}");
            if !fragment.is_empty() {
                let linked = std::fs::read_to_string(&target).expect("a document");
                assert!(anchors(&linked).contains(fragment), "{path}: {dest_url}");
            }
            count += 1;
        }
    }
    assert!(count >= 30, "{count} links");
}

#[test]
fn targets_of_the_makefile_run_what_exists() {
    let program = env!("CARGO_BIN_EXE_taskmaster");
    let sandbox = sandbox();
    for target in ["platform-up", "deploy-blue-green", "deploy-canary", "promote", "platform-down"] {
        let mut make = Command::new("make");
        make.args(["--no-print-directory", "--dry-run", target, "VERSION=v2", "VARS=--var context=c"]);
        // The tests may run below a make of their own, whose level alone makes this one name its directory.
        let output = make.arg(format!("BIN={program}")).env_remove("MAKEFLAGS").current_dir(root()).output();
        let output = output.expect("make is there");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = shown.lines().last().unwrap_or_default();
        let arguments = arguments(program, line).unwrap_or_else(|| panic!("{target}: {output:?}"));
        assert!(arguments.windows(2).any(|pair| pair == ["--env", "kind"]), "{line}");
        accept(&sandbox, line, &arguments);
    }
    let output = Command::new("make")
        .args(["--dry-run", "deploy-canary", "BIN=Makefile"])
        .current_dir(root())
        .output();
    let said = String::from_utf8_lossy(&output.expect("make is there").stderr).into_owned();
    assert!(said.contains("VERSION=… is missing"), "{said}");
}

const RELEASE: &str = r#"
document: release-blue-green
environment: local
vars: {version: {description: a tag}}
tasks:
  commit: {check: {shell: 'test "$(cat git)" = "$TM_VAR_VERSION"'}, run: {shell: 'echo "$TM_VAR_VERSION" >git'}}
  preview: {run: {exec: [test, -e, git]}}
  "yes": {run: {approval: "Shall the users get {{ vars.version }}?"}}
  switch: {check: {shell: 'cmp -s git users'}, run: {exec: [cp, git, users]}}
  settle: {check: {exec: [test, -e, users]}, run: {exec: ["false"]}}
"#;

#[test]
fn the_way_back_asks_nobody() {
    let sandbox = Sandbox::new("sh");
    sandbox.write("prd/releases/blue-green.md", text("prd/releases/blue-green.md"));
    sandbox.write("tasks/local.yaml", RELEASE).write("git", "v2\n").write("users", "v2\n");
    let script = root().join("scripts/rollback.sh");
    let (script, program) = (script.display(), env!("CARGO_BIN_EXE_taskmaster"));
    let first = sandbox.run(&format!("{script} {program} local blue-green v1")).code(0);
    assert_eq!(sandbox.read("users").as_deref(), Some("v1\n"));
    assert!(first.stdout.contains("yes: approved"), "{}", first.stdout);
    let again = sandbox.run(&format!("{script} {program} local blue-green v1")).code(0);
    assert!(!again.stdout.contains("approved"), "{}", again.stdout);
    let failed = sandbox.run(&format!("{script} {program} nowhere blue-green v1"));
    assert!(failed.code != 0 && failed.stdout.contains("bind-unknown-environment"), "{failed:?}");
    sandbox.run(&format!("{script} {program} local green v1")).code(2);
}
