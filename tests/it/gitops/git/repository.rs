//! A user's working tree: found, resolved, exported, never changed.

use super::support::{files, git, id, pairs};
use crate::gitops::origin::Origin;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use taskmaster::git::error::GitError;
use taskmaster::git::repository::Repository;
use taskmaster::git::tree::TreeFault;

/// A user's clone, with a way to run git in it.
struct Clone {
    origin: Origin,
    dir: PathBuf,
}

impl Clone {
    fn new(origin: Origin) -> Self {
        let dir = origin.scratch().join("clone").canonicalize().unwrap_or(origin.scratch().join("clone"));
        let clone = Self { origin, dir };
        let (from, to) = (clone.origin.path(), clone.dir.clone());
        clone.run(Path::new("/"), &["clone", "--quiet", &from.to_string_lossy(), &to.to_string_lossy()]);
        clone
    }

    fn run(&self, dir: &Path, args: &[&str]) -> String {
        let mut command = taskmaster_git_server::git();
        let output =
            command.args(args).current_dir(dir).env_clear().envs(self.origin.env()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn git(&self, args: &[&str]) -> String {
        self.run(&self.dir, args)
    }

    fn open(&self) -> Repository {
        Repository::with(git(&self.origin), &self.dir).unwrap()
    }

    fn out(&self) -> PathBuf {
        self.origin.scratch().join("out")
    }
}

fn story() -> Origin {
    let origin = Origin::new();
    origin.commit(&[("prd/a.md", "one\n"), ("tasks/a.yaml", "a\n"), ("tasks/b.yaml", "b\n")], "first");
    origin.commit(&[("prd/a.md", "two\n"), ("bin/run", "#!/bin/sh\n")], "second");
    origin
}

#[test]
fn a_working_tree_is_found_from_any_of_its_folders() {
    let clone = Clone::new(story());
    let top = clone.dir.canonicalize().unwrap();
    assert_eq!(clone.open().root(), top);
    let below = Repository::with(git(&clone.origin), &clone.dir.join("prd")).unwrap();
    assert_eq!(below.root(), top);
    for dir in [
        clone.origin.scratch().to_owned(),
        clone.origin.path(),
        clone.dir.join("none"),
        clone.dir.join("prd/a.md"),
    ] {
        let error = Repository::with(git(&clone.origin), &dir).unwrap_err();
        assert!(matches!(error, GitError::NotARepository { .. }), "{}: {error}", dir.display());
    }
}

#[test]
fn a_root_may_have_an_odd_name() {
    let clone = Clone::new(story());
    let odd = clone.origin.scratch().join("odd\nname");
    clone.run(Path::new("/"), &["init", "--quiet", &odd.to_string_lossy()]);
    let found = Repository::with(git(&clone.origin), &odd).unwrap();
    assert_eq!(found.root(), odd.canonicalize().unwrap());
}

#[test]
fn revisions_are_resolved_to_commits() {
    let clone = Clone::new(story());
    clone.git(&["tag", "--annotate", "--message", "x", "v1", "HEAD~1"]);
    let (head, first) = (clone.git(&["rev-parse", "HEAD"]), clone.git(&["rev-parse", "HEAD~1"]));
    let repository = clone.open();
    for (revision, expected) in [
        ("HEAD", &head),
        ("main", &head),
        ("origin/main", &head),
        (&head[..8], &head),
        (&head.to_uppercase(), &head),
        ("HEAD~1", &first),
        ("v1", &first),
    ] {
        assert_eq!(repository.resolve(revision).unwrap(), id(expected), "{revision}");
    }
    let long = "x".repeat(5000);
    for revision in [
        "",
        "none",
        "HEAD~9",
        "HEAD:prd/a.md",
        "HEAD..main",
        "-x",
        "--help",
        "--git-dir",
        "--end-of-options",
        "HEAD\nmain",
        "HEAD main",
        "a\0b",
        "^HEAD",
        &long,
    ] {
        let error = repository.resolve(revision).unwrap_err();
        assert!(matches!(error, GitError::NoRef { .. }), "{revision}: {error}");
        assert!(error.to_string().len() < 400);
    }
}

#[test]
fn the_common_past_of_two_commits() {
    let clone = Clone::new(story());
    let first = clone.git(&["rev-parse", "HEAD~1"]);
    clone.git(&["switch", "--quiet", "--create", "side", "HEAD~1"]);
    clone.git(&["commit", "--quiet", "--allow-empty", "--message", "side"]);
    clone.git(&["switch", "--quiet", "--orphan", "alone"]);
    clone.git(&["commit", "--quiet", "--allow-empty", "--message", "alone"]);
    let repository = clone.open();
    let resolve = |name| repository.resolve(name).unwrap();
    let base = |a, b| repository.merge_base(&resolve(a), &resolve(b)).unwrap();
    assert_eq!(base("main", "side"), Some(id(&first)));
    assert_eq!(base("main", "main"), Some(resolve("main")));
    assert_eq!(base("main", "alone"), None);
}

#[test]
fn an_export_is_what_the_commit_has_and_nothing_of_the_user_changes() {
    let clone = Clone::new(story());
    clone.git(&["update-index", "--refresh"]);
    std::fs::write(clone.dir.join("prd/a.md"), "edited\n").unwrap();
    std::fs::write(clone.dir.join("tasks/new.yaml"), "new\n").unwrap();
    clone.git(&["add", "tasks/new.yaml"]);
    let before = files(&clone.dir);
    let repository = clone.open();
    let first = repository.resolve("HEAD~1").unwrap();
    repository.export(&first, &["prd/a.md", "tasks/*.yaml", "missing", "no/such/*"], &clone.out()).unwrap();
    assert_eq!(
        files(&clone.out()),
        pairs(&[("prd/a.md", "one\n"), ("tasks/a.yaml", "a\n"), ("tasks/b.yaml", "b\n")])
    );
    assert_eq!(files(&clone.dir), before, "index, refs and files are as they were");
    // Again into the same folder, another commit: what is named is that of the newer one.
    repository.export(&repository.resolve("HEAD").unwrap(), &["prd", "bin"], &clone.out()).unwrap();
    let (text, program) = (clone.out().join("prd/a.md"), clone.out().join("bin/run"));
    assert_eq!(std::fs::read_to_string(text).unwrap(), "two\n");
    assert_eq!(std::fs::metadata(program).unwrap().permissions().mode() & 0o111, 0);
    let none: [&str; 0] = [];
    repository.export(&first, &none, &clone.out().join("nothing")).unwrap();
    assert_eq!(files(&clone.out().join("nothing")), []);
}

#[test]
fn everything_of_a_commit_with_odd_names_programs_and_inner_links() {
    let origin = story();
    let odd = std::ffi::OsStr::from_bytes(b"odd\n\xff\"name");
    std::fs::write(origin.work().join(odd), "odd").unwrap();
    origin.write("-x", "dash").write("empty", "");
    std::fs::set_permissions(origin.work().join("bin/run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("../tasks/a.yaml", origin.work().join("prd/link")).unwrap();
    symlink("nowhere", origin.work().join("dangling")).unwrap();
    origin.save("odd");
    let clone = Clone::new(origin);
    let repository = clone.open();
    repository.export(&repository.resolve("HEAD").unwrap(), &["."], &clone.out()).unwrap();
    let expected: Vec<_> =
        files(&clone.dir).into_iter().filter(|(name, _)| !name.starts_with(".git/")).collect();
    assert_eq!(expected.len(), 9);
    assert_eq!(files(&clone.out()), expected, "git's own checkout has the same");
    let mode = std::fs::metadata(clone.out().join("bin/run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o100, 0o100);
    repository.export(&repository.resolve("HEAD").unwrap(), &["-x"], &clone.out().join("dash")).unwrap();
    assert_eq!(files(&clone.out().join("dash")), pairs(&[("-x", "dash")]));
}

#[test]
fn what_leads_out_is_not_exported() {
    let origin = story();
    symlink("/etc/passwd", origin.work().join("tasks/secret.yaml")).unwrap();
    origin.write("sub/x", "x");
    symlink("..", origin.work().join("sub/up")).unwrap();
    symlink("up/../../secret", origin.work().join("sub/way")).unwrap();
    let commit = origin.save("links");
    let clone = Clone::new(origin);
    let repository = clone.open();
    let export = |paths: &[&str]| repository.export(&id(&commit), paths, &clone.out());
    for (paths, path) in [(&["tasks"][..], "tasks/secret.yaml"), (&["sub"], "sub/way"), (&["."], "sub/way")] {
        let error = export(paths).unwrap_err();
        let GitError::Unsafe(TreeFault::Link { path: found, .. }) = &error else { panic!("{error}") };
        assert_eq!(found, path);
        assert!(error.help().is_some());
        assert_eq!(files(&clone.out()), [], "nothing was written");
    }
    export(&["tasks/a.yaml", "prd"]).unwrap();
}

#[test]
fn a_link_that_an_export_left_is_not_written_through() {
    let clone = Clone::new(story());
    let outside = clone.origin.scratch().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::create_dir_all(clone.out()).unwrap();
    symlink(&outside, clone.out().join("prd")).unwrap();
    symlink(outside.join("b"), clone.out().join("bin")).unwrap();
    let repository = clone.open();
    repository.export(&repository.resolve("HEAD").unwrap(), &["."], &clone.out()).unwrap();
    assert_eq!(files(&outside), []);
    assert_eq!(std::fs::read_to_string(clone.out().join("prd/a.md")).unwrap(), "two\n");
}

#[test]
fn a_submodule_is_refused_where_it_is_among_what_is_exported() {
    let origin = story();
    let other = origin.head();
    origin.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{other},lib/other")]);
    origin.git(&["commit", "--quiet", "--message", "submodule"]);
    let clone = Clone::new(origin);
    let repository = clone.open();
    let head = repository.resolve("HEAD").unwrap();
    for paths in [["."], ["lib"]] {
        let error = repository.export(&head, &paths, &clone.out()).unwrap_err();
        assert!(
            matches!(&error, GitError::Unsafe(TreeFault::Submodule { path }) if path == "lib/other"),
            "{error}"
        );
    }
    repository.export(&head, &["prd"], &clone.out()).unwrap();
}
