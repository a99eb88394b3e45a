//! Identifiers: UUID version 7 (RFC 9562), which sort by the time of their making.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from the present instant and ten random bytes.
            pub fn new(now: Timestamp, random: [u8; 10]) -> $name {
                let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
                $name(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// Returns the instant of its making, to the millisecond; `None` for an id of another UUID version.
            pub fn time(&self) -> Option<Timestamp> {
                if self.0.get_version_num() != 7 {
                    return None;
                }
                let bytes = self.0.as_bytes();
                let millis = bytes[..6].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
                Some(Timestamp::from_micros(millis.saturating_mul(1000)))
            }

            /// Returns the sixteen bytes of the id.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<$name, uuid::Error> {
                Uuid::parse_str(text).map($name)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": "uuid" })
            }
        }
    )* };
}

identifiers! {
    /// Names one event; exports use it to recognise a repeat.
    EventId
    /// Names one session, from the moment access was granted to its end.
    SessionId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_of_their_making() {
        let earlier = EventId::new(Timestamp::from_micros(1_764_000_000_000_000), [0xff; 10]);
        let later = EventId::new(Timestamp::from_micros(1_764_000_000_001_000), [0; 10]);
        assert!(earlier < later);
        assert!(earlier.to_string() < later.to_string());
    }

    #[test]
    fn an_id_tells_its_millisecond() {
        let id = SessionId::new(Timestamp::from_micros(1_764_000_000_123_456), [7; 10]);
        assert_eq!(id.time(), Some(Timestamp::from_micros(1_764_000_000_123_000)));
        assert_eq!(id.to_string().parse::<SessionId>().unwrap(), id);
        assert_eq!(id.as_bytes()[6] >> 4, 7);
    }

    #[test]
    fn an_id_of_another_version_tells_no_time() {
        let random: EventId = "936da01f-9abd-4d9d-80c7-02af85c822a8".parse().unwrap();
        assert_eq!(random.time(), None);
        let widest: EventId = "ffffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap();
        assert_eq!(widest.time(), Some(Timestamp::MAX));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "alice", "0197c5b2", "0197c5b2-0000-7000-8000-00000000000g"] {
            assert!(text.parse::<EventId>().is_err(), "{text:?}");
        }
    }
}
