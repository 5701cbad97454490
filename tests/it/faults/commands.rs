//! Commands that cannot be started, do not end, say too much, or leave others behind.

use super::super::cli::{project, state};
use std::time::{Duration, Instant};
use taskmaster_testkit::{Finished, Sandbox};

/// A project with one task that runs this.
fn running(run: &str) -> Sandbox {
    project("## Phase 1: A\n\n- [ ] One\n", &format!("tasks:\n  a/one: {run}\n"))
}

/// What the only attempt's log holds.
fn log(sandbox: &Sandbox) -> Vec<u8> {
    let runs = std::fs::read_dir(sandbox.path().join(".taskmaster/logs")).unwrap();
    let mut logs = runs.flat_map(|run| std::fs::read_dir(run.unwrap().path()).unwrap());
    std::fs::read(logs.next().expect("a log").unwrap().path()).unwrap()
}

#[track_caller]
fn fails(sandbox: &Sandbox, words: &str) -> Finished {
    let ended = sandbox.run("run prd.md").code(20);
    assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    assert_eq!(state(sandbox, "a/one"), "failed");
    ended
}

#[test]
fn what_is_not_found_or_cannot_be_started_says_why() {
    fails(&running("{run: {exec: [no-such-program]}}"), "`no-such-program` is in none of the");
    let sandbox = running("{run: {exec: [./plain]}}");
    sandbox.write("plain", "#!/bin/sh\n");
    fails(&sandbox, "plain is not executable");
    fails(&running("{run: {exec: [./tasks]}}"), "tasks is not executable");
    let sandbox = running("{run: {exec: {argv: [\"true\"], cwd: nowhere}}}");
    fails(&sandbox, "nowhere");
    let sandbox = running("{run: {exec: [./broken]}}").program("broken", "#!/no/such/shell\n");
    std::fs::rename(sandbox.path().join("bin/broken"), sandbox.path().join("broken")).unwrap();
    fails(&sandbox, "broken");
}

#[test]
fn an_end_by_a_signal_is_named() {
    for signal in ["SEGV", "KILL", "ABRT"] {
        let ended = fails(&running(&format!("{{run: {{shell: 'kill -{signal} $$'}}}}")), "ended by SIG");
        assert!(ended.stderr.contains(&format!("ended by SIG{signal}")), "{}", ended.stderr);
    }
}

/// Memory is that of the whole process at its peak.
#[test]
fn a_gigabyte_of_output_is_bounded_in_memory_on_disk_and_in_time() {
    let sandbox = running("{run: {shell: 'head -c 1000000000 /dev/zero; echo end'}}");
    let began = Instant::now();
    let mut running = sandbox.command(["run", "prd.md", "-o", "json"]);
    let mut child =
        running.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let (mut peak_kib, mut most_bytes) = (0, 0);
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak_kib = peak.and_then(|kib| kib.trim().parse().ok()).unwrap_or(0).max(peak_kib);
        most_bytes = blocks_below(&sandbox.path().join(".taskmaster/logs")).max(most_bytes);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    assert!(status.success());
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    // The program itself, unoptimised, is most of it.
    assert!((1..120 << 10).contains(&peak_kib), "{peak_kib} KiB");
    // The bound is 64 MiB; between two looks a fast producer may pass it, and the rest is rewritten once.
    assert!(most_bytes < 800 << 20, "{most_bytes} bytes on disk");
    let log = log(&sandbox);
    assert!(log.len() <= (64 << 20) + 200, "{} bytes", log.len());
    assert!(log.ends_with(b"end\n"), "its end is kept");
    let text = String::from_utf8_lossy(&log);
    assert!(text.contains("bytes left out here, the log's bound is 67108864 bytes]"), "the gap is told");
}

/// What the files below a folder take on disk.
fn blocks_below(dir: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => blocks_below(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

#[test]
fn bytes_that_are_no_text_and_escapes_reach_no_terminal() {
    let script = r"printf 'a\033[2J\033]0;title\007b\377\302\2331m\342\200\256c\r\n' >&2; exit 3";
    let sandbox = running(&format!("{{run: {{shell: '{}'}}}}", script.replace('\'', "''")));
    let ended = fails(&sandbox, "exit code 3");
    assert!(ended.stderr.contains("ab\u{fffd}\u{fffd}c"), "{:?}", ended.stderr);
    for line in ["logs a/one", "report", "report -o markdown", "report -o html", "tasks show a/one"] {
        let shown = sandbox.run(line).code(0).stdout;
        let harmful = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}';
        assert_eq!(shown.chars().find(harmful), None, "{line}: {shown:?}");
    }
    assert!(log(&sandbox).contains(&0x1b), "the log holds what was printed");
}

#[test]
fn who_ignores_term_is_killed_after_the_grace() {
    let script = "trap \"\" TERM; echo $$ >pid; while :; do sleep 1; done";
    let sandbox = running(&format!("{{timeout: 200ms, grace: 200ms, run: {{shell: '{script}'}}}}"));
    let began = Instant::now();
    fails(&sandbox, "no end within 200 ms");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_gone(&sandbox, "pid");
}

#[test]
fn a_grandchild_that_would_outlive_it_is_ended_and_told() {
    let script = "sh -c \"trap : TERM; echo \\$\\$ >left; while :; do sleep 1; done\" & until test -s left; do sleep 0.01; done";
    let sandbox = running(&format!("{{grace: 200ms, run: {{shell: '{script}'}}}}"));
    sandbox.run("run prd.md").code(0);
    let log = String::from_utf8_lossy(&log(&sandbox)).into_owned();
    assert!(log.contains("[taskmaster: ended what outlived the command: sh ("), "{log}");
    assert_gone(&sandbox, "left");
}

/// Who left the group is a service begun on purpose, as long as nothing went wrong.
#[test]
fn a_timeout_also_ends_who_left_the_group() {
    let script = "setsid sh -c \"trap : TERM; echo \\$\\$ >left; while :; do sleep 1; done\" & wait";
    let sandbox = running(&format!("{{timeout: 400ms, grace: 200ms, run: {{shell: '{script}'}}}}"));
    fails(&sandbox, "no end within 400 ms");
    assert_gone(&sandbox, "left");
}

#[track_caller]
fn assert_gone(sandbox: &Sandbox, file: &str) {
    let pid = sandbox.read(file).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
}

#[test]
fn who_reads_input_meets_its_end_and_who_closes_its_output_is_waited_for() {
    let sandbox = running("{run: {shell: 'cat; read line || echo \"no more\"'}}");
    sandbox.run("run prd.md").code(0);
    assert_eq!(log(&sandbox), b"no more\n");
    let sandbox = running("{run: {shell: 'exec >&- 2>&-; sleep 0.1; touch late; exit 4'}}");
    fails(&sandbox, "exit code 4");
    assert!(sandbox.read("late").is_some(), "its end counts, not that of its output");
}

#[test]
fn a_command_that_prints_a_secret_without_end_is_stopped() {
    let tasks = "vars: {key: {secret: {exec: [cat, /dev/zero]}}}\ntasks:\n  a/one: {run: {shell: 'echo \"$TM_VAR_KEY\"'}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
    let began = Instant::now();
    fails(&sandbox, "bytes are too long for a secret");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// A reader that went away, as `| head` does, is no fault, and no reader at all is told.
#[test]
fn standard_output_may_be_closed_or_full() {
    let sandbox = running("{run: {exec: [\"true\"]}}");
    let said = |tail: &str| {
        let program = env!("CARGO_BIN_EXE_taskmaster");
        let line = format!("{program} plan prd.md {tail}");
        let mut command = sandbox.command(["--version"]);
        command = {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &line]).current_dir(sandbox.path()).env_clear();
            shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            shell
        };
        super::world::finished(&command.output().unwrap())
    };
    assert_eq!(said("| true").stderr, "");
    let full = said(">/dev/full").code(1);
    assert!(full.stderr.contains("cannot use standard output\n  because No space left"), "{}", full.stderr);
}
