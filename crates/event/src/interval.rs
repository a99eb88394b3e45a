//! Intervals of the calendar in a reader's zone: into which of them an instant falls.
//!
//! Every instant falls into exactly one; what is counted by them adds up.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::Unit;
pub use jiff::tz::TimeZone;

use crate::Timestamp;
use crate::filter::dates::{round_down, span};

/// An interval: so many of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    count: i64,
    unit: Unit,
}

/// A text that names no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an interval; write minute, hour, day, week, month or year, or like 30s, 5m or 3h, where a whole number of them \
     makes a minute, an hour or a day"
)]
pub struct IntervalError;

/// A text that names no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a zone that this server knows; write like Europe/Berlin, +02:00 or UTC")]
pub struct ZoneError;

/// Intervals that people like to read, the shortest first.
const LADDER: &[Interval] = &[
    Interval::of(1, Unit::Second),
    Interval::of(5, Unit::Second),
    Interval::of(15, Unit::Second),
    Interval::of(1, Unit::Minute),
    Interval::of(5, Unit::Minute),
    Interval::of(15, Unit::Minute),
    Interval::of(1, Unit::Hour),
    Interval::of(3, Unit::Hour),
    Interval::of(12, Unit::Hour),
    Interval::of(1, Unit::Day),
    Interval::of(1, Unit::Week),
    Interval::of(1, Unit::Month),
    Interval::of(1, Unit::Year),
];

impl Interval {
    const fn of(count: i64, unit: Unit) -> Interval {
        Interval { count, unit }
    }

    /// Returns the shortest interval of which about `most`, or fewer, cover a range.
    pub fn fitting(range: &Range<Timestamp>, most: usize) -> Interval {
        let micros = range.end.as_micros().saturating_sub(range.start.as_micros());
        let most = i64::try_from(most.max(1)).unwrap_or(i64::MAX);
        let fits = |interval: &&Interval| micros / interval.about_micros() <= most;
        LADDER.iter().find(fits).copied().unwrap_or(Interval::of(1, Unit::Year))
    }

    /// Returns the interval that an instant falls into, from its begin to that of the next.
    pub fn around(self, at: Timestamp, zone: &TimeZone) -> Range<Timestamp> {
        if self.is_clock_time() { self.by_the_clock(at, zone) } else { self.by_the_calendar(at, zone) }
    }

    /// Counts from the local midnight's offset, so that an hour begins with the local hour.
    fn by_the_clock(self, at: Timestamp, zone: &TimeZone) -> Range<Timestamp> {
        let length = self.about_micros();
        let instant = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
        let offset = i64::from(zone.to_offset(instant).seconds()) * 1_000_000;
        let start = (at.as_micros() + offset).div_euclid(length) * length - offset;
        Timestamp::from_micros(start)..Timestamp::from_micros(start + length)
    }

    fn by_the_calendar(self, at: Timestamp, zone: &TimeZone) -> Range<Timestamp> {
        let found = || {
            let instant = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
            let start = round_down(&instant.to_zoned(zone.clone()), self.unit)?;
            // Where midnight does not exist, the next day still begins at its own.
            let next =
                start.checked_add(span(1, self.unit)?).ok().and_then(|next| round_down(&next, self.unit));
            let micros = |zoned: jiff::Zoned| Timestamp::from_micros(zoned.timestamp().as_microsecond());
            Some(micros(start)..next.map_or(Timestamp::MAX, micros))
        };
        found().unwrap_or(Timestamp::MIN..Timestamp::MAX)
    }

    fn is_clock_time(self) -> bool {
        matches!(self.unit, Unit::Second | Unit::Minute | Unit::Hour)
    }

    fn about_micros(self) -> i64 {
        let seconds = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
            Unit::Month => 30 * 86_400,
            _ => 365 * 86_400,
        };
        self.count * seconds * 1_000_000
    }
}

/// Prints a form that reads back.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, letter) = match self.unit {
            Unit::Second => ("second", 's'),
            Unit::Minute => ("minute", 'm'),
            Unit::Hour => ("hour", 'h'),
            Unit::Day => ("day", 'd'),
            Unit::Week => ("week", 'w'),
            Unit::Month => ("month", 'M'),
            _ => ("year", 'y'),
        };
        if self.count == 1 { f.write_str(word) } else { write!(f, "{}{letter}", self.count) }
    }
}

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Interval, IntervalError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let count = if count.is_empty() { 1 } else { count.parse().map_err(|_| IntervalError)? };
        let (unit, whole) = match unit {
            "s" | "second" => (Unit::Second, 60),
            "m" | "minute" => (Unit::Minute, 60),
            "h" | "hour" => (Unit::Hour, 24),
            "d" | "day" => (Unit::Day, 1),
            "w" | "week" => (Unit::Week, 1),
            "M" | "month" => (Unit::Month, 1),
            "y" | "year" => (Unit::Year, 1),
            _ => return Err(IntervalError),
        };
        if count < 1 || count > whole || whole % count != 0 {
            return Err(IntervalError);
        }
        Ok(Interval { count, unit })
    }
}

/// Reads a zone: a name of the IANA database, as far as this machine has it, or an offset such as `+02:00`.
pub fn parse_zone(text: &str) -> Result<TimeZone, ZoneError> {
    if text.eq_ignore_ascii_case("utc") || text == "Z" {
        return Ok(TimeZone::UTC);
    }
    if text.starts_with(['+', '-']) {
        let offset =
            jiff::fmt::strtime::parse("%:z", text).or_else(|_| jiff::fmt::strtime::parse("%z", text));
        let offset = offset.ok().and_then(|parsed| parsed.offset()).ok_or(ZoneError)?;
        // As RFC 3339 has it: no clock is a day away from UTC.
        let is_clock = offset.seconds().abs() < 24 * 3600;
        return if is_clock { Ok(TimeZone::fixed(offset)) } else { Err(ZoneError) };
    }
    TimeZone::get(text).map_err(|_| ZoneError)
}

/// Returns the name by which other programs know a zone: that of the time zone database, or an offset like `+02:00`; `None` for
/// one that has neither, such as an offset with seconds.
pub fn zone_name(zone: &TimeZone) -> Option<String> {
    if let Some(name) = zone.iana_name() {
        return Some(name.to_owned());
    }
    let seconds = zone.to_fixed_offset().ok()?.seconds();
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    (seconds % 60 == 0).then(|| format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60))
}

/// Says whether hours begin in a zone when they do in UTC, ever since 1970 and for as long as anybody plans.
pub fn has_whole_hours(zone: &TimeZone) -> bool {
    let (begin, end) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::constant(4_102_444_800, 0));
    let changes = zone.following(begin).take_while(|change| change.timestamp() < end);
    let mut offsets = std::iter::once(zone.to_offset(begin)).chain(changes.map(|change| change.offset()));
    offsets.all(|offset| offset.seconds() % 3600 == 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn shown(interval: &str, instant: &str, zone: &TimeZone) -> String {
        let range = interval.parse::<Interval>().unwrap().around(at(instant), zone);
        format!("{} {}", range.start, range.end)
    }

    #[test]
    fn intervals_begin_where_the_readers_clock_says() {
        for (interval, instant, wanted) in [
            ("hour", "2026-03-14T15:09:26Z", "2026-03-14T15:00:00.000000Z 2026-03-14T16:00:00.000000Z"),
            ("15m", "2026-03-14T15:09:26Z", "2026-03-14T15:00:00.000000Z 2026-03-14T15:15:00.000000Z"),
            // The day on which clocks went forward has 23 hours.
            ("day", "2026-03-29T15:00:00Z", "2026-03-28T23:00:00.000000Z 2026-03-29T22:00:00.000000Z"),
            ("3h", "2026-06-01T00:30:00Z", "2026-05-31T22:00:00.000000Z 2026-06-01T01:00:00.000000Z"),
            ("week", "2026-03-14T15:00:00Z", "2026-03-08T23:00:00.000000Z 2026-03-15T23:00:00.000000Z"),
            ("month", "2026-03-14T15:00:00Z", "2026-02-28T23:00:00.000000Z 2026-03-31T22:00:00.000000Z"),
            ("year", "2026-03-14T15:00:00Z", "2025-12-31T23:00:00.000000Z 2026-12-31T23:00:00.000000Z"),
        ] {
            assert_eq!(shown(interval, instant, &berlin()), wanted, "{interval}");
        }
        let kolkata = parse_zone("+05:30").unwrap();
        assert_eq!(
            shown("hour", "2026-03-14T15:09:26Z", &kolkata),
            "2026-03-14T14:30:00.000000Z 2026-03-14T15:30:00.000000Z"
        );
    }

    #[test]
    fn zones_have_names_that_are_read_again() {
        for name in ["UTC", "Europe/Berlin", "+05:30", "-03:00"] {
            assert_eq!(zone_name(&parse_zone(name).unwrap()).as_deref(), Some(name));
        }
        assert_eq!(zone_name(&TimeZone::fixed(jiff::tz::Offset::from_seconds(61).unwrap())), None);
    }

    #[test]
    fn hours_are_whole_where_they_begin_as_in_utc() {
        for (name, whole) in [
            ("UTC", true),
            ("Europe/Berlin", true),
            ("Asia/Kolkata", false),
            ("+02:00", true),
            ("+05:45", false),
        ] {
            assert_eq!(has_whole_hours(&parse_zone(name).unwrap()), whole, "{name}");
        }
    }

    #[test]
    fn what_is_no_interval_or_zone_is_refused() {
        for text in ["", "0m", "7m", "25h", "2d", "fortnight", "-1h", "99999999999999999999s"] {
            assert_eq!(text.parse::<Interval>(), Err(IntervalError), "{text:?}");
        }
        for text in ["", "+99:99", "+24:00", "-25:00", "Nowhere/City", "../../etc/passwd"] {
            assert!(parse_zone(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_fitting_interval_gives_about_as_many() {
        let range = |hours: i64| {
            at("2026-03-14T00:00:00Z")
                ..Timestamp::from_micros(at("2026-03-14T00:00:00Z").as_micros() + hours * 3_600_000_000)
        };
        for (hours, most, wanted) in [
            (1, 60, "minute"),
            (24, 60, "hour"),
            (24 * 30, 60, "12h"),
            (24 * 30, 31, "day"),
            (24 * 365 * 90, 2, "year"),
        ] {
            assert_eq!(Interval::fitting(&range(hours), most).to_string(), wanted);
        }
    }

    proptest! {
        #[test]
        fn an_instant_lies_within_its_interval(micros in any::<i64>(), which in 0..LADDER.len()) {
            let at = Timestamp::from_micros(micros);
            for zone in [TimeZone::UTC, berlin()] {
                let range = LADDER[which].around(at, &zone);
                prop_assert!(range.start <= at && (at < range.end || range.end == Timestamp::MAX));
                prop_assert_eq!(LADDER[which].to_string().parse(), Ok(LADDER[which]));
            }
        }

        #[test]
        fn no_text_of_an_interval_panics(text in ".{0,20}") {
            let _ = text.parse::<Interval>();
            let _ = parse_zone(&text);
        }
    }
}
