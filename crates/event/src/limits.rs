//! What bytes from elsewhere must keep to before they are taken as an event: size, depth, well-formedness.
//!
//! It is the one gate: whatever passes it can later be read back, searched and shown, so that no event can hide
//! from its readers by being unreadable.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The largest event that is taken, in bytes of JSON. An API server's audit line may reach 16 MiB.
pub const MAX_EVENT_BYTES: usize = 20 << 20;

/// How deep an event's objects and arrays may nest. The JSON reader itself gives up at 128.
pub const MAX_EVENT_DEPTH: usize = 100;

/// Bytes of a free-form value that comes from a client and goes into an event.
pub const MAX_VALUE_BYTES: usize = 4 << 10;

/// Cuts a client's text to what an event's free-form value may have.
pub fn shorten(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_VALUE_BYTES)].to_owned()
}

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

/// Reads a JSON value to its last character and forgets it; refuses what nests deeper than its levels.
///
/// Unlike `serde::de::IgnoredAny`, which skips text unread, it refuses what a later reader would refuse: text that is
/// not UTF-8, half a surrogate pair, a number too large for a double.
#[derive(Clone, Copy)]
pub(crate) struct Readable {
    /// How many objects and arrays may stand in each other.
    pub(crate) levels: usize,
}

impl Readable {
    /// Goes one object or array deeper.
    pub(crate) fn deeper<E: Error>(self) -> Result<Readable, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| E::custom(LimitError::TooDeep))?;
        Ok(Readable { levels })
    }
}

impl<'de> DeserializeSeed<'de> for Readable {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while entries.next_key_seed(inner)?.is_some() {
            entries.next_value_seed(inner)?;
        }
        Ok(())
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

    fn read(json: &[u8], levels: usize) -> Result<(), serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        Readable { levels }.deserialize(&mut reader)?;
        reader.end()
    }

    #[test]
    fn what_no_reader_could_read_is_not_readable() {
        for bad in [&br#""\ud800""#[..], b"\"\xff\"", b"1e999", b"{\"a\":}", b"nul", br#"{"\ud800":1}"#] {
            assert!(read(bad, 9).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
        assert!(read(br#"{"a":[1,-2,3.5,null,true,"\u00e9",{}]}"#, 9).is_ok());
    }

    #[test]
    fn levels_are_counted_as_depth_is() {
        assert!(read(b"[{\"a\":[]}]", 3).is_ok());
        assert!(read(b"[{\"a\":[]}]", 2).is_err());
        assert!(read(b"\"[[[\"", 0).is_ok());
    }
}
