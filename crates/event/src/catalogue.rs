//! The catalogue of events and their JSON Schema, made from the types and nothing else.
//!
//! Both are the same bytes on every run: nothing depends on the order of a map.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::filter::{ENVELOPE, FieldType};
use crate::kinds::{KINDS, KindEntry};
use crate::{Event, Record};

const INTRODUCTION: &str = "\
# Events

<!-- Generated from the types of `crates/event` by `cargo xtask generate`. Do not edit. -->

Every event is one JSON object. All share the envelope; what is particular to a kind stands in `detail`. A kind's name is
never given another meaning, and fields are added, never renamed. Filters use the names of this page: see
[filter.md](filter.md).
";

/// Returns `docs/events.md`: the envelope, then every kind, family by family.
pub fn catalogue_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    write_envelope(&mut page);
    page.push_str("\n## Kinds\n\n");
    for family in families() {
        let kinds = KINDS.iter().filter(|kind| kind.family() == family);
        let links: Vec<_> = kinds.map(|kind| format!("[`{}`](#{})", kind.name, anchor(kind.name))).collect();
        line(&mut page, &format!("- **{family}**: {}", links.join(", ")));
    }
    for family in families() {
        line(&mut page, &format!("\n## {family}"));
        for kind in KINDS.iter().filter(|kind| kind.family() == family) {
            write_kind(&mut page, kind);
        }
    }
    page
}

/// Returns the JSON Schema (Draft 2020-12) of every event that Lodge itself writes, as one document.
pub fn json_schema() -> Value {
    let mut schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Event>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("Lodge event"));
    }
    sorted(schema)
}

/// Returns the families in the order of the list of kinds.
pub(crate) fn families() -> Vec<&'static str> {
    let mut families = Vec::new();
    for kind in KINDS {
        if !families.contains(&kind.family()) {
            families.push(kind.family());
        }
    }
    families
}

fn write_envelope(page: &mut String) {
    let schema = schemars::schema_for!(Record).to_value();
    page.push_str("\n## Envelope\n\n| field | type | meaning |\n|---|---|---|\n");
    for field in ENVELOPE {
        let (property, required) = find(&schema, field.name);
        let type_name = match field.field_type {
            FieldType::Prose => "text".to_owned(),
            FieldType::Address => "address".to_owned(),
            _ => type_name(&property, &schema),
        };
        write_row(page, field.name, &optional(&type_name, required), &property);
    }
}

/// Finds the schema of a field by its dotted name, and whether it and all its parents are always there.
pub(crate) fn find(root: &Value, name: &str) -> (Value, bool) {
    let mut node = root.clone();
    let mut required = true;
    for key in name.split('.') {
        let parent = resolve(&node, root);
        required &= is_required(parent, key);
        node = parent["properties"][key].clone();
    }
    (node, required)
}

fn write_kind(page: &mut String, kind: &KindEntry) {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let schema = (kind.schema)(&mut generator).to_value();
    let definitions = json!({ "$defs": generator.take_definitions(true) });
    line(page, &format!("\n### {}\n\n{}\n\n| field | type | meaning |\n|---|---|---|", kind.name, kind.when));
    for field in kind.fields {
        let property = &schema["properties"][*field];
        let type_name = type_name(property, &definitions);
        write_row(
            page,
            &format!("detail.{field}"),
            &optional(&type_name, is_required(&schema, field)),
            property,
        );
    }
}

fn write_row(page: &mut String, name: &str, type_name: &str, property: &Value) {
    let meaning = property["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
    line(page, &format!("| `{name}` | {type_name} | {meaning} |"));
}

fn optional(type_name: &str, required: bool) -> String {
    if required || type_name.ends_with(", optional") {
        type_name.to_owned()
    } else {
        format!("{type_name}, optional")
    }
}

fn is_required(schema: &Value, key: &str) -> bool {
    schema["required"].as_array().is_some_and(|keys| keys.iter().any(|one| one == key))
}

/// Follows a reference, also that of an optional value.
pub(crate) fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().or_else(|| schema["anyOf"][0]["$ref"].as_str());
    reference.and_then(|path| root.pointer(path.trim_start_matches('#'))).unwrap_or(schema)
}

/// Names a schema's type in the reader's words.
fn type_name(schema: &Value, root: &Value) -> String {
    let nullable = schema["anyOf"].is_array();
    let target = resolve(schema, root);
    if let Some(choices) = target["oneOf"].as_array() {
        let words: Vec<_> =
            choices.iter().filter_map(|one| one["const"].as_str()).map(|one| format!("`{one}`")).collect();
        return words.join(", ");
    }
    let (name, null) = match &target["type"] {
        Value::String(name) => (name.as_str(), false),
        Value::Array(names) => (names.first().and_then(Value::as_str).unwrap_or("any JSON"), true),
        _ => return "any JSON".to_owned(),
    };
    let name = match (name, target["format"].as_str()) {
        ("string", Some("date-time")) => "time".to_owned(),
        ("string", Some("uuid")) => "id".to_owned(),
        ("string", _) => "text".to_owned(),
        ("integer" | "number", _) => "number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        ("array", _) => format!("list of {}", type_name(&target["items"], root)),
        ("object", _) if target["additionalProperties"].is_object() => {
            format!("{} by name", type_name(&target["additionalProperties"], root))
        }
        (other, _) => other.to_owned(),
    };
    optional(&name, !(null || nullable))
}

/// Names a heading's anchor as GitHub does.
fn anchor(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("writing to a string cannot fail");
}

/// Sorts the keys of every object, whatever order the build's JSON maps keep.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn every_kind_and_field_has_a_meaning() {
        let page = catalogue_markdown();
        for kind in KINDS {
            assert!(page.contains(&format!("\n### {}\n\n{}\n", kind.name, kind.when)), "{}", kind.name);
        }
        for row in page.lines().filter(|row| row.starts_with("| `")) {
            assert!(!row.ends_with("|  |") && !row.contains("|  |"), "no type or no meaning: {row}");
        }
    }

    #[test]
    fn the_page_is_the_same_on_every_run() {
        assert_eq!(catalogue_markdown(), catalogue_markdown());
        assert_eq!(json_schema().to_string(), json_schema().to_string());
    }

    #[test]
    fn a_kind_reads_like_this() {
        let page = catalogue_markdown();
        let start = page.find("### user.login").unwrap();
        let end = page.find("### user.logout").unwrap();
        expect![[r#"
            ### user.login

            A person signed in or tried to.

            | field | type | meaning |
            |---|---|---|
            | `detail.user` | text | Name that was typed. |
            | `detail.method` | text | `password+totp`, `password+recovery_code`. |
            | `detail.login` | id, optional | Id of the login, which its certificates carry; absent when it failed. |
            | `detail.expires` | time, optional | When the login ends. |
            | `detail.means` | text | What was asked for: `certificates`, or `console`, a browser's session. |

        "#]].assert_eq(&page[start..end]);
        let start = page.find("## Envelope").unwrap();
        let end = page.find("## Kinds").unwrap();
        expect![[r#"
            ## Envelope

            | field | type | meaning |
            |---|---|---|
            | `id` | id | Unique id, UUIDv7; the deduplication key for whoever receives the event. |
            | `time` | time | When it happened by the producer's clock: RFC 3339, UTC, microseconds. |
            | `kind` | text | Dotted name of the kind. |
            | `outcome` | `success`, `failure`, `denied` | How it ended. |
            | `reason` | text, optional | One sentence that says why, when the outcome is not success. |
            | `actor.user` | text | Name of the person, machine or component; empty when nobody is known. |
            | `actor.type` | `human`, `machine`, `system`, `unknown` | What kind of actor it is. |
            | `actor.roles` | list of text, optional | Roles in force. |
            | `actor.mfa` | `none`, `totp`, `recovery_code`, optional | Second factor that was shown at login. |
            | `actor.identity_provider` | text, optional | Who vouched for the identity: `local`, or the name of a connector. |
            | `actor.requests` | list of text, optional | Access requests in force. |
            | `actor.on_behalf_of` | text, optional | For whom a machine or component acted. |
            | `origin.ip` | address, optional | Address of the client. |
            | `origin.port` | number, optional | Port of the client. |
            | `origin.agent` | text, optional | Program that the client says it is. |
            | `target.type` | text, optional | What it is: `ssh`, `kubernetes`, `database`, `user`, `role`, … |
            | `target.name` | text, optional | Its name. |
            | `target.labels` | text by name, optional | Its labels. |
            | `target.address` | text, optional | Its network address. |
            | `session` | id, optional | The session inside which it happened. |
            | `source.type` | text, optional | What kind of source it is: `kubernetes`, `auditd`, … |
            | `source.name` | text, optional | Its name. |
            | `source.seq` | number, optional | Place in the source's own sequence. |
            | `policy.decision` | `allow`, `deny`, optional | What was decided. |
            | `policy.roles` | list of text, optional | Roles that decided. |
            | `policy.why` | text, optional | One sentence that names the deciding rule. |
            | `detail` | any JSON, optional | What the kind's own fields say. |
            | `raw` | text, optional | The original line or lines of ingested text. |

        "#]].assert_eq(&page[start..end]);
    }

    #[test]
    fn the_schema_names_every_kind_once() {
        let schema = json_schema();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let kinds = schema["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["properties"]["kind"]["const"].as_str().unwrap());
        assert_eq!(kinds.collect::<Vec<_>>(), KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>());
        assert!(schema["properties"]["actor"].is_object());
    }
}
