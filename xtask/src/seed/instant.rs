//! Dates without a library: microseconds since 1970 as RFC 3339.

/// An instant in microseconds since 1970, shown as events write it.
pub struct Instant(pub u64);

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Days to a date of the Gregorian calendar, by eras of 400 years that begin in March.
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let date = day - (153 * month + 2) / 5 + 1;
        let (month, year) = if month < 10 { (month + 3, year) } else { (month - 9, year + 1) };
        write!(
            f,
            "{:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}.{micros:06}Z",
            era * 400 + year,
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn instants_are_dates_of_the_calendar() {
        for (micros, text) in [
            (super::super::lines::START, "2026-05-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_772_323_199_999_999, "2026-02-28T23:59:59.999999Z"),
        ] {
            assert_eq!(Instant(micros).to_string(), text);
        }
    }
}
