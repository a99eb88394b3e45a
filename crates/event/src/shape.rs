//! The shape of an event from elsewhere: all that [`Record`](crate::Record) asks for, checked in one pass over the
//! bytes without keeping what they say.
//!
//! What is large (`detail`, `raw`, fields of later releases) is walked once. The small objects of the envelope are
//! walked once more by their types.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits::{MAX_EVENT_DEPTH, Readable};
use crate::view::Key;
use crate::{Actor, EventId, Origin, Outcome, Policy, SessionId, Source, Target, Timestamp};

/// An event whose every part can be read.
pub(crate) struct Shape;

/// The fields of the envelope; those before [`REQUIRED`] must be there.
const FIELDS: [&str; 13] = [
    "id", "time", "kind", "outcome", "actor", "reason", "origin", "target", "session", "source", "policy",
    "detail", "raw",
];
const REQUIRED: usize = 5;

impl Shape {
    /// Checks that the bytes are an event.
    pub(crate) fn check(json: &[u8]) -> Result<(), serde_json::Error> {
        let text = std::str::from_utf8(json).map_err(serde_json::Error::custom)?;
        serde_json::from_str::<Shape>(text).map(drop)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_map(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut seen = [false; FIELDS.len()];
        while let Some(Key(key)) = entries.next_key()? {
            match FIELDS.iter().position(|name| *name == key) {
                Some(field) if seen[field] => return Err(A::Error::duplicate_field(FIELDS[field])),
                Some(field) => {
                    seen[field] = true;
                    check_field(FIELDS[field], &mut entries)?;
                }
                None => entries.next_value_seed(INNER)?,
            }
        }
        match seen[..REQUIRED].iter().position(|seen| !seen) {
            Some(missing) => Err(A::Error::missing_field(FIELDS[missing])),
            None => Ok(Shape),
        }
    }
}

/// What stands in the event's own object.
const INNER: Readable = Readable { levels: MAX_EVENT_DEPTH - 1 };

fn check_field<'de, A: MapAccess<'de>>(field: &str, entries: &mut A) -> Result<(), A::Error> {
    match field {
        "id" => entries.next_value::<EventId>().map(drop),
        "time" => entries.next_value::<Timestamp>().map(drop),
        "kind" => entries.next_value::<Key<'_>>().map(drop),
        "outcome" => entries.next_value::<Outcome>().map(drop),
        "actor" => check_small::<Actor, A>(entries),
        "origin" => check_small::<Option<Origin>, A>(entries),
        "target" => check_small::<Option<Target>, A>(entries),
        "session" => entries.next_value::<Option<SessionId>>().map(drop),
        "source" => check_small::<Option<Source>, A>(entries),
        "policy" => check_small::<Option<Policy>, A>(entries),
        "reason" | "raw" => entries.next_value::<Option<Key<'_>>>().map(drop),
        _ => entries.next_value_seed(INNER),
    }
}

/// Checks an object of the envelope by its type, and what its type does not know by reading it.
fn check_small<'de, T: DeserializeOwned, A: MapAccess<'de>>(entries: &mut A) -> Result<(), A::Error> {
    let json = entries.next_value::<&'de RawValue>()?.get();
    let read = || -> Result<(), serde_json::Error> {
        INNER.deserialize(&mut serde_json::Deserializer::from_str(json))?;
        serde_json::from_str::<T>(json).map(drop)
    };
    read().map_err(A::Error::custom)
}
