//! Texts that the bytes of an event must hold for a question to take it: looked for before the event is read as JSON.
//!
//! The invariant: never a wrong no. A part can stand in the bytes otherwise than as itself only where they hold escapes or
//! letters beyond ASCII (some fold to ASCII), or where it is a number, which has many spellings; then it is not looked for.

use std::sync::LazyLock;

use memchr::memchr2_iter;
use memchr::memmem::Finder;

/// Letters from the rarest to the most frequent; digits and dots are more frequent than any of them, in what machines write.
const BY_RARITY: &[u8] = b"zqxjkvbpygfwmucldrhsnioate";
/// How a letter begins that is written as an escape.
static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u"));

/// What must be there.
#[derive(Debug)]
pub(crate) enum Literals {
    Anything,
    Every(Vec<Literals>),
    Any(Vec<Literals>),
    Part(Needle),
}

/// A folded part of ASCII.
#[derive(Debug)]
pub(crate) enum Needle {
    /// One without letters, which is written in one way only.
    Plain(Box<Finder<'static>>),
    /// One with letters.
    Folded {
        part: Vec<u8>,
        /// Where its rarest letter stands.
        rarest: usize,
    },
}

impl Literals {
    /// Demands the folded parts of a text.
    pub(crate) fn of_parts(parts: &[String]) -> Literals {
        Literals::every(parts.iter().map(|part| Literals::of_part(part)))
    }

    fn of_part(part: &str) -> Literals {
        let bytes = part.as_bytes();
        let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e');
        let may_be_number = bytes.iter().any(u8::is_ascii_digit)
            && bytes.iter().all(is_number)
            && bytes.iter().filter(|byte| **byte == b'.').count() < 2;
        if bytes.is_empty() || !part.is_ascii() || may_be_number {
            return Literals::Anything;
        }
        let rarity = |byte: u8| BY_RARITY.iter().position(|known| *known == byte);
        let rarest = bytes.iter().enumerate().filter_map(|(at, byte)| Some((rarity(*byte)?, at))).min();
        Literals::Part(match rarest {
            Some((_, rarest)) => Needle::Folded { part: bytes.to_vec(), rarest },
            None => Needle::Plain(Box::new(Finder::new(bytes).into_owned())),
        })
    }

    /// Demands all of these.
    pub(crate) fn every(all: impl IntoIterator<Item = Literals>) -> Literals {
        let mut all: Vec<Literals> = all.into_iter().filter(|one| !one.is_anything()).collect();
        match all.len() {
            0 => Literals::Anything,
            1 => all.remove(0),
            _ => Literals::Every(all),
        }
    }

    /// Demands one of these; where there is none, nothing can be there.
    pub(crate) fn any(any: impl IntoIterator<Item = Literals>) -> Literals {
        let any: Vec<Literals> = any.into_iter().collect();
        if any.iter().any(Literals::is_anything) { Literals::Anything } else { Literals::Any(any) }
    }

    /// Says whether an event of these bytes may hold them.
    pub(crate) fn may_be_in(&self, payload: &[u8]) -> bool {
        self.is_anything() || !payload.is_ascii() || self.are_in(payload) || ESCAPE.find(payload).is_some()
    }

    fn is_anything(&self) -> bool {
        matches!(self, Literals::Anything)
    }

    fn are_in(&self, payload: &[u8]) -> bool {
        match self {
            Literals::Anything => true,
            Literals::Every(all) => all.iter().all(|one| one.are_in(payload)),
            Literals::Any(any) => any.iter().any(|one| one.are_in(payload)),
            Literals::Part(needle) => needle.is_in(payload),
        }
    }
}

impl Needle {
    fn is_in(&self, payload: &[u8]) -> bool {
        let (part, rarest) = match self {
            Needle::Plain(finder) => return finder.find(payload).is_some(),
            Needle::Folded { part, rarest } => (part, *rarest),
        };
        let byte = part[rarest];
        memchr2_iter(byte, byte.to_ascii_uppercase(), payload).any(|at| {
            let window = at.checked_sub(rarest).and_then(|start| payload[start..].get(..part.len()));
            window.is_some_and(|window| window.eq_ignore_ascii_case(part))
        })
    }
}

#[cfg(test)]
mod tests {
    use event::filter::tokens;
    use event::{Filter, FilterContext, RecordView, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Literals {
        let parts: Vec<String> = tokens::parts(text).map(tokens::fold).collect();
        Literals::of_parts(&parts)
    }

    #[test]
    fn parts_are_found_in_any_case_and_only_where_all_are() {
        let payload = br#"{"a":"The QUORUM of 10.1.2.3"}"#;
        for (text, found) in [
            ("quorum", true),
            ("the quorum", true),
            ("10.1.2.3", true),
            ("10.1.2.4", false),
            ("quorums", false),
            ("of members", false),
        ] {
            assert_eq!(of(text).may_be_in(payload), found, "{text}");
        }
    }

    #[test]
    fn what_can_be_written_otherwise_is_not_missed() {
        for (text, payload) in [
            ("100", r#"{"a":1e2}"#),
            ("0.5", r#"{"a":5e-1}"#),
            ("abc", r#"{"a":"\u0061bc"}"#),
            ("kelvin", "{\"a\":\"\u{212a}elvin\"}"),
            ("é", r#"{"a":"É"}"#),
        ] {
            assert!(of(text).may_be_in(payload.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_filter_finds_is_missed(
            text in "[a-eA-E0-3é.\u{212a}]{1,6}( [a-eA-E0-3.]{1,4})?",
            value in "[a-eA-E0-3é. \"\\\\\n\u{212a}]{0,20}",
            number in proptest::num::f64::NORMAL,
        ) {
            let filter = Filter::parse(&format!("\"{text}\""), &FilterContext::utc(Timestamp::EPOCH));
            prop_assume!(filter.is_ok());
            let payload = serde_json::json!({ "kind": "x", "v": [value, number] }).to_string();
            let view = RecordView::parse(payload.as_bytes()).unwrap();
            prop_assert!(!filter.unwrap().matches(&view) || of(&text).may_be_in(payload.as_bytes()));
        }
    }
}
