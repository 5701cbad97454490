//! Kill -9 in the middle: the next one goes on without a hand.

use super::support::{files, git, id, mirror, mirror_of, pairs, place, program};
use crate::gitops::origin::Origin;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use taskmaster::git::mirror::Mirror;
use taskmaster::git::remote::{Access, Remote};
use taskmaster::git::write::Author;
use taskmaster_git_server::Fault;

/// Where the mirror of the process that is to be killed lies, what it fetches, and whether it pushes to there.
const PLACE: &str = "TEST_KILLED_PLACE";
const URL: &str = "TEST_KILLED_URL";
const PUSHES: &str = "TEST_KILLED_PUSHES";

/// Not a test of its own: another process runs it, and is killed.
#[test]
#[ignore = "the process that another test kills"]
fn the_process_that_is_killed() {
    let (Ok(place), Ok(url)) = (std::env::var(PLACE), std::env::var(URL)) else { return };
    let remote = Remote::new(&url, Access::None).unwrap();
    let mirror = Mirror::open(&PathBuf::from(place), remote).unwrap();
    let commit = mirror.fetch("main").unwrap();
    mirror.checkout(&commit, &mirror.dir().with_file_name("tree")).unwrap();
    if std::env::var(PUSHES).is_ok() {
        let author = Author { name: "taskmaster".to_owned(), email: "taskmaster@localhost".to_owned() };
        let ours = mirror.commit_file(&commit, "a", b"2", "ours", &author).unwrap();
        mirror.push(&ours, "main", Some(&commit)).unwrap();
    }
}

fn start(origin: &Origin) -> std::process::Child {
    start_at(origin, &origin.url(), None)
}

fn start_at(origin: &Origin, url: &str, pushes: Option<&str>) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "gitops::git::killed::the_process_that_is_killed"])
        .env_clear()
        .envs(origin.env())
        .env(PLACE, place(origin))
        .env(URL, url)
        .envs(pushes.map(|yes| (PUSHES, yes)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// A repository whose pack is not small: the half that arrives is written to a file.
fn large() -> Origin {
    let origin = Origin::new();
    let mut state = 1_u64;
    let mut noise = String::new();
    for _ in 0..60_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.push_str(&format!("{:x}", state >> 33));
    }
    origin.commit(&[("noise", &noise), ("a", "1")], "first");
    origin.git(&["config", "uploadpack.allowFilter", "false"]);
    origin
}

#[test]
fn a_fetch_that_was_killed_is_made_again() {
    let origin = large();
    origin.fault("POST /origin.git/git-upload-pack", Fault::Stall);
    let mut child = start(&origin);
    origin.wait_until_held();
    // First while git is waiting for the second half: it outlives its parent, and holds the mirror.
    child.kill().unwrap();
    child.wait().unwrap();
    origin.heal();
    assert!(!place(&origin).join("refs/taskmaster/wanted").exists(), "it had not come so far");
    let mirror = mirror(&origin);
    let leftovers: Vec<_> = files(mirror.dir())
        .into_iter()
        .filter(|(name, _)| name.contains("tmp_") || name.ends_with(".lock"))
        .collect();
    assert_eq!(leftovers, []);
    assert_eq!(mirror.fetch("main").unwrap(), id(&origin.head()));
}

#[test]
fn a_git_that_outlives_its_parent_is_ended_before_its_files_are_taken_away() {
    let origin = large();
    origin.fault("POST /origin.git/git-upload-pack", Fault::Hang);
    let mut child = start(&origin);
    origin.wait_until_held();
    child.kill().unwrap();
    child.wait().unwrap();
    let at_work = || {
        let mark = place(&origin).display().to_string();
        let lines = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
            Some(
                String::from_utf8_lossy(&std::fs::read(entry.ok()?.path().join("cmdline")).ok()?)
                    .into_owned(),
            )
        });
        lines.filter(|line| line.contains(&mark) && line.contains("fetch")).count()
    };
    assert_ne!(at_work(), 0, "the server still holds it");
    let mirror = mirror(&origin);
    assert_eq!(at_work(), 0);
    origin.heal();
    assert_eq!(mirror.fetch("main").unwrap(), id(&origin.head()));
}

/// A repository on the same machine is served by a git that we started: what it does there is the owner's, and a lock
/// that it leaves stops everybody's next push.
#[test]
fn a_push_that_is_being_taken_is_waited_for() {
    let origin = Origin::new();
    origin.commit(&[("a", "1")], "first");
    let began = origin.scratch().join("began");
    let hooks = origin.path().join("hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    let hook = format!("#!/bin/sh\ntouch '{}'\nsleep 0.5\n", began.display());
    std::fs::rename(program(&origin, "hook", &hook), hooks.join("pre-receive")).unwrap();
    let here = origin.path().to_string_lossy().into_owned();
    let mut child = start_at(&origin, &here, Some("yes"));
    taskmaster_testkit::until("the origin takes it", 60, || began.exists().then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(origin.read("a"), "1", "it is being taken");
    let mirror = mirror_of(&origin, &here);
    assert_eq!(origin.read("a"), "2");
    assert_eq!(mirror.fetch("main").unwrap(), id(&origin.head()));
}

/// What a killed git leaves, put there by hand: each of these would stop the next one.
#[test]
fn leftovers_are_taken_away() {
    let origin = Origin::new();
    origin.commit(&[("a", "1")], "first");
    drop(mirror(&origin));
    let place = place(&origin);
    let left = [
        "config.lock",
        "HEAD.lock",
        "packed-refs.lock",
        "shallow.lock",
        "gc.pid",
        "refs/taskmaster/wanted.lock",
        "objects/pack/tmp_pack_x",
        "objects/pack/tmp_idx_x",
        "objects/ab/tmp_obj_x",
        "objects/tmp_objdir-incoming-x/y",
        "tmp_index_x/index",
    ];
    for name in left {
        std::fs::create_dir_all(place.join(name).parent().unwrap()).unwrap();
        std::fs::write(place.join(name), "x").unwrap();
    }
    for beside in ["repo.new/x", "repo.old/x"] {
        let path = place.with_file_name(beside);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    let mirror = mirror(&origin);
    for name in left {
        assert!(!place.join(name).exists(), "{name}");
    }
    let commit = mirror.fetch("main").unwrap();
    let tree = place.with_file_name("tree");
    mirror.checkout(&commit, &tree).unwrap();
    assert_eq!(files(&tree), pairs(&[("a", "1")]));
}

/// Killed at many moments of the whole way; the one after it always gets there.
#[test]
fn killed_at_any_moment_the_next_one_gets_there() {
    let origin = large();
    for round in 0..8_u64 {
        let expected = origin.commit(&[("a", &format!("{round}")), (&format!("f{round}"), "x")], "next");
        let mut child = start(&origin);
        // The moment is where the process is, not a measured time: after so many requests of it.
        let asked = origin.requests().len();
        taskmaster_testkit::until("a request or the end", 60, || {
            let ended = child.try_wait().unwrap().is_some();
            (ended || origin.requests().len() as u64 > asked as u64 + round % 4).then_some(())
        });
        child.kill().unwrap();
        child.wait().unwrap();
        let remote = Remote::new(&origin.url(), Access::None).unwrap();
        let mirror = Mirror::with(git(&origin), &place(&origin), remote).unwrap();
        let commit = mirror.fetch("main").unwrap();
        assert_eq!(commit, id(&expected));
        let tree = mirror.dir().with_file_name("tree");
        mirror.checkout(&commit, &tree).unwrap();
        let expected: Vec<String> =
            origin.git(&["ls-tree", "-r", "--name-only", "main"]).lines().map(str::to_owned).collect();
        let names: Vec<String> = files(&tree).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected);
        assert_eq!(std::fs::read_to_string(tree.join("a")).unwrap(), format!("{round}"));
    }
}
