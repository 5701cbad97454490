//! Three edits as a reviewer gets them, and what is no difference. What is expected of each was written
//! before its comment was looked at.

use super::against_world::{World, finished, git};
use insta::assert_snapshot;
use serde_json::json;
use std::process::Command;

const PRD: &str = "\
# Web shop

Releases should be dull.

## Phase 1: Build

- [ ] T001 Build the image
- [ ] T002 Test the image

## Phase 2: Release

- [ ] T003 Deploy to staging
- [ ] T004 Announce the release (depends on: T003)

## Phase 3: Follow up

- [ ] T005 Clean up old images
- [ ] T006 Write down what was learned
";

pub(crate) const SHOP_CATALOGUE: &str = r#"document: prd.md
environment: local
vars:
  token: {secret: "env:STAGING_TOKEN"}
tasks:
  T001: {run: {exec: [make, image]}}
  T002:
    inputs: ["tests/*.sh"]
    run: {exec: [make, test]}
  T003:
    timeout: 10m
    outputs: json
    run:
      exec:
        argv: [deploy, "--to=staging", "--replicas=2", "--state={{ project }}/state"]
        env: {TOKEN: "{{ vars.token }}"}
  T004: {run: {exec: [announce, '{{ outputs.T003.url }}']}}
  T005:
    run: {exec: [make, clean-images]}
    undo: {exec: [make, restore-images]}
  T006: {manual: true}
"#;

pub(crate) fn shop() -> World {
    shop_below("")
}

fn shop_below(below: &'static str) -> World {
    let world = World::below(below);
    world.write("taskmaster.toml", "document = \"prd.md\"\n").write("prd.md", PRD);
    world
        .write("tasks/local.yaml", SHOP_CATALOGUE)
        .write("tests/smoke.sh", "true\n")
        .write("README.md", "A shop.\n");
    world.commit("a shop");
    world
}

/// A pull request that adds a task in the middle and lets another one wait for it.
fn adds_a_task(world: &World) {
    world.edit(
        "prd.md",
        "- [ ] T004 Announce the release (depends on: T003)",
        "- [ ] T007 Warm the cache (depends on: T003)\n- [ ] T004 Announce the release (depends on: T003, T007)",
    );
    let task = "  T007:\n    check: {exec: [cache, is-warm]}\n    run: {exec: [cache, warm, --all]}\n  T006: {manual";
    world.edit("tasks/local.yaml", "  T006: {manual", task);
}

/// One that changes a command, its secret, its time limit, and a script that another command reads.
fn changes_commands(world: &World) {
    world.edit("tasks/local.yaml", "env:STAGING_TOKEN", "env:DEPLOY_TOKEN");
    world.edit("tasks/local.yaml", "--replicas=2", "--replicas=3");
    world.edit("tasks/local.yaml", "timeout: 10m", "timeout: 20m");
    world.write("tests/smoke.sh", "exit 0\n").write("tests/load.sh", "true\n");
}

/// One that renames, moves and removes, in a document without written ids.
fn platform() -> World {
    let world = World::new();
    world.write(
        "prd.md",
        "# Platform\n\n## Phase 1: Infrastructure\n\n- [ ] Create the cluster\n- [ ] Install the ingress controller\n\
         - [ ] Install the mail relay\n- [ ] Create the log bucket\n\n## Phase 2: Services\n\n- [ ] Deploy the web service\n\
         - [ ] Deploy the batch service\n",
    );
    world.write(
        "tasks/local.yaml",
        "document: prd.md\nenvironment: local\ntasks:\n\
         \x20 infrastructure/create-the-cluster: {run: {exec: [cluster, create]}, irreversible: true}\n\
         \x20 infrastructure/install-the-ingress-controller: {run: {exec: [install, ingress]}}\n\
         \x20 infrastructure/install-the-mail-relay:\n\
         \x20   run: {exec: [install, relay]}\n\
         \x20   undo: {exec: [uninstall, relay, --purge]}\n\
         \x20 infrastructure/create-the-log-bucket: {run: {exec: [bucket, create]}}\n\
         \x20 services/deploy-the-web-service: {run: {exec: [deploy, web]}}\n\
         \x20 services/deploy-the-batch-service: {run: {exec: [deploy, batch]}}\n",
    );
    world.commit("a platform");
    world
}

fn renames_moves_and_removes(world: &World) {
    world.edit("prd.md", "- [ ] Install the mail relay\n- [ ] Create the log bucket\n", "");
    world.edit("prd.md", "the ingress controller", "the ingress controllers");
    world.edit("prd.md", "- [ ] Deploy the batch service\n", "");
    world.edit(
        "prd.md",
        "- [ ] Create the cluster\n",
        "- [ ] Deploy the batch service\n- [ ] Create the cluster !!\n",
    );
    world.edit("prd.md", "Create the cluster !!", "Create the cluster");
    world.edit("tasks/local.yaml", "install-the-ingress-controller", "install-the-ingress-controllers");
    world.edit(
        "tasks/local.yaml",
        "services/deploy-the-batch-service",
        "infrastructure/deploy-the-batch-service",
    );
    world.edit("tasks/local.yaml", ", irreversible: true", "");
    let text = std::fs::read_to_string(world.root().join("tasks/local.yaml")).unwrap();
    let (start, rest) = text.split_once("  infrastructure/install-the-mail-relay:").unwrap();
    let (_, end) = rest.split_once("[bucket, create]}}\n").unwrap();
    world.write("tasks/local.yaml", &format!("{start}{end}"));
}

/// Every line is there, in this order.
#[track_caller]
fn in_order(text: &str, lines: &[&str]) {
    let mut rest = text;
    for line in lines {
        let Some(at) = rest.find(line) else { panic!("{line:?} is not where it should be in\n{text}") };
        rest = &rest[at + line.len()..];
    }
}

#[test]
fn a_task_that_is_added() {
    let world = shop();
    adds_a_task(&world);
    let comment = world.comment("--against git:main");
    in_order(
        &comment,
        &[
            "<!-- taskmaster plan local prd.md -->\n",
            "### Plan for `local`: 1 task runs\n",
            "| `+` **runs** | 2.2 Warm the cache | new; its check is asked first |",
            "Dependencies: 2 new",
            "2.2 Warm the cache waits for 2.1 Deploy to staging",
            "2.3 Announce the release waits for 2.2 Warm the cache",
            "+ cache is-warm",
            "+ cache warm --all",
            "```mermaid",
        ],
    );
    assert!(!comment.contains("another order"), "the order of the others is as it was\n{comment}");
    assert_snapshot!("against-adds", comment);
}

#[test]
fn a_command_that_is_changed() {
    let world = shop();
    changes_commands(&world);
    let comment = world.comment("--against git:main");
    in_order(
        &comment,
        &[
            "### Plan for `local`: 2 tasks run again, 1 may run again\n",
            "| `~` **runs again** | 1.2 Test the image | its inputs changed: tests/load.sh (new), tests/smoke.sh |",
            "| `~` **runs again** | 2.1 Deploy to staging | its command changed; timeout 10m → 20m |",
            "| `~` **may run again** | 2.2 Announce the release | reads outputs of 2.1 |",
            "- deploy --to=staging --replicas=2 --state=/project/state",
            "+ deploy --to=staging --replicas=3 --state=/project/state",
        ],
    );
    let secrets =
        ["-   with TOKEN='<secret env:STAGING_TOKEN>'", "+   with TOKEN='<secret env:DEPLOY_TOKEN>'"];
    secrets.iter().for_each(|line| assert!(comment.contains(line), "{line}\n{comment}"));
    assert_snapshot!("against-changes", comment);
}

#[test]
fn tasks_that_are_renamed_moved_and_removed() {
    let world = platform();
    renames_moves_and_removes(&world);
    let comment = world.comment("prd.md --against git:main");
    in_order(
        &comment,
        &[
            "### Plan for `local`: 2 tasks run, 2 removed\n",
            "> [!WARNING]\n",
            "> - 1.2 Create the cluster asks nobody any more\n",
            "> - Install the mail relay (was 1.3) is taken back where a sync prunes\n",
            "| `+` **runs** | 1.1 Deploy the batch service | decided anew: what was done as services/deploy-the-batch-service does not count; moved from services to infrastructure |",
            "| `+` **runs** | 1.3 Install the ingress controllers | decided anew: what was done as infrastructure/install-the-ingress-controller does not count; was called “Install the ingress controller” |",
            "| `x` **is undone** | Install the mail relay (was 1.3) |",
            "| `-` **stays behind** | Create the log bucket (was 1.4) |",
            "uninstall relay --purge",
        ],
    );
    assert_snapshot!("against-removes", comment);
}

#[test]
fn the_same_two_trees_give_the_same_bytes() {
    type Edit = (fn() -> World, fn(&World));
    let edits: [Edit; 3] =
        [(shop, adds_a_task), (shop, changes_commands), (platform, renames_moves_and_removes)];
    for (make, edit) in edits {
        let world = make();
        edit(&world);
        let line = "prd.md --against git:main";
        let faces = |world: &World| {
            let faces = ["markdown", "json", "text"]
                .map(|face| world.plan(&format!("{line} --format {face}")).code(0).stdout);
            faces.join("\n")
        };
        let first = faces(&world);
        assert_eq!(faces(&world), first, "asked again");
        let other = make();
        edit(&other);
        assert_eq!(faces(&other), first, "in another directory");
        let path = world.root().to_string_lossy().into_owned();
        assert!(!first.contains(&path) && !first.contains("/tmp"), "{first}");

        // Two commits give the same but for what they are called; the tree that lies there counts for nothing.
        world.git(&["switch", "--quiet", "--create", "change"]);
        let head = world.commit("a change");
        let both = world.plan("prd.md --against git:main..change --format markdown").code(0).stdout;
        assert!(both.contains(&format!("{} compared with ", &head[..10])), "{both}");
        let same = both.replace(&format!("{} compared with ", &head[..10]), "compared with ");
        assert!(first.starts_with(&same), "{same}");
        world.write("prd.md", "# Nothing\n");
        assert_eq!(world.comment("prd.md --against git:main..change"), both);

        let clone = tempfile::tempdir().unwrap();
        let source = world.root();
        let cloned = git(clone.path()).args(["clone", "--quiet"]).arg(&source).arg("copy").status().unwrap();
        assert!(cloned.success());
        let mut command = world.command("plan prd.md --against git:origin/main..origin/change -o markdown");
        let output = command.current_dir(clone.path().join("copy")).output().unwrap();
        assert_eq!(finished(&output).code(0).stdout, both, "in another clone");
    }
}

#[test]
fn prose_is_no_difference() {
    let world = shop();
    world.edit("prd.md", "Releases should be dull.", "Releases should be dull.\nReally.\n\n> Dull!\n");
    world.edit("prd.md", "# Web shop\n", "# Web shop\n\n## 1. Why\n\nBecause.\n");
    world.edit("prd.md", "- [ ] T002 Test the image", "- [ ] T002 Test the image\n  - with care");
    world.edit("tasks/local.yaml", "tasks:\n", "# how it is done\ntasks:\n");
    let comment = world.plan("--against git:main --detailed-exitcode --format markdown").code(0).stdout;
    let expected = "<!-- taskmaster plan local prd.md -->\n### Plan for `local`: no difference in meaning\n\n**Web shop** · `prd.md` · compared with ";
    assert!(comment.starts_with(expected), "{comment}");
    assert_eq!(comment.lines().count(), 4, "{comment}");
}

#[test]
fn the_exit_code_says_whether_there_is_a_difference() {
    let world = shop();
    world.plan("--against git:main --detailed-exitcode").code(0);
    world.edit("tasks/local.yaml", "timeout: 10m", "timeout: 11m");
    world.plan("--against git:main --detailed-exitcode").code(30);
    world.plan("--against git:main").code(0);
    // What is committed is compared no less than what is not.
    world.commit("longer");
    world.plan("--against git:main~1 --detailed-exitcode").code(30);
    world.plan("--against git:main --detailed-exitcode").code(0);
    world.plan("--against git:main~1..main --detailed-exitcode").code(30);
}

#[test]
fn a_branch_is_compared_with_where_it_left() {
    let world = shop();
    world.git(&["switch", "--quiet", "--create", "change"]);
    world.edit("tasks/local.yaml", "clean-images", "clean-all-images");
    world.commit("clean all");
    world.git(&["switch", "--quiet", "main"]);
    world.edit("tasks/local.yaml", "[make, image]", "[make, other-image]");
    world.commit("meanwhile");
    world.git(&["switch", "--quiet", "change"]);
    let ids = |against: &str| -> Vec<String> {
        let json = world.plan(&format!("--against {against} -o json")).code(0).json();
        json["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("git:main..."), ["T005"], "what the branch changed");
    assert_eq!(ids("git:main...change"), ["T005"]);
    assert_eq!(ids("git:main"), ["T001", "T005"], "what would change on main, too");
    assert_eq!(ids("git:main..change"), ["T001", "T005"]);
}

#[test]
fn a_project_in_a_folder_of_the_repository() {
    let world = shop_below("teams/shop");
    adds_a_task(&world);
    changes_commands(&world);
    let comment = world.comment("--against git:main");
    assert!(comment.contains("1 task runs, 2 run again, 1 may run again"), "{comment}");
    assert!(comment.contains("tests/load.sh (new), tests/smoke.sh |"), "{comment}");
    let mut command = world.command("plan ../prd.md --against git:main -o markdown");
    let tests = world.root().join("teams/shop/tests");
    let output = command.current_dir(tests).output().unwrap();
    assert_eq!(finished(&output).code(0).stdout, comment, "wherever one stands");
}

#[test]
fn what_is_built_in_the_tree_is_no_input() {
    let world = shop();
    world.edit("tasks/local.yaml", "\"tests/*.sh\"", "\"tests/*.sh\", \"out/*\"");
    world.write(".gitignore", "out/\n").commit("inputs that are built");
    world.write("out/binary", "one").write("tests/new.sh", "true\n");
    let json = world.plan("--against git:main -o json").code(0).json();
    let files = json!([{"path": "tests/new.sh", "fate": "added"}]);
    assert_eq!(json["tasks"][0]["files"], files, "{json:#}");
    assert_eq!(json["tasks"].as_array().unwrap().len(), 1);
}

#[test]
fn another_form_of_the_same_file_is_no_difference() {
    let world = shop();
    // In the commit its lines end as everywhere; on the disk they end otherwise.
    world.write(".gitattributes", "*.sh text eol=crlf\n").write("tests/smoke.sh", "true\r\n").commit("forms");
    assert_eq!(world.git(&["cat-file", "-p", "HEAD:tests/smoke.sh"]), "true");
    world.plan("--against git:main --detailed-exitcode").code(0);
    world.write("tests/smoke.sh", "false\r\n");
    let json = world.plan("--against git:main -o json").code(0).json();
    assert_eq!(json["tasks"][0]["files"], json!([{"path": "tests/smoke.sh", "fate": "changed"}]));
}

#[test]
fn settings_belong_to_their_side() {
    let world = World::new();
    let prd = "# A\n\n## Phase 1: X\n\n- [ ] T001 One\n- [ ] T002 Two\n";
    let tasks = "vars: {size: 1, host: h}\ntasks:\n  T001: {run: {exec: [size, '{{ vars.size }}']}}\n  T002: {run: {exec: [host, '{{ vars.host }}']}}\n";
    world.write("taskmaster.toml", "document = \"old.md\"\ncatalogue = \"how\"\n[vars]\nsize = \"2\"\n");
    world.write("old.md", prd).write("how/all.yaml", tasks).commit("before");
    // Another file, another folder, another value: the document is known by its path.
    world.remove("old.md").remove("how/all.yaml").write("prd.md", prd).write("tasks/all.yaml", tasks);
    world.write("taskmaster.toml", "document = \"prd.md\"\n[vars]\nsize = \"3\"\n");
    let json = world.plan("--against git:main -o json").code(0).json();
    assert_eq!(json["elsewhere"], json!([{"what": "document", "from": "old.md", "to": "prd.md"}]));
    assert_eq!(json["summary"]["runs"], 2);
    // With a name of its own it is the same document, and only the value counts.
    let named = format!("---\nid: a\n---\n{prd}");
    world.git(&["checkout", "--quiet", "HEAD", "--", "."]);
    world.remove("prd.md").remove("tasks/all.yaml").write("old.md", &named).commit("a name");
    world.remove("old.md").remove("how/all.yaml").write("prd.md", &named).write("tasks/all.yaml", tasks);
    world.write("taskmaster.toml", "document = \"prd.md\"\n[vars]\nsize = \"3\"\n");
    let json = world.plan("--against git:main -o json").code(0).json();
    assert_eq!(json["elsewhere"], json!([]));
    let told: Vec<_> =
        json["tasks"].as_array().unwrap().iter().map(|task| (&task["id"], &task["effect"])).collect();
    assert_eq!(told, [(&json!("T001"), &json!("runs_again"))], "{json:#}");
    // What the command line says holds for both.
    world.plan("--against git:main --var size=4 --detailed-exitcode").code(0);
}

#[test]
fn a_new_document_is_all_new() {
    let world = World::new();
    world.write("README.md", "x\n").commit("first");
    world.write("prd.md", PRD).write("tasks/local.yaml", SHOP_CATALOGUE);
    let comment = world.comment("prd.md --against git:main");
    assert!(comment.contains("5 tasks run, 1 waits for a person"), "{comment}");
    assert!(comment.contains("The document is new"), "{comment}");
    world.plan("prd.md --against git:main --detailed-exitcode").code(30);
}

#[test]
fn a_new_finding_is_told_and_an_old_one_is_not() {
    let world = shop();
    world
        .edit("prd.md", "- [ ] T006 Write", "- [ ] T008 Nobody does it\n- [ ] T006 Write")
        .commit("not bound");
    world.edit("prd.md", "- [ ] T006 Write", "- [ ] T009 Nor this\n- [ ] T006 Write");
    let json = world.plan("--against git:main -o json").code(0).json();
    let messages: Vec<&str> =
        json["findings"].as_array().unwrap().iter().map(|found| found["message"].as_str().unwrap()).collect();
    assert!(!messages.is_empty() && messages.iter().all(|message| message.contains("T009")), "{messages:?}");
    assert_eq!(json["tasks"][0]["effect"], "waits", "{json:#}");
}

#[test]
fn json_by_value() {
    let world = shop();
    let base = world.git(&["rev-parse", "HEAD"]);
    world.edit("tasks/local.yaml", "[make, clean-images]", "[make, clean-images, --now]");
    let json = world.plan("--against git:main -o json").code(0).json();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["view"], "difference");
    assert_eq!(json["environment"], "local");
    assert_eq!((&json["base"], &json["head"]), (&json!(base), &json!(null)));
    assert_eq!(json["differs"], true);
    let task = json!({
        "id": "T005", "ref": "3.1", "title": "Clean up old images", "phase": "follow-up", "was": null,
        "changes": [], "binding": [{"what": "action", "part": "run"}],
        "effect": "runs_again", "parts": ["run"], "files": [],
        "kind": "exec", "place": "tasks/local.yaml:18", "has_check": false, "irreversible": false,
        "commands": [{"part": "run", "lines": [
            {"fate": "removed", "text": "make clean-images"},
            {"fate": "added", "text": "make clean-images --now"},
        ]}],
    });
    assert_eq!(json["tasks"], json!([task]), "{json:#}");
    for none in ["elsewhere", "gained", "lost", "reordered", "findings"] {
        assert_eq!(json[none], json!([]), "{none}");
    }
    let summary = json!({
        "runs": 0, "runs_again": 1, "may_run_again": 0, "waits": 0, "left_out": 0, "claimed": 0,
        "undone": 0, "stays": 0, "unaffected": 0,
    });
    assert_eq!(json["summary"], summary);
}

#[test]
fn no_ledger_is_read_and_nothing_is_written() {
    let world = shop();
    changes_commands(&world);
    std::fs::create_dir(world.root().join(".taskmaster")).unwrap();
    world.write(".taskmaster/ledger.db", "not a ledger").write(".gitignore", ".taskmaster/\n");
    let before = world.git(&["status", "--porcelain=v2", "--branch"]);
    let index = std::fs::read(world.root().join(".git/index")).unwrap();
    world.plan("--against git:main --detailed-exitcode").code(30);
    world.plan("--against git:main... --detailed-exitcode").code(30);
    assert_eq!(std::fs::read(world.root().join(".git/index")).unwrap(), index);
    assert_eq!(world.git(&["status", "--porcelain=v2", "--branch"]), before);
    assert_eq!(std::fs::read_dir(world.root().join(".taskmaster")).unwrap().count(), 1);
}

/// In a hook, Git leads its children to the repository by variables.
#[test]
fn a_hook_s_variables_lead_nobody_away() {
    let world = shop();
    adds_a_task(&world);
    let plain = world.comment("--against git:main");
    let mut command: Command = world.command("plan --against git:main -o markdown");
    command.env("GIT_DIR", "/nowhere").env("GIT_INDEX_FILE", "/nowhere/index").env("GIT_WORK_TREE", "/");
    assert_eq!(finished(&command.output().unwrap()).code(0).stdout, plain);
}
