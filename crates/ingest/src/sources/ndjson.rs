//! `ndjson`: lines of JSON. One that is an event of Lodge stays one, to the byte; any other object becomes a
//! `source.record` around it.

use std::sync::LazyLock;

use event::ingested::{Actor, Ingested, Source};
use event::{ActorType, EncodedEvent, EventId, Outcome, Pick, Picker, Picks, Timestamp};
use sha2::{Digest, Sha256};

use super::{Format, Found, Place};

/// Lines of JSON.
pub(super) struct Ndjson;

/// Where records tell their time, the best first, and what tells that one may be an event of Lodge.
static PICKER: LazyLock<Picker> = LazyLock::new(|| {
    Picker::new(&[&["time"], &["timestamp"], &["@timestamp"], &["ts"], &["kind"], &["outcome"], &["actor"]])
});
const TIMES: [usize; 4] = [0, 1, 2, 3];
const MARKS: [usize; 3] = [4, 5, 6];

impl Format for Ndjson {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn read<'a>(&self, line: &'a str, place: &Place<'_>, picks: &mut Picks<'a>, found: &mut Found) {
        // Lodge writes the id first; whatever else it is then is found out below.
        let may_be_event = line.starts_with("{\"id\":");
        if may_be_event && let Ok(event) = EncodedEvent::within(place.body, line) {
            return found.events.push(event);
        }
        let record = match PICKER.read(line, picks) {
            Ok(record) if record.is_object() => record,
            Ok(_) => return found.reject("it is JSON, but no object"),
            Err(error) => return found.reject(error.to_string()),
        };
        if !may_be_event
            && MARKS.iter().all(|mark| picks.get(*mark).is_some())
            && let Ok(event) = EncodedEvent::within(place.body, line)
        {
            return found.events.push(event);
        }
        let time = TIMES.iter().find_map(|path| time_of(picks.get(*path)?)).unwrap_or(place.now);
        let event = Ingested {
            id: id_of(place, record.as_str(), time),
            time,
            kind: "source.record",
            outcome: Outcome::Success,
            reason: None,
            actor: Actor { user: "", kind: ActorType::Unknown, on_behalf_of: None },
            origin: None,
            target: None,
            source: Source { kind: self.name(), name: place.name, seq: place.seq },
            policy: None,
        };
        found.events.push(event.encode(record));
    }
}

/// Two equal lines are two records, so the id knows the place.
fn id_of(place: &Place<'_>, record: &str, time: Timestamp) -> EventId {
    let hash = Sha256::new()
        .chain_update(place.id)
        .chain_update(place.seq.to_be_bytes())
        .chain_update(record)
        .finalize();
    EventId::new(time, *hash.first_chunk().expect("a SHA-256 value has 32 bytes"))
}

/// Reads a time: RFC 3339, or a whole number of seconds, milliseconds, microseconds or nanoseconds since 1970,
/// told apart by their size.
fn time_of(pick: &Pick<'_>) -> Option<Timestamp> {
    match pick {
        Pick::Text(text) => text.parse().ok(),
        Pick::Whole(number) => {
            let micros = match number.unsigned_abs() {
                ..100_000_000_000 => number.checked_mul(1_000_000)?,
                100_000_000_000..100_000_000_000_000 => number.checked_mul(1000)?,
                100_000_000_000_000..100_000_000_000_000_000 => *number,
                _ => number / 1000,
            };
            Some(Timestamp::from_micros(micros))
        }
        Pick::Object | Pick::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use event::Record;

    use super::*;

    fn read(line: &str, seq: u64) -> Result<EncodedEvent, String> {
        let now = Timestamp::from_micros(1_773_500_966_000_000);
        let body = Bytes::copy_from_slice(line.as_bytes());
        let place = Place { name: "n", id: "file/ndjson/n/1", seq, body: &body, now };
        let mut found = Found::default();
        Ndjson.read(std::str::from_utf8(&body).unwrap(), &place, &mut Picks::default(), &mut found);
        match (found.events.pop(), found.rejected.pop()) {
            (Some(event), None) => Ok(event),
            (None, Some(why)) => Err(why),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn an_event_of_lodge_stays_as_it_is_wherever_its_id_stands() {
        let head = r#""id":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab""#;
        let rest = r#""time":"2026-03-14T15:09:26Z", "kind":"x.y","outcome":"success","actor":{"user":"x","type":"human"}"#;
        for line in [format!("{{{head},{rest}}}"), format!("{{{rest},{head}}}")] {
            assert_eq!(read(&line, 1).unwrap().as_bytes(), line.as_bytes());
        }
        let almost = format!("{{{head},\"kind\":\"x\"}}");
        assert_eq!(Record::parse(read(&almost, 1).unwrap().as_bytes()).unwrap().kind(), "source.record");
    }

    #[test]
    fn any_other_object_is_kept_and_its_time_is_found() {
        for (line, time) in [
            (r#"{"ts":1700000000,"a":1}"#, "2023-11-14T22:13:20.000000Z"),
            (r#"{"ts":1700000000123}"#, "2023-11-14T22:13:20.123000Z"),
            (r#"{"ts":1700000000123456}"#, "2023-11-14T22:13:20.123456Z"),
            (r#"{"ts":1700000000123456789}"#, "2023-11-14T22:13:20.123456Z"),
            (r#"{"@timestamp":"2023-11-14T23:13:20+01:00","ts":5}"#, "2023-11-14T22:13:20.000000Z"),
            (r#"{"time":"noon","timestamp":"2023-11-14T22:13:20Z"}"#, "2023-11-14T22:13:20.000000Z"),
            (r#"{"time":[1],"ts":1.5}"#, "2026-03-14T15:09:26.000000Z"),
            ("{}", "2026-03-14T15:09:26.000000Z"),
        ] {
            let event = read(line, 3).unwrap();
            assert!(event.as_bytes().ends_with(format!("\"detail\":{line}}}").as_bytes()), "{line}");
            let record = Record::parse(event.as_bytes()).unwrap();
            assert_eq!((record.time.to_string().as_str(), record.source.unwrap().seq), (time, 3), "{line}");
        }
    }

    #[test]
    fn equal_lines_are_two_records_and_one_line_is_always_the_same() {
        let id = |seq| Record::parse(read(r#"{"ts":1700000000}"#, seq).unwrap().as_bytes()).unwrap().id;
        assert_eq!(id(1), id(1));
        assert_ne!(id(1), id(2));
    }

    #[test]
    fn what_is_no_object_is_rejected_with_the_reason() {
        for (line, why) in [
            ("[1]", "no object"),
            ("{\"a\":", "EOF"),
            ("plain text", "expected"),
            ("{\"a\":\"\\ud800\"}", "hex escape"),
        ] {
            let said = read(line, 1).unwrap_err();
            assert!(said.contains(why), "{line}: {said}");
        }
    }
}
