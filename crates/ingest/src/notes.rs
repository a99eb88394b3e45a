//! Notes beside the log: what a file's content was as far as it was taken.
//!
//! They are never what counts: how far a file was taken is what the log says. A note may be older than the log, when a
//! crash came between the two, or be missing; then a changed file is noticed later, or by its beginning only.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use store::tables::{Expect, TableError, Tables, Write};

const TABLE: &str = "ingest_files";

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its name where it lies.
    pub file: String,
    /// Byte up to which its content was hashed.
    pub offset: u64,
    /// SHA-256 of the content up to there, hexadecimal.
    pub sha256: String,
    /// Place of the last event that was acknowledged.
    pub seq: u64,
    /// The sending that took it last.
    pub run: String,
}

/// The notes of all files.
#[derive(Clone)]
pub(crate) struct Notes(pub(crate) Arc<dyn Tables>);

impl Notes {
    /// Reads what is known of a file. A note that cannot be read is as good as none.
    pub(crate) fn recall(&self, id: &str) -> Result<Option<Known>, TableError> {
        let row = self.0.get(TABLE, id)?;
        Ok(row.and_then(|row| serde_json::from_slice(&row.value).ok()))
    }

    /// Notes what is known of a file; durable when this returns.
    pub(crate) fn keep(&self, id: &str, known: &Known) -> Result<(), TableError> {
        let value = serde_json::to_vec(known).expect("a note has string keys only");
        self.0.commit(&[Write::Put { table: TABLE, key: id.to_owned(), value, expect: Expect::Any }])
    }
}
