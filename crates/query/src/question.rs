//! Questions and the cursors that page through their answers.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use event::{Filter, FilterContext, SessionId, Timestamp};
use serde::{Serialize, Serializer};

use crate::{QueryError, Scope};

/// How many rows an answer has where the question does not say.
pub const DEFAULT_LIMIT: usize = 50;
/// The most rows that an answer has.
pub const MAX_LIMIT: usize = 1000;
/// How long a question may be worked on where it does not say.
pub const DEFAULT_BUDGET: Duration = Duration::from_secs(30);

/// How far a clock may have gone back between the making of a session's id and the logging of its first event.
const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// A question to the log.
#[derive(Clone, Debug)]
pub struct Question {
    /// What the reader may see.
    pub scope: Scope,
    /// What the reader asks for.
    pub filter: Filter,
    /// The earliest log time that is searched. An event's own time, which for events from elsewhere may be another, is
    /// asked for by the filter (`time >= …`).
    pub since: Option<Timestamp>,
    /// The log time before which is searched.
    pub until: Option<Timestamp>,
    /// Which end of the range comes first.
    pub order: Order,
    /// How many rows to answer with: at least 1, at most [`MAX_LIMIT`].
    pub limit: usize,
    /// Where the last answer left off.
    pub cursor: Option<Cursor>,
    /// How long may be searched; what was found until then is the answer, and its coverage says so.
    pub budget: Duration,
}

impl Question {
    /// Asks for everything that the reader may see, newest first.
    pub fn new(scope: Scope) -> Question {
        Question {
            scope,
            filter: Filter::everything(),
            since: None,
            until: None,
            order: Order::NewestFirst,
            limit: DEFAULT_LIMIT,
            cursor: None,
            budget: DEFAULT_BUDGET,
        }
    }

    /// Asks for everything that happened inside a session, oldest first.
    pub fn about_session(session: SessionId, scope: Scope) -> Question {
        let context = FilterContext::utc(Timestamp::EPOCH);
        let filter = Filter::parse(&format!("session: {session}"), &context).expect("an id needs no quotes");
        // Nothing of a session is logged before its id is made, so what is older need not be read.
        let since = session.time().map(|made| made.minus(CLOCK_SLACK));
        Question { filter, since, order: Order::OldestFirst, limit: MAX_LIMIT, ..Question::new(scope) }
    }

    /// Returns the limit as it counts.
    pub(crate) fn rows(&self) -> usize {
        self.limit.clamp(1, MAX_LIMIT)
    }

    /// Cuts off what earlier answers covered.
    pub(crate) fn narrow(&self, range: Range<u64>, order: Order) -> Result<Range<u64>, QueryError> {
        match (self.cursor, order) {
            (None, _) => Ok(range),
            (Some(Cursor::Before(end)), Order::NewestFirst) => {
                Ok(range.start..range.end.min(end).max(range.start))
            }
            (Some(Cursor::From(start)), Order::OldestFirst) => {
                Ok(range.start.max(start).min(range.end)..range.end)
            }
            (Some(_), _) => Err(QueryError::CursorOrder),
        }
    }
}

/// Which end of a range comes first. The order is that of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the end of the log backwards.
    NewestFirst,
    /// From the beginning of the log forwards.
    OldestFirst,
}

/// A place in the log between two answers. It stays good for ever: positions never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// The next answer, newest first, begins below this position.
    Before(u64),
    /// The next answer, oldest first, begins at this position.
    From(u64),
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; use the one that the last answer gave")]
pub struct CursorError;

impl Cursor {
    /// Makes the cursor to the part of a range that was not searched; `None` when nothing is left.
    pub(crate) fn to(left: &Range<u64>, order: Order) -> Option<Cursor> {
        if left.is_empty() {
            return None;
        }
        Some(match order {
            Order::NewestFirst => Cursor::Before(left.end),
            Order::OldestFirst => Cursor::From(left.start),
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cursor::Before(position) => write!(f, "before-{position}"),
            Cursor::From(position) => write!(f, "from-{position}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Cursor, CursorError> {
        let (make, digits): (fn(u64) -> Cursor, _) = match text.split_once('-') {
            Some(("before", digits)) => (Cursor::Before, digits),
            Some(("from", digits)) => (Cursor::From, digits),
            _ => return Err(CursorError),
        };
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().map(make).map_err(|_| CursorError) } else { Err(CursorError) }
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_written_down() {
        for cursor in [Cursor::Before(0), Cursor::From(u64::MAX), Cursor::Before(17)] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for bad in ["", "17", "before-", "before--1", "from-+1", "from-18446744073709551616", "after-1"] {
            assert_eq!(bad.parse::<Cursor>(), Err(CursorError), "{bad:?}");
        }
    }

    #[test]
    fn a_cursor_narrows_only_its_own_order() {
        let mut question = Question::new(Scope::everything());
        question.cursor = Some(Cursor::Before(5));
        assert_eq!(question.narrow(2..9, Order::NewestFirst).unwrap(), 2..5);
        assert_eq!(question.narrow(7..9, Order::NewestFirst).unwrap(), 7..7);
        assert!(matches!(question.narrow(2..9, Order::OldestFirst), Err(QueryError::CursorOrder)));
        question.cursor = Some(Cursor::From(5));
        assert_eq!(question.narrow(2..9, Order::OldestFirst).unwrap(), 5..9);
        assert_eq!(question.narrow(2..4, Order::OldestFirst).unwrap(), 4..4);
    }
}
