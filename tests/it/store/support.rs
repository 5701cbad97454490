//! Records and ledgers for these tests.

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use taskmaster::app::ledger::{Ledger, LedgerError};
use taskmaster::store::{Access, Durability};
use taskmaster_core::id::{AttemptId, Digest, DocumentId, EnvironmentName, RunId, TaskId, TaskKey};
use taskmaster_core::journal::{Entry, Outcome, OutputValue, Record, TaskChange};
use taskmaster_core::plan::Plan;
use taskmaster_core::state::{TaskState, WaitFor};
use taskmaster_testkit::{known_task, planned_task};
use tempfile::TempDir;

pub(super) const TABLES: [&str; 9] =
    ["documents", "revisions", "runs", "task_states", "drifts", "attempts", "probes", "retries", "approvals"];

/// A ledger in a directory of its own, with a clock that goes on by a second with every commit.
pub(super) struct Scene {
    pub(super) dir: TempDir,
    pub(super) ledger: Ledger,
    seconds: i64,
}

impl Scene {
    pub(super) fn new() -> Self {
        let dir = TempDir::new().expect("a directory for the test");
        let ledger = Ledger::open(&dir.path().join("state"), Access::ReadWrite).expect("a new ledger");
        Self { dir, ledger, seconds: 0 }
    }

    /// A document `prd` with tasks `a`, `b`, … and a run `run-1` of all of them in `local`.
    pub(super) fn with_run(tasks: usize) -> Self {
        let mut scene = Self::new();
        scene.commit(vec![parsed("prd", 1, tasks), started("run-1", plan("prd", 1, 1, tasks))]);
        scene
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(super) fn file(&self) -> PathBuf {
        self.state_dir().join("ledger.db")
    }

    pub(super) fn now(&mut self) -> Timestamp {
        self.seconds += 1;
        at(self.seconds)
    }

    pub(super) fn try_commit(&mut self, records: Vec<Record>) -> Result<Vec<Entry>, LedgerError> {
        let now = self.now();
        self.ledger.commit(records, now, Durability::Normal)
    }

    pub(super) fn commit(&mut self, records: Vec<Record>) -> Vec<Entry> {
        self.try_commit(records).expect("records that fit")
    }

    /// Another handle on the same ledger.
    pub(super) fn second(&self, access: Access) -> Ledger {
        Ledger::open(&self.state_dir(), access).expect("the ledger again")
    }

    /// The database itself, without our code in between.
    pub(super) fn raw(&self) -> Connection {
        Connection::open(self.file()).expect("the database")
    }

    /// Closes the ledger, so that everything is in the one file, and gives the directory.
    pub(super) fn close(self) -> TempDir {
        drop(self.ledger);
        self.dir
    }
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time in range")
}

/// Every row of every read model, read by plain SQL.
pub(super) fn dump(conn: &Connection) -> BTreeMap<&'static str, Vec<Vec<Value>>> {
    TABLES
        .into_iter()
        .map(|table| {
            let mut statement =
                conn.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")).expect("a table");
            let width = statement.column_count();
            let rows = statement
                .query_map([], |row| (0..width).map(|column| row.get(column)).collect::<Result<Vec<_>, _>>())
                .expect("rows")
                .collect::<Result<Vec<_>, _>>()
                .expect("values");
            (table, rows)
        })
        .collect()
}

pub(super) fn document(name: &str) -> DocumentId {
    DocumentId::from(name)
}

pub(super) fn local() -> EnvironmentName {
    EnvironmentName::from("local")
}

/// Address of the task with this number: `a`, `b`, ….
pub(super) fn id(number: usize) -> TaskId {
    planned_task(number).id
}

pub(super) fn key(number: usize) -> TaskKey {
    planned_task(number).key
}

pub(super) fn parsed(name: &str, revision: u64, tasks: usize) -> Record {
    parsed_with(name, revision, tasks, Vec::new())
}

pub(super) fn parsed_with(name: &str, revision: u64, tasks: usize, changes: Vec<TaskChange>) -> Record {
    Record::DocumentParsed {
        document: document(name),
        revision,
        path: format!("prd/{name}.md"),
        digest: Digest::of(format!("{name} {revision}").as_bytes()),
        tasks: (0..tasks).map(known_task).collect(),
        changes,
    }
}

pub(super) fn plan(name: &str, revision: u64, number: u64, tasks: usize) -> Plan {
    Plan {
        number,
        document: document(name),
        revision,
        environment: local(),
        tasks: (0..tasks).map(planned_task).collect(),
    }
}

pub(super) fn started(run: &str, plan: Plan) -> Record {
    Record::RunStarted {
        run: RunId::from(run),
        plan,
        pid: 4711,
        boot_id: "boot-1".to_owned(),
        options: BTreeMap::from([("jobs".to_owned(), "2".to_owned())]),
    }
}

/// A transition in a run.
pub(super) fn state(run: &str, number: usize, from: TaskState, to: TaskState) -> Record {
    Record::TaskState {
        run: Some(RunId::from(run)),
        document: document("prd"),
        environment: local(),
        key: key(number),
        id: id(number),
        from,
        to,
        digest: Some(Digest::of(b"action")),
        by: None,
        message: None,
    }
}

/// A person's change, outside of a run.
pub(super) fn set(number: usize, from: TaskState, to: TaskState, by: &str) -> Record {
    Record::TaskState {
        run: None,
        document: document("prd"),
        environment: local(),
        key: key(number),
        id: id(number),
        from,
        to,
        digest: None,
        by: Some(by.to_owned()),
        message: Some("seen by eye".to_owned()),
    }
}

pub(super) fn attempt_started(run: &str, number: usize, attempt: &str) -> Record {
    Record::AttemptStarted {
        attempt: AttemptId::from(attempt),
        run: RunId::from(run),
        key: key(number),
        id: id(number),
        number: 1,
        undo: false,
        digest: Some(Digest::of(b"action")),
        commands: vec!["make build".to_owned()],
        log: format!("logs/{attempt}.log"),
    }
}

pub(super) fn spawned(attempt: &str, pid: u32) -> Record {
    Record::AttemptSpawned {
        attempt: AttemptId::from(attempt),
        step: "run".to_owned(),
        pid,
        start_ticks: 123_456,
        boot_id: "boot-1".to_owned(),
    }
}

pub(super) fn attempt_ended(attempt: &str, end: Outcome) -> Record {
    Record::AttemptEnded {
        attempt: AttemptId::from(attempt),
        end,
        duration_ms: 1500,
        tail: "last line\n".to_owned(),
        log_bytes: 10,
        outputs: BTreeMap::from([("url".to_owned(), OutputValue::Plain("http://x".into()))]),
        diagnosis: Default::default(),
    }
}

pub(super) fn waiting() -> TaskState {
    TaskState::Waiting { on: WaitFor::Approval { message: "go on?".to_owned() } }
}

pub(super) fn approved(run: &str, number: usize, by: &str) -> Record {
    Record::ApprovalGiven {
        run: RunId::from(run),
        key: key(number),
        id: id(number),
        by: by.to_owned(),
        message: None,
    }
}

pub(super) fn run_ended(run: &str) -> Record {
    Record::RunEnded {
        run: RunId::from(run),
        exit_code: 0,
        counts: BTreeMap::from([("completed".to_owned(), 1)]),
    }
}
