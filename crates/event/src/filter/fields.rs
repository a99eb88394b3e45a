//! The fields that a filter may name, and how each one's values are read.
//!
//! A test holds the table against the envelope's own types, so that it cannot fall behind them.

use super::error::shown;

/// How the values of a field are read and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A name or word: a value is equal as a whole or not at all.
    Name,
    /// Sentences: a value is found by the words in it.
    Prose,
    /// An instant.
    Date,
    /// A number.
    Number,
    /// An IP address.
    Address,
    /// Anything: what a kind's own field holds shows only when it is compared.
    Open,
}

/// A field of the envelope.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeField {
    /// Its full name.
    pub name: &'static str,
    /// How its values are read.
    pub field_type: FieldType,
    /// Every value that it can have, where they are few; empty otherwise.
    pub values: &'static [&'static str],
}

/// A field, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    name: String,
    field_type: FieldType,
}

const fn field(name: &'static str, field_type: FieldType) -> EnvelopeField {
    EnvelopeField { name, field_type, values: &[] }
}

const fn choice(name: &'static str, values: &'static [&'static str]) -> EnvelopeField {
    EnvelopeField { name, field_type: FieldType::Name, values }
}

/// Every field of the envelope, in the order in which people read them.
pub const ENVELOPE: &[EnvelopeField] = &[
    field("id", FieldType::Name),
    field("time", FieldType::Date),
    field("kind", FieldType::Name),
    choice("outcome", &["success", "failure", "denied"]),
    field("reason", FieldType::Prose),
    field("actor.user", FieldType::Name),
    choice("actor.type", &["human", "machine", "system", "unknown"]),
    field("actor.roles", FieldType::Name),
    choice("actor.mfa", &["none", "totp", "recovery_code"]),
    field("actor.identity_provider", FieldType::Name),
    field("actor.requests", FieldType::Name),
    field("actor.on_behalf_of", FieldType::Name),
    field("origin.ip", FieldType::Address),
    field("origin.port", FieldType::Number),
    field("origin.agent", FieldType::Prose),
    field("target.type", FieldType::Name),
    field("target.name", FieldType::Name),
    field("target.labels", FieldType::Open),
    field("target.address", FieldType::Open),
    field("session", FieldType::Name),
    field("source.type", FieldType::Name),
    field("source.name", FieldType::Name),
    field("source.seq", FieldType::Number),
    choice("policy.decision", &["allow", "deny"]),
    field("policy.roles", FieldType::Name),
    field("policy.why", FieldType::Prose),
    field("detail", FieldType::Open),
    field("raw", FieldType::Prose),
];

/// Fields of kinds that hold sentences rather than names.
const PROSE_DETAILS: &[&str] = &["detail.command"];

/// Parents: their fields have values, they themselves only exist or not.
const OBJECTS: &[&str] = &["actor", "origin", "target", "target.labels", "source", "policy", "detail"];

/// What people who come from other systems type, and what it is called here.
const ALIASES: &[(&str, &str)] = &[
    ("@timestamp", "time"),
    ("timestamp", "time"),
    ("date", "time"),
    ("event", "kind"),
    ("event.type", "kind"),
    ("event.action", "kind"),
    ("event.outcome", "outcome"),
    ("event.id", "id"),
    ("action", "kind"),
    ("status", "outcome"),
    ("result", "outcome"),
    ("success", "outcome"),
    ("message", "reason"),
    ("username", "actor.user"),
    ("user.name", "actor.user"),
    ("who", "actor.user"),
    ("addr", "origin.ip"),
    ("source.ip", "origin.ip"),
    ("client.ip", "origin.ip"),
    ("remote", "origin.ip"),
    ("user_agent", "origin.agent"),
    ("host", "target.name"),
    ("host.name", "target.name"),
    ("server", "target.name"),
    ("sid", "session"),
    ("session_id", "session"),
    ("session.id", "session"),
    ("command", "detail.command"),
    ("login", "detail.login"),
    ("path", "detail.path"),
];

/// Why a name is no field.
pub(super) struct Unknown {
    pub(super) message: String,
    pub(super) suggestions: Vec<String>,
}

/// A name that is no field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", meant(suggestions))]
pub struct FieldError {
    message: String,
    suggestions: Vec<String>,
}

fn meant(suggestions: &[String]) -> String {
    match suggestions {
        [] => String::new(),
        suggestions => format!("; did you mean {}", suggestions.join(" or ")),
    }
}

impl FieldPath {
    /// Reads a field's name where it stands alone, outside a filter.
    pub fn parse(name: &str) -> Result<FieldPath, FieldError> {
        let wrong = |Unknown { message, suggestions }| FieldError { message, suggestions };
        let field = FieldPath::resolve(name).map_err(wrong)?;
        match field.children() {
            // A parent of the envelope has no values of its own.
            Some(suggestions) => Err(FieldError {
                message: format!("{} has no value of its own, only fields with values", shown(name)),
                suggestions,
            }),
            None => Ok(field),
        }
    }

    /// Finds the field that `name` names.
    pub(super) fn resolve(name: &str) -> Result<FieldPath, Unknown> {
        check_stars(name)?;
        let found = |field_type| Ok(FieldPath { name: name.to_owned(), field_type });
        if PROSE_DETAILS.contains(&name) {
            return found(FieldType::Prose);
        }
        if let Some(field) = ENVELOPE.iter().find(|field| field.name == name) {
            return found(field.field_type);
        }
        let below = |parent: &str| {
            name.strip_prefix(parent).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
        };
        let starred_parent = name.find('*').map(|at| name[..at].trim_end_matches('.'));
        if below("detail")
            || below("target.labels")
            || starred_parent.is_some_and(|up| up.is_empty() || is_parent(up))
        {
            return found(FieldType::Open);
        }
        if is_parent(name) {
            return found(FieldType::Open);
        }
        Err(unknown(name))
    }

    /// Returns the field's full dotted name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how its values are read.
    pub fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// Returns every value that the field can have, where they are few; empty otherwise.
    pub fn values(&self) -> &'static [&'static str] {
        ENVELOPE.iter().find(|field| field.name == self.name).map_or(&[], |field| field.values)
    }

    /// Returns the fields below this one where it is a parent of the envelope and has no value of its own.
    pub(super) fn children(&self) -> Option<Vec<String>> {
        is_parent(&self.name).then(|| match self.name.as_str() {
            "detail" => vec!["detail.*".to_owned()],
            "target.labels" => vec!["target.labels.*".to_owned()],
            parent => below(parent),
        })
    }
}

/// Says whether a name is one that a filter may use as a field.
pub(super) fn is_field(name: &str) -> bool {
    FieldPath::resolve(name).is_ok()
}

fn is_parent(name: &str) -> bool {
    OBJECTS.contains(&name)
}

fn below(parent: &str) -> Vec<String> {
    let inside = |name: &str| name.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'));
    ENVELOPE.iter().filter(|field| inside(field.name)).map(|field| field.name.to_owned()).collect()
}

/// One `*` at most, as a whole segment: it stands for one or more levels, and two would make the walk quadratic.
fn check_stars(name: &str) -> Result<(), Unknown> {
    let stars = name.split('.').filter(|segment| segment.contains('*')).count();
    if stars == 0 || stars == 1 && name.split('.').any(|segment| segment == "*") {
        return Ok(());
    }
    let message = format!(
        "in the field name {} only one `*` may stand, for whole levels: `detail.*.name`",
        shown(name)
    );
    Err(Unknown { message, suggestions: Vec::new() })
}

fn unknown(name: &str) -> Unknown {
    let suggestions = suggest(name);
    let mut message = format!("there is no field {}", shown(name));
    if suggestions.is_empty() {
        message.push_str(
            "; a kind's own fields begin with `detail.`, and text that holds a colon must be quoted",
        );
    }
    Unknown { message, suggestions }
}

/// Finds what a name was probably meant to be: an alias, the last part of a full name, else the most similar.
fn suggest(name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    if name.chars().count() > 64 {
        return Vec::new();
    }
    if let Some((_, meant)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
        return vec![(*meant).to_owned()];
    }
    if let Some(parent) = name.strip_suffix(".").filter(|parent| is_parent(parent)) {
        return below(parent);
    }
    let last = |full: &'static str| full.rsplit('.').next().unwrap_or(full);
    let names = || ENVELOPE.iter().map(|field| field.name).filter(|full| *full != "detail");
    let same: Vec<String> =
        names().filter(|full| *full == name || last(full) == name).map(str::to_owned).collect();
    if !same.is_empty() {
        return same;
    }
    let similarity =
        |full: &'static str| strsim::jaro_winkler(full, &name).max(strsim::jaro_winkler(last(full), &name));
    let best = names().map(|full| (similarity(full), full)).max_by(|left, right| left.0.total_cmp(&right.0));
    best.filter(|(similarity, _)| *similarity >= 0.85).map(|(_, full)| full.to_owned()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Collects the dotted names of the fields that a schema has.
    fn collect(schema: &Value, root: &Value, prefix: &str, into: &mut BTreeSet<String>) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            let reference = property["$ref"].as_str().or_else(|| property["anyOf"][0]["$ref"].as_str());
            let target = reference.and_then(|path| root.pointer(path.trim_start_matches('#')));
            match target {
                Some(inner) if inner.get("properties").is_some() => collect(inner, root, &name, into),
                _ => drop(into.insert(name)),
            }
        }
    }

    #[test]
    fn the_table_names_every_field_of_the_envelope() {
        let schema = schemars::schema_for!(crate::Record).to_value();
        let mut names = BTreeSet::new();
        collect(&schema, &schema, "", &mut names);
        let table: BTreeSet<String> = ENVELOPE.iter().map(|field| field.name.to_owned()).collect();
        assert_eq!(table, names);
    }

    #[test]
    fn the_table_lists_every_value_of_an_enumeration() {
        let schema = schemars::schema_for!(crate::Record).to_value();
        for (field, definition) in [
            ("outcome", "Outcome"),
            ("actor.type", "ActorType"),
            ("actor.mfa", "Mfa"),
            ("policy.decision", "Decision"),
        ] {
            let values = FieldPath::resolve(field).ok().unwrap().values();
            let declared = schema["$defs"][definition]["oneOf"].as_array().unwrap();
            let declared: Vec<_> = declared.iter().filter_map(|one| one["const"].as_str()).collect();
            assert_eq!(values, declared, "{field}");
        }
    }

    #[test]
    fn aliases_and_parents_lead_to_real_fields() {
        for (alias, meant) in ALIASES {
            assert!(is_field(meant), "{meant}");
            assert!(!is_field(alias), "{alias} is a field and needs no alias");
        }
        for parent in OBJECTS {
            assert!(FieldPath::resolve(parent).is_ok_and(|field| field.children().is_some()), "{parent}");
        }
    }

    #[test]
    fn names_of_any_depth_stand_under_detail_and_labels() {
        for name in [
            "detail.a",
            "detail.a.b.c",
            "target.labels.env",
            "target.labels.app.kubernetes.io/name",
            "detail.*",
        ] {
            assert!(
                FieldPath::resolve(name).is_ok_and(|field| field.field_type() == FieldType::Open),
                "{name}"
            );
        }
        for name in ["*", "*.user", "actor.*", "detail.*.name"] {
            assert!(is_field(name), "{name}");
        }
        for name in ["", "detail.", "detail.a*", "detail.*.*", "actor.us*", "user", "Kind", "nothing.*"] {
            assert!(!is_field(name), "{name}");
        }
    }
}
