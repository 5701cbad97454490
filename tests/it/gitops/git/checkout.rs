//! The one checkout: exactly the commit's files, and whatever else was there.

use super::support::{files, id, mirror, pairs, place};
use crate::gitops::origin::Origin;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use taskmaster::git::error::GitError;
use taskmaster::git::mirror::Mirror;
use taskmaster::git::remote::{Access, Remote};

fn tree(origin: &Origin) -> PathBuf {
    origin.scratch().join("state/tree")
}

#[test]
fn tracked_files_follow_and_untracked_ones_stay() {
    let origin = Origin::new();
    origin.commit(&[("a", "1"), ("d/b", "1"), ("gone/x", "x"), ("kept", "k")], "first");
    let mirror = mirror(&origin);
    let tree = tree(&origin);
    assert_eq!(mirror.checked_out(&tree).unwrap(), None);
    let first = mirror.fetch("main").unwrap();
    mirror.checkout(&first, &tree).unwrap();
    assert_eq!(mirror.checked_out(&tree).unwrap(), Some(first.clone()));
    assert_eq!(files(&tree), pairs(&[("a", "1"), ("d/b", "1"), ("gone/x", "x"), ("kept", "k")]));
    for (name, text) in [("state.tf", "s"), ("d/untracked", "u"), ("gone/stays", "g"), ("a", "edited")] {
        fs::write(tree.join(name), text).unwrap();
    }
    fs::remove_file(tree.join("d/b")).unwrap();
    origin.remove("gone/x");
    origin.commit(&[("a", "2"), ("new/deep/n", "n")], "second");
    let second = mirror.fetch("main").unwrap();
    mirror.checkout(&second, &tree).unwrap();
    let expected = pairs(&[
        ("a", "2"),
        ("d/b", "1"),
        ("kept", "k"),
        ("new/deep/n", "n"),
        ("state.tf", "s"),
        ("d/untracked", "u"),
        ("gone/stays", "g"),
    ]);
    assert_eq!(files(&tree), expected);
    // Again, and after somebody edited a tracked file that did not change.
    fs::write(tree.join("kept"), "edited").unwrap();
    mirror.checkout(&second, &tree).unwrap();
    assert_eq!(files(&tree), expected);
    // And back.
    mirror.checkout(&first, &tree).unwrap();
    let names: Vec<_> = files(&tree).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "d/b", "d/untracked", "gone/stays", "gone/x", "kept", "state.tf"]);
    assert_eq!(fs::read_to_string(tree.join("a")).unwrap(), "1");
}

/// Otherwise what was judged, or read by who reviewed it, would be another text than the one that runs.
#[test]
fn files_are_written_as_the_commit_has_them_whatever_its_attributes_ask_for() {
    let origin = Origin::new();
    origin.commit(
        &[("encoded", "echo \u{ff1e} x\n"), ("words", "$Id$\n"), ("lines", "a\n"), ("f", "f\n")],
        "first",
    );
    let attributes =
        "encoded working-tree-encoding=ASCII//TRANSLIT\nwords ident\nlines eol=crlf\nf filter=mine\n";
    // Added by id, so that this git converts nothing on its way in.
    std::fs::write(origin.scratch().join("attributes"), attributes).unwrap();
    let file = origin.scratch().join("attributes").display().to_string();
    let object = origin.git(&["hash-object", "-w", "--no-filters", &file]);
    origin.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{object},.gitattributes")]);
    origin.git(&["commit", "--quiet", "--message", "attributes"]);
    let config = origin.scratch().join("config");
    fs::write(&config, "[filter \"mine\"]\n\tsmudge = echo filtered\n[core]\n\tautocrlf = true\n").unwrap();
    let git = super::support::git(&origin).env("GIT_CONFIG_GLOBAL", config.as_os_str());
    let remote = Remote::new(&origin.url(), Access::None).unwrap();
    let mirror = Mirror::with(git, &place(&origin), remote).unwrap();
    let tree = tree(&origin);
    mirror.checkout(&mirror.fetch("main").unwrap(), &tree).unwrap();
    let expected = [("encoded", "echo \u{ff1e} x\n"), ("f", "f\n"), ("lines", "a\n"), ("words", "$Id$\n")];
    let found: Vec<_> = files(&tree).into_iter().filter(|(name, _)| name != ".gitattributes").collect();
    assert_eq!(found, pairs(&expected));
}

#[test]
fn nothing_is_written_through_a_link_that_leads_out() {
    let origin = Origin::new();
    origin.commit(&[("d/a", "1"), ("e/b", "1")], "first");
    let mirror = mirror(&origin);
    let tree = tree(&origin);
    mirror.checkout(&mirror.fetch("main").unwrap(), &tree).unwrap();
    let outside = origin.scratch().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a"), "mine").unwrap();
    // A task put links in the place of a tracked folder, and in the way of one that is to come.
    fs::remove_dir_all(tree.join("d")).unwrap();
    symlink(&outside, tree.join("d")).unwrap();
    symlink(&outside, tree.join("f")).unwrap();
    origin.commit(&[("d/a", "2"), ("d/c", "2"), ("e/b", "2")], "second");
    mirror.checkout(&mirror.fetch("main").unwrap(), &tree).unwrap_or_else(|error| {
        assert!(matches!(error, GitError::InTheWay { .. }), "{error:?}");
    });
    assert_eq!(files(&outside), pairs(&[("a", "mine")]));
    origin.commit(&[("f/new", "3")], "third");
    let error = mirror.checkout(&mirror.fetch("main").unwrap(), &tree).unwrap_err();
    assert!(matches!(error, GitError::InTheWay { .. }), "{error:?}");
    assert_eq!(files(&outside), pairs(&[("a", "mine")]));
    fs::remove_file(tree.join("f")).unwrap();
    let _ = fs::remove_file(tree.join("d"));
    let head = mirror.fetch("main").unwrap();
    mirror.checkout(&head, &tree).unwrap();
    assert_eq!(files(&tree), pairs(&[("d/a", "2"), ("d/c", "2"), ("e/b", "2"), ("f/new", "3")]));
}

#[test]
fn an_untracked_file_is_never_removed_for_a_tracked_one() {
    let origin = Origin::new();
    origin.commit(&[("a", "1")], "first");
    let mirror = mirror(&origin);
    let tree = tree(&origin);
    let first = mirror.fetch("main").unwrap();
    mirror.checkout(&first, &tree).unwrap();
    fs::create_dir(tree.join("state")).unwrap();
    fs::write(tree.join("state/precious"), "p").unwrap();
    fs::write(tree.join("file"), "f").unwrap();
    for (name, way) in [("state", "state/precious"), ("file/in/folder", "file")] {
        origin.commit(&[(name, "x")], "in the way");
        let error = mirror.checkout(&mirror.fetch("main").unwrap(), &tree).unwrap_err();
        assert!(matches!(&error, GitError::InTheWay { path } if path == way), "{error:?}");
        assert!(error.help().is_some());
        assert_eq!(files(&tree), pairs(&[("a", "1"), ("state/precious", "p"), ("file", "f")]));
        assert_eq!(mirror.checked_out(&tree).unwrap(), Some(first.clone()));
        origin.remove(name);
    }
    // A tracked folder that becomes a file, and back, is no untracked one.
    origin.commit(&[("turn/x", "1")], "folder");
    mirror.checkout(&mirror.fetch("main").unwrap(), &tree).unwrap();
    origin.remove("turn");
    origin.commit(&[("turn", "2")], "file");
    mirror.checkout(&mirror.fetch("main").unwrap(), &tree).unwrap();
    assert_eq!(fs::read_to_string(tree.join("turn")).unwrap(), "2");
    origin.remove("turn");
    origin.commit(&[("turn/x", "3")], "folder again");
    mirror.checkout(&mirror.fetch("main").unwrap(), &tree).unwrap();
    assert_eq!(fs::read_to_string(tree.join("turn/x")).unwrap(), "3");
}

/// A kill leaves: the state that says where to, some files, a lock of the index. What was begun is finished
/// first, so that a file of a commit that never was in force does not stay as if it were untracked.
#[test]
fn what_a_kill_left_half_done_is_finished_first() {
    let origin = Origin::new();
    origin.commit(&[("a", "1")], "first");
    let mirror = mirror(&origin);
    let tree = tree(&origin);
    let first = mirror.fetch("main").unwrap();
    mirror.checkout(&first, &tree).unwrap();
    let second = id(&origin.commit(&[("half", "2"), ("other", "2")], "second"));
    origin.remove("half");
    let third = id(&origin.remove("other"));
    mirror.fetch("main").unwrap();
    let state = origin.scratch().join("state/tree.commit");
    fs::write(&state, format!("going {second}\n")).unwrap();
    fs::write(tree.join("half"), "2").unwrap();
    fs::write(origin.scratch().join("state/tree.index.lock"), "").unwrap();
    assert_eq!(mirror.checked_out(&tree).unwrap(), None);
    mirror.checkout(&third, &tree).unwrap();
    assert_eq!(files(&tree), pairs(&[("a", "1")]));
    assert_eq!(mirror.checked_out(&tree).unwrap(), Some(third));
}

#[test]
fn a_lost_or_damaged_index_and_a_lost_mirror_change_nothing() {
    let origin = Origin::new();
    origin.commit(&[("a", "1"), ("gone", "x")], "first");
    let tree = tree(&origin);
    let index = origin.scratch().join("state/tree.index");
    for damage in ["garbage", "", "mirror"] {
        let ours = mirror(&origin);
        let first = ours.fetch("main").unwrap();
        ours.checkout(&first, &tree).unwrap();
        let second = id(&origin.remove("gone"));
        let ours = if damage == "mirror" {
            drop(ours);
            fs::remove_dir_all(place(&origin)).unwrap();
            mirror(&origin)
        } else {
            fs::write(&index, damage).unwrap();
            ours
        };
        ours.fetch("main").unwrap();
        ours.checkout(&second, &tree).unwrap();
        assert_eq!(files(&tree), pairs(&[("a", "1")]), "{damage}");
        origin.commit(&[("gone", "x")], "again");
    }
}
