//! What is taken from an event for the columns and the index, in one pass over its bytes, without building a tree.
//!
//! Invariant: a column says of an event exactly what a filter sees at that field, or that it is odd.

use std::borrow::Cow;
use std::fmt;

use event::filter::parse_instant;
use event::limits::{MAX_EVENT_BYTES, MAX_EVENT_DEPTH};
use event::{EventId, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::column::COLUMNS;
use crate::tokens::TokenSet;

/// Longer text is odd, so that dictionaries stay small.
pub(crate) const MAX_COLUMN_BYTES: usize = 1024;
/// How many columns there are.
pub(crate) const COLUMN_COUNT: usize = 10;
/// The place of `time` in a set of fields that are odd; it is the last that is kept.
pub(crate) const TIME: usize = COLUMN_COUNT;
/// How many fields are kept as odd: the columns, and `time`.
pub(crate) const ODD_COUNT: usize = COLUMN_COUNT + 1;
const ID: usize = COLUMN_COUNT + 1;
const SESSION: usize = COLUMN_COUNT + 2;
const FIELD_COUNT: usize = COLUMN_COUNT + 3;
const FIELDS: [&str; FIELD_COUNT] = fields();

/// A set of fields, one bit each, in the order of [`COLUMNS`].
pub(crate) type FieldSet = u16;
/// Every field that may be odd.
const ALL_ODD: FieldSet = (1 << ODD_COUNT) - 1;

const fn fields() -> [&'static str; FIELD_COUNT] {
    let mut fields = [""; FIELD_COUNT];
    let mut at = 0;
    while at < COLUMN_COUNT {
        fields[at] = COLUMNS[at].1;
        at += 1;
    }
    fields[TIME] = "time";
    fields[ID] = "id";
    fields[SESSION] = "session";
    fields
}

/// What was taken from an event.
pub(crate) struct Extracted<'a> {
    /// The text of each column; none where it is absent or odd.
    pub(crate) columns: [Option<Cow<'a, str>>; COLUMN_COUNT],
    /// The columns that decide nothing about this event; and `time`, where a filter sees anything but one instant.
    pub(crate) odd: FieldSet,
    /// The event's own time, where it has one.
    pub(crate) time: Option<Timestamp>,
    /// Its id, where it is a UUID.
    pub(crate) id: Option<[u8; 16]>,
    /// Its session, where it is a UUID.
    pub(crate) session: Option<[u8; 16]>,
}

/// Reads an event. Bytes that no filter could read are odd in every column.
pub(crate) fn extract<'a>(payload: &'a [u8], tokens: &mut TokenSet) -> Extracted<'a> {
    let mut state =
        State { tokens, texts: [const { None }; FIELD_COUNT], seen: 0, entered: 0, odd: 0, depth: 0 };
    match walk(payload, &mut state) {
        Some(()) => state.conclude(),
        None => Extracted {
            columns: [const { None }; COLUMN_COUNT],
            odd: ALL_ODD,
            time: None,
            id: None,
            session: None,
        },
    }
}

/// Walks an event under the limits of [`event::RecordView::parse`]; none when it would refuse.
fn walk<'a>(payload: &'a [u8], state: &mut State<'a, '_>) -> Option<()> {
    if payload.len() > MAX_EVENT_BYTES {
        return None;
    }
    let text = std::str::from_utf8(payload).ok()?;
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let everything = Place { leaf: 0, below: (1 << FIELD_COUNT) - 1, offset: 0, plain: true };
    Walk { state, place: everything }.deserialize(&mut reader).ok()?;
    reader.end().ok()
}

struct State<'a, 's> {
    tokens: &'s mut TokenSet,
    texts: [Option<Cow<'a, str>>; FIELD_COUNT],
    /// Fields at which something was found.
    seen: FieldSet,
    /// Fields whose path was begun.
    entered: FieldSet,
    odd: FieldSet,
    depth: usize,
}

/// Where in the event a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// The field whose value this is.
    leaf: FieldSet,
    /// Fields that may stand below it.
    below: FieldSet,
    /// Bytes of their paths that lead here; the same for all of them.
    offset: u8,
    /// Whether no list and no key with a dot in it leads here.
    plain: bool,
}

const NOWHERE: Place = Place { leaf: 0, below: 0, offset: 0, plain: false };

impl<'a> State<'a, '_> {
    fn text(&mut self, place: Place, text: Cow<'a, str>) {
        self.tokens.add_text(&text);
        if place.leaf == 0 {
            return;
        }
        if !place.plain || self.seen & place.leaf != 0 || text.len() > MAX_COLUMN_BYTES {
            self.odd |= place.leaf;
        } else {
            self.texts[place.leaf.trailing_zeros() as usize] = Some(text);
        }
        self.seen |= place.leaf;
    }

    /// Notes that something other than text stands at a field.
    fn other(&mut self, place: Place) {
        self.seen |= place.leaf;
        self.odd |= place.leaf;
    }

    /// Begins an object or array.
    fn descend<E: Error>(&mut self, place: Place) -> Result<(), E> {
        self.other(place);
        self.depth += 1;
        if self.depth > MAX_EVENT_DEPTH {
            return Err(E::custom("too deep"));
        }
        Ok(())
    }

    /// Finds what a key leads to.
    fn below(&mut self, place: Place, key: &str) -> Place {
        let mut next = NOWHERE;
        let mut rest = place.below;
        while rest != 0 {
            let field = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let path = &FIELDS[field].as_bytes()[usize::from(place.offset)..];
            // Nearly every path is told apart by where its first key ends.
            match path.get(key.len()) {
                None if path == key.as_bytes() => next.leaf |= 1 << field,
                Some(b'.') if path.starts_with(key.as_bytes()) => {
                    next.below |= 1 << field;
                    next.offset = place.offset + key.len() as u8 + 1;
                }
                _ => {}
            }
        }
        if next.below != 0 {
            self.odd |= self.entered & next.below;
            self.entered |= next.below;
        }
        next.plain = place.plain && !key.contains('.');
        next
    }

    fn conclude(mut self) -> Extracted<'a> {
        let mut odd = self.odd;
        while odd != 0 {
            self.texts[odd.trailing_zeros() as usize] = None;
            odd &= odd - 1;
        }
        let id = |text: &Option<Cow<'a, str>>| -> Option<[u8; 16]> {
            text.as_ref()?.parse::<EventId>().ok().map(|id| *id.as_bytes())
        };
        let instant = self.texts[TIME].as_ref().and_then(|text| parse_instant(text));
        let odd = if instant.is_some() { self.odd } else { self.odd | 1 << TIME };
        Extracted {
            time: self.texts[TIME].as_ref().and_then(|text| text.parse().ok()),
            id: id(&self.texts[ID]),
            session: id(&self.texts[SESSION]),
            columns: std::array::from_fn(|column| self.texts[column].take()),
            odd: odd & ALL_ODD,
        }
    }
}

/// Reads one value.
struct Walk<'a, 's, 'w> {
    state: &'w mut State<'a, 's>,
    place: Place,
}

impl<'de> DeserializeSeed<'de> for Walk<'de, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'de, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    /// For a filter, `null` is as good as absent.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.state.tokens.add_text(if value { "true" } else { "false" });
        self.state.other(self.place);
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.state.tokens.add_whole(value.unsigned_abs());
        self.state.other(self.place);
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.state.tokens.add_whole(value);
        self.state.other(self.place);
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.state.tokens.add_float(value);
        self.state.other(self.place);
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<(), E> {
        self.state.text(self.place, Cow::Borrowed(value));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match self.place.leaf {
            0 => self.state.tokens.add_text(value),
            _ => self.state.text(self.place, Cow::Owned(value.to_owned())),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.state.descend(self.place)?;
        let place = Place { leaf: 0, plain: false, ..self.place };
        while items.next_element_seed(Walk { state: &mut *self.state, place })?.is_some() {}
        self.state.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.state.descend(self.place)?;
        while let Some(place) = entries.next_key_seed(Key { state: &mut *self.state, place: self.place })? {
            entries.next_value_seed(Walk { state: &mut *self.state, place })?;
        }
        self.state.depth -= 1;
        Ok(())
    }
}

/// Reads a key: where its value stands.
struct Key<'a, 's, 'w> {
    state: &'w mut State<'a, 's>,
    place: Place,
}

impl<'de> DeserializeSeed<'de> for Key<'de, '_, '_> {
    type Value = Place;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Place, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'de, '_, '_> {
    type Value = Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Place, E> {
        Ok(if self.place.below == 0 { NOWHERE } else { self.state.below(self.place, key) })
    }
}
