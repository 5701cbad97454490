//! The file: where it is made, what is done with one that is not ours, damaged, older or newer.

use super::child::{self, Role};
use super::support::*;
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use taskmaster::app::ledger::{Ledger, LedgerError};
use taskmaster::store::{Access, StoreError};
use taskmaster_core::state::TaskState;
use tempfile::TempDir;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Names in a directory with digests of their content, apart from locks and from what SQLite makes
/// beside any database that it reads.
fn contents(dir: &Path) -> Vec<(PathBuf, String)> {
    let passing = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name == "ledger.lock"
            || name == ".gitignore"
            || name.ends_with("-shm")
            || (name.ends_with("-wal") && fs::metadata(path).unwrap().len() == 0)
    };
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !passing(path))
        .map(|path| (path.clone(), digest(&fs::read(path).unwrap())))
        .collect();
    found.sort();
    found
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_string()
}

fn corrupt(dir: &Path, access: Access) -> (String, Option<PathBuf>) {
    match Ledger::open(dir, access) {
        Err(LedgerError::Store(error @ StoreError::Corrupt { .. })) => {
            assert_eq!(error.exit_code(), 42);
            assert!(error.to_string().contains(&dir.join("ledger.db").display().to_string()), "{error}");
            let StoreError::Corrupt { what, kept, .. } = error else { unreachable!("matched above") };
            (what, kept)
        }
        other => panic!("not found to be corrupt: {other:?}"),
    }
}

/// A state directory whose ledger is whole.
fn whole() -> TempDir {
    let mut scene = Scene::with_run(3);
    scene.commit(vec![state("run-1", 0, TaskState::Pending, TaskState::Ready)]);
    scene.close()
}

#[test]
fn a_new_ledger_is_private_and_git_does_not_see_it() {
    let scene = Scene::new();
    let dir = scene.state_dir();
    assert_eq!(mode(&dir), 0o700);
    for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.lock", ".gitignore"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    assert_eq!(fs::read_to_string(dir.join(".gitignore")).unwrap(), "*\n");
    let wal: String = scene.raw().pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(wal, "wal");
}

#[test]
fn a_directory_that_is_somebody_elses_is_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    drop(Ledger::open(dir.path(), Access::ReadWrite).unwrap());
    assert!(!dir.path().join(".gitignore").exists());
    assert_eq!((mode(dir.path()), mode(&dir.path().join("ledger.db"))), (0o755, 0o600));
}

#[test]
fn what_a_killed_maker_left_does_not_matter() {
    let dir = TempDir::new().unwrap();
    for left in ["ledger.db.new", "ledger.db.new-journal", "ledger.lock", ".gitignore.new"] {
        fs::write(dir.path().join(left), "half of something").unwrap();
    }
    drop(Ledger::open(dir.path(), Access::ReadWrite).unwrap());
    assert_eq!(fs::read_to_string(dir.path().join(".gitignore")).unwrap(), "*\n");
    assert!(!dir.path().join("ledger.db.new").exists() && !dir.path().join("ledger.db.new-journal").exists());
}

#[test]
fn readers_do_not_make_a_ledger() {
    let dir = TempDir::new().unwrap();
    let error = Ledger::open(dir.path(), Access::ReadOnly).unwrap_err();
    assert!(matches!(error, LedgerError::Store(StoreError::Absent { .. })), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_reader_cannot_append() {
    let scene = Scene::with_run(1);
    let mut reader = scene.second(Access::ReadOnly);
    let record = state("run-1", 0, TaskState::Pending, TaskState::Ready);
    let error = reader.commit(vec![record], at(9), taskmaster::store::Durability::Normal).unwrap_err();
    assert!(matches!(error, LedgerError::Store(StoreError::ReadOnly { .. })), "{error}");
    assert_eq!(reader.head().unwrap().seq, 2);
}

#[test]
fn damaged_files_of_every_kind_are_kept_and_named() {
    let ledger = whole();
    let good = fs::read(ledger.path().join("state/ledger.db")).unwrap();
    let mut wrong_header = good.clone();
    wrong_header[..15].copy_from_slice(b"SQLite format 4");
    let mut no_root = good.clone();
    no_root[100..4096].fill(0xFF);
    let kinds: [(&str, Vec<u8>); 7] = [
        ("zero bytes", Vec::new()),
        ("one byte", vec![b'S']),
        ("garbage", (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()),
        ("truncated in a page", good[..good.len() / 2 + 7].to_vec()),
        ("truncated between pages", good[..4096 * 3].to_vec()),
        ("wrong header", wrong_header),
        ("first page overwritten", no_root),
    ];
    for (kind, bytes) in kinds {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("ledger.db");
        fs::write(&file, &bytes).unwrap();
        // A reader says so and touches nothing.
        let before = contents(dir.path());
        assert_eq!(corrupt(dir.path(), Access::ReadOnly).1, None, "{kind}");
        assert_eq!(contents(dir.path()), before, "{kind}");
        // A writer keeps a copy, once, and leaves the file alone.
        let kept = corrupt(dir.path(), Access::ReadWrite).1.unwrap();
        assert_eq!(digest(&fs::read(&kept).unwrap()), digest(&bytes), "{kind}");
        assert_eq!(digest(&fs::read(&file).unwrap()), digest(&bytes), "{kind}: the ledger was written to");
        assert_eq!(mode(&kept), 0o600);
        let after_first = contents(dir.path());
        assert_eq!(corrupt(dir.path(), Access::ReadWrite).1.as_ref(), Some(&kept), "{kind}");
        assert_eq!(contents(dir.path()), after_first, "{kind}: every attempt makes more copies");
    }
}

#[test]
fn damage_with_a_log_beside_it_is_not_written_to_either() {
    let mut scene = Scene::with_run(50);
    let dir = TempDir::new().unwrap();
    // Copied while it is open: the ledger as of its last checkpoint, and the log with all the rest.
    scene.raw().pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(())).unwrap();
    scene.commit((0..50).map(|n| state("run-1", n, TaskState::Pending, TaskState::Ready)).collect());
    let (main, log) =
        (fs::read(scene.file()).unwrap(), fs::read(scene.state_dir().join("ledger.db-wal")).unwrap());
    assert!(log.len() > 10_000);
    let mut main = main;
    main[..16].fill(0);
    fs::write(dir.path().join("ledger.db"), &main).unwrap();
    fs::write(dir.path().join("ledger.db-wal"), &log).unwrap();
    let kept = corrupt(dir.path(), Access::ReadWrite).1.unwrap();
    assert_eq!(digest(&fs::read(dir.path().join("ledger.db")).unwrap()), digest(&main));
    assert_eq!(digest(&fs::read(dir.path().join("ledger.db-wal")).unwrap()), digest(&log));
    let mut kept_log = kept.into_os_string();
    kept_log.push("-wal");
    assert_eq!(digest(&fs::read(kept_log).unwrap()), digest(&log));
}

#[test]
fn a_directory_in_its_place_is_named() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("ledger.db")).unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        assert_eq!(corrupt(dir.path(), access), ("it is a directory".to_owned(), None));
    }
}

#[test]
fn a_database_of_another_program_is_not_taken_for_a_ledger() {
    let dir = TempDir::new().unwrap();
    let conn = Connection::open(dir.path().join("ledger.db")).unwrap();
    conn.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(conn);
    let before = contents(dir.path());
    let (what, kept) = corrupt(dir.path(), Access::ReadWrite);
    assert_eq!(what, "it is a SQLite database, but not a ledger");
    fs::remove_file(kept.unwrap()).unwrap();
    assert_eq!(contents(dir.path()), before, "not a byte of it is changed");
}

#[test]
fn a_state_directory_that_is_a_file_is_an_error_with_its_name() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("state");
    fs::write(&file, "").unwrap();
    let error = Ledger::open(&file, Access::ReadWrite).unwrap_err();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"");
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let dir = whole();
    let file = dir.path().join("state/ledger.db");
    let conn = Connection::open(&file).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let before = fs::read(&file).unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let error = Ledger::open(&dir.path().join("state"), access).unwrap_err();
        assert!(matches!(&error, LedgerError::Store(StoreError::NewerSchema { found: 99, .. })), "{error}");
        assert_eq!(error.exit_code(), 41);
    }
    assert_eq!(digest(&fs::read(&file).unwrap()), digest(&before));
}

#[test]
fn the_log_of_a_ledger_that_is_refused_is_not_moved_into_it() {
    // Its writer was killed: the newer schema stands in the log alone.
    let scene = Scene::with_run(3);
    scene.raw().pragma_update(None, "user_version", 99).unwrap();
    let dir = TempDir::new().unwrap();
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::copy(scene.state_dir().join(name), dir.path().join(name)).unwrap();
    }
    let before = contents(dir.path());
    assert_eq!(before.len(), 2);
    let error = Ledger::open(dir.path(), Access::ReadWrite).unwrap_err();
    assert_eq!(error.exit_code(), 41, "{error}");
    assert_eq!(contents(dir.path()), before);
}

/// A ledger as the first schema had it: the events, and no read models. Written by hand here, so
/// that a later change of the migrations cannot change what is migrated from.
pub(crate) fn first_schema(dir: &Path) -> PathBuf {
    let ledger = whole();
    let from = ledger.path().join("state/ledger.db");
    let file = dir.join("ledger.db");
    let conn = Connection::open(&file).unwrap();
    conn.execute_batch(
        "PRAGMA application_id = 1414351943; PRAGMA user_version = 1;
         CREATE TABLE events (seq INTEGER PRIMARY KEY CHECK (seq > 0), at_us INTEGER NOT NULL,
             stream TEXT NOT NULL, kind TEXT NOT NULL, json TEXT NOT NULL,
             hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;
         CREATE INDEX events_by_stream ON events (stream);
         CREATE TABLE chain (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL,
             hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;",
    )
    .unwrap();
    conn.execute("ATTACH ?1 AS old", [from.to_str().unwrap()]).unwrap();
    conn.execute_batch(
        "INSERT INTO events SELECT * FROM old.events; INSERT INTO chain SELECT * FROM old.chain;",
    )
    .unwrap();
    file
}

#[test]
fn an_older_schema_is_migrated_after_a_backup() {
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let dir = TempDir::new().unwrap();
        first_schema(dir.path());
        let ledger = Ledger::open(dir.path(), access).unwrap();
        let recorded = ledger.recorded(&document("prd"), &local()).unwrap();
        assert_eq!(recorded[&key(0)].state, TaskState::Ready);
        assert_eq!(ledger.known_tasks(&document("prd")).unwrap().len(), 3);
        assert!(ledger.audit().unwrap().holds());
        let backup = dir.path().join("ledger.db.schema-1");
        assert_eq!(mode(&backup), 0o600);
        let conn = Connection::open(&backup).unwrap();
        let (version, events): (u32, u32) = conn
            .query_row(
                "SELECT user_version, (SELECT count(*) FROM events) FROM pragma_user_version",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        assert_eq!((version, events), (1, 3));
    }
}

#[test]
fn a_backup_never_overwrites_an_earlier_one() {
    let dir = TempDir::new().unwrap();
    first_schema(dir.path());
    fs::write(dir.path().join("ledger.db.schema-1"), "an earlier backup").unwrap();
    drop(Ledger::open(dir.path(), Access::ReadWrite).unwrap());
    assert_eq!(fs::read(dir.path().join("ledger.db.schema-1")).unwrap(), b"an earlier backup");
    assert!(dir.path().join("ledger.db.schema-1-2").is_file());
}

#[test]
fn a_log_without_its_ledger_is_not_read_into_a_new_one() {
    let mut scene = Scene::with_run(2);
    scene.commit(vec![state("run-1", 0, TaskState::Pending, TaskState::Ready)]);
    let log = fs::read(scene.state_dir().join("ledger.db-wal")).unwrap();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("ledger.db-wal"), &log).unwrap();
    let ledger = Ledger::open(dir.path(), Access::ReadWrite).unwrap();
    assert_eq!(ledger.head().unwrap().seq, 0);
    assert!(ledger.audit().unwrap().holds());
    assert_eq!(digest(&fs::read(dir.path().join("ledger.db.stray-wal")).unwrap()), digest(&log));
}

#[test]
fn read_models_of_another_projection_are_made_anew() {
    let dir = whole();
    let state_dir = dir.path().join("state");
    let conn = Connection::open(state_dir.join("ledger.db")).unwrap();
    let before = dump(&conn);
    conn.execute_batch("UPDATE projection SET version = 0; DELETE FROM task_states; DELETE FROM revisions;")
        .unwrap();
    drop(conn);
    drop(Ledger::open(&state_dir, Access::ReadOnly).unwrap());
    assert_eq!(dump(&Connection::open(state_dir.join("ledger.db")).unwrap()), before);
}

/// What somebody without any right to write sees of a state directory.
fn look_without_rights(dir: &TempDir, state_dir: &Path) -> [String; 2] {
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(state_dir).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o444)).unwrap();
    }
    fs::set_permissions(state_dir, fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere: then it is somebody else who looks.
    let is_root = fs::write(state_dir.join("probe"), "")
        .is_ok_and(|()| fs::remove_file(state_dir.join("probe")).is_ok());
    let mut looking = if is_root {
        child::spawn_as_nobody(Role::Look, state_dir, dir.path())
    } else {
        child::spawn(Role::Look, state_dir, 0)
    };
    let said = [looking.line(), looking.line()];
    looking.succeed();
    fs::set_permissions(state_dir, fs::Permissions::from_mode(0o755)).unwrap();
    said
}

#[test]
fn a_directory_that_cannot_be_written_to_can_still_be_read() {
    let dir = whole();
    let state_dir = dir.path().join("state");
    assert!(!state_dir.join("ledger.db-wal").exists());
    let [read, write] = look_without_rights(&dir, &state_dir);
    assert_eq!(read, "head 3");
    assert_eq!(write, format!("{} cannot be written to", state_dir.join("ledger.db").display()));
}

#[test]
fn a_log_that_cannot_be_written_to_is_read_too() {
    // Somebody's executor is at work, or was killed: the newest events are in the log alone.
    let mut scene = Scene::with_run(1);
    scene.commit(vec![state("run-1", 0, TaskState::Pending, TaskState::Ready)]);
    let [read, _] = look_without_rights(&scene.dir, &scene.state_dir());
    assert_eq!(read, "head 3");
}

#[test]
fn an_older_schema_that_cannot_be_written_to_is_said_to_be_one() {
    let dir = TempDir::new().unwrap();
    let state_dir = dir.path().join("state");
    fs::create_dir(&state_dir).unwrap();
    let file = first_schema(&state_dir);
    let [read, write] = look_without_rights(&dir, &state_dir);
    let expected = format!("{} has schema 1 and cannot be brought to 4 without writing", file.display());
    assert_eq!([&read, &write], [&expected, &expected]);
}

#[test]
fn a_new_ledger_where_nothing_may_be_written_names_the_directory() {
    let dir = TempDir::new().unwrap();
    let state_dir = dir.path().join("state");
    fs::create_dir(&state_dir).unwrap();
    let [read, write] = look_without_rights(&dir, &state_dir);
    assert_eq!(read, format!("no ledger at {}", state_dir.join("ledger.db").display()));
    assert_eq!(write, format!("{} cannot be written to", state_dir.display()));
}
