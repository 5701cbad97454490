//! Deadlines, the stop flag, bounded output, and a git that is not there.

use super::support::{git, mirror, place, program};
use crate::gitops::origin::Origin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use taskmaster::git::command::Git;
use taskmaster::git::error::GitError;
use taskmaster::git::mirror::Mirror;
use taskmaster::git::remote::{Access, Remote};
use taskmaster::git::repository::Repository;
use taskmaster_git_server::Fault;

fn origin() -> Origin {
    let origin = Origin::new();
    origin.commit(&[("a", "x")], "first");
    origin
}

fn with(origin: &Origin, git: Git) -> Mirror {
    Mirror::with(git, &place(origin), Remote::new(&origin.url(), Access::None).unwrap()).unwrap()
}

/// Processes whose argv names the folder of the test.
fn at_work(origin: &Origin) -> Vec<String> {
    let mark = origin.scratch().join("state").display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let bytes = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
    });
    processes.filter(|line| line.contains(&mark)).collect()
}

#[test]
fn a_remote_that_hangs_is_given_up_at_the_deadline() {
    let origin = origin();
    for fault in [Fault::Hang, Fault::Stall] {
        let mirror = with(&origin, git(&origin).network_timeout(Duration::from_millis(700)));
        origin.fault("", fault);
        let began = Instant::now();
        let error = mirror.fetch("main").unwrap_err();
        assert!(matches!(error, GitError::TimedOut { .. }), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!(at_work(&origin), Vec::<String>::new(), "its helpers ended too");
        origin.heal();
    }
    assert!(mirror(&origin).fetch("main").is_ok());
}

#[test]
fn the_stop_flag_ends_what_runs_and_refuses_what_is_to_come() {
    let origin = origin();
    let stop = Arc::new(AtomicBool::new(false));
    let mirror = with(&origin, git(&origin).stopped_by(Arc::clone(&stop)));
    origin.fault("", Fault::Hang);
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| mirror.fetch("main"));
        origin.wait_until_held();
        assert!(!fetching.is_finished());
        stop.store(true, Ordering::SeqCst);
        let error = fetching.join().unwrap().unwrap_err();
        assert!(matches!(error, GitError::Interrupted), "{error:?}");
    });
    assert_eq!(at_work(&origin), Vec::<String>::new());
    origin.heal();
    assert!(matches!(mirror.fetch("main"), Err(GitError::Interrupted)));
    stop.store(false, Ordering::SeqCst);
    assert!(mirror.fetch("main").is_ok());
}

fn fake(origin: &Origin, text: &str) -> Git {
    git(origin).program(program(origin, "fake/git", text)).local_timeout(Duration::from_secs(2))
}

#[test]
fn output_without_end_is_cut_off() {
    let origin = origin();
    let version = "#!/bin/sh\ncase \"$*\" in *version) echo git version 2.39.5; exit;; esac\n";
    let open = |text: &str| {
        let git = fake(&origin, &format!("{version}{text}"));
        Repository::with(git, origin.scratch()).unwrap_err()
    };
    let error = open("exec yes\n");
    assert!(matches!(error, GitError::TooLarge { .. }), "{error:?}");
    let error = open("exec yes loud >&2\n");
    assert!(matches!(error, GitError::TimedOut { seconds: 2 }), "{error:?}");
    // What it leaves behind may hold its output for ever.
    let began = Instant::now();
    let error = open(
        "sleep 1000 &\necho 'fatal: not a git repository (or any of the parent directories): .git' >&2\nexit 128\n",
    );
    assert!(matches!(error, GitError::NotARepository { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
    // One that does not want to end is made to.
    let error = open("trap '' TERM\nwhile :; do sleep 0.05; done\n");
    assert!(matches!(error, GitError::TimedOut { .. }), "{error:?}");
    let error = open("kill -9 $$\n");
    assert!(matches!(&error, GitError::Failed { .. }), "{error:?}");
}

#[test]
fn a_git_that_is_missing_or_too_old_is_named() {
    let origin = origin();
    let error = Repository::with(git(&origin).program("/no/such/git"), origin.scratch()).unwrap_err();
    assert!(matches!(error, GitError::NoGit), "{error:?}");
    assert!(error.help().is_some());
    for (version, is_taken) in [
        ("git version 2.37.9", false),
        ("git version 1.99.0", false),
        ("what", false),
        ("git version 2.38.0", true),
        ("git version 2.39.5 (Apple Git-154)", true),
        ("git version 3.0.rc1", true),
    ] {
        let error = fake(&origin, &format!("#!/bin/sh\necho '{version}'\n")).check();
        assert_eq!(error.is_ok(), is_taken, "{version}: {error:?}");
        assert!(is_taken || matches!(error, Err(GitError::TooOld { .. })), "{version}");
    }
}
