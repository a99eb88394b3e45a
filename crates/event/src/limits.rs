//! What bytes from elsewhere must keep to before they are taken as an event: size, depth, well-formedness.
//!
//! It is the one gate: whatever passes it can later be read back, searched and shown, so that no event can hide
//! from its readers by being unreadable.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The largest event that is taken, in bytes of JSON. An API server's audit line may reach 16 MiB.
pub const MAX_EVENT_BYTES: usize = 20 << 20;

/// How deep an event's objects and arrays may nest. The JSON reader itself gives up at 128.
pub const MAX_EVENT_DEPTH: usize = 100;

/// Why bytes are refused before anyone looks at what they say.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// More bytes than [`MAX_EVENT_BYTES`].
    #[error("an event of {0} bytes is larger than the {MAX_EVENT_BYTES} that the log takes")]
    TooLarge(usize),
    /// Deeper than [`MAX_EVENT_DEPTH`].
    #[error("an event nested deeper than {MAX_EVENT_DEPTH} objects and arrays cannot be taken")]
    TooDeep,
}

/// Checks size and depth in one pass, without recursion and without keeping anything.
pub fn check(json: &[u8]) -> Result<(), LimitError> {
    if json.len() > MAX_EVENT_BYTES {
        return Err(LimitError::TooLarge(json.len()));
    }
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_EVENT_DEPTH {
                    return Err(LimitError::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// A JSON value that was read to its last character and then forgotten.
///
/// Unlike `serde::de::IgnoredAny`, which skips text unread, it refuses what a later reader would refuse: text that is
/// not UTF-8, half a surrogate pair, a number too large for a double.
pub(crate) struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Readable, D::Error> {
        deserializer.deserialize_any(ReadableVisitor)
    }
}

struct ReadableVisitor;

impl<'de> Visitor<'de> for ReadableVisitor {
    type Value = Readable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Readable, E> {
        Ok(Readable)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Readable, E> {
        Ok(Readable)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Readable, E> {
        Ok(Readable)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Readable, E> {
        Ok(Readable)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Readable, E> {
        Ok(Readable)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Readable, E> {
        Ok(Readable)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Readable, A::Error> {
        while items.next_element::<Readable>()?.is_some() {}
        Ok(Readable)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Readable, A::Error> {
        while entries.next_entry::<Readable, Readable>()?.is_some() {}
        Ok(Readable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings_only() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(check(nested(MAX_EVENT_DEPTH).as_bytes()).is_ok());
        assert!(matches!(check(nested(MAX_EVENT_DEPTH + 1).as_bytes()), Err(LimitError::TooDeep)));
        let quoted = format!(r#"{{"brackets":"\"{}"}}"#, "[{".repeat(500));
        assert!(check(quoted.as_bytes()).is_ok());
    }

    #[test]
    fn size_is_bounded() {
        assert!(matches!(check(&vec![b' '; MAX_EVENT_BYTES + 1]), Err(LimitError::TooLarge(_))));
    }

    #[test]
    fn what_no_reader_could_read_is_not_readable() {
        for bad in [&br#""\ud800""#[..], b"\"\xff\"", b"1e999", b"{\"a\":}", b"nul"] {
            assert!(serde_json::from_slice::<Readable>(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
        assert!(serde_json::from_str::<Readable>(r#"{"a":[1,-2,3.5,null,true,"\u00e9",{}]}"#).is_ok());
    }
}
