//! The shape of an event from elsewhere: all that [`Record`](crate::Record) asks for, checked in one pass over the
//! bytes without keeping what they say.
//!
//! The small objects of the envelope are checked by [`Checked`].

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::limits::{MAX_EVENT_DEPTH, Readable};
use crate::members::Checked;
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
        Shape::check_text(std::str::from_utf8(json).map_err(serde_json::Error::custom)?)
    }

    /// Checks that a text is an event.
    pub(crate) fn check_text(json: &str) -> Result<(), serde_json::Error> {
        serde_json::from_str::<Shape>(json).map(drop)
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
        "actor" => entries.next_value::<Checked<Actor>>().map(drop),
        "origin" => entries.next_value::<Option<Checked<Origin>>>().map(drop),
        "target" => entries.next_value::<Option<Checked<Target>>>().map(drop),
        "session" => entries.next_value::<Option<SessionId>>().map(drop),
        "source" => entries.next_value::<Option<Checked<Source>>>().map(drop),
        "policy" => entries.next_value::<Option<Checked<Policy>>>().map(drop),
        "reason" | "raw" => entries.next_value::<Option<Key<'_>>>().map(drop),
        _ => entries.next_value_seed(INNER),
    }
}
