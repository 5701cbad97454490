//! Everything that is read, and everything that can be wrong with a file.

use super::super::cli::sandbox;
use super::world::{PRD, TASKS, give_away, mkfifo, run_within, run_without_rights};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use taskmaster_testkit::{Finished, Sandbox};

/// Address space that is enough: the file of 100 MB once, and what the program has anyhow.
const ENOUGH_MIB: usize = 600;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Missing,
    Unreadable,
    Directory,
    Empty,
    Binary,
    Huge,
    NotUtf8,
    Crlf,
    Bom,
    Nul,
    Pipe,
    Device,
}
use Fault::{Binary, Bom, Crlf, Device, Directory, Empty, Huge, Missing, NotUtf8, Nul, Pipe, Unreadable};

/// Puts a file with a fault at `path`; `good` is what should be there.
fn make(fault: Fault, path: &Path, good: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(path);
    let with = |bytes: &[u8]| std::fs::write(path, bytes).unwrap();
    match fault {
        Missing => {}
        Unreadable => with(good.as_bytes()),
        Directory => std::fs::create_dir(path).unwrap(),
        Empty => with(b""),
        Binary => with(b"\x7fELF\x02\x01\x01\0\0\0\x90\x8a"),
        Huge => std::fs::File::create(path).unwrap().set_len(100 << 20).unwrap(),
        NotUtf8 => with(&[good.as_bytes(), b"\n\xf6\n"].concat()),
        Crlf => with(good.replace('\n', "\r\n").as_bytes()),
        Bom => with(&[b"\xef\xbb\xbf", good.as_bytes()].concat()),
        Nul => with(&[good.as_bytes(), b"# \0\n"].concat()),
        Pipe => mkfifo(path),
        Device => symlink("/dev/zero", path).unwrap(),
    }
}

fn finish(fault: Fault, sandbox: &Sandbox, path: &Path, line: &str) -> Finished {
    if fault == Unreadable {
        give_away(sandbox);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
        return run_without_rights(sandbox, line);
    }
    run_within(sandbox, ENOUGH_MIB, line)
}

/// Each fault at `name`: the exit code, and what is said of it on either stream.
fn meets(world: impl Fn() -> Sandbox, name: &str, good: &str, line: &str, rows: &[(Fault, i32, &str)]) {
    for (fault, code, words) in rows {
        let sandbox = world();
        let path = sandbox.path().join(name);
        make(*fault, &path, good);
        let ended = finish(*fault, &sandbox, &path, line);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, *code, "{fault:?}: {said}");
        assert!(said.contains(words), "{fault:?}: {words:?} is not in {said}");
    }
}

#[test]
fn a_prd_with_any_fault_is_refused_or_read_at_once() {
    let rows = [
        (Missing, 2, "error: x.md does not exist"),
        (Unreadable, 2, "cannot read x.md\n  because Permission denied"),
        (Directory, 2, "x.md holds no .md file"),
        (Empty, 0, "0 tasks under 0 headings"),
        (Binary, 2, "cannot read x.md\n  because it holds a NUL byte, as no text does: line 1, byte 7"),
        (Huge, 2, "cannot read x.md\n  because it has 104857600 bytes, more than the 33554432 that are read"),
        (
            NotUtf8,
            2,
            "cannot read x.md\n  because it is not UTF-8: line 9, byte 56 of the file\nhelp: save it",
        ),
        (Crlf, 0, "3 tasks in 1 phase"),
        (Bom, 0, "3 tasks in 1 phase"),
        (Nul, 2, "it holds a NUL byte, as no text does: line 8, byte 57"),
        (Pipe, 2, "cannot read x.md\n  because it is no regular file"),
        (Device, 2, "cannot read x.md\n  because it is no regular file"),
    ];
    meets(sandbox, "x.md", PRD, "parse x.md --no-record", &rows);
}

/// So many tasks that they would need some 4 GB, one line without end, and more than is read at all.
#[test]
fn a_text_of_100_mb_is_refused_and_one_of_12_is_bounded_in_memory_and_time() {
    let rows = [
        ("huge.md", vec![b'x'; 100 << 20], 2, "it has 104857600 bytes, more than the 33554432 that are read"),
        (
            "items.md",
            "- [ ] a\n".repeat((12 << 20) / 8).into_bytes(),
            10,
            "error[too-large]: more than 1000000 head",
        ),
        ("line.md", vec![b'x'; 12 << 20], 0, "0 tasks under 0 headings"),
    ];
    let sandbox = sandbox();
    for (name, bytes, code, words) in rows {
        sandbox.write(name, bytes);
        let ended = run_within(&sandbox, 2_000, &format!("parse {name} --no-record"));
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, code, "{name}: {said}");
        assert!(said.contains(words), "{name}: {said}");
        std::fs::remove_file(sandbox.path().join(name)).unwrap();
    }
}

#[test]
fn a_catalogue_with_any_fault_is_refused_or_read_at_once() {
    let world = || {
        let sandbox = sandbox();
        sandbox.write("prd.md", PRD);
        sandbox
    };
    let rows = [
        (Missing, 0, "nothing binds `a/one` in the environment `local`"),
        (Unreadable, 2, "cannot read tasks/local.yaml\n  because Permission denied"),
        (Directory, 2, "cannot read tasks/local.yaml\n  because it is no regular file"),
        (Empty, 0, "warning[schema-empty]: this catalogue is empty"),
        (Binary, 2, "cannot read tasks/local.yaml\n  because it holds a NUL byte"),
        (Huge, 2, "cannot read tasks/local.yaml\n  because it has 104857600 bytes, more than the 8388608"),
        (NotUtf8, 2, "cannot read tasks/local.yaml\n  because it is not UTF-8: line 6, byte"),
        (Crlf, 0, "Plan: 3 to run"),
        (Bom, 0, "Plan: 3 to run"),
        (Nul, 2, "it holds a NUL byte, as no text does: line 5, byte"),
        (Pipe, 2, "cannot read tasks/local.yaml\n  because it is no regular file"),
        (Device, 2, "cannot read tasks/local.yaml\n  because it is no regular file"),
    ];
    meets(world, "tasks/local.yaml", TASKS, "plan prd.md", &rows);
}

#[test]
fn a_folder_of_catalogues_that_is_none_is_told() {
    let sandbox = sandbox();
    sandbox.write("prd.md", PRD).write("tasks/local.yaml", TASKS).write("one.yaml", TASKS);
    give_away(&sandbox);
    let folder = sandbox.path().join("tasks");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o000)).unwrap();
    let unreadable = run_without_rights(&sandbox, "plan prd.md").code(2);
    assert!(unreadable.stderr.contains("tasks\n  because Permission denied"), "{}", unreadable.stderr);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    // One file instead of a folder serves as well; what is neither is refused.
    sandbox.write("taskmaster.toml", "catalogue = \"one.yaml\"\n");
    let one = sandbox.run("plan prd.md").code(0);
    assert!(one.stdout.contains("Plan: 3 to run"), "{}", one.stdout);
    mkfifo(&sandbox.path().join("pipe"));
    sandbox.write("taskmaster.toml", "catalogue = \"pipe\"\n");
    let pipe = sandbox.run("plan prd.md").code(2);
    assert!(pipe.stderr.contains("because it is no regular file"), "{}", pipe.stderr);
}

const SETTINGS: [(Fault, i32, &str); 12] = [
    (Missing, 0, "Plan: 3 to run"),
    (Unreadable, 2, ".toml\n  because Permission denied"),
    (Directory, 2, ".toml\n  because it is no regular file"),
    (Empty, 0, "Plan: 3 to run"),
    (Binary, 2, ".toml\n  because it holds a NUL byte"),
    (Huge, 2, ".toml\n  because it has 104857600 bytes, more than the 1048576 that are read"),
    (NotUtf8, 2, ".toml\n  because it is not UTF-8: line 3, byte 10"),
    (Crlf, 0, "Plan: 3 to run"),
    (Bom, 0, "Plan: 3 to run"),
    (Nul, 2, "it holds a NUL byte, as no text does: line 2, byte 11"),
    (Pipe, 2, ".toml\n  because it is no regular file"),
    (Device, 2, ".toml\n  because it is no regular file"),
];

fn project() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("prd.md", PRD).write("tasks/local.yaml", TASKS);
    sandbox
}

#[test]
fn settings_of_a_project_with_any_fault_are_refused_or_read_at_once() {
    meets(project, "taskmaster.toml", "jobs = 2\n", "plan prd.md", &SETTINGS);
}

#[test]
fn settings_of_a_user_with_any_fault_are_refused_or_read_at_once() {
    meets(project, "../home/.config/taskmaster/config.toml", "jobs = 2\n", "plan prd.md", &SETTINGS);
}

#[test]
fn settings_that_mean_nothing_are_told_once_with_line_and_caret() {
    let sandbox = project();
    for (text, words) in [
        ("job = 2\n", "1 | job = 2\n  | ^^^\nunknown field `job`"),
        ("jobs = \"two\"\n", "1 | jobs = \"two\"\n  |        ^^^^^"),
        ("jobs = 1\njobs = 2\n", "2 | jobs = 2\n  | ^^^^\nduplicate key"),
        ("document = \"a\n", "1 | document = \"a\n"),
    ] {
        let ended = sandbox.write("taskmaster.toml", text).run("plan prd.md").code(2);
        assert!(ended.stderr.contains(words), "{text}: {}", ended.stderr);
        assert_eq!(ended.stderr.matches("TOML parse error").count(), 1, "{}", ended.stderr);
    }
}

const ROLLOUT: &str = "name: web\nstrategy: {canary: {steps: [{setWeight: 50}]}}\n";

#[test]
fn a_rollout_with_any_fault_is_refused_or_read_at_once() {
    let rows = [
        (Missing, 2, "error: x.yaml does not exist"),
        (Unreadable, 2, "cannot read x.yaml\n  because Permission denied"),
        (Directory, 2, "cannot read x.yaml\n  because it is no regular file"),
        (Empty, 13, "error[schema-empty]: this rollout is empty"),
        (Binary, 2, "cannot read x.yaml\n  because it holds a NUL byte"),
        (Huge, 2, "cannot read x.yaml\n  because it has 104857600 bytes, more than the 8388608"),
        (NotUtf8, 2, "cannot read x.yaml\n  because it is not UTF-8: line 4, byte"),
        // Read, and then it is the recording that is not there.
        (Crlf, 2, "none.json does not exist"),
        (Bom, 2, "none.json does not exist"),
        (Nul, 2, "it holds a NUL byte, as no text does: line 3, byte"),
        (Pipe, 2, "cannot read x.yaml\n  because it is no regular file"),
        (Device, 2, "cannot read x.yaml\n  because it is no regular file"),
    ];
    meets(sandbox, "x.yaml", ROLLOUT, "rollout rehearse --file x.yaml --from none.json", &rows);
}

#[test]
fn a_recording_with_any_fault_is_refused_or_read_at_once() {
    let world = || {
        let sandbox = sandbox();
        sandbox.write("x.yaml", ROLLOUT);
        sandbox
    };
    let rows = [
        (Missing, 2, "error: x.json does not exist"),
        (Unreadable, 2, "cannot read x.json\n  because Permission denied"),
        (Directory, 2, "cannot read x.json\n  because it is no regular file"),
        (Empty, 2, "x.json is no recording: EOF while parsing a value at line 1 column 0"),
        (Binary, 2, "cannot read x.json\n  because it holds a NUL byte"),
        (Huge, 2, "cannot read x.json\n  because it holds a NUL byte"),
        (NotUtf8, 2, "cannot read x.json\n  because it is not UTF-8: line 2, byte 3"),
        // As far as the two braces go.
        (Crlf, 2, "missing field `metrics` at line 1 column 2"),
        (Bom, 2, "missing field `metrics` at line 1 column 2"),
        (Nul, 2, "it holds a NUL byte"),
        (Pipe, 2, "cannot read x.json\n  because it is no regular file"),
        (Device, 2, "cannot read x.json\n  because it is no regular file"),
    ];
    meets(world, "x.json", "{}", "rollout rehearse --file x.yaml --from x.json", &rows);
}

#[test]
fn a_file_of_a_secret_with_any_fault_fails_its_task_and_is_not_shown() {
    let world = || {
        let sandbox = sandbox();
        let tasks = "vars: {key: {secret: file:key}}\ntasks: {a/one: {run: {shell: 'printf %s \"$TM_VAR_KEY\" >got'}}}\n";
        sandbox.write("prd.md", "## Phase 1: A\n\n- [ ] One\n").write("tasks/local.yaml", tasks);
        sandbox
    };
    let rows = [
        (Missing, 20, "secret file:key: No such file"),
        (Unreadable, 20, "secret file:key: Permission denied"),
        (Directory, 20, "secret file:key: it is no regular file"),
        (Binary, 20, "secret file:key: it holds a NUL byte"),
        (Huge, 20, "secret file:key: it has 104857600 bytes, more than the 1048576 that are read"),
        (NotUtf8, 20, "secret file:key: it is not UTF-8: line 2, byte 9"),
        (Crlf, 0, "succeeded"),
        (Nul, 20, "secret file:key: it holds a NUL byte"),
        (Pipe, 20, "secret file:key: it is no regular file"),
        (Device, 20, "secret file:key: it is no regular file"),
    ];
    meets(world, "key", "hunter22", "run prd.md", &rows);
}

#[test]
fn a_file_of_certificates_with_any_fault_fails_its_task() {
    let world = || {
        let sandbox = sandbox();
        let tasks = "tasks: {a/one: {run: {http: {url: 'https://localhost:1/', ca_file: ca.pem}}}}\n";
        sandbox.write("prd.md", "## Phase 1: A\n\n- [ ] One\n").write("tasks/local.yaml", tasks);
        sandbox
    };
    let rows = [
        (Missing, 20, "ca.pem: No such file"),
        (Unreadable, 20, "ca.pem: Permission denied"),
        (Directory, 20, "ca.pem: it is no regular file"),
        (Huge, 20, "ca.pem: it has 104857600 bytes, more than the 8388608 that are read"),
        (Pipe, 20, "ca.pem: it is no regular file"),
        (Device, 20, "ca.pem: it is no regular file"),
    ];
    meets(world, "ca.pem", "", "run prd.md", &rows);
}
