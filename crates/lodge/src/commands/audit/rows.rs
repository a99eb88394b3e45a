//! Events as rows of a table: where and when, what kind, who, and what tells most of the rest.

use api::wire::EventRow;
use event::Record;
use serde_json::Value;

use crate::commands::zone::Zone;

/// Headings of a table of events.
pub const HEADINGS: &[&str] = &["POSITION", "TIME", "KIND", "OUTCOME", "USER", "TARGET", "WHAT"];

/// Cells of an event's row.
pub fn cells(row: &EventRow, zone: &Zone) -> Vec<String> {
    let Ok(record) = Record::parse(row.event.get().as_bytes()) else {
        let mut cells = vec![row.position.to_string(), zone.show(row.log_time), "?".to_owned()];
        cells.resize(HEADINGS.len(), String::new());
        return cells;
    };
    let outcome = format!("{:?}", record.outcome).to_lowercase();
    vec![
        row.position.to_string(),
        zone.show(record.time),
        record.kind().to_owned(),
        outcome,
        record.actor.user.clone(),
        record.target.as_ref().map(|target| target.name.clone()).unwrap_or_default(),
        what(&record),
    ]
}

/// Members of a detail that tell most, the most telling first.
const TELLING: &[&str] = &[
    "command",
    "path",
    "host",
    "login",
    "user",
    "name",
    "filter",
    "statement",
    "method",
    "principals",
    "request",
    "ended_by",
    // Kubernetes.
    "verb",
    "requestURI",
    // Whatever others report.
    "message",
    "msg",
];

/// The words of the detail that tell most, and the reason where there is one.
fn what(record: &Record) -> String {
    let detail = &record.body.detail;
    let words = TELLING.iter().filter_map(|field| detail.get(field)).filter_map(|value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(list) if !list.is_empty() => Some(Value::Array(list.clone()).to_string()),
        _ => None,
    });
    let words: Vec<String> =
        place(record).into_iter().chain(words).take(2).chain(record.reason.clone()).collect();
    words.join(" · ")
}

/// Where in a file a source found what it tells of.
fn place(record: &Record) -> Option<String> {
    let detail = Some(&record.body.detail).filter(|_| record.kind().starts_with("source."))?;
    // A record's own members may have these names and mean anything.
    let file = detail.get("file").filter(|_| record.kind() != "source.record")?.as_str()?;
    Some(match detail.get("line").and_then(Value::as_u64) {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;

    fn shown(kind: &str, rest: &str) -> String {
        let event = format!(
            r#"{{"id":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab","time":"2026-01-31T08:00:00.000000Z","kind":"{kind}","outcome":"success","actor":{{"user":"a","type":"human","roles":[],"mfa":"none"}},{rest}}}"#
        );
        what(&Record::parse(event.as_bytes()).unwrap_or_else(|error| panic!("{error}: {event}")))
    }

    #[test]
    fn what_tells_most_is_shown() {
        for (kind, rest, wanted) in [
            (
                "kube.audit",
                r#""detail":{"verb":"get","requestURI":"/api/v1/pods","user":{"username":"a"}}"#,
                "get · /api/v1/pods",
            ),
            (
                "source.rejected_record",
                r#""reason":"not JSON","detail":{"file":"/var/log/a.log","line":7,"cause":"not JSON"}"#,
                "/var/log/a.log:7 · not JSON",
            ),
            ("source.connected", r#""detail":{"file":"/var/log/a.log","identity":"x"}"#, "/var/log/a.log"),
            ("source.record", r#""detail":{"file":"f","line":1,"message":"up"}"#, "up"),
            ("session.command", r#""detail":{"command":"ls","channel":1}"#, "ls"),
        ] {
            assert_eq!(shown(kind, rest), wanted, "{kind}");
        }
    }

    #[test]
    fn what_is_no_event_fills_its_row() {
        let row = EventRow {
            position: 3,
            log_time: Timestamp::EPOCH,
            event: serde_json::value::RawValue::from_string("[]".to_owned()).unwrap(),
        };
        assert_eq!(cells(&row, &Zone::default()).len(), HEADINGS.len());
    }
}
