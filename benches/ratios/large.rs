//! A hundred thousand tasks.

use crate::project::{Project, Shape};
use crate::running::bare;
use crate::timing::{compare, ends_well, program, way};
use std::hint::black_box;
use std::path::Path;

const TASKS: usize = 100_000;

/// Parsed, recorded and planned, beside the bare parse of its Markdown and the bare inserts of the same rows.
pub(crate) fn planned() {
    let project = Project::new(TASKS, Shape::Wide);
    let text = std::fs::read_to_string(project.path().join("prd.md")).expect("it was written");
    let state = project.path().join("known");
    ends_well(&mut project.taskmaster_in(&state, "parse prd.md --quiet"));
    let rows = rows(&state.join("ledger.db"));
    let limit = || {
        let events = pulldown_cmark::Parser::new(&text).into_offset_iter();
        black_box(events.fold(0, |sum, (_, range)| sum + range.len()));
        insert(&project.path().join("bare.db"), &rows);
    };
    let ways = vec![
        program("parse", || project.taskmaster("parse prd.md --quiet")),
        program("plan", || project.taskmaster("run prd.md --dry-run --quiet")),
        way("bare", limit),
    ];
    compare(3, ways);
}

pub(crate) fn run() {
    let project = Project::new(TASKS, Shape::Wide);
    let ours = program("taskmaster", || project.taskmaster("run prd.md --quiet --jobs 2"));
    compare(1, vec![ours, way("bare spawns", || bare(TASKS, 2))]);
}

/// A table's rows, each value as SQLite has it.
type Rows = Vec<(String, Vec<Vec<rusqlite::types::Value>>)>;

fn rows(ledger: &Path) -> Rows {
    let db = rusqlite::Connection::open(ledger).expect("a ledger");
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("a question");
    let names = tables.query_map([], |row| row.get(0)).expect("an answer");
    let names: Vec<String> = names.collect::<Result<_, _>>().expect("names");
    let all = |name: String| {
        let mut rows = db.prepare(&format!("SELECT * FROM {name}")).expect("a table");
        let columns = rows.column_count();
        let read = rows.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).expect("rows");
        (name, read.collect::<Result<_, _>>().expect("rows"))
    };
    names.into_iter().map(all).collect()
}

fn insert(file: &Path, rows: &Rows) {
    let _ = std::fs::remove_file(file);
    let mut db = rusqlite::Connection::open(file).expect("a file");
    db.pragma_update(None, "journal_mode", "WAL").expect("a mode");
    let transaction = db.transaction().expect("a transaction");
    for (name, rows) in rows.iter().filter(|(_, rows)| !rows.is_empty()) {
        let columns: Vec<String> = (0..rows[0].len()).map(|at| format!("c{at}")).collect();
        transaction.execute(&format!("CREATE TABLE {name} ({})", columns.join(", ")), []).expect("a table");
        let marks = vec!["?"; columns.len()].join(", ");
        let mut statement =
            transaction.prepare(&format!("INSERT INTO {name} VALUES ({marks})")).expect("a statement");
        for row in rows {
            statement.execute(rusqlite::params_from_iter(row)).expect("a row");
        }
    }
    transaction.commit().expect("a commit");
}
