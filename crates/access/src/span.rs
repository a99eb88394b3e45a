//! Lengths of time as people write them: `8h`, `30m`, `1h30m`, `45s`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest length of time that is taken.
pub const LONGEST: Duration = Duration::from_secs(366 * DAY);

const DAY: u64 = 86_400;
/// Units, largest first, each at most once and in this order.
const UNITS: [(char, u64); 4] = [('d', DAY), ('h', 3600), ('m', 60), ('s', 1)];

/// A length of time of at least a second, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

/// Why text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a length of time; write it like `8h`, `30m`, `1h30m` or `45s`, from 1s to 366d")]
pub struct SpanError(String);

impl Span {
    /// Takes a duration, cut to whole seconds and held between one second and [`LONGEST`].
    pub fn new(duration: Duration) -> Span {
        Span(Duration::from_secs(duration.as_secs()).clamp(Duration::from_secs(1), LONGEST))
    }

    /// Returns the length.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        let error = || SpanError(crate::names::shorten(text));
        let seconds = seconds(text).ok_or_else(error)?;
        let within = (1..=LONGEST.as_secs()).contains(&seconds);
        within.then_some(Span(Duration::from_secs(seconds))).ok_or_else(error)
    }
}

fn seconds(text: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut rest = text;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let (_, size) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(count.checked_mul(*size)?)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    Some(total)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_secs();
        for (name, size) in UNITS {
            if rest >= size {
                write!(f, "{}{name}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_lengths_are_taken() {
        for (text, seconds) in [("8h", 28_800), ("30m", 1800), ("1h30m", 5400), ("90s", 90), ("7d", 604_800)]
        {
            assert_eq!(text.parse::<Span>().unwrap().duration().as_secs(), seconds, "{text}");
        }
        for bad in
            ["", "0s", "h", "8", "8 h", "-1h", "1m1h", "1h1h", "8h30", "367d", "99999999999999999999d", "1µ"]
        {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_agree(seconds in 1..=LONGEST.as_secs()) {
            let span = Span::new(Duration::from_secs(seconds));
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = text.parse::<Span>();
        }
    }
}
