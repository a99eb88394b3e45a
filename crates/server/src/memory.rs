//! What the state database remembers of the audit log, and the log's folder of the state database.
//!
//! Whoever can write only one of the two places cannot cut the log's end off, or put a fresh state beside an old log,
//! without the other telling at the next start.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use audit_log::AuditLog;
use store::tables::{Expect, Tables, Write};

const TABLE: &str = "memory";
const KEY: &str = "checkpoint";
/// Between two looks whether there is a newer checkpoint to remember.
const LOOK: Duration = Duration::from_secs(10);
/// Entries that starts which never came to their end may have left behind.
const FIRST_STARTS: u64 = 64;

/// Reads the newest checkpoint that was remembered.
pub fn recall(tables: &dyn Tables) -> Result<Option<String>> {
    let row = tables.get(TABLE, KEY).context("cannot read the state database")?;
    row.map(|row| {
        String::from_utf8(row.value).context("the remembered checkpoint is damaged; restore state.db")
    })
    .transpose()
}

/// Remembers the newest checkpoint.
pub fn remember(tables: &dyn Tables, log: &AuditLog) -> Result<()> {
    let note = log.checkpoint().note;
    if recall(tables)?.as_deref() == Some(&note) {
        return Ok(());
    }
    let write =
        Write::Put { table: TABLE, key: KEY.to_owned(), value: note.into_bytes(), expect: Expect::Any };
    tables.commit(&[write]).context("cannot write the state database")
}

/// Refuses a state that knows nothing of a log which people have worked with.
pub fn check_state(remembered: Option<&str>, log: &AuditLog) -> Result<()> {
    let entries = log.size();
    if remembered.is_none() && entries > FIRST_STARTS {
        bail!(
            "state.db knows nothing of the audit log, which holds {entries} entries: state.db is missing or was replaced. \
             Nothing was changed in it; restore it from a backup"
        );
    }
    Ok(())
}

/// Goes on remembering until the task is ended.
pub async fn keep(tables: Arc<dyn Tables>, log: AuditLog) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let (tables, log) = (tables.clone(), log.clone());
        let remembered = tokio::task::spawn_blocking(move || remember(tables.as_ref(), &log)).await;
        if let Ok(Err(error)) = remembered {
            tracing::warn!("{error:#}; a rollback of the log would not be noticed");
        }
    }
}
