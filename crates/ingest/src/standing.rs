//! Where each file stands, and whose turn it is.
//!
//! One lock a file: a batch is compared with where the file stands, appended, and the file moved on, before the next is
//! looked at. What is forgotten here is read again from the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use audit_log::AuditLog;
use store::tables::TableError;
use tokio::sync::watch;

use crate::notes::{Known, Notes};

/// How many files are remembered while nobody sends them.
const REMEMBERED: usize = 1024;

/// Where a file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Byte of the file up to which it was taken; all before is durable in the log.
    pub(crate) stands: u64,
    /// What is known of its content.
    pub(crate) known: Option<Known>,
    /// Byte up to which the notes reach.
    pub(crate) noted: u64,
}

impl Standing {
    /// Reads it from the log and the notes; `None` for a file that was never seen.
    pub(crate) fn load(id: &str, log: &AuditLog, notes: &Notes) -> Result<Option<Standing>, TableError> {
        let (taken, known) = (log.last_seq(id), notes.recall(id)?);
        if taken.is_none() && known.is_none() {
            return Ok(None);
        }
        let noted = known.as_ref().map_or(0, |known| known.offset);
        Ok(Some(Standing { stands: taken.unwrap_or(0), known, noted }))
    }

    /// The sending that took the file last.
    pub(crate) fn run(&self) -> Option<&str> {
        self.known.as_ref().map(|known| known.run.as_str())
    }
}

/// A file that is, or lately was, being taken.
pub(crate) struct File {
    /// Where it stands; whoever appends to the file holds the lock.
    pub(crate) standing: tokio::sync::Mutex<Standing>,
    /// Tells those who wait for their turn.
    pub(crate) moved: watch::Sender<u64>,
}

/// The files.
#[derive(Default)]
pub(crate) struct Files(Mutex<HashMap<String, Arc<File>>>);

impl Files {
    /// Finds a file that is remembered.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Remembers a file, unless somebody else did meanwhile.
    pub(crate) fn remember(&self, id: &str, standing: Standing) -> Arc<File> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if files.len() >= REMEMBERED {
            // Whoever appends to a file holds it, so none is forgotten between its append and its moving on.
            files.retain(|_, file| Arc::strong_count(file) > 1);
        }
        let file = || {
            let moved = watch::Sender::new(standing.stands);
            Arc::new(File { standing: tokio::sync::Mutex::new(standing), moved })
        };
        files.entry(id.to_owned()).or_insert_with(file).clone()
    }
}
