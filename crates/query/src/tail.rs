//! The live tail: new events as they come.

use audit_log::{Follower, ReadError};
use event::{Filter, RecordView};

use crate::source::{logged, time_of};
use crate::{QueryError, Row, Scope};

/// How many entries are looked at before the reader gets what was found.
const BATCH: usize = 256;

/// Follows the log for one reader. It keeps its own place and never slows a writer.
pub struct Tail {
    follower: Follower,
    filter: Filter,
    scope: Scope,
}

impl Tail {
    pub(crate) fn new(follower: Follower, filter: Filter, scope: Scope) -> Tail {
        Tail { follower, filter, scope }
    }

    /// Returns the position from which to go on after a break.
    pub fn position(&self) -> u64 {
        self.follower.position()
    }

    /// Waits for events that the reader may see and asked for; at least one, in order.
    ///
    /// Loses nothing when the returned future is dropped. Fails with [`QueryError::Closed`] once the log is shut
    /// down and all of it was given.
    pub async fn next(&mut self) -> Result<Vec<Row>, QueryError> {
        loop {
            let position = self.follower.position();
            let read = self.follower.next(BATCH).await;
            let entries = read.map_err(|cause| match cause {
                ReadError::Closed => QueryError::Closed,
                source => QueryError::Read { position, source },
            })?;
            let rows: Vec<Row> = entries.into_iter().filter_map(|entry| self.row(entry)).collect();
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
    }

    fn row(&self, entry: audit_log::Entry) -> Option<Row> {
        let mut logged = logged(entry);
        let view = RecordView::parse(&logged.payload).ok()?;
        if !self.scope.admits(&view) || !self.filter.matches(&view) {
            return None;
        }
        logged.time = time_of(&view, logged.log_time);
        Row::of(logged)
    }
}
