//! What was worked on, over many runs: rows alone, for the events of a run (its plan above all) are large.

use super::error::StoreError;
use super::read::{Snapshot, maybe_unsigned, time, unsigned};
use jiff::Timestamp;

/// An attempt, as far as its rows tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkRow {
    /// Its run.
    pub run: String,
    /// Its task.
    pub key: String,
    /// True for `destroy`.
    pub undo: bool,
    /// When its intent was recorded.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<String>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// The last event of the wanted kind about its task, after its start and before the end of its run:
    /// place and content.
    pub last: Option<(u64, String)>,
}

/// An environment in which something ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRow {
    /// Its name.
    pub name: String,
    /// How many runs there were.
    pub runs: u64,
    /// When the newest began.
    pub started: Timestamp,
    /// Whether it ended.
    pub ended: bool,
    /// Its exit code.
    pub exit_code: Option<i32>,
}

impl Snapshot<'_> {
    /// Attempts of all runs that began at `since` or later, oldest first, each with the last event of
    /// this `kind` in the stream of its task.
    pub fn work(&self, since: Timestamp, kind: &str) -> Result<Vec<WorkRow>, StoreError> {
        let sql = format!(
            "SELECT a.run, a.key, a.undo, s.at_us, e.at_us, a.outcome, a.duration_ms, t.seq, t.json
             FROM runs r CROSS JOIN attempts a ON a.run = r.id
                 AND a.seq BETWEEN r.seq AND coalesce(r.ended_seq, {max})
             JOIN events s ON s.seq = a.seq LEFT JOIN events e ON e.seq = a.ended_seq
             LEFT JOIN events t ON t.seq = (SELECT max(seq) FROM events WHERE stream = s.stream AND kind = ?2
                 AND seq BETWEEN a.seq AND coalesce(r.ended_seq, {max}))
             WHERE r.started_us >= ?1 ORDER BY a.seq",
            max = i64::MAX
        );
        self.list(&sql, (since.as_microsecond(), kind), |row| {
            let last = maybe_unsigned(row, 7)?.map(|seq| Ok::<_, rusqlite::Error>((seq, row.get(8)?)));
            Ok(WorkRow {
                run: row.get(0)?,
                key: row.get(1)?,
                undo: row.get(2)?,
                started: time(row, 3)?,
                ended: row.get::<_, Option<i64>>(4)?.map(|_| time(row, 4)).transpose()?,
                outcome: row.get(5)?,
                duration_ms: maybe_unsigned(row, 6)?,
                last: last.transpose()?,
            })
        })
    }

    /// The runs that had an attempt at this task, in no order.
    pub fn runs_at(&self, key: &str) -> Result<Vec<String>, StoreError> {
        self.list("SELECT DISTINCT run FROM attempts WHERE key = ?1", [key], |row| row.get(0))
    }

    /// Environments in which something ran, by name.
    pub fn environment_rows(&self) -> Result<Vec<EnvironmentRow>, StoreError> {
        // Beside `max` SQLite takes the other columns from the row that holds it.
        self.list(
            "SELECT environment, count(*), started_us, ended_seq IS NOT NULL, exit_code, max(seq)
             FROM runs GROUP BY environment ORDER BY environment",
            [],
            |row| {
                Ok(EnvironmentRow {
                    name: row.get(0)?,
                    runs: unsigned(row, 1)?,
                    started: time(row, 2)?,
                    ended: row.get(3)?,
                    exit_code: row.get(4)?,
                })
            },
        )
    }
}
