//! Commits without a checkout, pushed and put onto others.

use super::support::{id, mirror, program};
use crate::gitops::origin::Origin;
use std::os::unix::fs::{PermissionsExt, symlink};
use taskmaster::git::commit::CommitId;
use taskmaster::git::error::GitError;
use taskmaster::git::mirror::Mirror;
use taskmaster::git::push::PushError;
use taskmaster::git::write::{Author, RebaseError};

fn author() -> Author {
    Author { name: "taskmaster".to_owned(), email: "taskmaster@localhost".to_owned() }
}

const TEXT: &str = "# T\n\n- [ ] a\n\nsome\nlines\nbetween\n\n- [ ] b\n";

fn origin() -> Origin {
    let origin = Origin::new();
    origin.commit(&[("prd/a.md", TEXT), ("other", "x\n")], "first");
    origin
}

fn marked(mirror: &Mirror, base: &CommitId, text: &str) -> CommitId {
    let message = "Marks of run 01J\n\nTaskmaster-Run: 01J\n";
    mirror.commit_file(base, "prd/a.md", text.as_bytes(), message, &author()).unwrap()
}

#[test]
fn a_commit_changes_one_file_and_keeps_its_mode() {
    let origin = origin();
    origin.write("run", "#!/bin/sh\n");
    std::fs::set_permissions(origin.work().join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("other", origin.work().join("link")).unwrap();
    origin.save("more");
    let mirror = mirror(&origin);
    let base = mirror.fetch("main").unwrap();
    let ours = marked(&mirror, &base, "new\r\n");
    mirror.push(&ours, "main", Some(&base)).unwrap();
    assert_eq!(origin.head(), ours.as_str());
    assert_eq!(origin.git(&["diff", "--raw", "--abbrev=4", "main~1", "main"]).lines().count(), 1);
    assert_eq!(origin.read("prd/a.md"), "new\r\n");
    assert_eq!(
        origin.git(&["log", "-1", "--format=%an %ae %cn %s", "main"]),
        "taskmaster taskmaster@localhost taskmaster Marks of run 01J"
    );
    assert_eq!(mirror.facts(&ours).unwrap().trailer("Taskmaster-Run"), Some("01J"));
    let program = mirror.commit_file(&ours, "run", b"#!/bin/bash\n", "x", &author()).unwrap();
    let new = mirror.commit_file(&program, "deep/er/new", b"n", "x", &author()).unwrap();
    mirror.push(&new, "main", Some(&ours)).unwrap();
    assert!(origin.git(&["ls-tree", "main", "run"]).starts_with("100755 "));
    assert!(origin.git(&["ls-tree", "main", "deep/er/new"]).starts_with("100644 "));
    assert_eq!(mirror.commit_file(&new, "deep/er/new", b"n", "x", &author()).unwrap(), new, "nothing to do");
    for path in ["link", "prd", "other/x", "link/x"] {
        assert!(mirror.commit_file(&new, path, b"x", "x", &author()).is_err(), "{path}");
    }
    for path in ["../x", "/x", ".git/config", ""] {
        let error = mirror.commit_file(&new, path, b"x", "x", &author()).unwrap_err();
        assert!(matches!(error, GitError::Name { .. }), "{path}: {error:?}");
    }
}

#[test]
fn people_and_messages_are_text() {
    let origin = origin();
    let mirror = mirror(&origin);
    let base = mirror.fetch("main").unwrap();
    let odd = Author { name: "-x <a>\n$(id)".to_owned(), email: "<>\n".to_owned() };
    let ours = mirror.commit_file(&base, "other", b"y", "--help\n\n# kept\n$(id) `id`", &odd).unwrap();
    mirror.push(&ours, "main", Some(&base)).unwrap();
    assert_eq!(origin.git(&["log", "-1", "--format=%B", "main"]), "--help\n\n# kept\n$(id) `id`");
    assert!(origin.git(&["log", "-1", "--format=%an", "main"]).contains("$(id)"));
    let nobody = Author { name: String::new(), email: String::new() };
    assert!(mirror.commit_file(&base, "other", b"z", "x", &nobody).is_ok());
}

#[test]
fn a_push_is_refused_where_the_branch_is_another_by_now() {
    let origin = origin();
    let mirror = mirror(&origin);
    let base = mirror.fetch("main").unwrap();
    let ours = marked(&mirror, &base, "ours\n");
    let theirs = origin.commit(&[("other", "theirs\n")], "theirs");
    let error = mirror.push(&ours, "main", Some(&base)).unwrap_err();
    assert!(matches!(error, PushError::Moved), "{error:?}");
    assert_eq!(origin.head(), theirs);
    // Knowing the new tip is not enough: it would be lost.
    let tip = mirror.fetch("main").unwrap();
    assert!(matches!(mirror.push(&ours, "main", Some(&tip)), Err(PushError::NotAfter)));
    assert_eq!(origin.head(), theirs);
    // A branch that there is, and one that there is not.
    assert!(matches!(mirror.push(&ours, "main", None), Err(PushError::Moved)));
    mirror.push(&ours, "marks", None).unwrap();
    assert!(matches!(mirror.push(&ours, "gone", Some(&base)), Err(PushError::Moved)));
    assert_eq!(origin.git(&["rev-parse", "marks"]), ours.as_str());
    // Only who asks for it replaces.
    mirror.replace(&ours, "main", Some(&tip)).unwrap();
    assert_eq!(origin.head(), ours.as_str());
    for branch in ["-x", "--mirror", "a b", "a:b", "+main"] {
        let error = mirror.push(&ours, branch, None);
        assert!(
            branch == "+main" || matches!(error, Err(PushError::Git(GitError::Name { .. }))),
            "{branch}: {error:?}"
        );
    }
}

/// The other push is in the middle of the server's work on ours: it looked, and then the branch moved.
#[test]
fn a_race_inside_the_server_is_a_move() {
    let origin = origin();
    let mirror = mirror(&origin);
    let base = mirror.fetch("main").unwrap();
    let ours = marked(&mirror, &base, "ours\n");
    let other = origin.git(&["commit-tree", "-p", base.as_str(), "-m", "other", "main^{tree}"]);
    hook(
        &origin,
        &format!("#!/bin/sh\nunset GIT_QUARANTINE_PATH\nexec git update-ref refs/heads/main {other}\n"),
    );
    let error = mirror.push(&ours, "main", Some(&base)).unwrap_err();
    assert!(matches!(error, PushError::Moved), "{error:?}");
    assert_eq!(origin.head(), other);
}

fn hook(origin: &Origin, text: &str) {
    let made = program(origin, "hooks/update", text);
    origin.git(&["config", "core.hooksPath", &made.parent().unwrap().to_string_lossy()]);
}

#[test]
fn a_server_that_refuses_is_quoted() {
    let origin = origin();
    let mirror = mirror(&origin);
    let base = mirror.fetch("main").unwrap();
    let ours = marked(&mirror, &base, "ours\n");
    hook(&origin, "#!/bin/sh\necho 'main is protected: ask the platform team' >&2\nexit 1\n");
    let error = mirror.push(&ours, "main", Some(&base)).unwrap_err();
    let PushError::Refused { said } = &error else { panic!("{error:?}") };
    assert!(said.to_string().contains("ask the platform team"), "{said}");
    assert!(said.to_string().contains("hook declined"), "{said}");
    assert!(error.help().is_some());
}

#[test]
fn a_change_is_made_again_after_another_commit() {
    let origin = origin();
    let mirror = mirror(&origin);
    let base = mirror.fetch("main").unwrap();
    let ours = marked(&mirror, &base, &TEXT.replacen("[ ] a", "[x] a", 1));
    origin.commit(&[("prd/a.md", &TEXT.replace("[ ] b", "[ ] b, and more")), ("new", "n")], "theirs");
    let tip = mirror.fetch("main").unwrap();
    let again = mirror.rebase(&ours, &tip).unwrap();
    mirror.push(&again, "main", Some(&tip)).unwrap();
    assert_eq!(
        origin.read("prd/a.md"),
        TEXT.replacen("[ ] a", "[x] a", 1).replace("[ ] b", "[ ] b, and more")
    );
    assert_eq!(
        origin.git(&["log", "--format=%an|%s", "-2", "main"]),
        "taskmaster|Marks of run 01J\nA Developer|theirs"
    );
    assert_eq!(origin.git(&["rev-parse", "main~1"]), tip.as_str());
    assert_eq!(mirror.facts(&again).unwrap().trailer("Taskmaster-Run"), Some("01J"));
    // Where the others did the same, nothing is left.
    assert_eq!(mirror.rebase(&ours, &again).unwrap(), again);
}

#[test]
fn what_a_force_push_took_away_does_not_come_back() {
    let origin = origin();
    origin.commit(&[("secret", "s\n")], "a mistake");
    let mirror = mirror(&origin);
    let base = mirror.fetch("main").unwrap();
    let ours = marked(&mirror, &base, &TEXT.replacen("[ ] a", "[x] a", 1));
    origin.force_push(&[("other", "clean\n")], "without the mistake");
    let tip = mirror.fetch("main").unwrap();
    let again = mirror.rebase(&ours, &tip).unwrap();
    mirror.push(&again, "main", Some(&tip)).unwrap();
    assert_eq!(origin.git(&["ls-tree", "--name-only", "-r", "main"]), "other\nprd/a.md");
    assert_eq!(origin.read("prd/a.md"), TEXT.replacen("[ ] a", "[x] a", 1));
}

#[test]
fn a_conflict_names_the_files() {
    let origin = origin();
    let mirror = mirror(&origin);
    let base = mirror.fetch("main").unwrap();
    let ours = marked(&mirror, &base, &TEXT.replacen("[ ] a", "[x] a", 1));
    origin.commit(&[("prd/a.md", &TEXT.replacen("[ ] a", "[ ] a, otherwise", 1))], "theirs");
    let tip = mirror.fetch("main").unwrap();
    let error = mirror.rebase(&ours, &tip).unwrap_err();
    assert!(matches!(&error, RebaseError::Conflict { paths } if paths == &["prd/a.md"]), "{error:?}");
    let root = id(&origin.git(&["rev-list", "--max-parents=0", "main"]));
    assert!(matches!(mirror.rebase(&root, &tip), Err(RebaseError::Git(GitError::Name { .. }))));
}
