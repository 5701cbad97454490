//! What of a commit is refused before anything of it is written.

use super::support::{git, id, mirror};
use crate::gitops::origin::Origin;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use taskmaster::git::error::GitError;
use taskmaster::git::repository::Repository;
use taskmaster::git::tree::TreeFault;

fn fault(origin: &Origin) -> Option<TreeFault> {
    let mirror = mirror(origin);
    let commit = mirror.fetch("main").unwrap();
    match mirror.check_tree(&commit) {
        Ok(()) => None,
        Err(GitError::Unsafe(fault)) => Some(fault),
        Err(other) => panic!("{other}"),
    }
}

/// A commit of links, each `(path, target)`.
fn of_links(links: &[(&str, &str)]) -> Origin {
    let origin = Origin::new();
    origin.write("a/b/file", "x");
    for (path, target) in links {
        symlink(target, origin.work().join(path)).unwrap();
    }
    origin.save("links");
    origin
}

#[test]
fn links_inside_are_taken_and_links_out_are_not() {
    assert_eq!(fault(&of_links(&[("in", "a/b/file"), ("a/up", ".."), ("a/b/round", "round")])), None);
    for (links, path) in [
        (&[("out", "/etc/passwd")][..], "out"),
        (&[("a/out", "../../x")], "a/out"),
        (&[("top", "a/.."), ("a/way", "../top/../x")], "a/way"),
    ] {
        let found = fault(&of_links(links));
        assert!(
            matches!(&found, Some(TreeFault::Link { path: at, .. }) if at == path),
            "{links:?}: {found:?}"
        );
    }
}

/// Puts an object into the repository that no honest git would make.
fn hashed(origin: &Origin, kind: &str, bytes: &[u8]) -> String {
    use std::io::Write;
    let mut command = taskmaster_git_server::git();
    command.arg("--git-dir").arg(origin.path()).args([
        "hash-object",
        "-t",
        kind,
        "-w",
        "--literally",
        "--stdin",
    ]);
    command.env_clear().envs(origin.env());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{kind}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An entry of a tree, as it is stored.
fn entry(mode: &str, name: &str, object: &str) -> Vec<u8> {
    let raw: Vec<u8> =
        (0..40).step_by(2).map(|at| u8::from_str_radix(&object[at..at + 2], 16).unwrap()).collect();
    [format!("{mode} {name}\0").as_bytes(), &raw].concat()
}

/// A commit whose tree has one entry of this mode and name.
fn made_by_hand(origin: &Origin, mode: &str, name: &str) {
    let blob = hashed(origin, "blob", b"x");
    let tree = hashed(origin, "tree", &entry(mode, name, &blob));
    publish(origin, &tree);
}

fn publish(origin: &Origin, tree: &str) {
    let commit = origin.git(&["commit-tree", "-m", "by hand", tree]);
    origin.git(&["update-ref", "refs/heads/main", &commit]);
}

#[test]
fn submodules_and_forbidden_names_are_refused() {
    let origin = Origin::new();
    let first = origin.commit(&[("x", "x")], "first");
    origin.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},lib")]);
    origin.git(&["commit", "--quiet", "--message", "submodule"]);
    assert!(matches!(fault(&origin), Some(TreeFault::Submodule { path }) if path == "lib"));
}

/// Git's own check refuses most of these when they arrive; ours is asked without it, over the local transport.
#[test]
fn names_that_a_disk_could_take_for_git_s_own_are_refused() {
    for name in [".git", ".GIT", "..", "git~1", ".g\u{200c}it", ".git "] {
        let origin = Origin::new();
        origin.commit(&[("x", "x")], "first");
        made_by_hand(&origin, "100644", name);
        let mirror = mirror(&origin);
        match mirror.fetch("main") {
            Err(error) => assert!(matches!(error, GitError::Malformed { .. }), "{name}: {error:?}"),
            Ok(commit) => {
                let error = mirror.check_tree(&commit).unwrap_err();
                assert!(matches!(error, GitError::Unsafe(TreeFault::Name { .. })), "{name}: {error}");
            }
        }
    }
}

#[test]
fn a_name_that_no_disk_takes_is_refused() {
    let origin = Origin::new();
    origin.commit(&[("x", "x")], "first");
    made_by_hand(&origin, "100644", &"x".repeat(300));
    assert!(matches!(fault(&origin), Some(TreeFault::Name { path }) if path.len() == 255));
}

/// Eight objects that stand for ten million files.
#[test]
fn a_tree_that_unfolds_without_end_is_refused_soon() {
    let origin = Origin::new();
    origin.commit(&[("x", "x")], "first");
    let mut tree = origin.git(&["rev-parse", "HEAD^{tree}"]);
    for _ in 0..7 {
        let entries: Vec<u8> = (0..10).flat_map(|at| entry("40000", &format!("d{at}"), &tree)).collect();
        tree = hashed(&origin, "tree", &entries);
    }
    publish(&origin, &tree);
    let mirror = mirror(&origin);
    let commit = mirror.fetch("main").unwrap();
    assert!(matches!(mirror.check_tree(&commit), Err(GitError::TooLarge { limit: 1_000_000, .. })));
    // The same where commits are compared.
    let clone = origin.scratch().join("clone");
    let mut command = taskmaster_git_server::git();
    command.args(["clone", "--quiet", "--no-checkout"]).arg(origin.path()).arg(&clone);
    assert!(command.env_clear().envs(origin.env()).status().unwrap().success());
    let repository = Repository::with(git(&origin), &clone).unwrap();
    assert!(matches!(repository.check_size(&commit), Err(GitError::TooLarge { .. })));
}

#[test]
fn a_tree_of_the_real_kind_is_taken() {
    let origin = Origin::new();
    let many: Vec<(String, String)> =
        (0..300).map(|at| (format!("d{}/f{at}", at % 7), format!("{at}"))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let head = origin.commit(&many, "many");
    origin.commit(&[(".gitignore", "x\n"), (".github/workflows/x.yml", "y\n")], "usual");
    assert_eq!(fault(&origin), None);
    assert!(origin.git(&["cat-file", "-t", id(&head).as_str()]).contains("commit"));
}
