//! What attempts print: bounded, harmless when shown, whole while within the bound.

use super::world::{World, sh};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use taskmaster::process::show::{Follower, tail_of};
use taskmaster_core::journal::Outcome;
use taskmaster_core::scheduler::RunEnd;

fn log_path(world: &World) -> std::path::PathBuf {
    let files = world.state_files();
    assert_eq!(files.len(), 1);
    files[0].0.clone()
}

#[test]
fn a_megabyte_is_kept_whole_and_only_its_owner_may_read_it() {
    let mut world = World::of(sh("yes 0123456789abcde | head -c 1048576"));
    assert_eq!(world.run(), RunEnd::Succeeded);
    let (_, tail, bytes, _) = world.ledger.only_end();
    assert_eq!(bytes, 1 << 20);
    assert_eq!(tail.lines().count(), 20);
    assert!(tail.lines().all(|line| line == "0123456789abcde"), "{tail}");
    let meta = std::fs::metadata(log_path(&world)).unwrap();
    assert_eq!((meta.len(), meta.permissions().mode() & 0o777), (1 << 20, 0o600));
}

#[test]
fn fifty_megabytes_end_within_the_bound_with_head_and_tail() {
    let limit = 4 << 20;
    let mut world = World::of(sh("echo the head; yes 0123456789abcde | head -c 52428800; echo the tail"));
    world.settings.log_limit = limit;
    assert_eq!(world.run(), RunEnd::Succeeded, "much output is no failure");
    let (end, tail, bytes, _) = world.ledger.only_end();
    assert_eq!(end, Outcome::Succeeded);
    assert!(tail.ends_with("the tail"), "{tail}");
    let path = log_path(&world);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(bytes, text.len() as u64);
    assert!(bytes <= limit + 200, "{bytes}");
    assert!(std::fs::metadata(&path).unwrap().blocks() * 512 <= limit + 8192);
    assert!(text.starts_with("the head\n0123"), "{}", &text[..40]);
    assert!(text.contains("bytes left out here, the log's bound is 4194304 bytes]"));
    assert!(!text.contains('\0'));
}

#[test]
fn the_disk_never_holds_much_more_than_the_bound() {
    let limit = 1 << 20;
    // Writes a little, pauses a little: the watcher gets its turns.
    let script =
        "i=0; while [ $i -lt 60 ]; do head -c 262144 /dev/zero | tr '\\0' x; sleep 0.02; i=$((i+1)); done";
    let mut world = World::of(sh(script));
    world.settings.log_limit = limit;
    let state = world.settings.state_dir.clone();
    let running = world.start();
    let mut most = 0;
    while !running.is_finished() {
        // A file may vanish between two looks: the log is replaced at the end.
        let size = walk(&state);
        most = most.max(size);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let (world, end) = running.join().unwrap();
    assert_eq!(end, RunEnd::Succeeded);
    assert!(most > limit / 2, "the test saw it grow: {most}");
    // 15 MB were written.
    assert!(most < 6 << 20, "{most} bytes on disk");
    assert!(world.ledger.only_end().2 <= limit + 200);
}

fn walk(dir: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => walk(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

#[test]
fn bytes_that_are_no_text_and_escapes_are_kept_and_shown_harmless() {
    let mut world = World::of(sh("printf 'a\\377b\\n\\033]0;owned\\007\\033[2Jc\\001\\n'; exit 1"));
    assert_eq!(world.run(), RunEnd::Failed);
    let (_, tail, bytes, _) = world.ledger.only_end();
    assert_eq!(tail, "a\u{fffd}b\nc\u{fffd}");
    let raw = std::fs::read(log_path(&world)).unwrap();
    assert_eq!(raw, b"a\xffb\n\x1b]0;owned\x07\x1b[2Jc\x01\n");
    assert_eq!(bytes, raw.len() as u64);
    assert_eq!(tail_of(&log_path(&world), 1, 100).unwrap(), "c\u{fffd}");
}

#[test]
fn a_follower_reads_everything_once() {
    let mut world = World::of(sh(
        "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; while [ ! -e go ]; do sleep 0.01; done; echo end",
    ));
    let (state, project) = (world.settings.state_dir.clone(), world.project());
    world.settings.log_limit = 1 << 20;
    let running = world.start();
    let path = taskmaster_testkit::until("the log is there", 20, || {
        let run = std::fs::read_dir(state.join("logs")).ok()?.flatten().next()?;
        std::fs::read_dir(run.path()).ok()?.flatten().next().map(|entry| entry.path())
    });
    let mut follower = Follower::new(&path);
    let mut text = String::new();
    taskmaster_testkit::until("the last line before the gate", 20, || {
        text.push_str(&follower.read().unwrap());
        text.contains("line 1999\n").then_some(())
    });
    std::fs::write(project.join("go"), "").unwrap();
    let (_, end) = running.join().unwrap();
    assert_eq!(end, RunEnd::Succeeded);
    loop {
        let more = follower.read().unwrap();
        if more.is_empty() {
            break;
        }
        text.push_str(&more);
    }
    let expected: String = (0..2000).map(|number| format!("line {number}\n")).collect();
    assert_eq!(text, expected + "end\n");
    assert_eq!(Follower::new(path.with_extension("none")).read().unwrap(), "");
}

#[test]
fn a_captured_output_past_its_bound_fails_the_attempt() {
    let mut world = World::of(sh("head -c 3000000 /dev/zero; sleep 1000"));
    world.settings.capture_limit = 1 << 20;
    world.catalogue.actions.get_mut("a").unwrap().outputs = Some(taskmaster_core::action::Outputs::Json);
    assert_eq!(world.run(), RunEnd::Failed);
    let (kind, message) = world.ledger.failure();
    assert_eq!(kind, taskmaster_core::action::FailureKind::Outputs);
    assert_eq!(message, "its standard output is longer than 1048576 bytes");
}
