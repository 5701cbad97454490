//! The audit names what was altered. Each test tampers with the database itself.

use super::support::*;
use rusqlite::Connection;
use taskmaster::app::ledger::Ledger;
use taskmaster::store::{Access, AuditReport, Store};
use taskmaster_core::journal::Outcome;
use taskmaster_core::state::TaskState;
use tempfile::TempDir;

/// A closed ledger with a run in which one task was done; events 1 to 8.
fn closed() -> TempDir {
    let mut scene = Scene::with_run(2);
    let running = TaskState::Running { attempt: "A1".into(), number: 1 };
    scene.commit(vec![
        state("run-1", 0, TaskState::Pending, TaskState::Ready),
        state("run-1", 0, TaskState::Ready, running.clone()),
        attempt_started("run-1", 0, "A1"),
    ]);
    scene.commit(vec![spawned("A1", 99)]);
    scene.commit(vec![
        attempt_ended("A1", Outcome::Succeeded),
        state("run-1", 0, running, TaskState::Completed),
    ]);
    scene.close()
}

fn audit(dir: &TempDir) -> AuditReport {
    Ledger::open(&dir.path().join("state"), Access::ReadOnly).unwrap().audit().unwrap()
}

/// Runs SQL with the guards against it taken away, and puts them back.
fn tamper(dir: &TempDir, sql: &str) {
    let conn = Connection::open(dir.path().join("state/ledger.db")).unwrap();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    let guards: Vec<(String, String)> = conn
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(guards.len(), 2);
    for (name, _) in &guards {
        conn.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    conn.execute_batch(sql).unwrap();
    for (_, guard) in &guards {
        conn.execute_batch(guard).unwrap();
    }
}

fn broken_at(dir: &TempDir) -> (u64, String) {
    let report = audit(dir);
    assert!(!report.holds());
    let broken = report.broken.unwrap();
    assert_eq!(report.head.seq + 1, broken.seq.unwrap());
    (broken.seq.unwrap(), broken.what)
}

#[test]
fn an_untouched_ledger_holds() {
    let dir = closed();
    let report = audit(&dir);
    assert_eq!((report.broken, report.findings, report.events), (None, vec![], 8));
    let head = Ledger::open(&dir.path().join("state"), Access::ReadOnly).unwrap().head().unwrap();
    assert_eq!(report.head, head);
    let shown = head.to_string();
    assert!(shown.starts_with("8 ") && shown.len() == 2 + 64, "{shown}");
}

#[test]
fn the_hashes_are_those_of_the_documented_frame() {
    let dir = closed();
    let conn = Connection::open(dir.path().join("state/ledger.db")).unwrap();
    let mut previous = vec![0_u8; 32];
    let mut statement =
        conn.prepare("SELECT seq, at_us, stream, kind, json, hash FROM events ORDER BY seq").unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        let mut frame = previous.clone();
        frame.extend(row.get::<_, i64>(0).unwrap().to_le_bytes());
        frame.extend(row.get::<_, i64>(1).unwrap().to_le_bytes());
        for column in 2..5 {
            let text: String = row.get(column).unwrap();
            frame.extend((text.len() as u64).to_le_bytes());
            frame.extend(text.as_bytes());
        }
        let hash = blake3::derive_key("taskmaster ledger event v1", &frame);
        assert_eq!(row.get::<_, Vec<u8>>(5).unwrap(), hash);
        previous = hash.to_vec();
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn one_flipped_byte_of_the_file_is_named() {
    let dir = closed();
    let file = dir.path().join("state/ledger.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // The start of the attempt, event 5; its command line stands nowhere else.
    let needle = b"make build";
    let places: Vec<_> = bytes.windows(needle.len()).enumerate().filter(|(_, w)| w == needle).collect();
    assert_eq!(places.len(), 1);
    let place = places[0].0;
    bytes[place] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (seq, what) = broken_at(&dir);
    assert_eq!((seq, what.as_str()), (5, "its hash is not that of its content and of the event before"));
}

#[test]
fn every_column_of_an_event_is_under_the_hash() {
    for column in ["at_us = at_us + 1", "stream = 'task/x'", "kind = 'x'", "json = json || ' '"] {
        let dir = closed();
        tamper(&dir, &format!("UPDATE events SET {column} WHERE seq = 4"));
        assert_eq!(broken_at(&dir).0, 4, "{column}");
    }
    let dir = closed();
    tamper(&dir, "UPDATE events SET hash = zeroblob(32) WHERE seq = 4");
    assert_eq!(broken_at(&dir).0, 4);
}

#[test]
fn a_deleted_event_is_named() {
    let dir = closed();
    tamper(&dir, "DELETE FROM events WHERE seq = 4");
    assert_eq!(broken_at(&dir), (4, "it is missing: the next event is 5".to_owned()));
}

#[test]
fn a_swapped_pair_is_named_at_its_first_half() {
    let dir = closed();
    tamper(
        &dir,
        "CREATE TEMP TABLE t AS SELECT * FROM events WHERE seq IN (3, 4);
         DELETE FROM events WHERE seq IN (3, 4);
         INSERT INTO events SELECT 7 - seq, at_us, stream, kind, json, hash FROM t;",
    );
    assert_eq!(broken_at(&dir).0, 3);
}

#[test]
fn an_event_that_was_slipped_in_is_named() {
    let dir = closed();
    tamper(
        &dir,
        "INSERT INTO events SELECT 9, at_us, stream, kind, json, hash FROM events WHERE seq = 8;
         UPDATE chain SET seq = 9, hash = (SELECT hash FROM events WHERE seq = 9);",
    );
    assert_eq!(broken_at(&dir).0, 9);
}

#[test]
fn a_tail_that_was_cut_off_shows_and_nothing_is_appended_to_it() {
    let dir = closed();
    tamper(&dir, "DELETE FROM events WHERE seq >= 7");
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let error = Ledger::open(&dir.path().join("state"), access).unwrap_err();
        assert_eq!(error.exit_code(), 42);
        assert!(error.to_string().contains("its chain must end at event 8"), "{error}");
    }
}

#[test]
fn an_alteration_with_its_hash_made_anew_shows_at_the_next_event() {
    let dir = closed();
    let conn = Connection::open(dir.path().join("state/ledger.db")).unwrap();
    let hash = |seq: i64| -> Vec<u8> {
        conn.query_row("SELECT hash FROM events WHERE seq = ?1", [seq], |row| row.get(0)).unwrap()
    };
    let (stream, kind, at): (String, String, i64) = conn
        .query_row("SELECT stream, kind, at_us FROM events WHERE seq = 4", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    let mut frame = hash(3);
    frame.extend(4_i64.to_le_bytes());
    frame.extend(at.to_le_bytes());
    for text in [stream.as_str(), kind.as_str(), "{}"] {
        frame.extend((text.len() as u64).to_le_bytes());
        frame.extend(text.as_bytes());
    }
    let forged = blake3::derive_key("taskmaster ledger event v1", &frame);
    let forged: String = forged.iter().map(|byte| format!("{byte:02x}")).collect();
    drop(conn);
    tamper(&dir, &format!("UPDATE events SET json = '{{}}', hash = x'{forged}' WHERE seq = 4"));
    assert_eq!(broken_at(&dir).0, 5);
}

#[test]
fn a_read_model_that_says_other_than_the_events_is_found() {
    let lies = [
        ("UPDATE task_states SET state = '{\"state\":\"failed\",\"reason\":\"\"}'", "task_states says "),
        ("DELETE FROM revisions", "revisions lacks a row: document=prd number=1 "),
        (
            "INSERT INTO approvals VALUES (5, 'run-1', 'KEY0', 'nobody')",
            "approvals holds a row that no event made",
        ),
        ("UPDATE attempts SET pid = 1", "attempts says "),
    ];
    for (lie, found) in lies {
        let dir = closed();
        tamper(&dir, lie);
        let report = audit(&dir);
        assert!(!report.holds() && report.broken.is_none());
        assert!(report.findings.iter().any(|finding| finding.what.starts_with(found)), "{lie}: {report:?}");
    }
}

#[test]
fn a_reference_to_an_event_that_is_not_there_is_found() {
    let dir = closed();
    tamper(&dir, "UPDATE task_states SET seq = 77");
    let report = audit(&dir);
    let expected = "a row of task_states refers to events that are not there";
    assert!(report.findings.iter().any(|finding| finding.what == expected), "{report:?}");
}

#[test]
fn the_database_itself_refuses_to_change_an_event() {
    let dir = closed();
    let conn = Connection::open(dir.path().join("state/ledger.db")).unwrap();
    for sql in ["UPDATE events SET json = '{}' WHERE seq = 1", "DELETE FROM events WHERE seq = 8"] {
        let error = conn.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("events are never"), "{error}");
    }
}

#[test]
fn damage_inside_the_file_is_found_wherever_it_is() {
    // Enough events for many pages; then one page in the middle is overwritten.
    let mut scene = Scene::with_run(1);
    for _ in 0..200 {
        scene.commit(vec![state("run-1", 0, TaskState::Pending, TaskState::Ready)]);
    }
    let dir = scene.close();
    let file = dir.path().join("state/ledger.db");
    let whole = std::fs::read(&file).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 20);
    let mut silent = Vec::new();
    for page in 1..pages {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xA5);
        std::fs::write(&file, &bytes).unwrap();
        let state_dir = dir.path().join("state");
        let found = match Ledger::open(&state_dir, Access::ReadOnly).and_then(|ledger| ledger.audit()) {
            Ok(report) => !report.holds(),
            Err(error) => error.exit_code() == 42,
        };
        if !found {
            silent.push(page);
        }
    }
    assert!(silent.is_empty(), "damage of pages {silent:?} was not found");
    std::fs::write(&file, &whole).unwrap();
    assert!(audit(&dir).holds());
}

#[test]
fn the_store_knows_nothing_of_records_and_still_proves_its_chain() {
    let dir = TempDir::new().unwrap();
    let mut store = Store::open(dir.path(), Access::ReadWrite).unwrap();
    let append = store.write(taskmaster::store::Durability::Full, |tx| {
        tx.append("any stream", "any kind", at(1), "not even JSON")?;
        tx.append("any stream", "any kind", at(2), "")
    });
    assert_eq!(append.unwrap(), 2);
    let report = store.now().audit().unwrap();
    assert_eq!((report.events, report.holds()), (2, true));
    let failed = store.write(taskmaster::store::Durability::Normal, |tx| {
        tx.append("any stream", "any kind", at(3), "{}")?;
        Err::<(), _>(taskmaster::store::StoreError::Busy { path: "x".into() })
    });
    assert!(failed.is_err());
    assert_eq!(store.now().head().unwrap(), report.head);
}
