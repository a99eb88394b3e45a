//! What the server and a statement's process tell each other: frames of two lengths, a head in JSON, and bytes.
//!
//! Lengths are little-endian `u32`: of the head, then of the bytes. Both ends are the same build of the same program, so
//! there are no versions; lengths are checked all the same, since a process that went wrong must not take the server along.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::narrow::Narrow;

/// Bytes before the head.
pub(crate) const PREFIX: usize = 8;
/// Bytes of a head, at most: a statement may have 64 KiB, and each of its bytes six in JSON.
const MOST_HEAD: usize = 1 << 20;

/// What a statement's process is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// Run this; comes once, first.
    Begin(Begin),
    /// Rows that were asked for, as a stream of Arrow's inter-process format.
    Batch {
        /// Which asking is answered.
        ask: u64,
    },
    /// The scan has no more rows.
    NoMore {
        /// Which asking is answered.
        ask: u64,
    },
    /// The events could not be read.
    Unread {
        /// Which asking is answered.
        ask: u64,
    },
}

/// A statement, and how it is to be run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begin {
    pub text: String,
    /// Microseconds since 1970.
    pub now: i64,
    /// Name of a zone, or an offset.
    pub zone: String,
    /// In bytes.
    pub memory: usize,
    /// Media type.
    pub format: String,
    /// Whether nothing is hidden from the reader.
    pub sees_all: bool,
}

/// What a statement's process tells.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToServer {
    /// A scan begins.
    Open { scan: u64, opening: Opening },
    /// More rows of a scan are wanted, and by now only of these times.
    More { ask: u64, scan: u64, span: Times },
    /// No more rows of a scan are wanted.
    Close { scan: u64 },
    /// Rows of the answer, as its reader gets them.
    Rows { rows: u64 },
    /// The answer is whole.
    End,
    /// There is none.
    Failed(Fault),
}

/// Which events a scan shows, and what of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// Name of the table.
    pub table: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    pub narrow: Narrow,
    /// Whether rows are counted.
    pub counts: bool,
    /// How many rows are enough.
    pub limit: Option<usize>,
}

/// Times that rows may have, in microseconds since 1970; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Times {
    pub first: i64,
    pub last: i64,
}

impl Times {
    /// Any time.
    pub(crate) const ALL: Times = Times { first: i64::MIN, last: i64::MAX };
    /// No time.
    pub(crate) const NONE: Times = Times { first: i64::MAX, last: i64::MIN };

    pub(crate) fn of(first: i64, last: i64) -> Times {
        if first > last { Times::NONE } else { Times { first, last } }
    }

    /// Times that both have.
    pub(crate) fn and(self, other: Times) -> Times {
        Times::of(self.first.max(other.first), self.last.min(other.last))
    }

    /// The shortest that has the times of both.
    pub(crate) fn or(self, other: Times) -> Times {
        Times { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// Why a statement's process has no answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Fault {
    Refused(String),
    Failed(String),
    OutOfMemory,
    /// The server said so before.
    Unread,
    Engine(String),
}

/// How long a frame's head and bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub head: usize,
    pub body: usize,
}

impl Lengths {
    /// Reads a prefix; fails where more than `most` bytes would follow the head.
    pub(crate) fn read(prefix: [u8; PREFIX], most: usize) -> io::Result<Lengths> {
        let [a, b, c, d, e, f, g, h] = prefix;
        let length = |bytes| usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
        let (head, body) = (length([a, b, c, d]), length([e, f, g, h]));
        if head > MOST_HEAD || body > most {
            return Err(io::Error::other(format!("a frame of {head} and {body} bytes is too long")));
        }
        Ok(Lengths { head, body })
    }
}

/// Reads a head.
pub(crate) fn head<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(io::Error::other)
}

/// Writes a frame but for its bytes, which follow.
pub(crate) fn opened<T: Serialize>(head: &T, body: usize) -> io::Result<Vec<u8>> {
    let head = serde_json::to_vec(head)?;
    let length = |length: usize| u32::try_from(length).map_err(|_| io::Error::other("a frame is too long"));
    let mut frame = Vec::with_capacity(PREFIX + head.len());
    frame.extend(length(head.len())?.to_le_bytes());
    frame.extend(length(body)?.to_le_bytes());
    frame.extend(head);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_say_how_long_they_are_and_too_long_ones_are_refused() {
        let frame = opened(&ToServer::Rows { rows: 3 }, 700).unwrap();
        let lengths = Lengths::read(frame[..PREFIX].try_into().unwrap(), 700).unwrap();
        assert_eq!((lengths.head, lengths.body), (frame.len() - PREFIX, 700));
        assert!(matches!(head(&frame[PREFIX..]).unwrap(), ToServer::Rows { rows: 3 }));
        assert!(Lengths::read(frame[..PREFIX].try_into().unwrap(), 699).is_err());
        assert!(Lengths::read([0xff; PREFIX], usize::MAX).is_err());
        assert!(head::<ToServer>(b"{\"Rows\":{}}").is_err());
    }

    #[test]
    fn times_without_any_stay_without_any() {
        assert_eq!(Times::of(1, 5).and(Times::of(6, 9)), Times::NONE);
        assert_eq!(Times::NONE.or(Times::of(1, 5)), Times::of(1, 5));
        assert_eq!(Times::of(1, 5).or(Times::of(8, 9)), Times::of(1, 9));
        assert_eq!(Times::ALL.and(Times::of(1, 5)), Times::of(1, 5));
    }
}
