//! Names that end up in certificates: of people, of accounts, of hosts.
//!
//! A certificate's principals are a list that other programs split and match as patterns, and a key id is split at
//! colons. So a name holds only characters that no such program gives a meaning to. Parsed at the edge, trusted inside.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
const MAX_PRINCIPAL_BYTES: usize = 253;

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is no name.
    #[error("a name is needed, and this one is empty")]
    Empty,
    /// The name is too long.
    #[error("a name has at most {most} bytes, and this one has {length}")]
    Long {
        /// Bytes that it has.
        length: usize,
        /// Bytes that it may have.
        most: usize,
    },
    /// The name begins with a character that only later places may have.
    #[error("a name begins with a letter or a digit")]
    Start,
    /// The name has a character that it may not have.
    #[error("a name has only {allowed}; {found:?} is not allowed")]
    Character {
        /// The first such character.
        found: char,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// Name of a person: lower-case ASCII letters, digits, `.`, `_` and `-`, at most 64 bytes.
///
/// Lower case only, so that no two people's names differ by case alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

/// Name that a certificate speaks for: an account on a target, or a host.
///
/// ASCII letters, digits, `.`, `_` and `-`, beginning with a letter, a digit or `_`. Never `*`, a comma, a colon or space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal(String);

impl FromStr for UserName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<UserName, NameError> {
        let start = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        check(text, MAX_NAME_BYTES, start, start, "lower-case letters, digits, '.', '_' and '-'")?;
        Ok(UserName(text.to_owned()))
    }
}

impl FromStr for Principal {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Principal, NameError> {
        let inside = |c: char| c.is_ascii_alphanumeric();
        let start = |c: char| inside(c) || c == '_';
        check(text, MAX_PRINCIPAL_BYTES, start, inside, "letters, digits, '.', '_' and '-'")?;
        Ok(Principal(text.to_owned()))
    }
}

fn check(
    text: &str,
    most: usize,
    start: impl Fn(char) -> bool,
    inside: impl Fn(char) -> bool,
    allowed: &'static str,
) -> Result<(), NameError> {
    let first = text.chars().next().ok_or(NameError::Empty)?;
    if text.len() > most {
        return Err(NameError::Long { length: text.len(), most });
    }
    if let Some(found) = text.chars().find(|&c| !inside(c) && !matches!(c, '.' | '_' | '-')) {
        return Err(NameError::Character { found, allowed });
    }
    if start(first) { Ok(()) } else { Err(NameError::Start) }
}

macro_rules! text_of {
    ($($name:ident)*) => { $(
        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<$name, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    )* };
}

text_of!(UserName Principal);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REFUSED_BY_BOTH: &[&str] = &[
        "",
        " ",
        "a b",
        "a\tb",
        "a\nb",
        "a\0b",
        "a\u{7f}",
        "*",
        "a*",
        "a,b",
        ",",
        "a:b",
        ":",
        "a/b",
        "../a",
        "a@b",
        "@",
        "-a",
        ".a",
        "..",
        "a\\b",
        "a%b",
        "a$",
        "a;b",
        "a'b",
        "a\"b",
        "a`b",
        "a|b",
        "a(b",
        "é",
        "а",
        "a\u{200b}",
        "a=b",
        "?",
        "!a",
        "#a",
    ];

    #[test]
    fn names_that_other_programs_split_or_match_are_refused() {
        for text in REFUSED_BY_BOTH {
            assert!(text.parse::<UserName>().is_err(), "{text:?}");
            assert!(text.parse::<Principal>().is_err(), "{text:?}");
        }
        for text in ["Alice", "_apt"] {
            assert!(text.parse::<UserName>().is_err(), "{text:?}");
            assert!(text.parse::<Principal>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn ordinary_names_are_taken() {
        for text in ["alice", "a", "7", "alice.b-c_d", "x9"] {
            assert_eq!(text.parse::<UserName>().unwrap().as_str(), text);
            assert_eq!(text.parse::<Principal>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn long_names_are_refused() {
        assert!("a".repeat(64).parse::<UserName>().is_ok());
        assert!(matches!("a".repeat(65).parse::<UserName>(), Err(NameError::Long { length: 65, most: 64 })));
        assert!("a".repeat(254).parse::<Principal>().is_err());
    }

    #[test]
    fn stored_names_are_checked_again_when_read() {
        assert!(serde_json::from_str::<UserName>("\"a,b\"").is_err());
        assert_eq!(serde_json::from_str::<UserName>("\"alice\"").unwrap().as_str(), "alice");
    }

    proptest! {
        #[test]
        fn no_accepted_name_holds_a_separator(text in "\\PC{0,80}") {
            if text.parse::<UserName>().is_ok() || text.parse::<Principal>().is_ok() {
                prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)));
            }
        }
    }
}
