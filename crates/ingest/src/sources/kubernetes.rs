//! `kubernetes`: audit records of API servers, `audit.k8s.io` version 1 and its betas, as the API reference describes
//! them. A line is an `Event`, an `EventList`, or an array of either.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use event::ingested::{Actor, Ingested, Labels, Origin, Policy, Source, Target};
use event::pick::FIRST;
use event::{ActorType, Decision, EventId, Outcome, Pick, Picker, Picks, Timestamp, Verbatim};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Format, Found, Place};
use crate::MAX_BATCH_LINES;

/// Audit records of Kubernetes API servers.
pub(super) struct Kubernetes;

/// Declares the values that are picked, by name.
macro_rules! picked {
    ($($name:ident = $path:expr;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "they are named as constants")]
        #[derive(Clone, Copy)]
        enum Field { $($name),* }
        $(const $name: usize = Field::$name as usize;)*
        static PICKER: LazyLock<Picker> = LazyLock::new(|| Picker::new(&[$($path),*]));
    };
}

picked! {
    KIND = &["kind"];
    API_VERSION = &["apiVersion"];
    ITEMS = &["items"];
    AUDIT_ID = &["auditID"];
    STAGE = &["stage"];
    VERB = &["verb"];
    STAGE_TIME = &["stageTimestamp"];
    RECEIVED_TIME = &["requestReceivedTimestamp"];
    BETA_TIME = &["timestamp"];
    USER = &["user", "username"];
    IMPERSONATED = &["impersonatedUser", "username"];
    SOURCE_IP = &["sourceIPs", FIRST];
    USER_AGENT = &["userAgent"];
    URI = &["requestURI"];
    RESOURCE = &["objectRef", "resource"];
    NAMESPACE = &["objectRef", "namespace"];
    NAME = &["objectRef", "name"];
    SUBRESOURCE = &["objectRef", "subresource"];
    API_GROUP = &["objectRef", "apiGroup"];
    CODE = &["responseStatus", "code"];
    MESSAGE = &["responseStatus", "message"];
    REASON = &["responseStatus", "reason"];
    DECISION = &["annotations", "authorization.k8s.io/decision"];
    WHY = &["annotations", "authorization.k8s.io/reason"];
}

impl Format for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn read<'a>(&self, line: &'a str, place: &Place<'_>, picks: &mut Picks<'a>, found: &mut Found) {
        let read = match PICKER.read(line, picks) {
            Ok(read) => read,
            Err(error) => return found.reject(error.to_string()),
        };
        let list = picks.text(KIND) == Some("EventList") && matches!(picks.get(ITEMS), Some(Pick::Other));
        if list || read.as_str().starts_with('[') {
            return self.read_list(read.as_str(), place, picks, found);
        }
        self.read_one(read, place, picks, found);
    }
}

/// The items of an `EventList`, unread.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

impl Kubernetes {
    /// Lists hold events, and arrays may hold lists: one level of each, which is all that API servers send.
    fn read_list<'a>(&self, json: &'a str, place: &Place<'_>, picks: &mut Picks<'a>, found: &mut Found) {
        let parse = |json: &'a str| -> Result<Vec<&'a RawValue>, serde_json::Error> {
            if json.starts_with('[') {
                return serde_json::from_str(json);
            }
            Ok(serde_json::from_str::<List<'a>>(json)?.items)
        };
        let is_array = json.starts_with('[');
        let items = match parse(json) {
            Ok(items) if items.is_empty() => return found.reject("a list without any record"),
            Ok(items) if items.len() > MAX_BATCH_LINES => return found.reject(TOO_MANY),
            Ok(items) => items,
            Err(error) => return found.reject(error.to_string()),
        };
        for item in items {
            let read = match PICKER.read(item.get(), picks) {
                Ok(read) => read,
                Err(error) => {
                    found.reject(error.to_string());
                    continue;
                }
            };
            if is_array && picks.text(KIND) == Some("EventList") {
                self.read_list(read.as_str(), place, picks, found);
            } else {
                self.read_one(read, place, picks, found);
            }
            if found.events.len() + found.rejected.len() > MAX_BATCH_LINES {
                *found = Found::default();
                return found.reject(TOO_MANY);
            }
        }
    }

    fn read_one(&self, record: Verbatim<'_>, place: &Place<'_>, picks: &Picks<'_>, found: &mut Found) {
        if let Err(why) = check(record, picks) {
            return found.reject(why);
        }
        let time = time_of(picks).unwrap_or(place.now);
        let name = target_name(picks);
        let (outcome, reason) = outcome_of(picks);
        let user = picks.text(USER).unwrap_or_default();
        let event = Ingested {
            id: id_of(record, picks, time),
            time,
            kind: "kube.audit",
            outcome,
            reason: reason.as_deref(),
            actor: Actor { user, kind: actor_type(user), on_behalf_of: picks.text(IMPERSONATED) },
            origin: origin_of(picks),
            target: name.as_deref().map(|name| target_of(name, picks)),
            source: Source { kind: self.name(), name: place.name, seq: place.seq },
            policy: policy_of(picks),
        };
        found.events.push(event.encode(record));
    }
}

const TOO_MANY: &str = "a list of more than 65536 records; write one record a line";

/// Items of a list carry neither kind nor version, so a record is known by what it says.
fn check(record: Verbatim<'_>, picks: &Picks<'_>) -> Result<(), &'static str> {
    const NOT_ONE: &str = "not an Event of audit.k8s.io";
    let fits = |path, fit: &dyn Fn(&str) -> bool| match picks.get(path) {
        None => true,
        Some(Pick::Text(text)) => fit(text),
        Some(_) => false,
    };
    let named = fits(KIND, &|kind| kind == "Event")
        && fits(API_VERSION, &|version| version.starts_with("audit.k8s.io/"));
    if !record.is_object() || !named {
        return Err(NOT_ONE);
    }
    if picks.text(AUDIT_ID).is_none() || picks.text(VERB).is_none() {
        return Err("not an Event of audit.k8s.io: auditID or verb is missing");
    }
    Ok(())
}

fn time_of(picks: &Picks<'_>) -> Option<Timestamp> {
    [STAGE_TIME, RECEIVED_TIME, BETA_TIME].iter().find_map(|path| picks.text(*path)?.parse().ok())
}

/// Makes the same id of the same request and stage, wherever the record is read.
fn id_of(record: Verbatim<'_>, picks: &Picks<'_>, time: Timestamp) -> EventId {
    let mut hash = Sha256::new_with_prefix(b"kube.audit\0");
    match (picks.text(AUDIT_ID), picks.text(STAGE)) {
        (Some(id), Some(stage)) => {
            hash.update(id);
            hash.update([0]);
            hash.update(stage);
        }
        _ => hash.update(record.as_str()),
    }
    EventId::new(time, *hash.finalize().first_chunk().expect("a SHA-256 value has 32 bytes"))
}

fn actor_type(user: &str) -> ActorType {
    match user {
        "" | "system:anonymous" => ActorType::Unknown,
        user if user.starts_with("system:serviceaccount:") => ActorType::Machine,
        user if user.starts_with("system:") => ActorType::System,
        _ => ActorType::Human,
    }
}

fn origin_of<'p>(picks: &'p Picks<'_>) -> Option<Origin<'p>> {
    let ip: IpAddr = picks.text(SOURCE_IP)?.parse().ok()?;
    Some(Origin { ip: ip.to_canonical(), agent: picks.text(USER_AGENT) })
}

/// Names the object as `namespace/resource/name/subresource`, as far as each is known; the path where there is none.
fn target_name<'p>(picks: &'p Picks<'_>) -> Option<Cow<'p, str>> {
    let parts = [NAMESPACE, RESOURCE, NAME, SUBRESOURCE].map(|path| picks.text(path));
    if picks.text(RESOURCE).is_none() {
        let path = picks.text(URI)?.split('?').next()?;
        return Some(Cow::Borrowed(path));
    }
    let mut name = String::with_capacity(parts.iter().flatten().map(|part| part.len() + 1).sum());
    for part in parts.into_iter().flatten() {
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(part);
    }
    Some(Cow::Owned(name))
}

fn target_of<'p>(name: &'p str, picks: &'p Picks<'_>) -> Target<'p> {
    let labels = Labels([
        ("api_group", picks.text(API_GROUP)),
        ("namespace", picks.text(NAMESPACE)),
        ("resource", picks.text(RESOURCE)),
        ("subresource", picks.text(SUBRESOURCE)),
    ]);
    Target { kind: "kubernetes", name, labels }
}

fn outcome_of<'p>(picks: &'p Picks<'_>) -> (Outcome, Option<Cow<'p, str>>) {
    let code = picks.whole(CODE);
    let forbidden = picks.text(DECISION) == Some("forbid");
    let outcome = match code {
        Some(401 | 403) => Outcome::Denied,
        _ if forbidden => Outcome::Denied,
        Some(400..) => Outcome::Failure,
        _ => return (Outcome::Success, None),
    };
    let said = [MESSAGE, WHY, REASON].iter().find_map(|path| picks.text(*path)).map(Cow::Borrowed);
    let reason = said.or_else(|| code.map(|code| Cow::Owned(format!("the API server answered {code}"))));
    (outcome, reason)
}

fn policy_of<'p>(picks: &'p Picks<'_>) -> Option<Policy<'p>> {
    let decision = match picks.text(DECISION)? {
        "allow" => Decision::Allow,
        "forbid" => Decision::Deny,
        _ => return None,
    };
    Some(Policy { decision, why: picks.text(WHY).unwrap_or("the authorizer gave no reason") })
}

#[cfg(test)]
mod tests;
