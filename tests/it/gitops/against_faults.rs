//! What cannot be compared, and what is said of it.

use super::against_world::{World, finished, git};

const PRD: &str = "# A\n\n## Phase 1: X\n\n- [ ] T001 One\n- [ ] T002 Two (depends on: T001)\n";
const TASKS: &str = "tasks:\n  T001: {run: {exec: [one]}}\n  T002: {run: {exec: [two]}}\n";

fn world() -> World {
    let world = World::new();
    world.write("prd.md", PRD).write("tasks/all.yaml", TASKS).commit("sound");
    world
}

/// Fails with this code; standard error holds all of these.
#[track_caller]
fn fails(world: &World, line: &str, code: i32, parts: &[&str]) -> String {
    let plan = world.plan(line).code(code);
    assert_eq!(plan.stdout, "", "nothing that could be taken for a comment");
    for part in parts {
        assert!(plan.stderr.contains(part), "{part:?} is not in\n{}", plan.stderr);
    }
    plan.stderr
}

#[test]
fn a_broken_head_is_told_as_a_plan_tells_it() {
    let world = world();
    world.edit("prd.md", "(depends on: T001)", "(depends on: T009)");
    let told =
        fails(&world, "prd.md --against git:main", 10, &["error[unknown-dependency]", "prd.md:6:", "^"]);
    assert_eq!(told, world.plan("prd.md").code(10).stderr, "as without --against");
    world
        .edit("prd.md", "- [ ] T001 One\n", "- [ ] T001 One (depends on: T002)\n")
        .edit("prd.md", "T009", "T001");
    fails(&world, "prd.md --against git:main", 11, &["dependency-cycle"]);
    world.write("prd.md", PRD).edit("tasks/all.yaml", "T001: {run", "T001: {rnu");
    fails(
        &world,
        "prd.md --against git:main",
        13,
        &["error[schema-unknown-key]", "tasks/all.yaml:2:", "help"],
    );
    world.write("tasks/all.yaml", TASKS).write("tasks/more.yaml", TASKS);
    fails(&world, "prd.md --against git:main", 12, &["bind-duplicate"]);
    world.remove("tasks/more.yaml").remove("prd.md");
    fails(&world, "prd.md --against git:main", 2, &["prd.md does not exist"]);
}

#[test]
fn a_broken_head_that_is_a_commit_is_named() {
    let world = world();
    world.edit("prd.md", "(depends on: T001)", "(depends on: T009)");
    let broken = world.commit("broken");
    let place = format!("{}:prd.md:6:", &broken[..10]);
    fails(&world, "prd.md --against git:main~1..main", 10, &["error[unknown-dependency]", &place]);
}

#[test]
fn a_broken_base_is_named_and_nothing_is_compared() {
    let world = world();
    world.edit("prd.md", "(depends on: T001)", "(depends on: T009)");
    let broken = world.commit("broken");
    let broken = &broken[..10];
    world.write("prd.md", PRD).commit("sound again");
    let told = fails(
        &world,
        "prd.md --against git:main~1 --detailed-exitcode",
        2,
        &[
            &format!("{broken}:prd.md:6:"),
            &format!("there is no comparing with commit {broken}"),
            "because the document has errors",
            &format!("help: it was broken then: name one before it, such as git:{broken}~1"),
        ],
    );
    assert!(!told.contains("/tmp"), "{told}");
    world.plan(&format!("prd.md --against git:{broken}~1 --detailed-exitcode")).code(0);

    world.write("taskmaster.toml", "docment = 1\n").commit("broken settings");
    world.remove("taskmaster.toml");
    let told = fails(&world, "prd.md --against git:main", 2, &["taskmaster.toml is not valid", "docment"]);
    assert!(!told.contains("/tmp"), "{told}");
    world.edit("tasks/all.yaml", "T001:", "T001: {").commit("broken catalogue");
    world.write("tasks/all.yaml", TASKS);
    fails(&world, "prd.md --against git:main", 2, &["tasks/all.yaml:", "the catalogue has errors"]);
}

#[test]
fn old_warnings_break_nothing_even_where_they_are_errors() {
    let world = world();
    world.write("tasks/all.yaml", "tasks:\n  T001: {run: {exec: [one]}}\n").commit("T002 is not bound");
    world.write("tasks/all.yaml", TASKS);
    world.plan("prd.md --against git:main --strict --detailed-exitcode").code(30);
}

#[test]
fn names_that_name_nothing() {
    let world = world();
    let help = "help: a branch, a tag or a commit that was fetched";
    for name in ["nope", "origin/main", "0123456", "main^{tree}", "main:prd.md"] {
        let message = format!("`{name}` names no commit of this repository");
        fails(&world, &format!("prd.md --against git:{name}"), 2, &[&message, help, "fetch-depth: 0"]);
    }
    for text in ["main", "git:", "git:--all", "git:main.."] {
        let message = format!("`{text}` names nothing to compare with");
        fails(&world, &format!("prd.md --against {text}"), 2, &[&message, "help: git:main"]);
    }
    let other = ["--check", "--commands", "--phase x", "--task T001", "--from T001", "--with-dependencies"];
    for flag in other {
        fails(&world, &format!("prd.md --against git:main {flag}"), 2, &["cannot be used with"]);
    }
    fails(&world, "--against git:main", 2, &["no document is named", "help: name one"]);
}

#[test]
fn a_folder_that_is_no_repository() {
    let world = world();
    std::fs::remove_dir_all(world.root().join(".git")).unwrap();
    fails(&world, "prd.md --against git:main", 2, &["is in no Git repository", "help:"]);
}

#[test]
fn what_lies_outside_of_the_project() {
    let world = World::below("shop");
    world.write("taskmaster.toml", "").write("prd.md", PRD).write("tasks/all.yaml", TASKS);
    world.write("../other.md", PRD).commit("sound");
    fails(&world, "../other.md --against git:main", 2, &["../other.md is not inside of the project"]);
    world.write("taskmaster.toml", "catalogue = \"/etc\"\n");
    fails(&world, "prd.md --against git:main", 2, &["the catalogue /etc is not inside of the repository"]);
    // One beside the project is a matter of the repository.
    world.write("taskmaster.toml", "catalogue = \"../how\"\n").write("../how/all.yaml", TASKS);
    world.remove("tasks/all.yaml").commit("elsewhere");
    world.plan("prd.md --against git:main~1 --detailed-exitcode").code(0);
    world.edit("../how/all.yaml", "[two]", "[three]");
    let comment = world.comment("prd.md --against git:main");
    assert!(comment.contains("1 task runs again"), "{comment}");
}

/// As CI clones where nothing else is said.
#[test]
fn a_shallow_clone_says_how_to_deepen_it() {
    let world = world();
    world.git(&["switch", "--quiet", "--create", "change"]);
    world.edit("tasks/all.yaml", "[two]", "[three]").commit("a change");
    world.git(&["switch", "--quiet", "main"]);
    world.write("README.md", "x\n").commit("meanwhile");
    let clone = tempfile::tempdir().unwrap();
    let source = format!("file://{}", world.root().display());
    let shallow = ["clone", "--quiet", "--depth=1", "--branch=change", "--no-single-branch", &source, "copy"];
    assert!(git(clone.path()).args(shallow).status().unwrap().success());
    let plan = || {
        let mut command = world.command("plan prd.md --against git:origin/main... -o markdown");
        finished(&command.current_dir(clone.path().join("copy")).output().unwrap())
    };
    let told = plan().code(2).stderr;
    for part in ["no commit is known that `origin/main` and this branch have in common", "fetch-depth: 0"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let deepen = git(&clone.path().join("copy")).args(["fetch", "--quiet", "--unshallow"]).status().unwrap();
    assert!(deepen.success());
    let comment = plan().code(0).stdout;
    assert!(comment.contains("1 task runs again"), "{comment}");
}

#[test]
fn links_are_followed_inside_and_refused_outside() {
    let world = world();
    world.git(&["mv", "prd.md", "v1.md"]);
    std::os::unix::fs::symlink("v1.md", world.root().join("prd.md")).unwrap();
    world.commit("a link");
    world.plan("prd.md --against git:main --detailed-exitcode").code(0);
    world.remove("prd.md");
    std::os::unix::fs::symlink("/etc/hostname", world.root().join("prd.md")).unwrap();
    let out = world.commit("a link that leads out");
    world.remove("prd.md").write("prd.md", PRD);
    let told = fails(
        &world,
        "prd.md --against git:main",
        2,
        &["the link `prd.md` leads out of the repository, to `/etc/hostname`", &out[..10], "help:"],
    );
    assert!(!told.contains("/tmp"), "{told}");
}

#[test]
fn a_submodule_holds_no_inputs() {
    let world = world();
    world.edit("tasks/all.yaml", "T001: {run", "T001: {inputs: [\"vendor/*\"], run");
    let head = world.git(&["rev-parse", "HEAD"]);
    world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},vendor/lib")]);
    world.git(&["add", "tasks"]);
    world.git(&["commit", "--quiet", "--message", "a submodule"]);
    fails(&world, "prd.md --against git:main", 2, &["`vendor/lib` is a submodule"]);
}
