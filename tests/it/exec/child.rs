//! Starting, waiting, stopping and finding again.

use super::world::{block_on, new_id, pid_in, runs};
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use taskmaster::process::child::{Child, Remains};
use taskmaster::process::launch::{Launch, SpawnError, Stdin, launch};
use taskmaster::process::proc::{self, Liveness};
use taskmaster_testkit::until;
use zeroize::Zeroizing;

const GRACE: Duration = Duration::from_secs(5);

fn command(dir: &Path, argv: &[&str]) -> Launch {
    Launch {
        argv: argv.iter().map(ToString::to_string).collect(),
        cwd: dir.to_owned(),
        env: Vec::new(),
        inherits: true,
        stdin: Stdin::Null,
        attempt: new_id(),
        stdout: File::options().create(true).append(true).open(dir.join("out")).unwrap(),
        stderr: None,
    }
}

fn never() -> impl Future<Output = ()> {
    std::future::pending()
}

/// Runs to its end and gives exit code and output.
fn output(command: Launch) -> (Option<i32>, String) {
    let path = command.cwd.join("out");
    let status = block_on(async { launch(command).unwrap().wait().await.unwrap() });
    (status.code(), std::fs::read_to_string(path).unwrap())
}

fn fault(command: Launch) -> SpawnError {
    block_on(async { launch(command).map(|child: Child| child.pid()).unwrap_err() })
}

#[test]
fn arguments_and_variables_arrive_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let odd = [
        "a b",
        "",
        "$HOME",
        "`id`",
        "*",
        "new\nline",
        "\"'\\",
        "; rm -rf /",
        "tab\t",
        "\u{202e}",
        "--",
        "ünï",
    ];
    let mut argv = vec!["printf", "%s\\0"];
    argv.extend(odd);
    let (code, text) = output(command(dir.path(), &argv));
    assert_eq!(code, Some(0));
    assert_eq!(text.split_terminator('\0').collect::<Vec<_>>(), odd);

    let mut with_env = command(
        dir.path(),
        &["sh", "-c", "printf '%s|' \"$ODD\"; printf '%s' \"$0\"; cat /proc/self/environ > env", "zero"],
    );
    with_env.env = vec![("ODD".into(), Zeroizing::new("a\nb $x 'q' \\".into()))];
    let mark = with_env.attempt.clone();
    std::fs::remove_file(dir.path().join("out")).unwrap();
    with_env.stdout = File::create(dir.path().join("out")).unwrap();
    let (_, text) = output(with_env);
    assert_eq!(text, "a\nb $x 'q' \\|zero");
    let env = std::fs::read_to_string(dir.path().join("env")).unwrap();
    let own: Vec<_> = env.split('\0').filter(|variable| variable.starts_with("TASKMASTER_")).collect();
    assert_eq!(own, [format!("TASKMASTER_ATTEMPT={mark}")]);
    for name in ["PATH", "ODD"] {
        assert!(env.split('\0').any(|variable| variable.starts_with(&format!("{name}="))), "{name}");
    }
}

#[test]
fn argv_zero_is_what_was_written_and_the_directory_is_the_given_one() {
    let dir = tempfile::tempdir().unwrap();
    let (_, text) = output(command(dir.path(), &["sh", "-c", "tr '\\0' '|' < /proc/$$/cmdline; pwd -P"]));
    assert!(text.starts_with("sh|-c|"), "{text}");
    assert!(text.ends_with(&format!("{}\n", dir.path().canonicalize().unwrap().display())), "{text}");
}

#[test]
fn standard_input_is_empty_or_what_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let (code, text) = output(command(dir.path(), &["sh", "-c", "cat; echo end; readlink /proc/self/fd/0"]));
    assert_eq!((code, text.as_str()), (Some(0), "end\n/dev/null\n"));

    let dir = tempfile::tempdir().unwrap();
    // More than a pipe holds: nobody need feed it while the child runs.
    let given = "x".repeat(1 << 20);
    let mut with_input = command(dir.path(), &["sh", "-c", "wc -c; cat"]);
    with_input.stdin = Stdin::Bytes(Zeroizing::new(given.into_bytes()));
    assert_eq!(output(with_input).1.trim(), "1048576");
}

#[test]
fn what_cannot_be_started_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let script = |name: &str, text: &str, mode: u32| {
        std::fs::write(dir.path().join(name), text).unwrap();
        std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    script("plain", "#!/bin/sh\n", 0o644);
    script("no-interpreter", "#!/nowhere/sh\n", 0o755);
    script("no-program", "just text\n", 0o755);
    let cases: Vec<(Launch, &str)> = vec![
        (command(dir.path(), &["no-such-program-anywhere"]), "folders on PATH"),
        (command(dir.path(), &["./missing"]), "there is no file"),
        (command(dir.path(), &["./plain"]), "is not executable"),
        (command(dir.path(), &[&at("no-interpreter")]), "the interpreter named in the first line"),
        (command(dir.path(), &["./no-program"]), "is no program"),
        (command(dir.path(), &[dir.path().to_str().unwrap()]), "is not executable"),
        (command(dir.path(), &["echo", "a\0b"]), "NUL byte"),
        (command(dir.path(), &[]), "the command line is empty"),
        (command(dir.path(), &["true", &"x".repeat(4 << 20)]), "too long"),
        (Launch { cwd: dir.path().join("nowhere"), ..command(dir.path(), &["true"]) }, "does not exist"),
        (Launch { cwd: dir.path().join("plain"), ..command(dir.path(), &["true"]) }, "is no directory"),
    ];
    for (command, expected) in cases {
        let shown = format!("{:?}", command.argv.first());
        let fault = fault(command).to_string();
        assert!(fault.contains(expected), "{shown}: {fault}");
        assert!(!fault.contains('\n'));
    }
    // A program in a folder of the child's own PATH is found there and nowhere else.
    script("mine", "#!/bin/sh\necho mine\n", 0o755);
    let mut own_path = command(dir.path(), &["mine"]);
    own_path.env = vec![("PATH".into(), Zeroizing::new(format!("/nowhere:{}", dir.path().display())))];
    assert_eq!(output(own_path).1, "mine\n");
}

#[test]
fn a_group_is_ended_with_the_grandchild_that_ignores_term() {
    // Long enough for a busy machine.
    const GRACE: Duration = Duration::from_secs(1);
    let dir = tempfile::tempdir().unwrap();
    let script = "trap 'echo said >> said; exit 3' TERM; \
                  (trap '' TERM; echo $$ > stubborn-shell; exec sleep 1000) & echo $! > stubborn; \
                  while :; do sleep 0.01; done";
    let command = command(dir.path(), &["sh", "-c", script]);
    let (status, took) = block_on(async {
        let mut child = launch(command).unwrap();
        let file = dir.path().join("stubborn");
        let stubborn = loop {
            if let Some(pid) = pid_in(&file) {
                break pid;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        until_ignores_term(stubborn).await;
        let started = Instant::now();
        let status = child.stop(GRACE, never()).await.unwrap();
        assert!(!runs(stubborn), "the grandchild is still there");
        (status, started.elapsed())
    });
    assert_eq!(status.code(), Some(3), "the leader had its grace");
    assert_eq!(std::fs::read_to_string(dir.path().join("said")).unwrap(), "said\n");
    assert!(took >= GRACE, "{took:?}");
}

/// The shell needs a moment to set its trap.
async fn until_ignores_term(pid: u32) {
    loop {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
        if u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << 14) != 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn hurry_cuts_the_grace_short() {
    let dir = tempfile::tempdir().unwrap();
    let command = command(dir.path(), &["sh", "-c", "trap '' TERM; echo > ready; while :; do sleep 1; done"]);
    let started = Instant::now();
    block_on(async {
        let mut child = launch(command).unwrap();
        while !dir.path().join("ready").exists() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let status = child.stop(Duration::from_secs(1000), std::future::ready(())).await.unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    });
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_outlives_the_leader_is_swept_and_a_service_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let script = "sleep 1000 & echo $! > left; setsid sleep 1000 & echo $! > service; exit 0";
    let command = command(dir.path(), &["sh", "-c", script]);
    let mark = command.attempt.clone();
    let (left, service) = block_on(async {
        let mut child = launch(command).unwrap();
        child.wait().await.unwrap();
        let left = pid_in(&dir.path().join("left")).unwrap();
        let service = pid_in(&dir.path().join("service")).unwrap();
        // `setsid` is another group as soon as it has run.
        while proc::find(service).is_some_and(|found| found.group == child.pid()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let swept = child.sweep(GRACE, never()).await.unwrap();
        assert_eq!(swept.iter().map(|found| found.pid).collect::<Vec<_>>(), [left]);
        assert!(child.sweep(GRACE, never()).await.unwrap().is_empty());
        (left, service)
    });
    assert!(!runs(left));
    assert!(runs(service));
    assert_eq!(proc::find_by_attempt(&mark).iter().map(|found| found.pid).collect::<Vec<_>>(), [service]);
    block_on(Remains::new(&mark, &[]).stop(GRACE)).unwrap();
    assert!(!runs(service));
}

#[test]
fn a_stop_also_ends_what_left_the_group() {
    let dir = tempfile::tempdir().unwrap();
    let command = command(dir.path(), &["sh", "-c", "setsid sleep 1000 & echo $! > away; wait"]);
    let mark = command.attempt.clone();
    block_on(async {
        let mut child = launch(command).unwrap();
        let away = loop {
            match pid_in(&dir.path().join("away")) {
                Some(pid) if proc::find(pid).is_some_and(|found| found.group == pid) => break pid,
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        };
        child.stop(GRACE, never()).await.unwrap();
        assert!(!runs(away));
    });
    assert!(proc::find_by_attempt(&mark).is_empty());
}

#[test]
fn a_stopped_process_is_ended_too() {
    let dir = tempfile::tempdir().unwrap();
    let command =
        command(dir.path(), &["sh", "-c", "trap 'exit 7' TERM; echo > ready; kill -STOP $$; exit 1"]);
    block_on(async {
        let mut child = launch(command).unwrap();
        let stat = format!("/proc/{}/stat", child.pid());
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let status = child.stop(Duration::from_secs(20), never()).await.unwrap();
        assert_eq!(status.code(), Some(7));
    });
}

#[test]
fn liveness_knows_zombies_and_the_dead() {
    let dir = tempfile::tempdir().unwrap();
    let command = command(dir.path(), &["sh", "-c", "while [ ! -e go ]; do sleep 0.005; done"]);
    block_on(async {
        let mut child = launch(command).unwrap();
        let pid = child.pid();
        let ticks = proc::start_ticks(pid).unwrap();
        let alive = || proc::liveness(pid, ticks, proc::boot_id());
        assert_eq!(alive(), Liveness::Alive);
        std::fs::write(dir.path().join("go"), "").unwrap();
        // Not reaped yet: it still has an entry, and yet it runs no more.
        until("the child is a zombie", 10, || (alive() == Liveness::Gone).then_some(()));
        assert_eq!(proc::start_ticks(pid), Some(ticks));
        assert!(child.wait().await.unwrap().success());
        assert_eq!(proc::start_ticks(pid), None);
    });
}

#[test]
fn many_children_cost_no_threads() {
    let dir = tempfile::tempdir().unwrap();
    block_on(async {
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let mut children: Vec<_> =
            (0..20).map(|_| launch(command(dir.path(), &["sleep", "1000"])).unwrap()).collect();
        let before = threads();
        let waits = children.iter_mut().map(|child| async {
            let waited = tokio::time::timeout(Duration::from_millis(20), child.wait()).await;
            assert!(waited.is_err());
        });
        for wait in waits {
            wait.await;
        }
        // Other tests run beside this one; a thread a child would be twenty.
        assert!(threads() < before + 15, "{} threads, {before} before", threads());
        for child in &mut children {
            child.stop(GRACE, never()).await.unwrap();
        }
    });
}
