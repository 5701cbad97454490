//! Commits that want more than their repository, or the end of the sync that follows it.

use super::story::{PRD, Shop, TASKS};
use std::os::unix::fs::symlink;

/// Why the newest commit is refused.
#[track_caller]
fn refused(shop: &Shop) -> String {
    shop.sync("", 10)["refused"]["reasons"].to_string()
}

#[test]
fn a_document_or_catalogue_elsewhere_is_refused() {
    let shop = Shop::new();
    shop.here.write("else/local.yaml", TASKS);
    let elsewhere = shop.here.path().join("else").display().to_string();
    for path in [elsewhere.as_str(), "../../../../else", "../tree/tasks", "tasks/../tasks"] {
        shop.origin.commit(&[("taskmaster.toml", &format!("catalogue = \"{path}\"\n"))], path);
        let why = refused(&shop);
        assert!(why.contains(&format!("{path} is not inside of the repository")), "{why}");
    }
    // The same for the document, where nobody names it.
    shop.origin.commit(&[("taskmaster.toml", "document = \"/etc/passwd\"\n")], "document");
    let line = format!("sync --repo {} --once -o json", shop.origin.url());
    let view = shop.here.run(&line).code(10).json();
    assert!(
        view["syncs"][0]["refused"]["reasons"].to_string().contains("/etc/passwd is not inside"),
        "{view}"
    );
    // A name is a name, whatever Git would take it for.
    shop.origin.commit(
        &[("taskmaster.toml", "catalogue = \":(top)tasks\"\n"), (":(top)tasks/local.yaml", "nonsense: 1\n")],
        "magic",
    );
    assert!(refused(&shop).contains("`nonsense`"));
}

/// What a link leads to in the tree is what was judged: a catalogue that is a link is looked into.
#[test]
fn a_catalogue_behind_links_is_judged() {
    let shop = Shop::new();
    let link = |to: &str, at: &str| symlink(to, shop.origin.work().join(at)).unwrap();
    shop.origin.remove("tasks/local.yaml");
    let _ = std::fs::remove_dir(shop.origin.work().join("tasks"));
    link("far", "tasks");
    shop.origin.write("real/local.yaml", TASKS);
    std::fs::create_dir(shop.origin.work().join("far")).unwrap();
    link("../real/local.yaml", "far/local.yaml");
    shop.origin.save("behind links");
    shop.sync("", 0);
    assert!(shop.read("two").is_some());
    shop.origin.commit(&[("real/local.yaml", "nonsense: 1\n")], "broken");
    assert!(refused(&shop).contains("`nonsense`"));
}

/// A fault that only the tree has is told as those of commits are; it does not end a loop.
#[test]
fn what_lies_in_the_tree_besides_the_commit_ends_no_sync() {
    let shop = Shop::new();
    shop.sync("", 0);
    shop.here.write(".taskmaster/sync/origin/tree/tasks/made.yaml", "nonsense: 1\n");
    shop.origin.commit(&[("prd.md", &format!("{PRD}\nMore words.\n"))], "again");
    assert!(refused(&shop).contains("`nonsense`"));
}

#[test]
fn marks_go_to_branches_alone_and_never_over_what_others_pushed() {
    let shop = Shop::new();
    shop.origin.git(&["tag", "v1"]);
    let tag = shop.origin.git(&["rev-parse", "refs/tags/v1"]);
    for (more, word) in [
        ("--ref refs/tags/v1 --write-back", "`refs/tags/v1` is no branch"),
        ("--ref HEAD --write-back", "`HEAD` is no branch"),
        ("--write-back --write-back-branch refs/tags/v1", "`refs/tags/v1` is no branch"),
    ] {
        let done = shop.here.run(&shop.line(&format!("--once {more}"))).code(2);
        assert!(done.stderr.contains(word), "{}", done.stderr);
    }
    assert_eq!(shop.origin.git(&["rev-parse", "refs/tags/v1"]), tag);
    // The followed branch by another spelling is still that branch, onto which nothing is forced.
    let view = shop.sync("--ref refs/heads/main --write-back --write-back-branch main", 0);
    assert!(view["notes"].to_string().contains("marks were written back as"), "{}", view["notes"]);
}
