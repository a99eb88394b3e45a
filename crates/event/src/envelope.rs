//! The envelope: the fields that every event has, whatever its kind.
//!
//! Log position, log time and proof belong to the log entry and never appear here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::{self, LimitError};
use crate::shape::Shape;
use crate::{Ambient, Detail, EventId, SessionId, Timestamp};

/// Says what happened, who did it, when, from where to where, with what outcome, under which decision.
///
/// `B` is the body: [`Detail`] for events that Lodge writes, [`AnyDetail`] for events that are read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope<B> {
    /// Unique id, UUIDv7; the deduplication key for whoever receives the event.
    pub id: EventId,
    /// When it happened by the producer's clock: RFC 3339, UTC, microseconds.
    pub time: Timestamp,
    /// What happened: the kind and its typed detail.
    #[serde(flatten)]
    pub body: B,
    /// How it ended.
    pub outcome: Outcome,
    /// One sentence that says why, when the outcome is not success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// Where from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The session inside which it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Who reported it, for events that come from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Which rules allowed or denied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// The original line or lines of ingested text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// An event that Lodge itself writes.
pub type Event = Envelope<Detail>;

/// An event as it is read back from the log, its kind perhaps unknown to this release.
pub type Record = Envelope<AnyDetail>;

/// The body of an event whose kind is not known beforehand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnyDetail {
    /// Dotted name of the kind.
    pub kind: String,
    /// What the kind's own fields say.
    #[serde(default)]
    pub detail: Value,
}

impl Event {
    /// Makes an event of now with outcome success.
    pub fn new(ambient: &Ambient, actor: Actor, detail: Detail) -> Event {
        Event {
            id: ambient.event_id(),
            time: ambient.now(),
            body: detail,
            outcome: Outcome::Success,
            reason: None,
            actor,
            origin: None,
            target: None,
            session: None,
            source: None,
            policy: None,
            raw: None,
        }
    }

    /// Says that it was tried and did not work.
    pub fn failed(mut self, reason: impl Into<String>) -> Event {
        self.outcome = Outcome::Failure;
        self.reason = Some(reason.into());
        self
    }

    /// Says that it was refused.
    pub fn denied(mut self, reason: impl Into<String>) -> Event {
        self.outcome = Outcome::Denied;
        self.reason = Some(reason.into());
        self
    }

    /// Says where it came from.
    pub fn from_origin(mut self, origin: Option<Origin>) -> Event {
        self.origin = origin;
        self
    }

    /// Says what it was aimed at.
    pub fn at_target(mut self, target: Option<Target>) -> Event {
        self.target = target;
        self
    }

    /// Says inside which session it happened.
    pub fn in_session(mut self, session: SessionId) -> Event {
        self.session = Some(session);
        self
    }

    /// Says which rules decided.
    pub fn under(mut self, policy: Policy) -> Event {
        self.policy = Some(policy);
        self
    }

    /// Returns the event's kind.
    pub fn kind(&self) -> &'static str {
        self.body.kind()
    }

    /// Makes the bytes that the log stores and hashes.
    pub fn encode(&self) -> EncodedEvent {
        let json =
            serde_json::to_vec(self).expect("events have string keys only, so JSON can always be written");
        EncodedEvent { json: json.into() }
    }
}

impl Record {
    /// Reads an event from its stored bytes; refuses what is larger or deeper than [`limits`] allow.
    pub fn parse(json: &[u8]) -> Result<Record, serde_json::Error> {
        limits::check(json).map_err(serde::de::Error::custom)?;
        serde_json::from_slice(json)
    }

    /// Returns the event's kind.
    pub fn kind(&self) -> &str {
        &self.body.kind
    }
}

/// An event's exact bytes, known to be one JSON object with the envelope's required fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    json: Bytes,
}

pub use crate::limits::MAX_EVENT_BYTES;

/// Why bytes are not an event.
#[derive(Debug, thiserror::Error)]
pub enum EncodedEventError {
    /// The bytes are not one JSON object with the envelope's fields as they should be.
    #[error("not an event: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Larger than [`MAX_EVENT_BYTES`], or too deep.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

impl EncodedEvent {
    /// Takes bytes that came from elsewhere, after checking in one pass that every later reader can read them.
    ///
    /// White space around the object is taken off; the rest stays as it is, to the byte.
    pub fn from_json(mut json: Vec<u8>) -> Result<EncodedEvent, EncodedEventError> {
        let leading = json.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        json.truncate(json.trim_ascii_end().len());
        json.drain(..leading.min(json.len()));
        if json.len() > MAX_EVENT_BYTES {
            return Err(LimitError::TooLarge(json.len()).into());
        }
        match Shape::check(&json) {
            Ok(()) => Ok(EncodedEvent { json: json.into() }),
            Err(error) => Err(why_refused(&json, error)),
        }
    }

    /// As [`EncodedEvent::from_json`], for text that is part of `whole`, with which the event shares its bytes.
    ///
    /// # Panics
    /// When it is an event and no part of `whole`.
    pub fn within(whole: &Bytes, json: &str) -> Result<EncodedEvent, EncodedEventError> {
        let json = json.trim_ascii();
        if json.len() > MAX_EVENT_BYTES {
            return Err(LimitError::TooLarge(json.len()).into());
        }
        match Shape::check_text(json) {
            Ok(()) => Ok(EncodedEvent { json: whole.slice_ref(json.as_bytes()) }),
            Err(error) => Err(why_refused(json.as_bytes(), error)),
        }
    }

    /// Takes bytes that were put together from parts which were checked one by one.
    pub(crate) fn of_checked(json: Vec<u8>) -> EncodedEvent {
        EncodedEvent { json: json.into() }
    }

    /// Returns the JSON bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.json
    }

    /// Gives up the JSON bytes.
    pub fn into_bytes(self) -> Bytes {
        self.json
    }
}

/// Only what is refused is looked at again, to say whether depth was the reason.
fn why_refused(json: &[u8], error: serde_json::Error) -> EncodedEventError {
    limits::check(json).map_or_else(EncodedEventError::from, |()| error.into())
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was tried and did not work.
    Failure,
    /// It was refused.
    Denied,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Name of the person, machine or component; empty when nobody is known.
    pub user: String,
    /// What kind of actor it is.
    #[serde(rename = "type")]
    pub kind: ActorType,
    /// Roles in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Second factor that was shown at login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Mfa>,
    /// Who vouched for the identity: `local`, or the name of a connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<String>,
    /// Access requests in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// For whom a machine or component acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
}

impl Actor {
    /// Names a component of Lodge itself.
    pub fn system(component: &str) -> Actor {
        Actor::of(component, ActorType::System)
    }

    /// Names a person who has not (yet) proved who they are.
    pub fn unknown(claimed: &str) -> Actor {
        Actor::of(claimed, ActorType::Unknown)
    }

    /// Names a person.
    pub fn human(user: &str) -> Actor {
        Actor::of(user, ActorType::Human)
    }

    fn of(user: &str, kind: ActorType) -> Actor {
        Actor {
            user: user.to_owned(),
            kind,
            roles: Vec::new(),
            mfa: None,
            identity_provider: None,
            requests: Vec::new(),
            on_behalf_of: None,
        }
    }
}

/// What kind of actor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// A person.
    Human,
    /// A machine with an identity of its own.
    Machine,
    /// A component of Lodge or of a reporting system.
    System,
    /// Nobody that the log can name.
    Unknown,
}

/// Second factor that was shown at login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mfa {
    /// None was shown.
    None,
    /// A time-based one-time password (RFC 6238).
    Totp,
    /// A single-use recovery code.
    RecoveryCode,
}

/// Where an action came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// Address of the client.
    pub ip: IpAddr,
    /// Port of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Program that the client says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl Origin {
    /// Names the client at `address`.
    pub fn of(address: std::net::SocketAddr) -> Origin {
        Origin { ip: address.ip().to_canonical(), port: Some(address.port()), agent: None }
    }
}

/// What an action was aimed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// What it is: `ssh`, `kubernetes`, `database`, `user`, `role`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Who reported an event, and its place in that source's own sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// What kind of source it is: `kubernetes`, `auditd`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Place in the source's own sequence.
    pub seq: u64,
}

/// Whoever acts, from where, and by which rule they may: what the events of one request have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub actor: Actor,
    /// From where; absent for what the server does by itself.
    pub origin: Option<Origin>,
    /// Which rules allowed it; absent where none was asked.
    pub policy: Option<Policy>,
}

impl Author {
    /// Names a component of Lodge that acts by itself.
    pub fn system(component: &str) -> Author {
        Author { actor: Actor::system(component), origin: None, policy: None }
    }

    /// Names somebody who acts for themselves, by no rule but that it is their own.
    pub fn of(actor: Actor, origin: Option<Origin>) -> Author {
        Author { actor, origin, policy: None }
    }

    /// Makes an event of now of which this is the author.
    pub fn event(&self, ambient: &Ambient, detail: Detail) -> Event {
        let mut event = Event::new(ambient, self.actor.clone(), detail).from_origin(self.origin.clone());
        event.policy = self.policy.clone();
        event
    }
}

/// Which rule allowed or denied an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// What was decided.
    pub decision: Decision,
    /// Roles that decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// One sentence that names the deciding rule.
    pub why: String,
}

/// What a policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The action may go on.
    Allow,
    /// The action was refused.
    Deny,
}
