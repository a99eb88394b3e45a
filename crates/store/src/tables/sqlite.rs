//! Tables in one SQLite file, in write-ahead mode with `synchronous=FULL`.
//!
//! All tables share one relation, `rows`, so a new table needs no migration. One connection writes, behind a lock; another
//! reads, so that a read never waits for a writer's sync. Commits are counted, in the database and beside it, since
//! SQLite itself says nothing of those that a damaged write-ahead log takes away.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::generation::Generation;
use super::{Expect, Row, TableError, Tables, Write};

/// Marks the file as ours (`PRAGMA application_id`): the letters `LODG`.
const APPLICATION: i64 = 0x4C4F_4447;
/// Layout of the file (`PRAGMA user_version`).
const LAYOUT: i64 = 1;
/// How long a statement waits for another process, such as a backup tool, before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Table and key of the row whose revision counts the commits.
const COUNT: [&str; 2] = ["store", "generation"];

const CREATE: &str = "CREATE TABLE rows (
    tbl TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (tbl, key)
) STRICT, WITHOUT ROWID";

/// Tables in one SQLite file (WAL, `synchronous=FULL`).
#[derive(Debug)]
pub struct Sqlite {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    generation: Mutex<Generation>,
}

impl Sqlite {
    /// Opens the file (0600), making it where it is missing, and checks that it is whole.
    pub fn open(path: &Path) -> Result<Sqlite, TableError> {
        make_private(path)?;
        let generation = Generation::open(path)?;
        let mut writer = connect(path)?;
        // Closing a refused database would fold its write-ahead log, damaged as it is, into the file.
        let folds = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        writer.set_db_config(folds, true).map_err(storage)?;
        prepare(&mut writer, path, &generation)?;
        writer.set_db_config(folds, false).map_err(storage)?;
        let reader = connect(path)?;
        reader.pragma_update(None, "query_only", true).map_err(storage)?;
        Ok(Sqlite {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            generation: Mutex::new(generation),
        })
    }
}

impl Tables for Sqlite {
    fn get(&self, table: &'static str, key: &str) -> Result<Option<Row>, TableError> {
        let reader = lock(&self.reader);
        let mut statement = reader
            .prepare_cached("SELECT key, revision, value FROM rows WHERE tbl = ?1 AND key = ?2")
            .map_err(storage)?;
        statement.query_row([table, key], row).optional().map_err(storage)
    }

    fn scan(&self, table: &'static str, prefix: &str) -> Result<Vec<Row>, TableError> {
        let reader = lock(&self.reader);
        // The end of the range is found by looking at the keys, so no character of a prefix has a special meaning.
        let mut statement = reader
            .prepare_cached("SELECT key, revision, value FROM rows WHERE tbl = ?1 AND key >= ?2 ORDER BY key")
            .map_err(storage)?;
        let mut found = Vec::new();
        for next in statement.query_map([table, prefix], row).map_err(storage)? {
            let next = next.map_err(storage)?;
            if !next.key.starts_with(prefix) {
                break;
            }
            found.push(next);
        }
        Ok(found)
    }

    fn commit(&self, writes: &[Write]) -> Result<(), TableError> {
        let mut writer = lock(&self.writer);
        let mut generation = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        generation.settle()?;
        let transaction =
            writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(storage)?;
        for write in writes {
            apply(&transaction, write)?;
        }
        let count = count_commit(&transaction).map_err(storage)?;
        transaction.commit().map_err(storage)?;
        generation.keep(count);
        Ok(())
    }
}

/// Counts the commit that is about to be made.
fn count_commit(connection: &Connection) -> rusqlite::Result<u64> {
    let [table, key] = COUNT;
    let mut statement = connection.prepare_cached(
        "INSERT INTO rows (tbl, key, revision, value) VALUES (?1, ?2, 1, x'')
         ON CONFLICT DO UPDATE SET revision = revision + 1 RETURNING revision",
    )?;
    let count: i64 = statement.query_row([table, key], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// How many commits the database holds.
fn commits(connection: &Connection) -> Result<u64, TableError> {
    let count: Option<i64> = connection
        .query_row("SELECT revision FROM rows WHERE tbl = ?1 AND key = ?2", COUNT, |row| row.get(0))
        .optional()
        .map_err(storage)?;
    Ok(count.unwrap_or(0).unsigned_abs())
}

/// A panic cannot leave a connection half way through a commit: dropping a transaction rolls it back.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn apply(connection: &Connection, write: &Write) -> Result<(), TableError> {
    let (table, key) = match write {
        Write::Put { table, key, .. } | Write::Delete { table, key, .. } => (*table, key.as_str()),
    };
    let as_expected = match write {
        Write::Put { value, expect, .. } => put(connection, table, key, value, *expect),
        Write::Delete { expect, .. } => delete(connection, table, key, *expect),
    };
    if as_expected.map_err(storage)? {
        Ok(())
    } else {
        Err(TableError::Conflict { table, key: key.to_owned() })
    }
}

/// Stores a value; false when the row is not as expected.
fn put(
    connection: &Connection,
    table: &str,
    key: &str,
    value: &[u8],
    expect: Expect,
) -> rusqlite::Result<bool> {
    let changed = match expect {
        Expect::Absent => connection
            .prepare_cached("INSERT INTO rows (tbl, key, revision, value) VALUES (?1, ?2, 1, ?3) ON CONFLICT DO NOTHING")?
            .execute(params![table, key, value])?,
        Expect::Revision(revision) => connection
            .prepare_cached(
                "UPDATE rows SET value = ?3, revision = revision + 1 WHERE tbl = ?1 AND key = ?2 AND revision = ?4",
            )?
            .execute(params![table, key, value, stored(revision)])?,
        Expect::Any => connection
            .prepare_cached(
                "INSERT INTO rows (tbl, key, revision, value) VALUES (?1, ?2, 1, ?3)
                 ON CONFLICT DO UPDATE SET value = excluded.value, revision = revision + 1",
            )?
            .execute(params![table, key, value])?,
    };
    Ok(changed == 1)
}

/// Removes a row; false when the row is not as expected.
fn delete(connection: &Connection, table: &str, key: &str, expect: Expect) -> rusqlite::Result<bool> {
    match expect {
        Expect::Absent => connection
            .prepare_cached("SELECT 1 FROM rows WHERE tbl = ?1 AND key = ?2")?
            .exists([table, key])
            .map(|is| !is),
        Expect::Revision(revision) => connection
            .prepare_cached("DELETE FROM rows WHERE tbl = ?1 AND key = ?2 AND revision = ?3")?
            .execute(params![table, key, stored(revision)])
            .map(|removed| removed == 1),
        Expect::Any => connection
            .prepare_cached("DELETE FROM rows WHERE tbl = ?1 AND key = ?2")?
            .execute([table, key])
            .map(|_| true),
    }
}

/// SQLite counts to 2^63 - 1; a revision beyond it belongs to no row, and -1 matches none.
fn stored(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(-1)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let revision: i64 = row.get(1)?;
    Ok(Row { key: row.get(0)?, revision: revision.unsigned_abs(), value: row.get(2)? })
}

/// Makes the file before SQLite does, because SQLite would ask for 0644; its side files take over the mode.
fn make_private(path: &Path) -> Result<(), TableError> {
    let refuse = |error: std::io::Error| TableError::Storage(format!("{}: {error}", path.display()));
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            file.sync_all().map_err(refuse)?;
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(refuse)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(refuse)
        }
        Err(error) => Err(refuse(error)),
    }
}

fn connect(path: &Path) -> Result<Connection, TableError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
    let connection = Connection::open_with_flags(path, flags).map_err(storage)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(storage)?;
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(storage)?;
    if mode != "wal" {
        return Err(TableError::Storage(format!(
            "its file system does not allow write-ahead mode (SQLite offers {mode}); put the data folder on a local disk"
        )));
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(storage)?;
    // A schema that someone planted in the file must not be able to call functions.
    connection.pragma_update(None, "trusted_schema", false).map_err(storage)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(storage)?;
    Ok(connection)
}

/// Makes the layout in a new file; checks it, the file's health and the number of commits in an old one.
fn prepare(connection: &mut Connection, path: &Path, generation: &Generation) -> Result<(), TableError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(storage)?;
    let number = |pragma: &str| -> Result<i64, TableError> {
        transaction.pragma_query_value(None, pragma, |row| row.get(0)).map_err(storage)
    };
    let objects: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(storage)?;
    let (application, layout) = (number("application_id")?, number("user_version")?);
    if objects == 0 && application == 0 && layout == 0 {
        generation.check(path, 0)?;
        transaction.execute(CREATE, []).map_err(storage)?;
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(storage)?;
        transaction.pragma_update(None, "user_version", LAYOUT).map_err(storage)?;
        return transaction.commit().map_err(storage);
    }
    if application != APPLICATION {
        return Err(TableError::Foreign { path: path.display().to_string() });
    }
    if layout != LAYOUT {
        return Err(TableError::Newer { found: layout, known: LAYOUT });
    }
    let health: String =
        transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(storage)?;
    if health != "ok" {
        return Err(TableError::Damaged { found: health });
    }
    generation.check(path, commits(&transaction)?)
}

fn storage(error: rusqlite::Error) -> TableError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            TableError::Damaged { found: error.to_string() }
        }
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
            TableError::Storage(format!("{error}; is its disk full?"))
        }
        _ => TableError::Storage(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
