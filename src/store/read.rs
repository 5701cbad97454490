//! Reading. Every query sees the snapshot of the transaction around it.

use super::error::StoreError;
use super::open::Store;
use super::rows::{
    AttemptKeys, AttemptRow, DocumentRow, DriftRow, Notes, ProcessRow, RunEndRow, RunKeys, RunQuery, RunRow,
    Scope, TaskStateRow,
};
use super::types::{EventRow, Head};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row};
use std::path::Path;

/// Columns of an event, in the order in which [`event_at`] reads them.
macro_rules! event_columns {
    ($table:literal) => {
        concat!($table, ".seq, ", $table, ".at_us, ", $table, ".stream, ", $table, ".kind, ", $table, ".json")
    };
}

/// How many columns an event has.
const EVENT_WIDTH: usize = 5;

/// A consistent view of the ledger.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    pub(super) conn: &'a Connection,
    pub(super) path: &'a Path,
}

impl Store {
    /// The current state for one query.
    pub fn now(&self) -> Snapshot<'_> {
        Snapshot { conn: &self.conn, path: &self.path }
    }

    /// Runs several reads on one snapshot: what others commit meanwhile is not seen. May be nested.
    pub fn read<T, E: From<StoreError>>(
        &self,
        body: impl FnOnce(Snapshot<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.conn.is_autocommit() {
            return body(self.now());
        }
        let tx = self.conn.unchecked_transaction().map_err(|source| StoreError::of(&self.path, source))?;
        let answer = body(self.now());
        drop(tx);
        answer
    }

    /// A number that differs from the one before whenever another handle committed in between.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        self.now().one("PRAGMA data_version", [], |row| row.get(0))
    }
}

impl Snapshot<'_> {
    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let query = || self.conn.prepare_cached(sql)?.query_row(params, map);
        query().map_err(|source| StoreError::of(self.path, source))
    }

    fn maybe<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let query = || self.conn.prepare_cached(sql)?.query_row(params, map).optional();
        query().map_err(|source| StoreError::of(self.path, source))
    }

    pub(super) fn list<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let query =
            || self.conn.prepare_cached(sql)?.query_map(params, map)?.collect::<rusqlite::Result<Vec<T>>>();
        query().map_err(|source| StoreError::of(self.path, source))
    }

    /// The end of the chain. It is recorded twice, so that an end that was cut off shows.
    pub fn head(&self) -> Result<Head, StoreError> {
        let (head, last, hash) = self.one(
            "SELECT c.seq, c.hash, (SELECT max(seq) FROM events), e.hash
             FROM chain c LEFT JOIN events e ON e.seq = c.seq",
            [],
            |row| {
                let head = Head { seq: unsigned(row, 0)?, hash: row.get(1)? };
                Ok((head, row.get::<_, Option<i64>>(2)?, row.get::<_, Option<[u8; 32]>>(3)?))
            },
        )?;
        let expected = (head.seq != 0).then_some(head);
        let agrees = last == expected.map(|head| signed(head.seq)) && hash == expected.map(|head| head.hash);
        if agrees {
            return Ok(head);
        }
        let what = format!("its chain must end at event {}, and does not (see `taskmaster audit`)", head.seq);
        Err(StoreError::Corrupt { path: self.path.to_path_buf(), what, kept: None })
    }

    /// What is kept under keys that begin so, which end with `/`; in the order of the keys.
    pub fn memos(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        // `0` follows `/`.
        let end = format!("{}0", prefix.trim_end_matches('/'));
        self.list(
            "SELECT key, text FROM memos WHERE key >= ?1 AND key < ?2 ORDER BY key",
            [prefix, &end],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// Version of the projection that filled the read models; 0 for none.
    pub fn projection(&self) -> Result<u32, StoreError> {
        self.one("SELECT version FROM projection", [], |row| row.get(0))
    }

    /// Up to `limit` events from `first` to `last`, both included.
    pub fn events(&self, first: u64, last: u64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        self.list(
            concat!(
                "SELECT ",
                event_columns!("e"),
                " FROM events e WHERE e.seq BETWEEN ?1 AND ?2 ORDER BY e.seq LIMIT ?3"
            ),
            (signed(first), signed(last), i64::try_from(limit).unwrap_or(i64::MAX)),
            |row| event_at(row, 0),
        )
    }

    /// One event.
    pub fn event(&self, seq: u64) -> Result<Option<EventRow>, StoreError> {
        Ok(self.events(seq, seq, 1)?.pop())
    }

    /// The events of one stream, oldest first.
    pub fn stream(&self, stream: &str) -> Result<Vec<EventRow>, StoreError> {
        self.list(
            concat!("SELECT ", event_columns!("e"), " FROM events e WHERE e.stream = ?1 ORDER BY e.seq"),
            [stream],
            |row| event_at(row, 0),
        )
    }

    /// The last event of one stream.
    pub fn last_of_stream(&self, stream: &str) -> Result<Option<EventRow>, StoreError> {
        self.maybe(
            concat!(
                "SELECT ",
                event_columns!("e"),
                " FROM events e WHERE e.stream = ?1 ORDER BY e.seq DESC LIMIT 1"
            ),
            [stream],
            |row| event_at(row, 0),
        )
    }

    /// The events of all streams whose names begin with `prefix`, oldest first. The prefix ends with `/`.
    pub fn streams(&self, prefix: &str) -> Result<Vec<EventRow>, StoreError> {
        // `0` follows `/`: a range that the index of streams serves.
        let end = format!("{}0", prefix.trim_end_matches('/'));
        self.list(
            concat!(
                "SELECT ",
                event_columns!("e"),
                " FROM events e WHERE e.stream >= ?1 AND e.stream < ?2 ORDER BY e.seq"
            ),
            [prefix, &end],
            |row| event_at(row, 0),
        )
    }

    /// One document.
    pub fn document(&self, id: &str) -> Result<Option<DocumentRow>, StoreError> {
        self.maybe(
            "SELECT id, path, revision, digest, seq, at_us FROM documents WHERE id = ?1",
            [id],
            document,
        )
    }

    /// Every document, by id.
    pub fn documents(&self) -> Result<Vec<DocumentRow>, StoreError> {
        self.list("SELECT id, path, revision, digest, seq, at_us FROM documents ORDER BY id", [], document)
    }

    /// The events that recorded the revisions of a document, oldest first.
    pub fn revisions(&self, document: &str) -> Result<Vec<EventRow>, StoreError> {
        self.list(
            concat!(
                "SELECT ",
                event_columns!("e"),
                " FROM revisions r JOIN events e ON e.seq = r.seq WHERE r.document = ?1 ORDER BY r.number"
            ),
            [document],
            |row| event_at(row, 0),
        )
    }

    /// The highest plan number of a document and environment; 0 where there is none.
    pub fn last_plan(&self, document: &str, environment: &str) -> Result<u64, StoreError> {
        self.one(
            "SELECT coalesce(max(plan), 0) FROM runs WHERE document = ?1 AND environment = ?2",
            (document, environment),
            |row| unsigned(row, 0),
        )
    }

    /// What records of a run are checked against.
    pub fn run_keys(&self, id: &str) -> Result<Option<RunKeys>, StoreError> {
        self.maybe(
            "SELECT document, environment, ended_seq IS NOT NULL FROM runs WHERE id = ?1",
            [id],
            |row| Ok(RunKeys { document: row.get(0)?, environment: row.get(1)?, ended: row.get(2)? }),
        )
    }

    /// One run.
    pub fn run(&self, id: &str) -> Result<Option<RunRow>, StoreError> {
        self.maybe("SELECT * FROM runs WHERE id = ?1", [id], run)
    }

    /// Runs, newest first.
    pub fn runs(&self, query: &RunQuery<'_>) -> Result<Vec<RunRow>, StoreError> {
        let limit = query.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        // The open ones are few and have an index of their own.
        let sql = if query.unfinished {
            "SELECT * FROM runs WHERE ended_seq IS NULL AND (?1 IS NULL OR document = ?1)
             AND (?2 IS NULL OR environment = ?2) ORDER BY seq DESC LIMIT ?3"
        } else {
            "SELECT * FROM runs WHERE (?1 IS NULL OR document = ?1)
             AND (?2 IS NULL OR environment = ?2) ORDER BY seq DESC LIMIT ?3"
        };
        self.list(sql, (query.document, query.environment, limit), run)
    }

    /// The state of one task.
    pub fn task_state(
        &self,
        document: &str,
        environment: &str,
        key: &str,
    ) -> Result<Option<TaskStateRow>, StoreError> {
        self.maybe(
            "SELECT * FROM task_states WHERE document = ?1 AND environment = ?2 AND key = ?3",
            (document, environment, key),
            task_state,
        )
    }

    /// The states of all tasks that have one.
    pub fn task_states(&self, document: &str, environment: &str) -> Result<Vec<TaskStateRow>, StoreError> {
        self.list(
            "SELECT * FROM task_states WHERE document = ?1 AND environment = ?2",
            (document, environment),
            task_state,
        )
    }

    /// What has drifted.
    pub fn drifts(&self, document: &str, environment: &str) -> Result<Vec<DriftRow>, StoreError> {
        self.list(
            "SELECT * FROM drifts WHERE document = ?1 AND environment = ?2",
            (document, environment),
            |row| {
                Ok(DriftRow {
                    document: row.get(0)?,
                    environment: row.get(1)?,
                    key: row.get(2)?,
                    task: row.get(3)?,
                    seq: unsigned(row, 4)?,
                    at: time(row, 5)?,
                })
            },
        )
    }

    /// The environments in which a document has task states.
    pub fn environments(&self, document: &str) -> Result<Vec<String>, StoreError> {
        self.list(
            "SELECT DISTINCT environment FROM task_states WHERE document = ?1 ORDER BY environment",
            [document],
            |row| row.get(0),
        )
    }

    /// For each task with a successful attempt: its key, and the event that ended the last one.
    pub fn successes(
        &self,
        document: &str,
        environment: &str,
    ) -> Result<Vec<(String, EventRow)>, StoreError> {
        self.list(
            concat!(
                "SELECT s.key, ",
                event_columns!("e"),
                " FROM task_states s JOIN events e ON e.seq = s.success_seq
                 WHERE s.document = ?1 AND s.environment = ?2"
            ),
            (document, environment),
            |row| Ok((row.get(0)?, event_at(row, 1)?)),
        )
    }

    /// Keys and times of the attempts that succeeded in the newest `runs` runs, newest first.
    pub fn success_times(
        &self,
        document: &str,
        environment: &str,
        runs: u32,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        // Rows of a run lie between its first and its last event: no index by run is needed.
        self.list(
            "SELECT a.key, a.duration_ms FROM (
                 SELECT id, seq, coalesce(ended_seq, 9223372036854775807) AS last FROM runs
                 WHERE document = ?1 AND environment = ?2 ORDER BY seq DESC LIMIT ?3
             ) r JOIN attempts a ON a.seq BETWEEN r.seq AND r.last AND a.run = r.id
             WHERE a.outcome = 'succeeded' AND a.undo = 0 AND a.duration_ms IS NOT NULL
             ORDER BY a.seq DESC",
            (document, environment, runs),
            |row| Ok((row.get(0)?, unsigned(row, 1)?)),
        )
    }

    /// What records of an attempt are checked against.
    pub fn attempt_keys(&self, id: &str) -> Result<Option<AttemptKeys>, StoreError> {
        self.maybe(
            "SELECT run, key, undo, seq, ended_seq IS NOT NULL FROM attempts WHERE id = ?1",
            [id],
            |row| {
                Ok(AttemptKeys {
                    run: row.get(0)?,
                    key: row.get(1)?,
                    undo: row.get(2)?,
                    seq: unsigned(row, 3)?,
                    ended: row.get(4)?,
                })
            },
        )
    }

    /// Attempts of a run or document, oldest first.
    pub fn attempts(&self, scope: Scope<'_>) -> Result<Vec<AttemptRow>, StoreError> {
        const SELECT: &str = concat!(
            "SELECT ",
            event_columns!("s"),
            ", n.step, n.pid, n.start_ticks, n.boot_id, ",
            event_columns!("e")
        );
        const JOIN: &str = "JOIN events s ON s.seq = n.seq LEFT JOIN events e ON e.seq = n.ended_seq";
        self.of_runs(SELECT, "attempts", JOIN, scope, attempt)
    }

    /// Rows of `table` between the first and the last event of each run of the scope.
    fn of_runs<T>(
        &self,
        select: &str,
        table: &str,
        join: &str,
        scope: Scope<'_>,
        map: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = |filter: &str| {
            format!(
                "{select} FROM runs r CROSS JOIN {table} n ON n.run = r.id
                 AND n.seq BETWEEN r.seq AND coalesce(r.ended_seq, {}) {join} WHERE {filter} ORDER BY n.seq",
                i64::MAX
            )
        };
        match scope {
            Scope::Run(run) => self.list(&sql("r.id = ?1"), [run], map),
            Scope::Document(document, environment) => {
                self.list(&sql("r.document = ?1 AND r.environment = ?2"), (document, environment), map)
            }
        }
    }

    /// Attempts without a recorded end, oldest first.
    pub fn open_attempts(&self) -> Result<Vec<AttemptRow>, StoreError> {
        self.list(
            concat!(
                "SELECT ",
                event_columns!("s"),
                ", a.step, a.pid, a.start_ticks, a.boot_id, NULL
                 FROM attempts a JOIN events s ON s.seq = a.seq WHERE a.ended_seq IS NULL ORDER BY a.seq"
            ),
            [],
            attempt,
        )
    }

    /// Key and attempt of each open attempt of a document in an environment, oldest first.
    pub fn open_attempt_ids(
        &self,
        document: &str,
        environment: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.list(
            "SELECT a.key, a.id FROM attempts a JOIN runs r ON r.id = a.run
             WHERE a.ended_seq IS NULL AND r.document = ?1 AND r.environment = ?2 ORDER BY a.seq",
            (document, environment),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// The events that a table of notes refers to, oldest first.
    pub fn notes(&self, notes: Notes, scope: Scope<'_>) -> Result<Vec<EventRow>, StoreError> {
        let select = concat!("SELECT ", event_columns!("e"));
        self.of_runs(select, notes.table(), "JOIN events e ON e.seq = n.seq", scope, |row| event_at(row, 0))
    }

    /// The events of one kind from `first` to `last`, both included, in order.
    pub fn events_of_kind(&self, kind: &str, first: u64, last: u64) -> Result<Vec<EventRow>, StoreError> {
        self.list(
            concat!(
                "SELECT ",
                event_columns!("e"),
                " FROM events e WHERE e.seq BETWEEN ?1 AND ?2 AND e.kind = ?3 ORDER BY e.seq"
            ),
            (signed(first), signed(last), kind),
            |row| event_at(row, 0),
        )
    }

    /// True where a task of a run was approved after event `seq`.
    pub fn approved_after(&self, run: &str, key: &str, seq: u64) -> Result<bool, StoreError> {
        self.one(
            "SELECT EXISTS (SELECT 1 FROM approvals WHERE seq > ?3 AND run = ?1 AND key = ?2)",
            (run, key, signed(seq)),
            |row| row.get(0),
        )
    }
}

impl Notes {
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Probes => "probes",
            Self::Retries => "retries",
            Self::Approvals => "approvals",
        }
    }
}

/// SQLite's integers are signed. Places and durations never come near the border.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn maybe_unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    row.get::<_, Option<i64>>(column)?.map(|_| unsigned(row, column)).transpose()
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let fault = |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error));
    Timestamp::from_microsecond(row.get(column)?).map_err(fault)
}

fn event_at(row: &Row<'_>, column: usize) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        seq: unsigned(row, column)?,
        at: time(row, column + 1)?,
        stream: row.get(column + 2)?,
        kind: row.get(column + 3)?,
        json: row.get(column + 4)?,
    })
}

fn document(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    Ok(DocumentRow {
        id: row.get(0)?,
        path: row.get(1)?,
        revision: unsigned(row, 2)?,
        digest: row.get(3)?,
        seq: unsigned(row, 4)?,
        at: time(row, 5)?,
    })
}

/// Reads `SELECT * FROM runs`.
fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let end = match maybe_unsigned(row, 10)? {
        None => None,
        Some(seq) => {
            Some(RunEndRow { seq, at: time(row, 11)?, exit_code: row.get(12)?, counts: row.get(13)? })
        }
    };
    Ok(RunRow {
        seq: unsigned(row, 0)?,
        id: row.get(1)?,
        document: row.get(2)?,
        environment: row.get(3)?,
        plan: unsigned(row, 4)?,
        revision: unsigned(row, 5)?,
        pid: row.get(6)?,
        boot_id: row.get(7)?,
        options: row.get(8)?,
        started: time(row, 9)?,
        end,
    })
}

/// Reads `SELECT * FROM task_states`.
fn task_state(row: &Row<'_>) -> rusqlite::Result<TaskStateRow> {
    Ok(TaskStateRow {
        document: row.get(0)?,
        environment: row.get(1)?,
        key: row.get(2)?,
        task: row.get(3)?,
        state: row.get(4)?,
        digest: row.get(5)?,
        run: row.get(6)?,
        person: row.get(7)?,
        message: row.get(8)?,
        seq: unsigned(row, 9)?,
        at: time(row, 10)?,
        last_duration_ms: maybe_unsigned(row, 12)?,
    })
}

/// Reads the start event, the process, and the end event or a NULL.
fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRow> {
    let process = match row.get::<_, Option<u32>>(EVENT_WIDTH + 1)? {
        None => None,
        Some(pid) => Some(ProcessRow {
            step: row.get(EVENT_WIDTH)?,
            pid,
            start_ticks: unsigned(row, EVENT_WIDTH + 2)?,
            boot_id: row.get(EVENT_WIDTH + 3)?,
        }),
    };
    let end = EVENT_WIDTH + 4;
    let ended = maybe_unsigned(row, end)?.map(|_| event_at(row, end)).transpose()?;
    Ok(AttemptRow { started: event_at(row, 0)?, process, ended })
}
