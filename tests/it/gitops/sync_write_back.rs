//! `sync --write-back`: marks as commits.

use super::story::{PRD, Shop, TASKS};
use serde_json::json;

const TICKED: &str = "# Shop\n\n## Phase 1: A\n\n- [x] One\n- [x] Two\n";

fn commits(shop: &Shop) -> usize {
    shop.origin.git(&["rev-list", "--count", "main"]).parse().unwrap()
}

#[test]
fn what_is_proved_is_ticked_by_a_commit_that_names_its_run_and_answers_itself_never() {
    let shop = Shop::new();
    let first = shop.sync("--write-back", 0);
    assert_eq!(shop.origin.read("prd.md"), TICKED);
    let run = shop.here.run("history -o json").code(0).json()["runs"][0]["id"].clone();
    let message = shop.origin.git(&["log", "-1", "--format=%B%n%an <%ae>", "main"]);
    assert!(
        message.contains(&format!("\nTaskmaster-Sync: origin\nTaskmaster-Run: {}\n", run.as_str().unwrap())),
        "{message}"
    );
    assert!(
        message.starts_with("Marks of prd.md") && message.ends_with("taskmaster <taskmaster@localhost>"),
        "{message}"
    );
    assert_eq!(first["commit"]["id"], json!(shop.origin.head()), "our own commit is in force already");
    // Nothing but the marks' bytes: git agrees.
    assert_eq!(shop.origin.git(&["diff", "--numstat", "main~1", "main"]), "2\t2\tprd.md");
    for _ in 0..3 {
        shop.sync("--write-back", 0);
    }
    assert_eq!((commits(&shop), shop.runs()), (2, 1));
    assert_eq!(shop.read("two").as_deref(), Some("two\n"));
}

#[test]
fn marks_of_one_environment_prove_nothing_in_another_that_ignores_them() {
    let shop = Shop::new();
    shop.sync("--write-back", 0);
    let two = |name: &str| shop.here.read(&format!(".taskmaster/sync/{name}/tree/two"));
    shop.sync("--name next --env next --ignore-marks", 0);
    assert_eq!(two("next").as_deref(), Some("two\n"), "done there, whatever is ticked");
    shop.sync("--name third --env third", 0);
    assert_eq!(two("third"), None, "taken as done, as a mark says");
}

#[test]
fn what_drifted_is_unticked_and_ticked_again_once_it_is_healed() {
    let shop = Shop::new();
    shop.sync("--write-back", 0);
    shop.remove("one");
    shop.sync("--write-back --check", 31);
    assert_eq!(shop.origin.read("prd.md"), TICKED.replace("[x] One", "[ ] One"));
    shop.sync("--write-back --self-heal", 0);
    assert_eq!(shop.origin.read("prd.md"), TICKED);
    assert_eq!(commits(&shop), 4);
}

/// The tick tells of the action before the edit: that the new one failed or was interrupted does not make it true.
#[test]
fn what_was_edited_and_failed_is_tried_again_though_it_is_ticked() {
    let shop = Shop::new();
    shop.sync("--write-back", 0);
    let two = |line: &str| TASKS.replace("echo two >>two", line);
    shop.origin.commit(&[("prd.md", TICKED), ("tasks/local.yaml", &two("exit 3"))], "broken");
    shop.sync("", 20);
    shop.sync("", 20);
    shop.origin.commit(&[("tasks/local.yaml", &two("echo zwei >>two"))], "mended");
    shop.sync("", 0);
    assert_eq!(shop.read("two").as_deref(), Some("two\nzwei\n"));
}

/// Another environment follows the same document: a tick of the first is no proof in it.
#[test]
fn marks_of_another_place_are_ignored_where_that_is_wanted() {
    let shop = Shop::new();
    shop.origin.commit(&[("prd.md", TICKED)], "ticked elsewhere");
    shop.sync("", 0);
    assert_eq!(shop.read("two"), None, "a claim, and nothing checks it");
    shop.sync("--ignore-marks", 0);
    shop.sync("--ignore-marks", 0);
    assert_eq!(shop.read("two").as_deref(), Some("two\n"), "done, and once");
}

/// What somebody else does in a shell: a commit of the developer's files, published.
fn commit_of_another(shop: &Shop, message: &str) -> String {
    let (bare, work) = (shop.origin.path(), shop.origin.work());
    let place = format!("--git-dir {} --work-tree {}", bare.display(), work.display());
    format!("git {place} -c user.name=x -c user.email=x@y commit -q -a --allow-empty -m {message}")
}

#[test]
fn marks_go_onto_what_others_pushed_meanwhile() {
    let shop = Shop::new();
    let other = commit_of_another(&shop, "other");
    let tasks = TASKS.replace("echo two >>two", &format!("{other}; echo two >>two"));
    shop.origin.commit(&[("tasks/local.yaml", &tasks)], "a task during which somebody pushes");
    let done = shop.sync("--write-back", 0);
    assert_eq!(shop.origin.read("prd.md"), TICKED);
    let subjects = shop.origin.git(&["log", "-2", "--format=%s", "main"]);
    assert_eq!(subjects, "Marks of prd.md as they are proved\nother", "ours comes after theirs");
    assert_eq!(done["commit"]["id"], json!(shop.origin.head()));
}

#[test]
fn where_both_changed_a_line_the_newer_text_is_synced_first() {
    let shop = Shop::new();
    let edit = format!("sed -i s/One/Uno/ {}", shop.origin.work().join("prd.md").display());
    let other = commit_of_another(&shop, "edit");
    let tasks = TASKS.replace("echo two >>two", &format!("{edit}; {other}; echo two >>two"));
    let tasks = format!("{tasks}  a/uno: {{run: {{exec: [touch, uno]}}}}\n");
    shop.origin.commit(&[("tasks/local.yaml", &tasks)], "a task during which somebody edits");
    shop.sync("--write-back", 0);
    shop.sync("--write-back", 0);
    assert_eq!(shop.origin.read("prd.md"), TICKED.replace("One", "Uno"));
    assert_eq!(shop.read("uno").as_deref(), Some(""), "the newer text was synced");
}

#[test]
fn a_branch_of_its_own_is_made_for_review_and_only_when_something_changed() {
    let shop = Shop::new();
    let line = "--write-back --write-back-branch marks";
    shop.sync(line, 0);
    assert_eq!(shop.origin.read("prd.md"), PRD, "the branch that is followed stays");
    let marks = shop.origin.git(&["rev-parse", "marks"]);
    assert_eq!(shop.origin.git(&["show", "marks:prd.md"]), TICKED.trim_end());
    assert_eq!(shop.origin.git(&["rev-parse", "marks~1"]), shop.origin.head());
    shop.sync(line, 0);
    assert_eq!(shop.origin.git(&["rev-parse", "marks"]), marks);
}

#[test]
fn a_server_that_takes_no_push_is_told_and_fails_no_sync() {
    let shop = Shop::new();
    shop.origin.git(&["config", "http.receivepack", "false"]);
    let done = shop.sync("--write-back", 0);
    let note = done["notes"][0].as_str().unwrap();
    assert!(note.starts_with("marks were not written back: "), "{note}");
    assert_eq!(shop.origin.read("prd.md"), PRD);
}
