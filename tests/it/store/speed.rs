//! Rough figures, for people: `cargo test --release --test it store::speed -- --ignored --nocapture`.
//! Nothing is asserted about time; what is written is proved whole.

use super::support::*;
use rusqlite::Connection;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use taskmaster::app::ledger::Ledger;
use taskmaster::store::{Access, Durability, Store};
use taskmaster_core::journal::Outcome;
use taskmaster_core::state::TaskState;
use tempfile::TempDir;

/// Nanoseconds that this thread has spent on a processor: tells more than the clock on the wall
/// where others are at work on the machine.
fn at_work() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0))
}

fn timed<T>(what: &str, count: usize, work: impl FnOnce() -> T) -> T {
    let (begin, before) = (Instant::now(), at_work());
    let answer = work();
    let each = |took: Duration| took.as_secs_f64() * 1e6 / count as f64;
    let (wall, busy) = (each(begin.elapsed()), each(at_work().saturating_sub(before)));
    println!("{what:<44} {:>9.0}/s {wall:>9.2} us each, {busy:>9.2} us of a processor", 1e6 / wall);
    answer
}

/// The same rows by SQLite alone: no chain, no checks.
fn bare(path: &Path, json: &str, stream: &dyn Fn(usize) -> String) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE events (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, stream TEXT NOT NULL,
             kind TEXT NOT NULL, json TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
         CREATE INDEX events_by_stream ON events (stream);",
    )
    .unwrap();
    let mut insert = conn.prepare("INSERT INTO events VALUES (NULL, ?1, ?2, ?3, ?4, ?5)").unwrap();
    let mut add = |n| {
        let added = insert.execute((n as i64, stream(n), "task.state", json, [7_u8; 32])).unwrap();
        assert_eq!(added, 1);
    };
    timed("bare SQLite: rows, 1,000 a commit", 200_000, || {
        for batch in 0..200 {
            conn.execute_batch("BEGIN IMMEDIATE").unwrap();
            (0..1000).for_each(|n| add(batch * 1000 + n));
            conn.execute_batch("COMMIT").unwrap();
        }
    });
    timed("bare SQLite: rows, one a commit", 50_000, || (0..50_000).for_each(add));
}

#[test]
#[ignore = "figures, not a test"]
fn of_the_store() {
    let dir = TempDir::new().unwrap();
    let mut store = Store::open(dir.path(), Access::ReadWrite).unwrap();
    let json = format!("{{\"kind\":\"task.state\",\"text\":\"{}\"}}", "x".repeat(250));
    // Six events of a task close together, as a run makes them.
    let stream = |n: usize| format!("task/01KZZZZZZZZZZZZZ{:010}", n / 6);
    bare(&dir.path().join("bare.db"), &json, &stream);
    timed("events, 1,000 a commit", 200_000, || {
        for batch in 0..200 {
            store
                .write(Durability::Normal, |tx| {
                    (0..1000).try_for_each(|n| {
                        tx.append(&stream(batch * 1000 + n), "task.state", at(1), &json).map(drop)
                    })
                })
                .unwrap();
        }
    });
    timed("events, one a commit", 50_000, || {
        for n in 0..50_000 {
            store.write(Durability::Normal, |tx| tx.append(&stream(n), "task.state", at(1), &json)).unwrap();
        }
    });
    timed("events, one a commit, synced", 100, || {
        for n in 0..100 {
            store.write(Durability::Full, |tx| tx.append(&stream(n), "task.state", at(1), &json)).unwrap();
        }
    });
    let report = timed("audit of the chain, per event", 250_100, || store.now().audit().unwrap());
    assert!(report.holds() && report.events == 250_100);
}

#[test]
#[ignore = "figures, not a test"]
fn of_the_ledger() {
    const TASKS: usize = 10_000;
    let dir = TempDir::new().unwrap();
    let mut ledger = Ledger::open(dir.path(), Access::ReadWrite).unwrap();
    timed("a document and a plan, per task", TASKS, || {
        let records = vec![parsed("prd", 1, TASKS), started("run-1", plan("prd", 1, 1, TASKS))];
        ledger.commit(records, at(1), Durability::Normal).unwrap();
    });
    // The life of a task with nothing to check: six records in three commits.
    timed("life of a task: 6 records in 3 commits", TASKS, || {
        for n in 0..TASKS {
            let attempt = format!("01KATTEMPT{n:016}");
            let running = TaskState::Running { attempt: attempt.as_str().into(), number: 1 };
            let commits = [
                vec![
                    state("run-1", n, TaskState::Pending, TaskState::Ready),
                    state("run-1", n, TaskState::Ready, running.clone()),
                    attempt_started("run-1", n, &attempt),
                ],
                vec![spawned(&attempt, 99)],
                vec![
                    attempt_ended(&attempt, Outcome::Succeeded),
                    state("run-1", n, running, TaskState::Completed),
                ],
            ];
            for records in commits {
                ledger.commit(records, at(2), Durability::Normal).unwrap();
            }
        }
    });
    let head = ledger.head().unwrap().seq;
    assert_eq!(head, 6 * TASKS as u64 + 2);
    timed("a look for what others appended", 100_000, || {
        for _ in 0..100_000 {
            assert!(black_box(ledger.external_since(head).unwrap()).is_empty());
        }
    });
    drop(ledger);
    timed("opening it", 100, || {
        (0..100).for_each(|_| drop(Ledger::open(dir.path(), Access::ReadWrite).unwrap()));
    });
    let mut ledger = Ledger::open(dir.path(), Access::ReadWrite).unwrap();
    let recorded =
        timed("what is recorded, per task", TASKS, || ledger.recorded(&document("prd"), &local()).unwrap());
    assert_eq!(recorded.len(), TASKS);
    timed("open attempts and unfinished runs", 1, || {
        assert!(ledger.open_attempts().unwrap().is_empty());
        assert_eq!(ledger.unfinished_runs().unwrap().len(), 1);
    });
    let detail =
        timed("everything about the run, per task", TASKS, || ledger.run(&"run-1".into()).unwrap().unwrap());
    assert_eq!((detail.attempts.len(), detail.tasks.len()), (TASKS, TASKS));
    timed("rebuild, per event", head as usize, || ledger.rebuild().unwrap());
    assert!(timed("whole audit, per event", head as usize, || ledger.audit().unwrap()).holds());
    let size = std::fs::metadata(dir.path().join("ledger.db")).unwrap().len();
    println!("{:<44} {:>9.0} bytes an event", "size of the file", size as f64 / head as f64);
}
