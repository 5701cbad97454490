//! Writing: one immediate transaction reads the head, checks, appends and projects.

use super::chain::Link;
use super::error::StoreError;
use super::open::Store;
use super::read::{Snapshot, signed};
use super::rows::{DocumentRow, DriftRow, ProcessRow, RunEndRow, RunRow, TaskStateRow};
use super::types::{Durability, Head};
use crate::crash::Kinds;
use jiff::Timestamp;
use rusqlite::{Params, Transaction, TransactionBehavior};
use std::path::Path;

/// The tables that are made from the events, children before parents.
pub(super) const READ_MODELS: [&str; 9] =
    ["approvals", "retries", "probes", "attempts", "drifts", "task_states", "runs", "revisions", "documents"];

/// A write in progress. Nothing of it is seen by others, or kept, before it is whole.
pub struct Tx<'a> {
    tx: Transaction<'a>,
    path: &'a Path,
    hashing: &'a super::chain::Hashing,
    head: Head,
    kinds: Kinds,
}

impl Store {
    /// Runs `body` in one transaction, alone among all writers. Its error takes everything back.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        durability: Durability,
        body: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.sync(durability == Durability::Full)?;
        let fault = |source| StoreError::of(&self.path, source);
        let tx = Transaction::new(&mut self.conn, TransactionBehavior::Immediate).map_err(fault)?;
        let head = Snapshot { conn: &tx, path: &self.path }.head()?;
        let mut tx = Tx { tx, path: &self.path, hashing: &self.hashing, head, kinds: Kinds::default() };
        let answer = body(&mut tx)?;
        tx.commit(head)?;
        Ok(answer)
    }

    /// Whether commits wait for the disk. It cannot be changed inside a transaction.
    fn sync(&mut self, synced: bool) -> Result<(), StoreError> {
        if self.synced != synced {
            let level = if synced { "FULL" } else { "NORMAL" };
            let set = self.conn.pragma_update(None, "synchronous", level);
            set.map_err(|source| StoreError::of(&self.path, source))?;
            self.synced = synced;
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Reads what this transaction sees: its own writes included.
    pub fn now(&self) -> Snapshot<'_> {
        Snapshot { conn: &self.tx, path: self.path }
    }

    /// Where the chain ends by now.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Adds an event to the chain and returns its place. `at` is kept in whole microseconds.
    pub fn append(&mut self, stream: &str, kind: &str, at: Timestamp, json: &str) -> Result<u64, StoreError> {
        let seq = self.head.seq + 1;
        let at_us = at.as_microsecond();
        let link =
            Link { seq, at_us, stream: stream.as_bytes(), kind: kind.as_bytes(), json: json.as_bytes() };
        let hash = self.hashing.link(&self.head.hash, &link);
        self.run(
            "INSERT INTO events (seq, at_us, stream, kind, json, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (signed(seq), at_us, stream, kind, json, hash),
        )?;
        self.head = Head { seq, hash };
        self.kinds.note(kind);
        Ok(seq)
    }

    fn commit(self, before: Head) -> Result<(), StoreError> {
        if self.head.seq != before.seq {
            self.run("UPDATE chain SET seq = ?1, hash = ?2", (signed(self.head.seq), self.head.hash))?;
        }
        let (tx, path) = (self.tx, self.path);
        self.kinds.around(|| tx.commit()).map_err(|source| StoreError::of(path, source))
    }

    fn run(&self, sql: &str, params: impl Params) -> Result<(), StoreError> {
        let execute = || self.tx.prepare_cached(sql)?.execute(params);
        execute().map(|_| ()).map_err(|source| StoreError::of(self.path, source))
    }

    /// Keeps a text under a key, in place of what was there.
    pub fn put_memo(&mut self, key: &str, text: &str, at: Timestamp) -> Result<(), StoreError> {
        self.kinds.note("memo");
        self.run(
            "INSERT INTO memos (key, text, at_us) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET text = ?2, at_us = ?3",
            (key, text, at.as_microsecond()),
        )
    }

    /// Keeps nothing under a key any more.
    pub fn remove_memo(&mut self, key: &str) -> Result<(), StoreError> {
        self.run("DELETE FROM memos WHERE key = ?1", [key])
    }

    /// Empties every read model.
    pub fn clear_read_models(&mut self) -> Result<(), StoreError> {
        READ_MODELS.iter().try_for_each(|table| self.run(&format!("DELETE FROM {table}"), []))
    }

    /// Notes which projection filled the read models.
    pub fn set_projection(&mut self, version: u32) -> Result<(), StoreError> {
        self.run("UPDATE projection SET version = ?1", [version])
    }

    /// A document's new revision.
    pub fn put_document(&mut self, row: &DocumentRow) -> Result<(), StoreError> {
        let (revision, seq) = (signed(row.revision), signed(row.seq));
        self.run(
            "INSERT INTO documents (id, path, revision, digest, seq, at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET path = ?2, revision = ?3, digest = ?4, seq = ?5, at_us = ?6",
            (&row.id, &row.path, revision, &row.digest, seq, row.at.as_microsecond()),
        )?;
        self.run(
            "INSERT INTO revisions (document, number, path, digest, seq) VALUES (?1, ?2, ?3, ?4, ?5)",
            (&row.id, revision, &row.path, &row.digest, seq),
        )
    }

    /// A run's start.
    pub fn start_run(&mut self, row: &RunRow) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO runs (seq, id, document, environment, plan, revision, pid, boot_id, options, started_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            (
                signed(row.seq),
                &row.id,
                &row.document,
                &row.environment,
                signed(row.plan),
                signed(row.revision),
                row.pid,
                &row.boot_id,
                &row.options,
                row.started.as_microsecond(),
            ),
        )
    }

    /// A run's end.
    pub fn end_run(&mut self, id: &str, end: &RunEndRow) -> Result<(), StoreError> {
        self.run(
            "UPDATE runs SET ended_seq = ?2, ended_us = ?3, exit_code = ?4, counts = ?5 WHERE id = ?1",
            (id, signed(end.seq), end.at.as_microsecond(), end.exit_code, &end.counts),
        )
    }

    /// A task's new state. What is known of its last success stays; and where the state that a
    /// person set is only repeated, so do that person's name and words, and the digest of then.
    pub fn put_task_state(&mut self, row: &TaskStateRow) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO task_states
                 (document, environment, key, task, state, digest, run, person, message, seq, at_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT DO UPDATE SET task = ?4, state = ?5, run = ?7, seq = ?10, at_us = ?11,
                 digest = CASE WHEN state = ?5 AND person IS NOT NULL THEN digest ELSE ?6 END,
                 person = CASE WHEN state = ?5 AND person IS NOT NULL THEN person ELSE ?8 END,
                 message = CASE WHEN state = ?5 AND person IS NOT NULL THEN message ELSE ?9 END",
            (
                &row.document,
                &row.environment,
                &row.key,
                &row.task,
                &row.state,
                &row.digest,
                &row.run,
                &row.person,
                &row.message,
                signed(row.seq),
                row.at.as_microsecond(),
            ),
        )
    }

    /// A task that was done and is no longer so.
    pub fn put_drift(&mut self, row: &DriftRow) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO drifts (document, environment, key, task, seq, at_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (&row.document, &row.environment, &row.key, &row.task, signed(row.seq), row.at.as_microsecond()),
        )
    }

    /// A task that is so again, or was never done.
    pub fn remove_drift(&mut self, document: &str, environment: &str, key: &str) -> Result<(), StoreError> {
        self.run(
            "DELETE FROM drifts WHERE document = ?1 AND environment = ?2 AND key = ?3",
            (document, environment, key),
        )
    }

    /// An attempt's start.
    pub fn start_attempt(
        &mut self,
        seq: u64,
        id: &str,
        run: &str,
        key: &str,
        number: u32,
        undo: bool,
    ) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO attempts (seq, id, run, key, number, undo) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (signed(seq), id, run, key, number, undo),
        )
    }

    /// An attempt's new process.
    pub fn set_process(&mut self, attempt: &str, process: &ProcessRow) -> Result<(), StoreError> {
        self.run(
            "UPDATE attempts SET step = ?2, pid = ?3, start_ticks = ?4, boot_id = ?5 WHERE id = ?1",
            (attempt, &process.step, process.pid, signed(process.start_ticks), &process.boot_id),
        )
    }

    /// An attempt's end.
    pub fn end_attempt(
        &mut self,
        id: &str,
        seq: u64,
        outcome: &str,
        duration_ms: u64,
    ) -> Result<(), StoreError> {
        self.run(
            "UPDATE attempts SET ended_seq = ?2, outcome = ?3, duration_ms = ?4 WHERE id = ?1",
            (id, signed(seq), outcome, signed(duration_ms)),
        )
    }

    /// The event that ended a task's last successful attempt, and how long that took. Without one
    /// (the work was undone) its outputs count no more; the duration stays as an estimate.
    pub fn note_success(
        &mut self,
        (document, environment, key): (&str, &str, &str),
        success: Option<(u64, Option<u64>)>,
    ) -> Result<(), StoreError> {
        let (seq, duration) = (success.map(|s| s.0), success.and_then(|s| s.1));
        self.run(
            "UPDATE task_states SET success_seq = ?4, last_duration_ms = coalesce(?5, last_duration_ms)
             WHERE document = ?1 AND environment = ?2 AND key = ?3",
            (document, environment, key, seq.map(signed), duration.map(signed)),
        )
    }

    /// An answer of a check or verify.
    pub fn add_probe(
        &mut self,
        seq: u64,
        run: Option<&str>,
        key: &str,
        probe: &str,
        verdict: &str,
    ) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO probes (seq, run, key, probe, verdict) VALUES (?1, ?2, ?3, ?4, ?5)",
            (signed(seq), run, key, probe, verdict),
        )
    }

    /// A delay before another attempt.
    pub fn add_retry(&mut self, seq: u64, run: &str, key: &str, attempt: u32) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO retries (seq, run, key, attempt) VALUES (?1, ?2, ?3, ?4)",
            (signed(seq), run, key, attempt),
        )
    }

    /// A person's yes.
    pub fn add_approval(&mut self, seq: u64, run: &str, key: &str, person: &str) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO approvals (seq, run, key, person) VALUES (?1, ?2, ?3, ?4)",
            (signed(seq), run, key, person),
        )
    }
}
