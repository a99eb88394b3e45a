//! Answers: rows and counts, and what they cover.

use archive::Logged;
use event::{RecordView, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Cursor;

/// One event of an answer.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its position in the log, by which it can be proved.
    pub position: u64,
    /// When the log took it.
    pub log_time: Timestamp,
    /// The time by which it is ordered: its own, and the log's where it has none that can be read.
    pub time: Timestamp,
    /// Its exact bytes, as they were stored and hashed.
    pub event: Box<RawValue>,
}

/// A page of rows.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The rows, in the order that was asked for.
    pub rows: Vec<Row>,
    /// Where the page after this one begins; absent when there is none.
    pub next: Option<Cursor>,
    /// Where the page before this one ends; absent when there is none. Before a first page there may be what came since.
    pub previous: Option<Cursor>,
    /// What was searched.
    pub coverage: Coverage,
}

/// How many events a question takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many.
    pub events: u64,
    /// What was searched.
    pub coverage: Coverage,
}

/// What an answer covers: the positions `from..to` of the `size` that the log had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The first position that there is to search.
    pub from: u64,
    /// The position up to which all were searched.
    pub to: u64,
    /// Entries in the log when the search began.
    pub size: u64,
    /// `false` when the time budget ended the search, and neither a full page nor the end of the range.
    pub complete: bool,
    /// Entries that were met and could not be read as events; told only to readers from whom nothing is hidden.
    pub unreadable: u64,
}

impl Row {
    /// Makes the row of an entry; `None` when its payload is not JSON.
    pub(crate) fn of(logged: Logged) -> Option<Row> {
        let text = String::from_utf8(logged.payload).ok()?;
        let event = RawValue::from_string(text).ok()?;
        Some(Row { position: logged.position, log_time: logged.log_time, time: logged.time, event })
    }

    /// Returns the event as filters see it; `None` when it is no event.
    pub fn view(&self) -> Option<RecordView<'_>> {
        RecordView::parse(self.event.get().as_bytes()).ok()
    }

    /// Returns the place of the event in time.
    pub fn cursor(&self) -> Cursor {
        Cursor { time: self.time, position: self.position }
    }
}
