//! Events of other systems: a borrowed envelope around a record that stays as it came.
//!
//! Same form as [`Record`](crate::Record), which a test holds; it is apart from it so that taking a record copies its
//! bytes once and allocates nothing else.

use std::net::IpAddr;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{ActorType, Decision, EncodedEvent, EventId, Outcome, Timestamp, Verbatim};

/// How the log's source ids of ingested files begin. No node of Lodge has such an id, so that nothing which was ingested
/// can pass for what Lodge itself wrote.
pub const FILE_SOURCE_PREFIX: &str = "file/";

/// Says whether a source id of the log is that of an ingested file.
pub fn is_file_source(source: &str) -> bool {
    source.starts_with(FILE_SOURCE_PREFIX)
}

/// The longest text that an ingested event's envelope takes from its record, in bytes. The record has all of it.
pub const MAX_TEXT_BYTES: usize = 1024;

/// What the envelope takes beside its texts, roughly.
const ENVELOPE_BYTES: usize = 640;

/// An event made of another system's record.
#[derive(Clone, Debug, Serialize)]
pub struct Ingested<'a> {
    /// Unique id; the same record gives the same one.
    pub id: EventId,
    /// When it happened by the producer's clock.
    pub time: Timestamp,
    /// What happened; its family's catalogue entry says that its detail is the record.
    pub kind: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when the outcome is not success.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub reason: Option<&'a str>,
    /// Who did it.
    pub actor: Actor<'a>,
    /// Where from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin<'a>>,
    /// Where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target<'a>>,
    /// Who reported it.
    pub source: Source<'a>,
    /// What the reporting system's own rules decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy<'a>>,
}

/// Who did it.
#[derive(Clone, Debug, Serialize)]
pub struct Actor<'a> {
    /// Name; empty when nobody is known.
    #[serde(serialize_with = "short")]
    pub user: &'a str,
    /// What kind of actor it is.
    #[serde(rename = "type")]
    pub kind: ActorType,
    /// As whom the actor acted.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub on_behalf_of: Option<&'a str>,
}

/// Where it came from.
#[derive(Clone, Debug, Serialize)]
pub struct Origin<'a> {
    /// Address.
    pub ip: IpAddr,
    /// Program.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub agent: Option<&'a str>,
}

/// What it was aimed at.
#[derive(Clone, Debug, Serialize)]
pub struct Target<'a> {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name.
    #[serde(serialize_with = "short")]
    pub name: &'a str,
    /// Its labels; those without a value are left out.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels<'a>,
}

/// Labels of a target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels<'a>(pub [(&'static str, Option<&'a str>); 4]);

/// Who reported it.
#[derive(Clone, Debug, Serialize)]
pub struct Source<'a> {
    /// What kind of source it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name.
    #[serde(serialize_with = "short")]
    pub name: &'a str,
    /// Place in the source's own sequence.
    pub seq: u64,
}

/// What was decided.
#[derive(Clone, Debug, Serialize)]
pub struct Policy<'a> {
    /// The decision.
    pub decision: Decision,
    /// Why.
    #[serde(serialize_with = "short")]
    pub why: &'a str,
}

impl Ingested<'_> {
    /// Makes the bytes that the log stores and hashes: the envelope, and the record as it came.
    pub fn encode(&self, record: Verbatim<'_>) -> EncodedEvent {
        let mut json = Vec::with_capacity(record.as_str().len() + ENVELOPE_BYTES);
        serde_json::to_writer(&mut json, self).expect("writing to memory cannot fail");
        debug_assert_eq!(json.last(), Some(&b'}'), "an envelope is an object");
        json.pop();
        json.extend_from_slice(b",\"detail\":");
        json.extend_from_slice(record.as_str().as_bytes());
        json.push(b'}');
        EncodedEvent::of_checked(json)
    }
}

impl Labels<'_> {
    fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, value)| value.is_none())
    }
}

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0 {
            if let Some(value) = value {
                map.serialize_entry(name, cut(value))?;
            }
        }
        map.end()
    }
}

/// Cuts text where the envelope has no room for more, between two characters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

fn short<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cut(text))
}

fn short_option<S: Serializer>(text: &Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
    text.map(cut).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Picker, Picks, Record};

    #[test]
    fn it_reads_as_any_other_record_and_keeps_the_bytes() {
        let original = r#"{ "verb" : "get",  "n": 1.50 }"#;
        let record = Picker::new(&[]).read(original, &mut Picks::default()).unwrap();
        let long = "ü".repeat(2000);
        let event = Ingested {
            id: EventId::new(Timestamp::EPOCH, [1; 10]),
            time: Timestamp::EPOCH,
            kind: "kube.audit",
            outcome: Outcome::Denied,
            reason: Some("no"),
            actor: Actor { user: "a\"b", kind: ActorType::Machine, on_behalf_of: Some("c") },
            origin: Some(Origin { ip: [192, 0, 2, 1].into(), agent: Some(&long) }),
            target: Some(Target {
                kind: "kubernetes",
                name: "pods/x",
                labels: Labels([("namespace", Some("n")), ("group", None), ("resource", None), ("x", None)]),
            }),
            source: Source { kind: "kubernetes", name: "prod", seq: 7 },
            policy: Some(Policy { decision: Decision::Deny, why: "no rule" }),
        };
        let encoded = event.encode(record);
        assert!(encoded.as_bytes().ends_with(format!(",\"detail\":{original}}}").as_bytes()));
        assert_eq!(EncodedEvent::from_json(encoded.as_bytes().to_vec()).unwrap(), encoded);
        let read = Record::parse(encoded.as_bytes()).unwrap();
        assert_eq!(
            (read.kind(), read.outcome, read.actor.user.as_str()),
            ("kube.audit", Outcome::Denied, "a\"b")
        );
        assert_eq!(read.actor.on_behalf_of.as_deref(), Some("c"));
        assert_eq!(read.origin.unwrap().agent.unwrap().len(), MAX_TEXT_BYTES);
        let target = read.target.unwrap();
        assert_eq!((target.name.as_str(), target.labels.len()), ("pods/x", 1));
        assert_eq!(read.source.unwrap().seq, 7);
        assert_eq!(read.policy.unwrap().decision, Decision::Deny);
        assert_eq!(read.body.detail["n"], 1.5);
    }
}
