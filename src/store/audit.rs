//! Proving the ledger: the chain link by link, the file's structure, and the read models row by
//! row against those that a replay made.

use super::chain::{Hashing, Link, ORIGIN};
use super::error::StoreError;
use super::open::Store;
use super::read::Snapshot;
use super::types::{AuditReport, ChainedEvent, Finding, Head};
use super::write::READ_MODELS;
use rusqlite::types::Value;
use rusqlite::{Row, Rows};

/// Findings of one kind that are worth naming.
const MAX_FINDINGS: usize = 20;

impl Snapshot<'_> {
    /// Walks the chain to its first broken link and checks the file's structure.
    pub fn audit(&self) -> Result<AuditReport, StoreError> {
        let (head, broken) = self.walk()?;
        let mut findings = Vec::new();
        for check in [Self::recorded_head, Self::integrity, Self::references] {
            // Damage that stops a check is a finding itself.
            match check(self, &mut findings) {
                Err(StoreError::Corrupt { what, .. }) => findings.push(Finding { seq: None, what }),
                result => result?,
            }
        }
        Ok(AuditReport { events: head.seq, head, broken, findings })
    }

    /// The last link that holds, and what is wrong with the next one.
    fn walk(&self) -> Result<(Head, Option<Finding>), StoreError> {
        self.chain(|_| Ok(()))
    }

    /// Gives each event that the chain proves to `visit`, one at a time and in order. Then tells the last
    /// link that holds, and what is wrong with the next one.
    pub fn chain<E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(&ChainedEvent<'_>) -> Result<(), E>,
    ) -> Result<(Head, Option<Finding>), E> {
        let hashing = Hashing::new();
        let mut head = Head { seq: 0, hash: ORIGIN };
        let broken =
            self.each("SELECT seq, at_us, stream, kind, json, hash FROM events ORDER BY seq", |row| {
                match check_link(&hashing, &head, row) {
                    Ok(event) => {
                        head = Head { seq: event.seq, hash: event.hash };
                        visit(&event).err().map(Err)
                    }
                    Err(finding) => Some(Ok(finding)),
                }
            });
        match broken {
            Err(StoreError::Corrupt { what, .. }) => {
                let seq = Some(head.seq + 1);
                Ok((head, Some(Finding { seq, what: format!("it cannot be read: {what}") })))
            }
            broken => Ok((head, broken?.transpose()?)),
        }
    }

    /// Gives each row to `visit` until that answers something.
    fn each<T>(
        &self,
        sql: &str,
        mut visit: impl FnMut(&Row<'_>) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut walk = || {
            let mut statement = self.conn.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Some(answer) = visit(row) {
                    return Ok(Some(answer));
                }
            }
            Ok(None)
        };
        walk().map_err(|source| StoreError::of(self.path, source))
    }

    fn recorded_head(&self, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
        match self.head() {
            Err(StoreError::Corrupt { what, .. }) => findings.push(Finding { seq: None, what }),
            head => drop(head?),
        }
        Ok(())
    }

    fn integrity(&self, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
        self.each(&format!("PRAGMA integrity_check({MAX_FINDINGS})"), |row| -> Option<()> {
            match row.get::<_, String>(0) {
                Ok(line) if line == "ok" => {}
                Ok(line) => findings.push(Finding { seq: None, what: line.replace('\n', "; ") }),
                Err(error) => findings.push(Finding { seq: None, what: error.to_string() }),
            }
            None
        })?;
        Ok(())
    }

    fn references(&self, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
        let before = findings.len();
        self.each("PRAGMA foreign_key_check", |row| {
            let table: String = row.get(0).unwrap_or_default();
            let parent: String = row.get(2).unwrap_or_default();
            let what = format!("a row of {table} refers to {parent} that are not there");
            findings.push(Finding { seq: None, what });
            (findings.len() - before >= MAX_FINDINGS).then_some(())
        })?;
        Ok(())
    }

    /// Compares the read models with those of `replayed`: the first difference of each table.
    pub fn compare_read_models(&self, replayed: &Store) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for table in READ_MODELS {
            let difference = first_difference(table, *self, replayed.now());
            match difference.map_err(|source| StoreError::of(self.path, source)) {
                Err(StoreError::Corrupt { what, .. }) => {
                    findings.push(Finding { seq: None, what: format!("{table}: {what}") });
                }
                difference => findings.extend(difference?.map(|what| Finding { seq: None, what })),
            }
        }
        Ok(findings)
    }
}

/// The next event of the chain, or what is wrong with it.
fn check_link<'r>(hashing: &Hashing, head: &Head, row: &'r Row<'_>) -> Result<ChainedEvent<'r>, Finding> {
    let expected = head.seq + 1;
    let broken = |what: &str| Finding { seq: Some(expected), what: what.to_owned() };
    let number = |column| row.get::<_, i64>(column).ok();
    let bytes = |column| row.get_ref(column).ok().and_then(|value| value.as_bytes().ok());
    let parts = (number(0), number(1), bytes(2), bytes(3), bytes(4), bytes(5));
    let (Some(seq), Some(at_us), Some(stream), Some(kind), Some(json), Some(hash)) = parts else {
        return Err(broken("it does not hold what an event holds"));
    };
    if u64::try_from(seq) != Ok(expected) {
        return Err(broken(&format!("it is missing: the next event is {seq}")));
    }
    let computed = hashing.link(&head.hash, &Link { seq: expected, at_us, stream, kind, json });
    if computed != hash {
        return Err(broken("its hash is not that of its content and of the event before"));
    }
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| broken("it holds what is no text"));
    let (stream, kind, json) = (text(stream)?, text(kind)?, text(json)?);
    Ok(ChainedEvent { seq: expected, at_us, stream, kind, json, previous: head.hash, hash: computed })
}

/// The first row that is in one of both only, or differs, as a line of text.
fn first_difference(
    table: &str,
    ours: Snapshot<'_>,
    theirs: Snapshot<'_>,
) -> rusqlite::Result<Option<String>> {
    let keys = ours
        .conn
        .prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?
        .query_map([table], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?
        .join(", ");
    let sql = format!("SELECT * FROM {table} ORDER BY {keys}");
    let (mut ours, mut theirs) = (ours.conn.prepare(&sql)?, theirs.conn.prepare(&sql)?);
    let columns: Vec<String> = ours.column_names().map(str::to_owned).collect();
    let (mut ours, mut theirs) = (ours.query([])?, theirs.query([])?);
    loop {
        return Ok(match (values(&mut ours, columns.len())?, values(&mut theirs, columns.len())?) {
            (None, None) => None,
            (Some(row), None) => {
                Some(format!("{table} holds a row that no event made: {}", show(&columns, &row)))
            }
            (None, Some(row)) => Some(format!("{table} lacks a row: {}", show(&columns, &row))),
            (Some(row), Some(replayed)) if row == replayed => continue,
            (Some(row), Some(replayed)) => Some(format!(
                "{table} says {}, the events say {}",
                show(&columns, &row),
                show(&columns, &replayed)
            )),
        });
    }
}

fn values(rows: &mut Rows<'_>, width: usize) -> rusqlite::Result<Option<Vec<Value>>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    (0..width).map(|column| row.get(column)).collect::<rusqlite::Result<_>>().map(Some)
}

fn show(columns: &[String], row: &[Value]) -> String {
    let shown =
        columns.iter().zip(row).filter(|(_, value)| **value != Value::Null).map(
            |(name, value)| match value {
                Value::Integer(number) => format!("{name}={number}"),
                Value::Text(text) => format!("{name}={text}"),
                other => format!("{name}={other:?}"),
            },
        );
    shown.collect::<Vec<_>>().join(" ")
}
