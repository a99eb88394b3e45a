//! The zone of whoever asks: dates are read in it, days begin in it, and times are shown in it, by every command alike.

use clap::Args;
use event::Timestamp;
use event::interval::{TimeZone, parse_zone, zone_name};

/// In which zone somebody reads and writes times.
#[derive(Args, Default)]
pub struct Zone {
    /// Zone in which dates are read, days begin and times are shown: `Europe/Berlin`, `+02:00`, `UTC` [default: this machine's].
    #[arg(long = "zone", value_name = "ZONE", value_parser = known, allow_hyphen_values = true)]
    named: Option<Named>,
}

/// A zone that was named, as it was written.
#[derive(Clone)]
struct Named(String, TimeZone);

/// A zone that this machine does not know could be asked of the server, and its answer not be shown.
fn known(text: &str) -> Result<Named, String> {
    match parse_zone(text) {
        Ok(zone) => Ok(Named(text.to_owned(), zone)),
        Err(_) => {
            Err("this machine knows no such zone; write like Europe/Berlin, UTC, or an offset like +02:00"
                .to_owned())
        }
    }
}

impl Zone {
    /// Returns the zone.
    pub fn zone(&self) -> TimeZone {
        self.named.as_ref().map_or_else(TimeZone::system, |named| named.1.clone())
    }

    /// Writes the zone as the API takes it.
    pub fn asked(&self) -> String {
        self.named.as_ref().map_or_else(here, |named| named.0.clone())
    }

    /// Writes an instant as clocks in the zone show it, with the offset: RFC 3339 with six decimals.
    pub fn show(&self, time: Timestamp) -> String {
        show(time, &self.zone())
    }

    /// Names the zone for people.
    pub fn name(&self) -> String {
        zone_name(&self.zone()).unwrap_or_else(|| "this machine's zone".to_owned())
    }
}

fn show(time: Timestamp, zone: &TimeZone) -> String {
    let Ok(instant) = jiff::Timestamp::from_microsecond(time.as_micros()) else { return time.to_string() };
    match zone.to_offset(instant).is_zero() {
        true => time.to_string(),
        false => instant.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
    }
}

/// Names this machine's zone: by its name, where it has one, and by its present offset for servers that know no names.
fn here() -> String {
    let zone = TimeZone::system();
    let now = server::system::ambient().now();
    let instant = jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default();
    let offset = zone_name(&TimeZone::fixed(zone.to_offset(instant)));
    let names = zone.iana_name().map(str::to_owned).into_iter().chain(offset);
    let names: Vec<String> = names.collect();
    if names.is_empty() { "UTC".to_owned() } else { names.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_as_clocks_there_show_it() {
        let at: Timestamp = "2026-07-14T23:30:00.5Z".parse().unwrap();
        for (zone, shown) in [
            ("UTC", "2026-07-14T23:30:00.500000Z"),
            ("+02:00", "2026-07-15T01:30:00.500000+02:00"),
            ("-09:30", "2026-07-14T14:00:00.500000-09:30"),
        ] {
            let zone = Zone { named: Some(known(zone).unwrap_or_else(|error| panic!("{error}"))) };
            assert_eq!(zone.show(at), shown);
            assert_eq!(zone.show(at).parse::<Timestamp>().unwrap(), at);
        }
        for edge in [Timestamp::MIN, Timestamp::MAX] {
            assert!(!show(edge, &parse_zone("+14:00").unwrap()).is_empty());
        }
    }

    #[test]
    fn a_zone_that_is_none_is_refused() {
        for text in ["", "+25:00", "+24:00", "-99:99", "Nowhere/City", "Berlin"] {
            assert!(known(text).is_err(), "{text}");
        }
    }

    #[test]
    fn this_machines_zone_is_one_that_servers_read() {
        assert!(here().split(',').all(|name| parse_zone(name).is_ok()), "{}", here());
    }
}
