//! The fields of events as columns of tables, made from the types: those of the envelope, and those of a family's kinds.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::Record;
use crate::catalogue::{families, find, resolve};
use crate::filter::ENVELOPE;
use crate::kinds::KINDS;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    Text,
    /// An instant.
    Time,
    /// A whole number.
    Whole,
    /// Any number.
    Number,
    /// `true` or `false`.
    Truth,
    /// A list, an object, or what differs from kind to kind.
    Json,
}

/// A field, as a column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableField {
    /// Keys from the event down to it.
    pub path: Vec<String>,
    /// What it holds.
    pub holds: Holds,
}

impl TableField {
    /// Its name: keys joined by `_`, in lower case, words parted by `_`.
    pub fn name(&self) -> String {
        self.path.iter().map(|key| snake(key)).collect::<Vec<_>>().join("_")
    }
}

/// Returns the fields of the envelope, but for `detail`.
pub fn envelope_fields() -> Vec<TableField> {
    let schema = schemars::schema_for!(Record).to_value();
    let fields = ENVELOPE.iter().filter(|field| field.name != "detail").map(|field| TableField {
        path: field.name.split('.').map(str::to_owned).collect(),
        holds: holds(&find(&schema, field.name).0, &schema),
    });
    fields.collect()
}

/// Returns every family of kinds with the fields that their details have, in the order of the list of kinds.
pub fn family_tables() -> Vec<(&'static str, Vec<TableField>)> {
    families().into_iter().map(|family| (family, detail_fields(family))).collect()
}

fn detail_fields(family: &str) -> Vec<TableField> {
    let mut found: Vec<TableField> = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.family() == family) {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let schema = (kind.schema)(&mut generator).to_value();
        let definitions = json!({ "$defs": generator.take_definitions(true) });
        for name in kind.fields {
            let field = TableField {
                path: vec!["detail".to_owned(), (*name).to_owned()],
                holds: holds(&schema["properties"][*name], &definitions),
            };
            match found.iter_mut().find(|known| known.path == field.path) {
                Some(known) if known.holds != field.holds => known.holds = Holds::Json,
                Some(_) => {}
                None => found.push(field),
            }
        }
    }
    found
}

fn holds(schema: &Value, root: &Value) -> Holds {
    let target = resolve(schema, root);
    if target["oneOf"].is_array() {
        return Holds::Text;
    }
    let name = match &target["type"] {
        Value::Array(names) => names.first().and_then(Value::as_str),
        name => name.as_str(),
    };
    match (name, target["format"].as_str()) {
        (Some("string"), Some("date-time")) => Holds::Time,
        (Some("string"), _) => Holds::Text,
        (Some("integer"), _) => Holds::Whole,
        (Some("number"), _) => Holds::Number,
        (Some("boolean"), _) => Holds::Truth,
        _ => Holds::Json,
    }
}

/// Writes `requestURI` as `request_uri`.
fn snake(key: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for letter in key.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' });
        before = letter;
    }
    out
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn shown(fields: &[TableField]) -> String {
        fields.iter().map(|field| format!("{} {:?}\n", field.name(), field.holds)).collect()
    }

    #[test]
    fn every_field_of_the_envelope_is_a_column() {
        expect![[r#"
            id Text
            time Time
            kind Text
            outcome Text
            reason Text
            actor_user Text
            actor_type Text
            actor_roles Json
            actor_mfa Text
            actor_identity_provider Text
            actor_requests Json
            actor_on_behalf_of Text
            origin_ip Text
            origin_port Whole
            origin_agent Text
            target_type Text
            target_name Text
            target_labels Json
            target_address Text
            session Text
            source_type Text
            source_name Text
            source_seq Whole
            policy_decision Text
            policy_roles Json
            policy_why Text
            raw Text
        "#]]
        .assert_eq(&shown(&envelope_fields()));
    }

    #[test]
    fn the_columns_of_a_family_are_those_of_its_kinds() {
        let tables = family_tables();
        let (_, kube) = tables.iter().find(|(family, _)| *family == "kube").unwrap();
        expect![[r#"
            detail_verb Text
            detail_request_uri Text
            detail_object_ref Json
            detail_user Json
            detail_impersonated_user Json
            detail_source_ips Json
            detail_user_agent Text
            detail_response_status Json
            detail_request_object Json
            detail_response_object Json
            detail_level Text
            detail_stage Text
            detail_audit_id Text
            detail_request_received_timestamp Time
            detail_stage_timestamp Time
            detail_annotations Json
        "#]]
        .assert_eq(&shown(kube));
        for (family, fields) in &tables {
            let mut names: Vec<String> = fields.iter().map(TableField::name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), fields.len(), "{family}");
        }
    }
}
