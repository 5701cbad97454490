//! What a mirror gets, and what it makes of a remote that is not well.

use super::support::{files, git, id, mirror, mirror_of, pairs, place};
use crate::gitops::origin::Origin;
use taskmaster::git::error::GitError;
use taskmaster::git::mirror::Mirror;
use taskmaster::git::remote::{Access, Remote};
use taskmaster_git_server::Fault;

fn story() -> Origin {
    let origin = Origin::new();
    origin.commit(&[("prd/a.md", "one\n")], "first");
    origin.commit(
        &[("prd/a.md", "two\n"), ("tasks/a.yaml", "a\n")],
        "second\n\nTaskmaster-Run: 01J\nCloses: #1",
    );
    origin
}

#[test]
fn every_kind_of_name_is_fetched() {
    let origin = story();
    let (head, first) = (origin.head(), origin.git(&["rev-parse", "main~1"]));
    origin.git(&["tag", "--annotate", "--message", "x", "v1", "main~1"]);
    origin.git(&["tag", "both", "main~1"]);
    origin.git(&["branch", "both", "main"]);
    origin.git(&["update-ref", "refs/pull/7/head", &first]);
    origin.git(&["branch", "feature/a-b", &first]);
    let mirror = mirror(&origin);
    for (name, expected) in [
        ("main", &head),
        ("HEAD", &head),
        ("v1", &first),
        ("refs/tags/v1", &first),
        ("both", &head),
        ("refs/tags/both", &first),
        ("refs/pull/7/head", &first),
        ("feature/a-b", &first),
        (&head, &head),
        (&first, &first),
    ] {
        assert_eq!(mirror.fetch(name).unwrap(), id(expected), "{name}");
    }
    for name in ["none", "refs/heads/none", &"0".repeat(40), &"1".repeat(40)] {
        let error = mirror.fetch(name).unwrap_err();
        assert!(matches!(&error, GitError::NoRef { name: found } if found == name), "{name}: {error}");
    }
    for name in ["-x", "--upload-pack=x", "a b", "", "main:other", "ma*"] {
        assert!(matches!(mirror.fetch(name), Err(GitError::Name { .. })), "{name}");
    }
    origin.git(&["tag", "blob", "main:prd/a.md"]);
    assert!(mirror.fetch("blob").is_err());
}

#[test]
fn a_commit_by_its_id_from_a_server_that_gives_none() {
    let origin = story();
    let first = origin.git(&["rev-parse", "main~1"]);
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "false"]);
    let old = git(&origin).env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "protocol.version");
    let old = old.env("GIT_CONFIG_VALUE_0", "0");
    let remote = Remote::new(&origin.url(), Access::None).unwrap();
    let mirror = Mirror::with(old, &place(&origin), remote).unwrap();
    assert_eq!(mirror.fetch(&first).unwrap(), id(&first));
    // Nor does it give a content by its id; so all of it was fetched.
    let out = origin.scratch().join("out");
    mirror.export(&id(&first), &["."], &out).unwrap();
    assert_eq!(files(&out), pairs(&[("prd/a.md", "one\n")]));
    assert!(matches!(mirror.fetch(&"2".repeat(40)), Err(GitError::NoRef { .. })));
}

#[test]
fn contents_come_when_they_are_needed_and_at_once() {
    let origin = story();
    let many: Vec<(String, String)> = (0..40).map(|at| (format!("many/{at}"), format!("{at}\n"))).collect();
    origin
        .commit(&many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>(), "many");
    let mirror = mirror(&origin);
    let head = mirror.fetch("main").unwrap();
    let kinds = || {
        let mut command = taskmaster_git_server::git();
        command.arg("--git-dir").arg(mirror.dir()).args(["cat-file", "--batch-all-objects", "--batch-check"]);
        let output = command.env_clear().envs(origin.env()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().filter(|line| line.contains(" blob ")).count()
    };
    assert_eq!(kinds(), 0, "commits and folders alone");
    let asked = origin.requests().len();
    let out = origin.scratch().join("out");
    mirror.export(&head, &["many", "prd/a.md"], &out).unwrap();
    assert_eq!(files(&out).len(), 41);
    assert_eq!(kinds(), 41);
    assert!(
        origin.requests().len() - asked <= 3,
        "one after the other would be more: {:?}",
        origin.requests()
    );
    assert_eq!(mirror.read(&head, "tasks/a.yaml").unwrap(), b"a\n");
    for path in ["none", "prd", "many"] {
        assert!(matches!(mirror.read(&head, path), Err(GitError::NoFile { .. })), "{path}");
    }
}

#[test]
fn a_server_that_leaves_nothing_out_is_taken_as_it_is() {
    let origin = story();
    origin.git(&["config", "uploadpack.allowFilter", "false"]);
    for url in
        [origin.url(), format!("file://{}", origin.path().display()), origin.path().display().to_string()]
    {
        let mirror = mirror_of(&origin, &url);
        let head = mirror.fetch("main").unwrap();
        assert_eq!(mirror.read(&head, "prd/a.md").unwrap(), b"two\n", "{url}");
    }
}

#[test]
fn what_was_pushed_is_seen_and_what_a_force_push_took_away_is_kept() {
    let origin = story();
    let mirror = mirror(&origin);
    let before = mirror.fetch("main").unwrap();
    assert_eq!(mirror.fetch("main").unwrap(), before);
    let next = id(&origin.commit(&[("prd/a.md", "three\n")], "third"));
    assert_eq!(mirror.fetch("main").unwrap(), next);
    assert!(mirror.is_ancestor(&before, &next).unwrap());
    assert!(!mirror.is_ancestor(&next, &before).unwrap());
    let other = id(&origin.force_push(&[("prd/a.md", "other\n")], "instead"));
    assert_eq!(mirror.fetch("main").unwrap(), other);
    assert!(!mirror.is_ancestor(&next, &other).unwrap());
    assert!(!mirror.is_ancestor(&id(&"3".repeat(40)), &other).unwrap());
    let mut collect = taskmaster_git_server::git();
    collect.arg("--git-dir").arg(mirror.dir()).args(["gc", "--quiet", "--prune=now"]);
    assert!(collect.env_clear().envs(origin.env()).status().unwrap().success());
    assert!(mirror.has(&next).unwrap(), "a commit may be in force after its branch has left it");
    assert_eq!(mirror.wanted(), Some(other));
}

#[test]
fn many_fetches_leave_few_packs() {
    let origin = story();
    let mirror = mirror(&origin);
    let first = mirror.fetch("main").unwrap();
    let packs = || {
        let all = files(&mirror.dir().join("objects/pack"));
        all.iter().filter(|(name, _)| name.ends_with(".pack")).count()
    };
    let run = |args: &[&str], input: &str| {
        use std::io::Write;
        let mut command = taskmaster_git_server::git();
        command.arg("--git-dir").arg(mirror.dir()).args(args).env_clear().envs(origin.env());
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    for at in 0..=taskmaster::git::mirror::MAX_PACKS {
        let blob = run(&["hash-object", "-w", "--stdin"], &format!("{at}"));
        run(&["pack-objects", "--quiet", &mirror.dir().join("objects/pack/pack").to_string_lossy()], &blob);
    }
    assert!(packs() > taskmaster::git::mirror::MAX_PACKS);
    let second = id(&origin.commit(&[("prd/a.md", "three\n")], "third"));
    assert_eq!(mirror.fetch("main").unwrap(), second);
    assert!(packs() < 5, "{}", packs());
    assert!(mirror.has(&first).unwrap() && mirror.is_ancestor(&first, &second).unwrap());
    assert_eq!(mirror.read(&first, "prd/a.md").unwrap(), b"two\n");
    assert_eq!(mirror.fetch("main").unwrap(), second);
}

#[test]
fn facts_of_a_commit() {
    let origin = story();
    let mirror = mirror(&origin);
    let facts = mirror.facts(&mirror.fetch("main").unwrap()).unwrap();
    assert_eq!(facts.author, "A Developer");
    assert_eq!(facts.subject, "second");
    assert_eq!(facts.trailer("taskmaster-run"), Some("01J"));
    assert_eq!(facts.trailers[1], ("Closes".to_owned(), "#1".to_owned()));
    let seconds: i64 = origin.git(&["log", "-1", "--format=%ct", "main"]).parse().unwrap();
    assert_eq!(facts.time.as_second(), seconds);
    origin.commit(&[("x", "x")], "\u{1b}]0;owned\u{7}evil\u{202e}subject");
    let facts = mirror.facts(&mirror.fetch("main").unwrap()).unwrap();
    assert!(!facts.subject.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", facts.subject);
}

#[test]
fn a_remote_that_is_not_well_is_told_apart_and_works_again() {
    type Is = fn(&GitError) -> bool;
    let away: Is = |error| matches!(error, GitError::Away { .. });
    let repository: Is = |error| matches!(error, GitError::NoRepository { .. });
    let credentials: Is = |error| matches!(error, GitError::Credentials { .. });
    let origin = story();
    let mirror = mirror(&origin);
    for (about, fault, is) in [
        ("", Fault::Status(503), away),
        ("", Fault::Status(429), away),
        ("POST", Fault::Status(500), away),
        ("", Fault::Status(404), repository),
        ("", Fault::Status(401), credentials),
        ("", Fault::Status(403), credentials),
        ("GET", Fault::Cut, away),
        ("POST", Fault::Cut, away),
    ] {
        origin.fault(about, fault.clone());
        let error = mirror.fetch("main").unwrap_err();
        assert!(is(&error), "{about} {fault:?}: {error:?}");
        assert!(error.help().is_some());
    }
    origin.heal();
    assert_eq!(mirror.fetch("main").unwrap(), id(&origin.head()));
    let error = mirror_fault(&origin, &origin.url().replace("origin.git", "other.git"));
    assert!(repository(&error), "{error:?}");
    let error = mirror_fault(&origin, "/no/such/repository.git");
    assert!(repository(&error), "{error:?}");
    for url in ["http://127.0.0.1:1/x.git", "http://no-such-host.invalid/x.git"] {
        let error = mirror_fault(&origin, url);
        assert!(away(&error), "{url}: {error:?}");
    }
}

fn mirror_fault(origin: &Origin, url: &str) -> GitError {
    let remote = Remote::new(url, Access::None).unwrap();
    let place = origin.scratch().join("other/repo");
    Mirror::with(git(origin), &place, remote).unwrap().fetch("main").unwrap_err()
}

#[test]
fn a_mirror_follows_its_address() {
    let (one, two) = (story(), Origin::new());
    let head = two.commit(&[("x", "x")], "elsewhere");
    mirror(&one).fetch("main").unwrap();
    assert_eq!(mirror_of(&one, &two.url()).fetch("main").unwrap(), id(&head));
}

#[test]
fn a_repository_of_sha_256() {
    let origin = Origin::new();
    let bare = origin.scratch().join("served/long.git").display().to_string();
    let run = |args: &[&str]| {
        let mut command = taskmaster_git_server::git();
        let command = command.env_clear().envs(origin.env()).env("GIT_DIR", &bare).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main"]);
    let tree = run(&["write-tree"]);
    let commit = run(&["commit-tree", "-m", "long", &tree]);
    run(&["update-ref", "refs/heads/main", &commit]);
    let mirror = mirror_of(&origin, &origin.url().replace("origin.git", "long.git"));
    let head = mirror.fetch("main").unwrap();
    assert_eq!(head.as_str().len(), 64);
    mirror.check_tree(&head).unwrap();
    assert_eq!(mirror.fetch("main").unwrap(), head);
}

#[test]
fn a_damaged_mirror_is_made_anew() {
    let origin = story();
    origin.git(&["config", "uploadpack.allowFilter", "false"]);
    let pack = |dir: &std::path::Path| {
        let packs = std::fs::read_dir(dir.join("objects/pack")).unwrap();
        let mut packs = packs.map(|entry| entry.unwrap().path());
        packs.find(|path| path.extension().is_some_and(|ending| ending == "pack"))
    };
    type Damage<'d> = &'d dyn Fn(&std::path::Path);
    let damages: &[(&str, Damage<'_>)] = &[
        ("no HEAD", &|dir| std::fs::write(dir.join("HEAD"), "").unwrap()),
        ("no config", &|dir| std::fs::write(dir.join("config"), "").unwrap()),
        ("config of garbage", &|dir| std::fs::write(dir.join("config"), "[[[").unwrap()),
        ("no objects", &|dir| std::fs::remove_dir_all(dir.join("objects")).unwrap()),
        ("no refs", &|dir| std::fs::remove_dir_all(dir.join("refs")).unwrap()),
        ("a ref of garbage", &|dir| std::fs::write(dir.join("refs/taskmaster/wanted"), "x\n").unwrap()),
        ("a pack that is cut", &|dir| {
            if let Some(pack) = pack(dir) {
                std::fs::remove_file(&pack).unwrap();
                std::fs::write(pack, "PACK").unwrap();
            }
        }),
        ("empty objects", &|dir| {
            for (name, _) in files(&dir.join("objects")) {
                let path = dir.join("objects").join(name);
                std::fs::remove_file(&path).unwrap();
                std::fs::write(path, "").unwrap();
            }
        }),
    ];
    for (name, damage) in damages {
        let first = mirror(&origin);
        first.fetch("main").unwrap();
        drop(first);
        damage(&place(&origin));
        let again = mirror(&origin);
        let head = again.fetch("main").unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(head, id(&origin.head()), "{name}");
        let out = origin.scratch().join("out");
        again.export(&head, &["."], &out).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(files(&out), pairs(&[("prd/a.md", "two\n"), ("tasks/a.yaml", "a\n")]), "{name}");
        std::fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn one_process_works_in_a_mirror() {
    let origin = story();
    let first = mirror(&origin);
    let remote = Remote::new(&origin.url(), Access::None).unwrap();
    let error = Mirror::with(git(&origin), &place(&origin), remote).unwrap_err();
    assert!(matches!(error, GitError::Busy { pid } if pid == Some(std::process::id())), "{error:?}");
    drop(first);
    mirror(&origin).fetch("main").unwrap();
}
