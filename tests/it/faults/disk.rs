//! A disk that is full at each moment at which something is written: a tmpfs of the test's own. After room is made,
//! the next command ends well and nothing finished is done again.

use super::world::{Disk, PRD, TASKS};
use taskmaster_testkit::Finished;

const DISK_KIB: usize = 1_200;

/// A failure for want of room is told as one, and by nothing else.
#[track_caller]
fn told(ended: &Finished, left: u64) {
    let said = &ended.stderr;
    assert_eq!(ended.code, 1, "{left} KiB left: {said}");
    assert!(said.contains("error: no room left to write "), "{left} KiB left: {said}");
    assert!(said.contains("help: free some room and repeat the command"), "{left} KiB left: {said}");
    assert!(!said.contains("panicked"), "{left} KiB left: {said}");
}

/// Everything is done, once, and nothing is left beside it.
#[track_caller]
fn whole(disk: &Disk, left: u64) {
    let mut starts: Vec<String> = disk.read("starts").lines().map(str::to_owned).collect();
    starts.sort();
    assert_eq!(starts, ["one", "three", "two"], "{left} KiB left");
    assert_eq!(disk.read("prd.md"), PRD.replace("[ ]", "[x]"), "{left} KiB left");
    disk.run("audit").code(0);
    let left_over = |dir: &str| {
        let entries = std::fs::read_dir(disk.path(dir)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name.contains(".new") || name.starts_with(".log-") || name.contains("-journal"))
            .count()
    };
    assert_eq!((left_over(""), left_over(".taskmaster")), (0, 0), "{left} KiB left");
}

/// Begins anew on the same disk.
fn reset(disk: &Disk) {
    disk.free();
    for name in ["starts", "one", "two", "three"] {
        let _ = std::fs::remove_file(disk.path(name));
    }
    let _ = std::fs::remove_dir_all(disk.path(".taskmaster"));
    std::fs::write(disk.path("prd.md"), PRD).unwrap();
    std::fs::write(disk.path("tasks/local.yaml"), TASKS).unwrap();
}

/// What the tasks write themselves lies on the same disk, so that some fail by themselves.
#[test]
fn a_run_on_a_disk_that_fills_up_anywhere_is_finished_once_there_is_room() {
    let disk = Disk::of(DISK_KIB);
    let mut failed = 0;
    let mut left = 0;
    loop {
        reset(&disk);
        disk.fill(left);
        let ended = disk.run("run prd.md --write-back --jobs 1");
        if ended.code == 0 && disk.read("prd.md") == PRD.replace("[ ]", "[x]") {
            break;
        }
        if ended.code != 20 && ended.code != 0 {
            told(&ended, left);
            failed += 1;
        }
        disk.free();
        let next = disk.run("run prd.md --write-back --jobs 1");
        assert_eq!(next.code, 0, "{left} KiB had been left: {}", next.stderr);
        whole(&disk, left);
        // Each page until the ledger stands, and then where its log grows.
        left += if left < 24 { 4 } else { 20 };
        assert!(left < DISK_KIB as u64, "it never had enough");
    }
    assert!(failed > 5, "only {failed} runs met a full disk");
}

#[test]
fn a_parse_on_a_full_disk_says_so_and_reading_commands_still_work() {
    let disk = Disk::of(DISK_KIB);
    disk.fill(0);
    told(&disk.run("parse prd.md"), 0);
    disk.run("parse prd.md --no-record").code(0);
    disk.run("plan prd.md").code(0);
    disk.free();
    disk.run("parse prd.md").code(0);
    disk.fill(0);
    std::fs::write(disk.path("prd.md"), PRD.replace("Two", "Zwei")).unwrap();
    disk.fill(0);
    told(&disk.run("parse prd.md"), 0);
    disk.run("tasks list").code(0);
    disk.run("report").code(0);
    disk.free();
    disk.run("parse prd.md").code(0);
    assert!(disk.run("tasks list -o json").code(0).stdout.contains("a/zwei"));
}

/// The log is the command's own output: a command that heeds its failing writes fails by them. The ledger lies on
/// another disk here.
#[test]
fn a_log_that_finds_no_room_fails_the_command_that_writes_it_and_not_the_run() {
    let disk = Disk::of(DISK_KIB);
    let tasks = "tasks:\n  a/one: {run: {shell: 'echo begun; head -c 400000 /dev/zero'}}\n  \
                 a/two: {needs: [], run: {exec: [\"true\"]}}\n  a/three: {run: {exec: [\"true\"]}}\n";
    std::fs::write(disk.path("tasks/local.yaml"), tasks).unwrap();
    std::fs::write(disk.path("prd.md"), format!("---\nordering: explicit\n---\n{PRD}")).unwrap();
    let state = disk.state_elsewhere();
    std::fs::create_dir(disk.path("logs")).unwrap();
    std::os::unix::fs::symlink(disk.sandbox.path().join("logs"), state.join("logs")).unwrap();
    disk.fill(100);
    let ended = disk.run("run prd.md --jobs 1 --keep-going --state-dir ../state").code(20);
    assert!(ended.stderr.contains("1 failed") && ended.stderr.contains("2 completed"), "{}", ended.stderr);
    assert!(ended.stderr.contains("exit code 1"), "{}", ended.stderr);
    let log = disk.run("logs a/one --state-dir ../state").code(0).stdout;
    assert!(log.starts_with("begun\n"), "what had room is kept: {:?}", log.get(..40));
    disk.free();
    disk.run("run prd.md --jobs 1 --state-dir ../state").code(0);
    disk.run("audit --state-dir ../state").code(0);
}

#[test]
fn a_report_that_finds_no_room_replaces_nothing() {
    let disk = Disk::of(DISK_KIB);
    disk.run("run prd.md --quiet").code(0);
    disk.run("report -o html --to report.html").code(0);
    let before = disk.read("report.html");
    assert!(before.len() > 10_000);
    disk.fill(4);
    let ended = disk.run("report -o html --to report.html").code(1);
    assert!(ended.stderr.contains("report.html\n  because No space left on device"), "{}", ended.stderr);
    assert_eq!(disk.read("report.html"), before, "the one before is whole");
    disk.free();
    disk.run("report -o html --to report.html").code(0);
    let names = std::fs::read_dir(disk.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let beside: Vec<_> = names.filter(|name| name.to_string_lossy().contains("report")).collect();
    assert_eq!(beside, ["report.html"]);
}

#[test]
fn marks_that_find_no_room_leave_the_document_whole_and_come_with_the_next_run() {
    let disk = Disk::of(DISK_KIB);
    // Larger than all that is left, so that its replacement cannot be written.
    let prose = "Words of a document that is long.\n".repeat(6_000);
    let prd = format!("{PRD}\n## Why\n\n{prose}");
    std::fs::write(disk.path("prd.md"), &prd).unwrap();
    disk.fill(190);
    disk.state_elsewhere();
    let ended = disk.run("run prd.md --write-back --jobs 1 --state-dir ../state").code(0);
    assert!(ended.stderr.contains("No space left on device"), "{}", ended.stderr);
    assert_eq!(disk.read("prd.md"), prd);
    disk.free();
    disk.run("run prd.md --write-back --jobs 1 --state-dir ../state").code(0);
    assert_eq!(disk.read("prd.md"), prd.replace("[ ]", "[x]"));
}

/// A migration needs as much room again for the backup.
#[test]
fn a_migration_that_finds_no_room_leaves_the_older_ledger_as_it_is() {
    let disk = Disk::of(DISK_KIB);
    let older = tempfile::tempdir().unwrap();
    super::super::store::first_schema(older.path());
    let before = std::fs::read(older.path().join("ledger.db")).unwrap();
    std::fs::create_dir(disk.path(".taskmaster")).unwrap();
    std::fs::write(disk.path(".taskmaster/ledger.db"), &before).unwrap();
    for left in [0, 8, 16, 32, 48] {
        disk.fill(left);
        let ended = disk.run("audit");
        if ended.code != 0 {
            told(&ended, left);
            assert_eq!(std::fs::read(disk.path(".taskmaster/ledger.db")).unwrap(), before, "{left}");
        }
    }
    disk.free();
    assert_eq!(disk.run("audit -o json").code(0).json()["events"], 3);
}
