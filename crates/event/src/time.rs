//! Time as the log knows it: microseconds since the Unix epoch, UTC.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names an instant in microseconds since the Unix epoch; prints as RFC 3339 UTC with six decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest instant: 9999-12-30T21:59:59.999999Z, which has a year of four digits in every zone.
    pub const MAX: Timestamp = Timestamp(253_402_207_199_999_999);
    /// The earliest instant: 0001-01-01T00:00:00Z.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800_000_000);
    /// The Unix epoch.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// Takes microseconds since the Unix epoch, held between [`Timestamp::MIN`] and [`Timestamp::MAX`].
    pub fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros.clamp(Timestamp::MIN.0, Timestamp::MAX.0))
    }

    /// Returns microseconds since the Unix epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns whole seconds since the Unix epoch, 0 for times before it.
    pub fn as_unix_seconds(self) -> u64 {
        u64::try_from(self.0.div_euclid(1_000_000)).unwrap_or(0)
    }

    /// Returns this instant moved later by `duration`.
    pub fn plus(self, duration: Duration) -> Timestamp {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.0.saturating_add(micros))
    }

    /// Returns this instant moved earlier by `duration`.
    pub fn minus(self, duration: Duration) -> Timestamp {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.0.saturating_sub(micros))
    }

    /// Returns the time passed since `earlier`, zero when that lies in the future.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{instant:.6}")
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Timestamp, jiff::Error> {
        if let Some(plain) = plain(text.as_bytes()) {
            return Ok(plain);
        }
        let micros = text.parse::<jiff::Timestamp>()?.as_microsecond();
        if !(Timestamp::MIN.0..=Timestamp::MAX.0).contains(&micros) {
            return Err(jiff::Error::from_args(format_args!("the year is not between 1 and 9999")));
        }
        Ok(Timestamp(micros))
    }
}

/// Reads `2026-03-14T15:09:26.535012Z`, as nearly every event writes it, with or without a fraction of at most nine digits.
///
/// Whatever else is a time, or none, is left to the library: events are read by the million, and this is ten times as fast.
fn plain(text: &[u8]) -> Option<Timestamp> {
    let (date, rest) = text.split_first_chunk::<19>()?;
    let separators = [date[4], date[7], date[10], date[13], date[16]];
    if separators != *b"--T::" {
        return None;
    }
    let year = digits(&date[..4])?;
    let [month, day, hour, minute, second] = [
        digits(&date[5..7])?,
        digits(&date[8..10])?,
        digits(&date[11..13])?,
        digits(&date[14..16])?,
        digits(&date[17..])?,
    ];
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..9999).contains(&year) || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59
    {
        return None;
    }
    let micros = match rest.strip_suffix(b"Z")?.split_first() {
        None => 0,
        Some((b'.', fraction @ [_, ..])) if fraction.len() <= 9 => {
            let scale = 10_i64.pow(fraction.len() as u32);
            digits(fraction)? * 1_000_000 / scale
        }
        Some(_) => return None,
    };
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(Timestamp(seconds * 1_000_000 + micros))
}

/// Reads decimal digits, at most nine.
fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, byte| match byte {
        b'0'..=b'9' => Some(number * 10 + i64::from(byte - b'0')),
        _ => None,
    })
}

/// Counts the days up to a date of the Gregorian calendar; a year is taken to begin with March, so that it ends with the
/// day that only some have.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    let within = (153 * month + 2) / 5 + day - 1;
    before + within - 719_468
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Tells the time. Only `server` implements it on the system's clock.
pub trait Clock: Send + Sync {
    /// Returns the present instant.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is told to move.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Makes a clock that stands at `start`.
    pub fn new(start: Timestamp) -> ManualClock {
        ManualClock(AtomicI64::new(start.as_micros()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.as_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn what_is_read_without_the_library_is_what_it_reads(
            year in prop_oneof![1960i64..2110, 0i64..10_000], month in 0u8..14, day in 0u8..33, hour in 0u8..26, minute in 0u8..62,
            second in 0u8..62, fraction in "|\\.[0-9]{0,10}", zone in "Z|Z|Z|z||\\+01:00", between in "T|T|T|t| ",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
            let theirs = text.parse::<jiff::Timestamp>().ok().map(|instant| instant.as_microsecond());
            if let Some(ours) = plain(text.as_bytes()) {
                prop_assert_eq!(Some(ours.as_micros()), theirs, "{}", text);
            } else if zone == "Z" && between == "T" && fraction != "." && fraction.len() < 11 && (1970..9999).contains(&year) && second < 60 {
                prop_assert_eq!(None, theirs, "{}", text);
            }
        }
    }

    #[test]
    fn prints_and_reads_microseconds() {
        let instant = Timestamp::from_micros(1_764_000_000_000_007);
        assert_eq!(instant.to_string(), "2025-11-24T16:00:00.000007Z");
        assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T21:59:59.999999Z");
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00.000000Z");
    }

    #[test]
    fn every_instant_can_be_printed_and_read() {
        for micros in [i64::MIN, i64::MAX, 0, -1, Timestamp::MAX.as_micros(), Timestamp::MIN.as_micros()] {
            let instant = Timestamp::from_micros(micros);
            assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
        }
        assert!("-000001-01-01T00:00:00Z".parse::<Timestamp>().is_err());
        assert!("9999-12-31T23:59:59Z".parse::<Timestamp>().is_err());
    }
}
