//! Ledgers that were lived through, and what holds of them whatever is done to their bytes. The tests of the ledger
//! and the fuzz target `ledger` have this file, too.
//!
//! An input is a byte for what is done, one for the number of steps, four bytes a step, and what it is done with.

use super::support::*;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::path::Path;
use taskmaster::app::ledger::{Ledger, LedgerError, RunFilter};
use taskmaster::store::{Access, Durability, Store, StoreError};
use taskmaster_core::id::{AttemptId, EnvironmentName, RunId};
use taskmaster_core::journal::{Entry, Outcome, ProbeKind, Record, TaskChange, Verdict};
use taskmaster_core::state::TaskState;

/// Tasks that records are about.
pub(super) const TASKS: usize = 4;
/// Most steps of one input.
const STEPS: usize = 24;

/// Lives through the steps of an input, does what it says, and looks at what is left; what was done, and whether it
/// was found.
pub(super) fn check(bytes: &[u8]) -> (&'static str, bool) {
    let (what, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let (count, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let (groups, _) = bytes.as_chunks::<4>();
    let count = (usize::from(*count) % (STEPS + 1)).min(groups.len());
    let steps: Vec<_> = groups[..count].iter().map(|[a, b, c, d]| (*a, *b, *c, *d)).collect();
    let (mut scene, entries) = live(&steps);
    let rest = &bytes[4 * count..];
    match what % 5 {
        0 => ("replay", replays(&mut scene, &entries)),
        1 => ("event", alters(scene, rest)),
        2 => ("row", misleads(scene, rest)),
        3 => ("any", appends(scene, rest)),
        _ => ("bytes", damages(scene, rest)),
    }
}

/// A replay gives what was lived, and nothing is found.
fn replays(scene: &mut Scene, entries: &[Entry]) -> bool {
    let lived = dump(&scene.raw());
    assert_eq!(scene.ledger.entries_since(0).expect("the entries"), entries);
    assert!(scene.ledger.audit().expect("an audit").holds());
    scene.ledger.rebuild().expect("a rebuild");
    assert_eq!(dump(&scene.raw()), lived, "a replay gives what was lived");
    false
}

/// Whatever of the chain is another one than before, an audit finds it.
fn alters(scene: Scene, how: &[u8]) -> bool {
    let state = scene.state_dir();
    let before = chain(&scene.raw());
    let _dir = scene.close();
    {
        let raw = rusqlite::Connection::open(state.join("ledger.db")).expect("the database");
        raw.execute_batch(
            "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_removed;
             PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF;",
        )
        .expect("whoever alters it does not ask");
        for [what, seq, other, at, value] in how.as_chunks::<5>().0.iter().take(4) {
            alter(&raw, *what, (*seq, *other), usize::from(*at), *value);
        }
    }
    let after = chain(&rusqlite::Connection::open(state.join("ledger.db")).expect("the database"));
    let report = Ledger::open_to_audit(&state).and_then(|ledger| ledger.audit());
    let is_found = !report.as_ref().is_ok_and(|report| report.holds());
    assert_eq!(is_found, before != after, "{report:?}");
    if let (Ok(report), Some(first)) = (&report, first_difference(&before.0, &after.0)) {
        let found = report.broken.as_ref().and_then(|finding| finding.seq);
        let is_cut_off = after.0.len() == first && report.broken.is_none();
        assert!(
            found == Some(first as u64 + 1) || is_cut_off,
            "event {} is another one: {report:?}",
            first + 1
        );
    }
    looks(&state);
    is_found
}

/// One change of the chain, by somebody who knows SQL.
fn alter(raw: &rusqlite::Connection, what: u8, (seq, other): (u8, u8), at: usize, value: u8) {
    let count: i64 = raw.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).expect("a number");
    let place = |number: u8| i64::from(number) % count.max(1) + 1;
    let (seq, other) = (place(seq), place(other));
    let column = ["json", "stream", "kind", "hash"][usize::from(what) % 4];
    let done = match what / 4 % 7 {
        0 => {
            let mut bytes: Vec<u8> = raw
                .query_row(
                    &format!("SELECT CAST({column} AS BLOB) FROM events WHERE seq = ?1"),
                    [seq],
                    |row| row.get(0),
                )
                .unwrap_or_default();
            let length = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at % length) {
                *byte = value;
            }
            let kind = if column == "hash" { "BLOB" } else { "TEXT" };
            raw.execute(
                &format!("UPDATE events SET {column} = CAST(?2 AS {kind}) WHERE seq = ?1"),
                (seq, bytes),
            )
        }
        1 => raw.execute("DELETE FROM events WHERE seq = ?1", [seq]),
        2 => raw.execute(
            &format!(
                "UPDATE events SET {column} = (SELECT {column} FROM events WHERE seq = ?2) WHERE seq = ?1"
            ),
            (seq, other),
        ),
        3 => {
            raw.execute("UPDATE events SET at_us = at_us + ?2 - 128 WHERE seq = ?1", (seq, i64::from(value)))
        }
        4 => raw.execute(
            "INSERT INTO events SELECT ?2, at_us, stream, kind, json, hash FROM events WHERE seq = ?1",
            (seq, count + i64::from(value % 3)),
        ),
        5 => raw.execute("UPDATE chain SET seq = seq + ?1 - 1", [i64::from(value % 3)]),
        _ => raw.execute("UPDATE chain SET hash = (SELECT hash FROM events WHERE seq = ?1)", [seq]),
    };
    // What the schema refuses is not done.
    drop(done);
}

/// Events and the recorded end of the chain, as they are in the file.
type Chain = (Vec<Vec<Value>>, Vec<Vec<Value>>);

fn chain(raw: &rusqlite::Connection) -> Chain {
    let rows = |sql: &str| {
        let mut statement = raw.prepare(sql).expect("a table");
        let width = statement.column_count();
        // A text that is none any more is looked at as bytes.
        let value = |row: &rusqlite::Row<'_>, at: usize| match row.get_ref(at) {
            Ok(rusqlite::types::ValueRef::Text(bytes)) => Value::Blob(bytes.to_vec()),
            other => other.map_or(Value::Null, |value| value.try_into().unwrap_or(Value::Null)),
        };
        let rows = statement.query_map([], |row| Ok((0..width).map(|at| value(row, at)).collect::<Vec<_>>()));
        rows.expect("rows").collect::<Result<Vec<_>, _>>().expect("values")
    };
    (rows("SELECT * FROM events ORDER BY seq"), rows("SELECT seq, hash FROM chain"))
}

fn first_difference(before: &[Vec<Value>], after: &[Vec<Value>]) -> Option<usize> {
    (before != after).then(|| before.iter().zip(after).take_while(|(old, new)| old == new).count())
}

/// Rows that no event made are found, and gone after a rebuild.
fn misleads(mut scene: Scene, how: &[u8]) -> bool {
    let lived = dump(&scene.raw());
    let [what, column, how, value] = *how.first_chunk::<4>().unwrap_or(&[0; 4]);
    let table = TABLES[usize::from(what) % TABLES.len()];
    {
        let raw = scene.raw();
        let names: Vec<String> = raw
            .prepare(&format!("SELECT * FROM {table}"))
            .map(|statement| statement.column_names().map(str::to_owned).collect())
            .expect("a table");
        let name = &names[usize::from(column) % names.len()];
        // What the schema refuses is not done.
        let sql = match how % 3 {
            0 => format!("DELETE FROM {table}"),
            1 => format!("UPDATE OR IGNORE {table} SET {name} = {value}"),
            _ => format!("UPDATE OR IGNORE {table} SET {name} = NULL"),
        };
        let _ = raw.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}"));
    }
    let is_other = dump(&scene.raw()) != lived;
    let report = scene.ledger.audit().expect("an audit");
    assert_eq!(report.holds(), !is_other, "{report:?}");
    reads(&scene.ledger);
    scene.ledger.rebuild().expect("a rebuild");
    assert_eq!(dump(&scene.raw()), lived);
    is_other
}

/// Any text may stand in an event of a whole chain: nothing panics, and what is no record is named.
fn appends(scene: Scene, how: &[u8]) -> bool {
    let state = scene.state_dir();
    let mut texts: Vec<String> = scene
        .ledger
        .entries_since(0)
        .expect("the entries")
        .iter()
        .map(|entry| serde_json::to_string(&entry.record).expect("a record is JSON"))
        .collect();
    let _dir = scene.close();
    let (head, text) = how.split_at_checked(4).unwrap_or((&[0; 4], how));
    // A record with a part cut out, and a part of the input in its place; or the input alone.
    let index = usize::from(head[0]) % texts.len();
    let mut bytes = texts.swap_remove(index).into_bytes();
    let start = usize::from(u16::from_le_bytes([head[1], head[2]])) % (bytes.len() + 1);
    let end = (start + usize::from(head[3])).min(bytes.len());
    bytes.splice(start..end, text.iter().copied());
    let json = String::from_utf8_lossy(if head[3] == 255 { text } else { &bytes }).into_owned();
    {
        let mut store = Store::open(&state, Access::ReadWrite).expect("the store");
        let appended = store.write(Durability::Normal, |tx| tx.append("task/any", "any", at(9_999), &json));
        appended.expect("events are opaque to the store");
    }
    let is_record = serde_json::from_str::<Record>(&json).is_ok();
    let mut ledger = Ledger::open(&state, Access::ReadWrite).expect("the chain is whole");
    let last = ledger.head().expect("a head").seq;
    match ledger.entries_since(0) {
        Ok(entries) => assert!(is_record && entries.len() as u64 == last),
        Err(LedgerError::Unreadable { seq, .. }) => assert!(!is_record && seq == last),
        Err(other) => panic!("{other}"),
    }
    let (head, broken) = ledger.chain(|_| Ok::<_, StoreError>(())).expect("a chain");
    assert_eq!((head.seq, broken), (last, None));
    looks(&state);
    if ledger.rebuild().is_ok() {
        assert!(is_record);
        let once = dump(&rusqlite::Connection::open(state.join("ledger.db")).expect("the database"));
        assert!(ledger.audit().expect("an audit").holds());
        ledger.rebuild().expect("a rebuild");
        assert_eq!(dump(&rusqlite::Connection::open(state.join("ledger.db")).expect("the database")), once);
        looks(&state);
    }
    !is_record
}

/// A file with other bytes: nothing panics, and what an audit lets pass is what was written.
fn damages(scene: Scene, how: &[u8]) -> bool {
    let (state, file) = (scene.state_dir(), scene.file());
    let before = chain(&scene.raw());
    let _dir = scene.close();
    let mut bytes = std::fs::read(&file).expect("the file");
    for [a, b, c, what, value] in how.as_chunks::<5>().0.iter().take(8) {
        let at = usize::try_from(u32::from_le_bytes([*a, *b, *c, 0])).expect("24 bits") % bytes.len().max(1);
        match what % 8 {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_slice(&[*value; 64]),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = *value;
                }
            }
        }
    }
    std::fs::write(&file, &bytes).expect("the file");
    let report = Ledger::open_to_audit(&state).and_then(|ledger| ledger.audit());
    let holds = report.is_ok_and(|report| report.holds());
    if holds {
        let raw = rusqlite::Connection::open(&file).expect("the database");
        assert_eq!(chain(&raw), before, "it holds, and is another one");
    }
    looks(&state);
    !holds
}

/// Reads all there is to read, and writes: whatever comes of it, nothing panics.
fn looks(state: &Path) {
    let Ok(mut ledger) = Ledger::open(state, Access::ReadWrite) else { return };
    reads(&ledger);
    let _ = ledger.commit(vec![parsed("other", 1, 1)], at(10_001), Durability::Normal);
    let _ = (ledger.external(), ledger.rebuild(), ledger.audit());
}

fn reads(ledger: &Ledger) {
    let document = document("prd");
    for environment in [local(), EnvironmentName::from("kind")] {
        let _ = ledger.recorded(&document, &environment);
        let _ = ledger.evidence(&document, &environment);
        let _ = ledger.next_plan_number(&document, &environment);
        let _ = ledger.drift_entries(&document, &environment);
        let _ = ledger.lock(&environment, at(10_000));
    }
    let _ = (ledger.documents(), ledger.revisions(&document), ledger.known_tasks(&document));
    let _ = (ledger.document_history(&document), ledger.open_attempts(), ledger.unfinished_runs());
    let _ = (ledger.environments(), ledger.locks(at(10_000)), ledger.work(at(0)), ledger.began());
    let _ = (ledger.history(&key(0)), ledger.rollouts(), ledger.rollout("web"), ledger.sync("main"));
    for run in ledger.runs(&RunFilter::default()).unwrap_or_default() {
        let _ = (ledger.run(&run.id), ledger.run_entries(&run.id), ledger.plan(&run.id));
    }
}

/// A record somebody might write, from a few random numbers; whether it fits is the ledger's affair.
fn record((what, task, other, round): (u8, u8, u8, u8)) -> Record {
    let task = usize::from(task) % TASKS;
    let run = format!("run-{}", round % 4);
    let attempt = format!("A{}", other % 12);
    match what % 14 {
        0 => parsed_with("prd", u64::from(round % 5) + 1, TASKS, renames(task, other)),
        1 => {
            let mut plan = plan("prd", u64::from(round % 5) + 1, u64::from(other % 5) + 1, TASKS);
            plan.environment = EnvironmentName::new(["local", "kind"][usize::from(other) % 2]);
            started(&run, plan)
        }
        2..=4 => {
            let mut record = state(&run, task, some_state(other, &attempt), some_state(round / 4, &attempt));
            if let (Record::TaskState { by, .. }, 0) = (&mut record, other % 3) {
                *by = Some("a person".to_owned());
            }
            record
        }
        5 => set(task, some_state(other, &attempt), some_state(round, &attempt), "ann"),
        6 => {
            let mut record = attempt_started(&run, task, &attempt);
            let Record::AttemptStarted { undo, .. } = &mut record else { unreachable!("made so") };
            *undo = other.is_multiple_of(5);
            record
        }
        7 => spawned(&attempt, u32::from(round) + 1),
        8 => {
            let ends = [Outcome::Succeeded, Outcome::Succeeded, Outcome::Interrupted, Outcome::Lost];
            attempt_ended(&attempt, ends[usize::from(round) % 4].clone())
        }
        9 => Record::ProbeEnded {
            run: (other.is_multiple_of(2)).then(|| RunId::new(run)),
            key: key(task),
            id: id(task),
            probe: if round.is_multiple_of(2) { ProbeKind::Check } else { ProbeKind::Verify },
            verdict: if other.is_multiple_of(3) { Verdict::True } else { Verdict::False },
            duration_ms: u64::from(round),
            outputs: BTreeMap::new(),
            diagnosis: Default::default(),
        },
        10 => approved(&run, task, "ann"),
        // Which entry brought the state is filled in when it is lived.
        11 => Record::DriftFound {
            document: document("prd"),
            environment: local(),
            key: key(task),
            id: id(task),
            state_seq: 0,
        },
        12 => Record::DriftGone {
            document: document("prd"),
            environment: local(),
            key: key(task),
            id: id(task),
        },
        _ if other.is_multiple_of(4) => run_ended(&run),
        _ => Record::RetryScheduled {
            run: RunId::new(run),
            key: key(task),
            id: id(task),
            attempt: 2,
            delay_ms: 10,
            reason: "exit code 1".to_owned(),
        },
    }
}

fn renames(task: usize, other: u8) -> Vec<TaskChange> {
    let from = if other.is_multiple_of(2) { id(task) } else { "before".into() };
    vec![TaskChange::Renamed { from, id: id(task) }]
}

fn some_state(number: u8, attempt: &str) -> TaskState {
    match number % 8 {
        0 => TaskState::Pending,
        1 => TaskState::Ready,
        2 => TaskState::Completed,
        3 => waiting(),
        4 => TaskState::Cancelled,
        5 => TaskState::Running { attempt: AttemptId::from(attempt), number: 1 },
        6 => TaskState::Unknown { reason: "its end was lost".to_owned() },
        _ => TaskState::Pending,
    }
}

/// Lives through the records that fit, in commits of different sizes. Always begins with a run, so
/// that most have something to fit to.
pub(super) fn live(steps: &[(u8, u8, u8, u8)]) -> (Scene, Vec<Entry>) {
    let mut scene = Scene::new();
    let mut entries = scene.commit(vec![parsed("prd", 1, TASKS), started("run-0", plan("prd", 1, 1, TASKS))]);
    for chunk in steps.chunks(3) {
        let mut records: Vec<_> = chunk.iter().map(|step| record(*step)).collect();
        let recorded = scene.ledger.recorded(&document("prd"), &local()).unwrap();
        for record in &mut records {
            if let Record::DriftFound { key, state_seq, .. } = record {
                *state_seq = recorded.get(key).map_or(0, |known| known.state_seq);
            }
        }
        match scene.try_commit(records.clone()) {
            Ok(committed) => entries.extend(committed),
            // What does not fit as a whole may fit in part.
            Err(_) => entries
                .extend(records.into_iter().flat_map(|one| scene.try_commit(vec![one]).unwrap_or_default())),
        }
    }
    (scene, entries)
}
