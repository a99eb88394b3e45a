//! Dates as a filter writes them: absolute at any precision, or relative to now.
//!
//! A date is read as the span that it names, from its first microsecond to the next span's: `2026-03-14` is that day
//! in the reader's zone, `now/d` today, `now-24h` one microsecond. Comparisons use the span's edges, so `<= 2026-03-14`
//! takes the whole day in, and `> 2026-03-14` begins the day after.
//!
//! The arithmetic is Elasticsearch's date math: units `y M w d h H m s`, `+` and `-` to move, `/` to round down, after
//! `now` or after a date and `||`. Weeks begin on Monday.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{RoundMode, Span, Unit, Zoned, ZonedRound};

use super::FilterContext;
use crate::Timestamp;

/// How to write a date, for messages.
pub(super) const FORMS: &str = "`2026-03-14`, `2026-03-14T15:09:26Z`, `now-24h` or `now/d`";

/// The size of the span that a date names.
#[derive(Clone, Copy)]
enum Precision {
    Unit(Unit),
    /// So many digits after the decimal point of the seconds.
    Fraction(u32),
    Instant,
}

/// Suggests what to write for a text that is no date.
pub(super) fn suggest(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let meant = match text.as_str() {
        "today" => "now/d",
        "yesterday" => "now-1d/d",
        "tomorrow" => "now+1d/d",
        "this week" => "now/w",
        "last week" => "now-1w/w",
        "this month" => "now/M",
        "last month" => "now-1M/M",
        _ => return ago(&text),
    };
    Some(meant.to_owned())
}

/// Reads `24h`, `-24h`, `24h ago` and `2 days ago`.
fn ago(text: &str) -> Option<String> {
    let text = text.strip_suffix("ago").unwrap_or(text).trim();
    let text = text.strip_prefix('-').unwrap_or(text).trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (amount, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "s" | "sec" | "second" | "seconds" => 's',
        "m" | "min" | "minute" | "minutes" => 'm',
        "h" | "hour" | "hours" => 'h',
        "d" | "day" | "days" => 'd',
        "w" | "week" | "weeks" => 'w',
        "month" | "months" => 'M',
        "y" | "year" | "years" => 'y',
        _ => return None,
    };
    (1..=9).contains(&digits).then(|| format!("now-{amount}{unit}"))
}

/// Reads a date; `None` when the text is none.
pub(super) fn parse(text: &str, context: &FilterContext) -> Option<Range<Timestamp>> {
    let (start, precision, math) = match text.strip_prefix("now") {
        Some(math) => (now(context)?, Precision::Instant, math),
        None => {
            let (date, math) = text.split_once("||").unwrap_or((text, ""));
            let (start, precision) = absolute(date, &context.zone)?;
            (start, precision, math)
        }
    };
    let (start, precision) = compute(start, precision, math)?;
    Some(instant(&start)..after(&start, precision))
}

/// Reads an instant as events write it (RFC 3339 with an offset); `None` for anything else.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    // Most text is no date: look before reading.
    if bytes.len() < 20 || bytes[4] != b'-' || bytes[7] != b'-' || bytes[13] != b':' {
        return None;
    }
    text.parse().ok()
}

fn now(context: &FilterContext) -> Option<Zoned> {
    let now = jiff::Timestamp::from_microsecond(context.now.as_micros()).ok()?;
    Some(now.to_zoned(context.zone.clone()))
}

fn instant(zoned: &Zoned) -> Timestamp {
    Timestamp::from_micros(zoned.timestamp().as_microsecond())
}

/// Finds the first microsecond after the span.
fn after(start: &Zoned, precision: Precision) -> Timestamp {
    let micros = match precision {
        Precision::Instant => 1,
        Precision::Fraction(digits) => 10_u64.pow(6_u32.saturating_sub(digits)),
        Precision::Unit(unit) => {
            return span(1, unit)
                .and_then(|one| start.checked_add(one).ok())
                .map_or(Timestamp::MAX, |end| instant(&end));
        }
    };
    instant(start).plus(std::time::Duration::from_micros(micros))
}

/// Reads `2026`, `2026-03`, … `2026-03-14T15:09:26.535+01:00`, with `T` or a space before the hour.
fn absolute(text: &str, zone: &TimeZone) -> Option<(Zoned, Precision)> {
    let mut scan = Scan { rest: text };
    let year = scan.digits(4)?;
    let (mut month, mut day, mut precision) = (1, 1, Unit::Year);
    if scan.take('-') {
        (month, precision) = (scan.digits(2)?, Unit::Month);
        if scan.take('-') {
            (day, precision) = (scan.digits(2)?, Unit::Day);
        }
    }
    let date =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    if scan.rest.is_empty() {
        return Some((date.to_zoned(zone.clone()).ok()?, Precision::Unit(precision)));
    }
    let dated = matches!(precision, Unit::Day) && (scan.take('T') || scan.take('t') || scan.take(' '));
    if !dated {
        return None;
    }
    time_of_day(scan, date, zone)
}

fn time_of_day(mut scan: Scan<'_>, date: Date, zone: &TimeZone) -> Option<(Zoned, Precision)> {
    let hour = scan.digits(2)?;
    let (mut minute, mut second, mut nanos, mut precision) = (0, 0, 0, Precision::Unit(Unit::Hour));
    if scan.take(':') {
        (minute, precision) = (scan.digits(2)?, Precision::Unit(Unit::Minute));
        if scan.take(':') {
            (second, precision) = (scan.digits(2)?, Precision::Unit(Unit::Second));
            if scan.take('.') {
                let (value, digits) = scan.fraction()?;
                (nanos, precision) = (value, Precision::Fraction(digits));
            }
        }
    }
    let zone = match scan.rest {
        "" => zone.clone(),
        "Z" | "z" => TimeZone::UTC,
        offset => TimeZone::fixed(parse_offset(offset)?),
    };
    let small = |number: u32| i8::try_from(number).ok();
    let time =
        jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, i32::try_from(nanos).ok()?)
            .ok()?;
    Some((date.to_datetime(time).to_zoned(zone).ok()?, precision))
}

fn parse_offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let mut scan = Scan { rest };
    let hours = scan.digits(2)?;
    scan.take(':');
    let minutes = if scan.rest.is_empty() { 0 } else { scan.digits(2)? };
    if !scan.rest.is_empty() || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?).ok()
}

/// Applies `+1d`, `-24h`, `/w`, … from left to right.
fn compute(mut start: Zoned, mut precision: Precision, math: &str) -> Option<(Zoned, Precision)> {
    let mut scan = Scan { rest: math };
    while let Some(operator) = scan.next() {
        if operator == '/' {
            let unit = scan.unit()?;
            start = round_down(&start, unit)?;
            precision = Precision::Unit(unit);
            continue;
        }
        let sign = match operator {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let amount = scan.amount()?;
        start = start.checked_add(span(sign * amount, scan.unit()?)?).ok()?;
    }
    Some((start, precision))
}

/// Goes back to where a unit of the calendar began; weeks begin on Monday.
pub(crate) fn round_down(zoned: &Zoned, unit: Unit) -> Option<Zoned> {
    let rounded = match unit {
        Unit::Year => zoned.first_of_year().and_then(|first| first.start_of_day()),
        Unit::Month => zoned.first_of_month().and_then(|first| first.start_of_day()),
        Unit::Week => {
            let days = i64::from(zoned.weekday().to_monday_zero_offset());
            zoned.checked_sub(span(days, Unit::Day)?).and_then(|monday| monday.start_of_day())
        }
        Unit::Day => zoned.start_of_day(),
        smaller => zoned.round(ZonedRound::new().smallest(smaller).mode(RoundMode::Trunc)),
    };
    rounded.ok()
}

pub(crate) fn span(amount: i64, unit: Unit) -> Option<Span> {
    let empty = Span::new();
    let span = match unit {
        Unit::Year => empty.try_years(amount),
        Unit::Month => empty.try_months(amount),
        Unit::Week => empty.try_weeks(amount),
        Unit::Day => empty.try_days(amount),
        Unit::Hour => empty.try_hours(amount),
        Unit::Minute => empty.try_minutes(amount),
        _ => empty.try_seconds(amount),
    };
    span.ok()
}

/// Walks a date from left to right.
struct Scan<'a> {
    rest: &'a str,
}

impl Scan<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let first = chars.next()?;
        self.rest = chars.as_str();
        Some(first)
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(count)?;
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
        self.rest = rest;
        Some(number)
    }

    /// Takes one to nine digits after a decimal point, as nanoseconds and their number.
    fn fraction(&mut self) -> Option<(u32, u32)> {
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=9).contains(&count) {
            return None;
        }
        let digits = u32::try_from(count).ok()?;
        Some((self.digits(count)? * 10_u32.pow(9 - digits), digits))
    }

    /// Takes the amount of a move; 1 where none is written.
    fn amount(&mut self) -> Option<i64> {
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        match count {
            0 => Some(1),
            1..=9 => self.digits(count).map(i64::from),
            _ => None,
        }
    }

    fn unit(&mut self) -> Option<Unit> {
        Some(match self.next()? {
            'y' => Unit::Year,
            'M' => Unit::Month,
            'w' => Unit::Week,
            'd' => Unit::Day,
            'h' | 'H' => Unit::Hour,
            'm' => Unit::Minute,
            's' => Unit::Second,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn context(zone: TimeZone) -> FilterContext {
        FilterContext { now: "2026-03-29T10:30:15.5Z".parse().unwrap(), zone }
    }

    fn show(text: &str, zone: TimeZone) -> String {
        match parse(text, &context(zone)) {
            Some(span) => format!("{} to {}", span.start, span.end),
            None => "no date".to_owned(),
        }
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&show(text, TimeZone::UTC));
    }

    #[test]
    fn an_absolute_date_names_its_whole_span() {
        check("2026", expect!["2026-01-01T00:00:00.000000Z to 2027-01-01T00:00:00.000000Z"]);
        check("2026-02", expect!["2026-02-01T00:00:00.000000Z to 2026-03-01T00:00:00.000000Z"]);
        check("2026-03-14", expect!["2026-03-14T00:00:00.000000Z to 2026-03-15T00:00:00.000000Z"]);
        check("2026-03-14T15", expect!["2026-03-14T15:00:00.000000Z to 2026-03-14T16:00:00.000000Z"]);
        check("2026-03-14 15:09", expect!["2026-03-14T15:09:00.000000Z to 2026-03-14T15:10:00.000000Z"]);
        check(
            "2026-03-14T15:09:26.5Z",
            expect!["2026-03-14T15:09:26.500000Z to 2026-03-14T15:09:26.600000Z"],
        );
        check(
            "2026-03-14T15:09:26+01:00",
            expect!["2026-03-14T14:09:26.000000Z to 2026-03-14T14:09:27.000000Z"],
        );
        check("2026-03-14||-1M/d", expect!["2026-02-14T00:00:00.000000Z to 2026-02-15T00:00:00.000000Z"]);
    }

    #[test]
    fn what_people_write_for_a_date_is_suggested_in_a_form_that_reads() {
        for (text, meant) in [
            ("yesterday", "now-1d/d"),
            ("Today", "now/d"),
            ("24h", "now-24h"),
            ("-7d", "now-7d"),
            ("2 days ago", "now-2d"),
            ("last month", "now-1M/M"),
        ] {
            assert_eq!(suggest(text).as_deref(), Some(meant), "{text}");
            assert!(parse(text, &context(TimeZone::UTC)).is_none(), "{text}");
            assert!(parse(meant, &context(TimeZone::UTC)).is_some(), "{meant}");
        }
        for text in ["", "soon", "h", "1234567890h", "5 apples", "ago"] {
            assert_eq!(suggest(text), None, "{text}");
        }
    }

    #[test]
    fn a_relative_date_counts_from_now() {
        check("now", expect!["2026-03-29T10:30:15.500000Z to 2026-03-29T10:30:15.500001Z"]);
        check("now-24h", expect!["2026-03-28T10:30:15.500000Z to 2026-03-28T10:30:15.500001Z"]);
        check("now/d", expect!["2026-03-29T00:00:00.000000Z to 2026-03-30T00:00:00.000000Z"]);
        check("now/w", expect!["2026-03-23T00:00:00.000000Z to 2026-03-30T00:00:00.000000Z"]);
        check("now-1d/d", expect!["2026-03-28T00:00:00.000000Z to 2026-03-29T00:00:00.000000Z"]);
        check("now/M-1M", expect!["2026-02-01T00:00:00.000000Z to 2026-03-01T00:00:00.000000Z"]);
    }

    #[test]
    fn a_day_in_the_local_zone_may_have_23_hours() {
        // Clocks in Berlin went from 02:00 to 03:00 on this day; the rule is written out so that no database is needed.
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let span = show("now/d", berlin.clone());
        expect!["2026-03-28T23:00:00.000000Z to 2026-03-29T22:00:00.000000Z"].assert_eq(&span);
        expect!["2026-03-14T14:09:00.000000Z to 2026-03-14T14:10:00.000000Z"]
            .assert_eq(&show("2026-03-14T15:09", berlin));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "now-",
            "now-1",
            "now-1x",
            "now/",
            "now*",
            "nowhere",
            "26-03-14",
            "2026-3-14",
            "2026-13-01",
            "2026-02-30",
            "2026-03-14T",
            "2026-03-14T25",
            "2026-03-14T15:09:26.",
            "2026-03-14T15:09:26+25:99",
            "2026-03-14||x",
            "now-9999999999d",
            "now+999999999y",
            "2026T15",
            "１２３４",
        ] {
            expect!["no date"].assert_eq(&show(text, TimeZone::UTC));
        }
    }
}
