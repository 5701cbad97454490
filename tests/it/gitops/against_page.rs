//! The page about plans for pull requests: its example is what the program prints, and the shell of its
//! pipelines does what the page says.

use super::against::{SHOP_CATALOGUE, shop};
use super::against_world::{World, finished};
use serde_yaml::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use taskmaster_testkit::Finished;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/gitops-plan.md");

fn page() -> String {
    std::fs::read_to_string(PAGE).expect("the page")
}

/// The edit of the page's example.
fn edit(world: &World) {
    world.edit(
        "prd.md",
        "- [ ] T004 Announce the release (depends on: T003)",
        "- [ ] T007 Warm the cache (depends on: T003)\n- [ ] T004 Announce the release (depends on: T003, T007)",
    );
    world.edit("prd.md", "- [ ] T005 Clean up old images\n", "");
    world.edit("tasks/local.yaml", "env:STAGING_TOKEN", "env:DEPLOY_TOKEN");
    world.edit("tasks/local.yaml", "--replicas=2", "--replicas=3");
    world.edit("tasks/local.yaml", "timeout: 10m", "timeout: 20m");
    let gone = "  T005:\n    run: {exec: [make, clean-images]}\n    undo: {exec: [make, restore-images]}\n";
    let new = "  T007:\n    check: {exec: [cache, is-warm]}\n    run: {exec: [cache, warm, --all]}\n";
    world.edit("tasks/local.yaml", gone, new);
}

/// `UPDATE_REFERENCE=1 cargo test --test it against_page` writes the example anew.
#[test]
fn the_example_is_what_the_program_prints() {
    let world = shop();
    edit(&world);
    let comment = world.comment("prd.md --against git:main");
    let page = page();
    let (start, rest) = page.split_once("<!-- example -->\n").expect("a begin");
    let (_, end) = rest.split_once("<!-- end -->").expect("an end");
    let wanted = format!("{start}<!-- example -->\n{comment}<!-- end -->{end}");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(PAGE, &wanted).expect("it can be written");
    } else {
        assert!(page == wanted, "docs/gitops-plan.md is not current: run this test with UPDATE_REFERENCE=1");
    }
}

/// The pipelines of the page, by the heading that they stand under.
fn pipeline(heading: &str) -> Value {
    let page = page();
    let (_, section) = page.split_once(&format!("## {heading}\n")).expect("a section");
    let (_, rest) = section.split_once("```yaml\n").expect("a block");
    let (yaml, _) = rest.split_once("```\n").expect("its end");
    serde_yaml::from_str(yaml).expect("YAML")
}

fn variables(value: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other).unwrap().trim().to_owned(),
    };
    let map = value.as_mapping().into_iter().flatten();
    map.map(|(name, value)| (name.as_str().unwrap().to_owned(), text(value))).collect()
}

/// A branch on which somebody works, a server that holds comments, and a pipeline's shell.
struct Pipeline {
    world: World,
    server: tempfile::TempDir,
}

/// `gh`, as far as the pipeline uses it. A comment is a file: its id, its author, its body.
const GH: &str = r#"#!/bin/sh
set -eu
test "$1" = api && shift
method=GET; path=; body=
while [ $# -gt 0 ]; do
  case $1 in
    --paginate) ;;
    --method) method=$2; shift ;;
    --jq) test "$2" = '.[] | [.id, .user.login, (.body | split("\n")[0])] | @tsv'; shift ;;
    --field) body=${2#body=@}; shift ;;
    -*) exit 64 ;;
    *) path=$1 ;;
  esac
  shift
done
test -n "$GH_TOKEN"
case "$method $path" in
  "GET repos/o/r/issues/7/comments")
    for file in "$SERVER"/*.md; do
      test -e "$file" || continue
      name=${file##*/}
      printf '%s\t%s\t%s\n' "${name%%.*}" "$(cat "$SERVER/${name%%.*}.author")" "$(head -n 1 "$file")"
    done ;;
  "PATCH repos/o/r/issues/comments/"*)
    id=${path##*/}
    test "$(cat "$SERVER/$id.author")" = "github-actions[bot]"
    cp "$body" "$SERVER/$id.md" ;;
  "POST repos/o/r/issues/7/comments")
    id=$(ls "$SERVER" | grep -c md || true)
    cp "$body" "$SERVER/9$id.md"
    printf 'github-actions[bot]' >"$SERVER/9$id.author" ;;
  *) exit 65 ;;
esac
"#;

/// `curl`, the same for GitLab.
const CURL: &str = r#"#!/bin/sh
set -eu
method=GET; path=; body=; token=
while [ $# -gt 0 ]; do
  case $1 in
    --silent|--show-error|--fail-with-body) ;;
    --header) token=$2; shift ;;
    --request) method=$2; shift ;;
    --form) body=${2#body=<}; shift ;;
    -*) exit 64 ;;
    *) path=$1 ;;
  esac
  shift
done
test "$token" = "PRIVATE-TOKEN: t0ken"
base=https://gitlab.invalid/api/v4/projects/3/merge_requests/7/notes
case "$method $path" in
  "GET $base?per_page=100&sort=asc") echo "$SERVER" ;;
  "PUT $base/"*) cp "$body" "$SERVER/${path##*/}.md" ;;
  "POST $base")
    id=$(ls "$SERVER" | grep -c md || true)
    cp "$body" "$SERVER/9$id.md" ;;
  *) exit 65 ;;
esac
"#;

/// `jq` with the one filter that the pipeline has.
const JQ: &str = r#"#!/bin/sh
set -eu
test "$1" = -r
test "$2" = '.[] | [.id, (.body | split("\n")[0])] | @tsv'
for file in "$(cat "$3")"/*.md; do
  test -e "$file" || continue
  name=${file##*/}
  printf '%s\t%s\n' "${name%%.*}" "$(head -n 1 "$file")"
done
"#;

impl Pipeline {
    fn new() -> Self {
        let world = shop();
        world.git(&["update-ref", "refs/remotes/origin/main", "main"]);
        world.git(&["switch", "--quiet", "--create", "change"]);
        let pipeline = Self { world, server: tempfile::tempdir().unwrap() };
        pipeline.program("gh", GH);
        pipeline.program("curl", CURL);
        pipeline.program("jq", JQ);
        pipeline
    }

    fn program(&self, name: &str, text: &str) {
        let bin = self.server.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let source = bin.join(format!("{name}.text"));
        std::fs::write(&source, text).unwrap();
        // By another process: see `Sandbox::program`.
        let mut install = Command::new("install");
        assert!(install.args(["-m", "755"]).arg(source).arg(bin.join(name)).status().unwrap().success());
    }

    /// Somebody else's comment, or the bot's.
    fn has(&self, id: &str, author: &str, body: &str) {
        std::fs::write(self.server.path().join(format!("{id}.md")), body).unwrap();
        std::fs::write(self.server.path().join(format!("{id}.author")), author).unwrap();
    }

    /// Bodies of all comments by id.
    fn comments(&self) -> BTreeMap<String, String> {
        let files = std::fs::read_dir(self.server.path()).unwrap().map(|entry| entry.unwrap().path());
        let named = |path: PathBuf| {
            let id = path.file_stem()?.to_string_lossy().into_owned();
            (path.extension()? == "md").then(|| (id, std::fs::read_to_string(path).unwrap()))
        };
        files.filter_map(named).collect()
    }

    /// Runs a step as the runner does.
    #[track_caller]
    fn run(&self, shell: &[&str], script: &str, variables: &BTreeMap<String, String>) -> Finished {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_taskmaster"));
        let folders = [self.server.path().join("bin"), program.parent().unwrap().to_owned()];
        let path = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path))).unwrap();
        let file = self.server.path().join("step.sh");
        std::fs::write(&file, script).unwrap();
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(&file).current_dir(self.world.root()).env_clear();
        command
            .env("PATH", path)
            .env("SERVER", self.server.path())
            .env("HOME", self.server.path())
            .envs(variables);
        finished(&command.output().unwrap())
    }

    /// The jobs of GitHub: plan, comment, verdict. Gives the exit code of the plan, and the verdict.
    #[track_caller]
    fn github(&self) -> (String, i32) {
        let workflow = pipeline("GitHub Actions");
        let steps = workflow["jobs"]["plan"]["steps"].as_sequence().expect("steps").clone();
        let step = |name: &str| {
            steps.iter().find(|step| step["name"].as_str() == Some(name)).expect("a step").clone()
        };
        let output = self.server.path().join("output");
        std::fs::write(&output, "").unwrap();
        let mut shared = variables(&workflow["env"]);
        let own = [
            ("GITHUB_REPOSITORY", "o/r".to_owned()),
            ("GITHUB_OUTPUT", output.to_string_lossy().into_owned()),
            ("GITHUB_STEP_SUMMARY", self.server.path().join("summary").to_string_lossy().into_owned()),
        ];
        shared.extend(own.map(|(name, value)| (name.to_owned(), value)));
        let mut last = 0;
        for name in ["plan", "comment", "verdict"] {
            let step = step(name);
            let said = std::fs::read_to_string(&output).unwrap();
            let code = said.trim().strip_prefix("code=").unwrap_or_default().to_owned();
            let mut all = shared.clone();
            let filled = |text: String| {
                text.replace("${{ github.base_ref }}", "main")
                    .replace("${{ github.token }}", "t0ken")
                    .replace("${{ github.event.pull_request.number }}", "7")
                    .replace("${{ steps.plan.outputs.code }}", &code)
            };
            all.extend(variables(&step["env"]).into_iter().map(|(name, value)| (name, filled(value))));
            let script = step["run"].as_str().expect("a script");
            assert!(!script.contains("${{"), "what GitHub fills in stands in variables, never in a script");
            let ended = self.run(&["bash", "-e"], script, &all);
            assert!(name == "verdict" || ended.code == 0, "{name}: {ended:?}");
            last = ended.code;
        }
        let code = std::fs::read_to_string(&output).unwrap();
        (code.trim().strip_prefix("code=").expect("a code").to_owned(), last)
    }

    /// The job of GitLab.
    #[track_caller]
    fn gitlab(&self) -> i32 {
        let job = pipeline("GitLab CI")["plan"].clone();
        let mut all = variables(&job["variables"]);
        let base = self.world.git(&["merge-base", "origin/main", "HEAD"]);
        let own = [
            ("CI_API_V4_URL", "https://gitlab.invalid/api/v4"),
            ("CI_PROJECT_ID", "3"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
            ("PLAN_TOKEN", "t0ken"),
        ];
        all.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let script = job["script"].as_sequence().expect("a script").iter();
        let script: Vec<&str> = script.map(|part| part.as_str().expect("a text")).collect();
        // All parts in one shell that ends with the first fault, as the runner does it.
        self.run(&["bash", "-eo", "pipefail"], &script.join("\n"), &all).code
    }
}

#[test]
fn github_s_pipeline_posts_one_comment_and_keeps_it_current() {
    let pipeline = Pipeline::new();
    let foreign = "<!-- taskmaster plan local prd.md -->\nNot the bot's.\n";
    pipeline.has("11", "mallory", foreign);
    pipeline.has("12", "github-actions[bot]", "<!-- another bot -->\nx\n");
    assert_eq!(pipeline.github(), ("0".to_owned(), 0), "no difference");
    assert_eq!(pipeline.comments().len(), 2, "and nothing to say");

    edit(&pipeline.world);
    assert_eq!(pipeline.github(), ("30".to_owned(), 0));
    let comments = pipeline.comments();
    let expected = pipeline.world.comment("prd.md --against git:origin/main...");
    assert!(expected.contains("1 task runs, 1 runs again"), "{expected}");
    let ours: Vec<&String> =
        comments.iter().filter(|(id, _)| id.starts_with('9')).map(|(_, body)| body).collect();
    assert_eq!(ours, [&expected]);
    assert_eq!(comments["11"], foreign);

    // Taken back: the comment says so, since it is there.
    pipeline.world.git(&["checkout", "--quiet", "HEAD", "--", "."]);
    assert_eq!(pipeline.github(), ("0".to_owned(), 0));
    let comments = pipeline.comments();
    assert_eq!(comments.len(), 3, "{comments:#?}");
    assert!(
        comments.iter().any(|(id, body)| id.starts_with('9') && body.contains("no difference in meaning"))
    );
    let summary = std::fs::read_to_string(pipeline.server.path().join("summary")).unwrap();
    assert!(summary.contains(&expected), "every plan stands in the summary");
}

#[test]
fn github_s_pipeline_shows_why_there_is_no_plan() {
    let pipeline = Pipeline::new();
    pipeline.world.edit("prd.md", "(depends on: T003)", "(depends on: ```)</details>@octocat)");
    assert_eq!(pipeline.github(), ("10".to_owned(), 1), "the job fails");
    let comments = pipeline.comments();
    let body = comments.values().next().expect("a comment");
    assert!(
        body.starts_with(
            "<!-- taskmaster plan local prd.md -->\n### Plan for `local`: failed (exit code 10)\n\n"
        ),
        "{body}"
    );
    assert!(body.contains("    error[unknown-dependency]"), "{body}");
    let outside = body.lines().skip(3).filter(|line| !line.starts_with("    "));
    assert_eq!(outside.collect::<Vec<_>>(), Vec::<&str>::new(), "all of it is inside of a block of code");
}

#[test]
fn gitlab_s_pipeline_posts_one_comment_and_keeps_it_current() {
    let pipeline = Pipeline::new();
    pipeline.has("12", "", "<!-- another bot -->\nx\n");
    assert_eq!(pipeline.gitlab(), 0);
    assert_eq!(pipeline.comments().len(), 1);
    edit(&pipeline.world);
    assert_eq!(pipeline.gitlab(), 0);
    let expected = pipeline.world.comment("prd.md --against git:origin/main...");
    let ours = |pipeline: &Pipeline| -> Vec<String> {
        pipeline.comments().into_iter().filter(|(id, _)| id.starts_with('9')).map(|(_, body)| body).collect()
    };
    assert_eq!(ours(&pipeline), [expected]);
    pipeline.world.edit("tasks/local.yaml", "tasks:\n", "tasks: {\n");
    assert_eq!(pipeline.gitlab(), 1, "the job fails");
    let after = ours(&pipeline);
    assert!(after.len() == 1 && after[0].contains("failed (exit code 13)"), "{after:?}");
}

/// Whoever copies the page gets a bot that finds its comment.
#[test]
fn the_pipelines_know_the_first_line_of_the_comment() {
    let world = shop();
    let comment = world.comment("prd.md --env local --against git:main");
    let first = comment.lines().next().unwrap();
    let github = variables(&pipeline("GitHub Actions")["env"]);
    let gitlab = variables(&pipeline("GitLab CI")["plan"]["variables"]);
    for variables in [github, gitlab] {
        assert_eq!(variables["MARKER"], first);
        assert_eq!((variables["DOCUMENT"].as_str(), variables["ENVIRONMENT"].as_str()), ("prd.md", "local"));
    }
    assert!(SHOP_CATALOGUE.contains("environment: local"));
}
