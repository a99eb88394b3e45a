//! Questions and the cursors that page through their answers.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use event::{Filter, FilterContext, SessionId, Timestamp};
use serde::{Serialize, Serializer};

use crate::Scope;

/// How many rows an answer has where the question does not say.
pub const DEFAULT_LIMIT: usize = 50;
/// The most rows that an answer has.
pub const MAX_LIMIT: usize = 1000;
/// How long a question may be worked on where it does not say.
pub const DEFAULT_BUDGET: Duration = Duration::from_secs(30);

/// How far a clock may have gone back between the making of a session's id and its first event.
const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// A question to the log.
#[derive(Clone, Debug)]
pub struct Question {
    /// What the reader may see.
    pub scope: Scope,
    /// What the reader asks for.
    pub filter: Filter,
    /// The earliest time of the events that are searched: their own `time`, and the log's where they have none that can
    /// be read.
    pub since: Option<Timestamp>,
    /// The time before which events are searched.
    pub until: Option<Timestamp>,
    /// Which come first.
    pub order: Order,
    /// How many rows to answer with: at least 1, at most [`MAX_LIMIT`].
    pub limit: usize,
    /// Which rows of all those.
    pub page: Page,
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
            page: Page::First,
            budget: DEFAULT_BUDGET,
        }
    }

    /// Asks for everything that happened inside a session, oldest first.
    pub fn about_session(session: SessionId, scope: Scope) -> Question {
        let filter = exact(&format!("session: {session}"));
        // Nothing of a session happens before its id is made, so what is older need not be read.
        let since = session.time().map(|made| made.minus(CLOCK_SLACK));
        Question { filter, since, order: Order::OldestFirst, limit: MAX_LIMIT, ..Question::new(scope) }
    }

    /// Returns the limit as it counts.
    pub(crate) fn rows(&self) -> usize {
        self.limit.clamp(1, MAX_LIMIT)
    }
}

/// Reads a filter that this crate wrote.
pub(crate) fn exact(filter: &str) -> Filter {
    let context = FilterContext::utc(Timestamp::EPOCH);
    Filter::parse(filter, &context).expect("kinds and ids need no quotes")
}

/// Which end comes first. Events are ordered by their time, those of one time by their position in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the latest backwards.
    NewestFirst,
    /// From the earliest forwards.
    OldestFirst,
}

impl Order {
    pub(crate) fn reversed(self) -> Order {
        match self {
            Order::NewestFirst => Order::OldestFirst,
            Order::OldestFirst => Order::NewestFirst,
        }
    }
}

/// Which page of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The one that the order begins with.
    #[default]
    First,
    /// The one that follows a place, in the order of the question.
    After(Cursor),
    /// The one that ends before a place, in the order of the question.
    Before(Cursor),
}

/// A place between two events. It stays good for ever: an event's time and position never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Time of the event at the place.
    pub time: Timestamp,
    /// Its position in the log.
    pub position: u64,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; use one that the last answer gave")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time.as_micros(), self.position)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Cursor, CursorError> {
        let (micros, position) = text.split_once('.').ok_or(CursorError)?;
        let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(micros.strip_prefix('-').unwrap_or(micros)) || !plain(position) {
            return Err(CursorError);
        }
        let time = Timestamp::from_micros(micros.parse().map_err(|_| CursorError)?);
        Ok(Cursor { time, position: position.parse().map_err(|_| CursorError)? })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_cursor_is_refused() {
        for bad in ["", "17", "1.", ".1", "1.-1", "+1.1", "1.18446744073709551616", "--1.1", "1.1.1"] {
            assert_eq!(bad.parse::<Cursor>(), Err(CursorError), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_survives_being_written_down(micros in any::<i64>(), position in any::<u64>()) {
            let cursor = Cursor { time: Timestamp::from_micros(micros), position };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }

        #[test]
        fn no_text_of_a_cursor_panics(text in ".{0,30}") {
            let _ = text.parse::<Cursor>();
        }
    }
}
