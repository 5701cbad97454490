//! Brings a database to the schema of this program, one numbered file after the other.

use crate::crash;
use rusqlite::{Connection, TransactionBehavior};

/// The migrations in order; the first one makes schema 1.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_events.sql"),
    include_str!("migrations/0002_read_models.sql"),
    include_str!("migrations/0003_memos.sql"),
    include_str!("migrations/0004_drifts.sql"),
];

/// The schema that this program reads and writes.
pub(super) const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// The schema that the database has.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<u32> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Applies what is missing. Each migration is one transaction together with its number, so that a
/// kill leaves the database between two migrations, never inside of one.
pub(super) fn apply(conn: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    for (number, sql) in (1_u32..).zip(migrations) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if version(&tx)? < number {
            tx.execute_batch(sql)?;
            tx.pragma_update(None, "user_version", number)?;
        }
        crash::around("migrate", || tx.commit())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);";

    fn tables(conn: &Connection) -> Vec<String> {
        let mut statement = conn.prepare("SELECT name FROM sqlite_schema ORDER BY name").unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn only_what_is_missing_is_applied() {
        let mut conn = Connection::open_in_memory().unwrap();
        apply(&mut conn, &[FIRST]).unwrap();
        apply(&mut conn, &[FIRST, "CREATE TABLE b (x INTEGER);"]).unwrap();
        apply(&mut conn, &[FIRST, "CREATE TABLE b (x INTEGER);"]).unwrap();
        assert_eq!((version(&conn).unwrap(), tables(&conn)), (2, vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_of_itself() {
        let mut conn = Connection::open_in_memory().unwrap();
        let bad = "CREATE TABLE b (x INTEGER); DELETE FROM a; INSERT INTO nowhere VALUES (1);";
        apply(&mut conn, &[FIRST, bad]).unwrap_err();
        let rows: i64 = conn.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!((version(&conn).unwrap(), tables(&conn), rows), (1, vec!["a".to_owned()], 1));
    }

    #[test]
    fn the_migrations_are_those_of_the_directory() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/migrations");
        let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let texts: Vec<_> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        assert_eq!(texts, MIGRATIONS);
        for (number, file) in (1..).zip(&files) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            assert!(name.starts_with(&format!("{number:04}_")), "{name} is not number {number}");
        }
    }
}
