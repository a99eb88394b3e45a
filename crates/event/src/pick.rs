//! Picking: one pass over a record of another system that checks every byte of it and keeps the few values that an
//! event's envelope needs.
//!
//! What a [`Picker`] has read can be read by everyone later; only it makes [`Verbatim`], so nothing else can stand in an
//! event as it came.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits::{MAX_EVENT_DEPTH, Readable};

/// Stands in a path for the first item of an array.
pub const FIRST: &str = "[0]";

/// The paths whose values are wanted, as a tree.
#[derive(Debug)]
pub struct Picker {
    nodes: Vec<Node>,
    slots: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: Vec<(&'static str, usize)>,
    slot: Option<usize>,
}

/// A value that was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Whole(i64),
    /// An object.
    Object,
    /// Any other value but `null`, which is as good as none.
    Other,
}

/// The values that were found, in the order of the picker's paths. It can be used again for the next record.
#[derive(Debug, Default)]
pub struct Picks<'a> {
    slots: Vec<Option<Pick<'a>>>,
}

/// A JSON value that every later reader can read, byte for byte as it came, without white space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verbatim<'a>(&'a str);

impl<'a> Verbatim<'a> {
    /// Returns the value's bytes.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Says whether it is an object.
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }
}

impl<'a> Picks<'a> {
    /// Returns the value at the path of this number.
    pub fn get(&self, path: usize) -> Option<&Pick<'a>> {
        self.slots.get(path)?.as_ref()
    }

    /// Returns the text at the path of this number; empty text is as good as none.
    pub fn text(&self, path: usize) -> Option<&str> {
        match self.get(path)? {
            Pick::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Returns the whole number at the path of this number.
    pub fn whole(&self, path: usize) -> Option<i64> {
        match self.get(path)? {
            Pick::Whole(number) => Some(*number),
            _ => None,
        }
    }
}

impl Picker {
    /// Makes a picker of paths; the segments of each are keys, or [`FIRST`].
    pub fn new(paths: &[&[&'static str]]) -> Picker {
        let mut nodes = vec![Node::default()];
        for (slot, path) in paths.iter().enumerate() {
            let mut at = 0;
            for segment in *path {
                let known =
                    nodes[at].children.iter().find(|(name, _)| name == segment).map(|(_, child)| *child);
                at = known.unwrap_or_else(|| {
                    nodes.push(Node::default());
                    let child = nodes.len() - 1;
                    nodes[at].children.push((segment, child));
                    child
                });
            }
            nodes[at].slot = Some(slot);
        }
        Picker { nodes, slots: paths.len() }
    }

    /// Reads one JSON value to its end. A wanted value that stands there twice is refused: either could be meant.
    pub fn read<'a>(&self, json: &'a str, picks: &mut Picks<'a>) -> Result<Verbatim<'a>, serde_json::Error> {
        let json = json.trim_matches([' ', '\t', '\r', '\n']);
        picks.slots.clear();
        picks.slots.resize(self.slots, None);
        let mut reader = serde_json::Deserializer::from_str(json);
        // An event's own object is one level around it.
        let depth = Readable { levels: MAX_EVENT_DEPTH - 1 };
        Walk { picker: self, node: 0, depth, slots: &mut picks.slots }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(Verbatim(json))
    }

    fn child(&self, node: usize, name: &str) -> Option<usize> {
        self.nodes[node].children.iter().find(|(known, _)| *known == name).map(|(_, child)| *child)
    }
}

/// The way through one value that is, or holds, something wanted.
struct Walk<'p, 's, 'a> {
    picker: &'p Picker,
    node: usize,
    depth: Readable,
    slots: &'s mut Vec<Option<Pick<'a>>>,
}

impl<'a> Walk<'_, '_, 'a> {
    fn keep<E: Error>(&mut self, pick: Pick<'a>) -> Result<(), E> {
        let Some(slot) = self.picker.nodes[self.node].slot else { return Ok(()) };
        match self.slots[slot].replace(pick) {
            None => Ok(()),
            Some(_) => Err(E::custom("a field that says what happened stands there twice")),
        }
    }

    /// Goes on to a wanted value below this one.
    fn below(&mut self, node: usize, depth: Readable) -> Walk<'_, '_, 'a> {
        Walk { picker: self.picker, node, depth, slots: self.slots }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, _: bool) -> Result<(), E> {
        self.keep(Pick::Other)
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        self.keep(Pick::Whole(value))
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        self.keep(i64::try_from(value).map_or(Pick::Other, Pick::Whole))
    }

    fn visit_f64<E: Error>(mut self, _: f64) -> Result<(), E> {
        self.keep(Pick::Other)
    }

    fn visit_borrowed_str<E: Error>(mut self, value: &'de str) -> Result<(), E> {
        self.keep(Pick::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        self.keep(Pick::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let inner = self.depth.deeper()?;
        self.keep(Pick::Other)?;
        if let Some(first) = self.picker.child(self.node, FIRST)
            && items.next_element_seed(self.below(first, inner))?.is_none()
        {
            return Ok(());
        }
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let inner = self.depth.deeper()?;
        self.keep(Pick::Object)?;
        while let Some(child) = entries.next_key_seed(Name { picker: self.picker, node: self.node })? {
            match child {
                Some(child) => entries.next_value_seed(self.below(child, inner))?,
                None => entries.next_value_seed(inner)?,
            }
        }
        Ok(())
    }
}

/// Finds the wanted path that goes on with a key, without keeping the key.
struct Name<'p> {
    picker: &'p Picker,
    node: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.picker.child(self.node, name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::RecordView;

    fn picker() -> Picker {
        Picker::new(&[
            &["verb"],
            &["user", "name"],
            &["ips", FIRST],
            &["notes", "a.b/c"],
            &["user"],
            &["code"],
        ])
    }

    #[test]
    fn wanted_values_are_found_and_the_bytes_stay() {
        let json = r#"  {"verb":"g\u0065t","x":{"verb":1},"user":{"name":"alice"},"ips":["::1","b"],"notes":{"a.b/c":"why"},"code":403} "#;
        let mut picks = Picks::default();
        let verbatim = picker().read(json, &mut picks).unwrap();
        assert_eq!(verbatim.as_str(), json.trim());
        assert_eq!(
            [0, 1, 2, 3].map(|path| picks.text(path)),
            [Some("get"), Some("alice"), Some("::1"), Some("why")]
        );
        assert_eq!((picks.get(4), picks.whole(5)), (Some(&Pick::Object), Some(403)));
        assert!(matches!(picks.get(1), Some(Pick::Text(Cow::Borrowed(_)))));
        picker().read(r#"{"verb":null,"ips":[],"user":7}"#, &mut picks).unwrap();
        assert_eq!([0, 1, 2, 3].map(|path| picks.text(path)), [None; 4]);
    }

    #[test]
    fn what_is_ambiguous_deep_or_unreadable_is_refused() {
        let mut picks = Picks::default();
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(99), "]".repeat(99));
        for bad in [
            r#"{"verb":"a","verb":"b"}"#,
            r#"{"user":{"name":"a"},"user":{"name":"b"}}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
            "{} {}",
            "",
            &deep,
        ] {
            assert!(picker().read(bad, &mut picks).is_err(), "{bad}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(98), "]".repeat(98));
        assert!(picker().read(&deep, &mut picks).is_ok());
    }

    proptest! {
        #[test]
        fn what_was_picked_from_can_be_viewed_inside_an_event(text in "[\\[\\]{}\",:a-c0-9\\\\ue.-]{0,40}") {
            let mut picks = Picks::default();
            if let Ok(verbatim) = picker().read(&text, &mut picks) {
                let event = format!("{{\"detail\":{}}}", verbatim.as_str());
                prop_assert!(RecordView::parse(event.as_bytes()).is_ok());
            }
        }
    }
}
