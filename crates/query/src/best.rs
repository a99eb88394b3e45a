//! The best rows of a search so far, by their place in the direction in which is searched; how they are found is not known here.
//!
//! Bounded by a page's rows and bytes.

use std::collections::BTreeMap;

use archive::Span;
use event::Timestamp;

use crate::{Cursor, Order, Row};

/// Bytes of events after which a page is full, whatever its limit.
pub const MAX_ANSWER_BYTES: usize = 32 << 20;

/// A place in the direction in which is searched: what comes first is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(pub(crate) i64, pub(crate) u64);

impl Rank {
    pub(crate) fn of(cursor: Cursor, order: Order) -> Rank {
        let micros = cursor.time.as_micros();
        match order {
            Order::OldestFirst => Rank(micros, cursor.position),
            Order::NewestFirst => Rank(-micros, u64::MAX - cursor.position),
        }
    }

    /// The least rank that a row of such times can have.
    pub(crate) fn first_of(span: Span, order: Order) -> Rank {
        match order {
            Order::OldestFirst => Rank(span.first.as_micros(), 0),
            Order::NewestFirst => Rank(-span.last.as_micros(), 0),
        }
    }

    /// The place just before everything of this rank's time.
    pub(crate) fn before(self, order: Order) -> Cursor {
        match order {
            Order::OldestFirst => Cursor { time: Timestamp::from_micros(self.0 - 1), position: u64::MAX },
            Order::NewestFirst => Cursor { time: Timestamp::from_micros(1 - self.0), position: 0 },
        }
    }
}

/// The best rows so far: a page, and one more where it must be known whether there is one.
pub(crate) struct Best {
    pub(crate) rows: BTreeMap<Rank, Row>,
    bytes: usize,
    pub(crate) limit: usize,
    pub(crate) spare: usize,
    /// Whether a row was found that has no room.
    pub(crate) turned_away: bool,
}

impl Best {
    /// Begins with no rows.
    pub(crate) fn new(limit: usize, spare: usize) -> Best {
        Best { rows: BTreeMap::new(), bytes: 0, limit, spare, turned_away: false }
    }

    fn is_full(&self) -> bool {
        let spare: usize = self.rows.values().rev().take(self.spare).map(size).sum();
        self.rows.len() >= self.limit + self.spare || self.bytes - spare >= MAX_ANSWER_BYTES
    }

    /// Returns the rank behind which a row has no room.
    pub(crate) fn bar(&self) -> Option<Rank> {
        self.rows.last_key_value().filter(|_| self.is_full()).map(|(rank, _)| *rank)
    }

    pub(crate) fn offer(&mut self, rank: Rank, row: Row) {
        if self.bar().is_some_and(|bar| rank > bar) {
            self.turned_away = true;
            return;
        }
        self.bytes += size(&row);
        self.rows.insert(rank, row);
        while let Some((rank, row)) = self.rows.pop_last() {
            self.bytes -= size(&row);
            if !self.is_full() {
                self.bytes += size(&row);
                self.rows.insert(rank, row);
                break;
            }
            self.turned_away = true;
        }
    }
}

fn size(row: &Row) -> usize {
    row.event.get().len()
}

/// Takes a page's rows off; says whether they fill it, and whether any are left.
pub(crate) fn page(rows: impl IntoIterator<Item = Row>, limit: usize) -> (Vec<Row>, bool, bool) {
    let mut page = Vec::new();
    let mut bytes = 0;
    let is_full = |page: &Vec<Row>, bytes: usize| page.len() >= limit || bytes >= MAX_ANSWER_BYTES;
    for row in rows {
        if is_full(&page, bytes) {
            return (page, true, true);
        }
        bytes += size(&row);
        page.push(row);
    }
    let full = is_full(&page, bytes);
    (page, full, false)
}
