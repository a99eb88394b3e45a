//! Tables of small rows, each with a revision, changed by atomic conditional commits. SQLite by default.
//!
//! Not a query engine: rows are found by key or by the start of a key. A commit is all or nothing, and durable when it
//! returns; two writers that read the same revision never both succeed.

mod generation;
mod sqlite;

pub use sqlite::Sqlite;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Key within its table.
    pub key: String,
    /// Counts the changes of the row, from 1.
    pub revision: u64,
    /// The value; in Lodge always JSON.
    pub value: Vec<u8>,
}

/// What must hold of a row for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no such row.
    Absent,
    /// The row is at this revision.
    Revision(u64),
    /// Anything.
    Any,
}

/// One write of a commit.
#[derive(Clone, Debug)]
pub enum Write {
    /// Stores a value.
    Put {
        /// Table of the row.
        table: &'static str,
        /// Key of the row.
        key: String,
        /// Its new value.
        value: Vec<u8>,
        /// What must hold before.
        expect: Expect,
    },
    /// Removes a row.
    Delete {
        /// Table of the row.
        table: &'static str,
        /// Key of the row.
        key: String,
        /// What must hold before.
        expect: Expect,
    },
}

/// Why a table could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A row is not as the write expected; nothing was changed.
    #[error("row {table}/{key} was changed by someone else")]
    Conflict {
        /// Table of the row.
        table: &'static str,
        /// Key of the row.
        key: String,
    },
    /// The file was written by a newer release.
    #[error(
        "the state database has layout {found}, and this release knows {known}; start the newer release again, or restore a backup from before the upgrade"
    )]
    Newer {
        /// Layout found in the file.
        found: i64,
        /// Newest layout that this release knows.
        known: i64,
    },
    /// The file is a database of some other program.
    #[error("{path} is not a state database of Lodge")]
    Foreign {
        /// Path of the file.
        path: String,
    },
    /// The file is damaged.
    #[error("the state database is damaged ({found}); restore it from a backup")]
    Damaged {
        /// What the check found.
        found: String,
    },
    /// Commits that were durable are no longer there.
    #[error(
        "the state database {path} has lost changes: {made} were made, as {path}.generation says, and {found} are there. Its \
         write-ahead log {path}-wal was damaged or removed, or an older copy was put in its place. Nothing was changed: \
         restore {path} and {path}.generation from one backup; to go on knowingly with what is there, remove \
         {path}.generation"
    )]
    Lost {
        /// Path of the database.
        path: String,
        /// Commits that it holds.
        found: u64,
        /// Commits that were made.
        made: u64,
    },
    /// The database refused.
    #[error("cannot use the state database: {0}")]
    Storage(String),
}

/// Keeps small rows. A commit is atomic and durable when it returns.
pub trait Tables: Send + Sync {
    /// Reads a row.
    fn get(&self, table: &'static str, key: &str) -> Result<Option<Row>, TableError>;
    /// Reads the rows whose keys begin with `prefix`, in key order.
    fn scan(&self, table: &'static str, prefix: &str) -> Result<Vec<Row>, TableError>;
    /// Applies all writes, or none.
    fn commit(&self, writes: &[Write]) -> Result<(), TableError>;
}
