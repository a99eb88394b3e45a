//! Presets: three roles that are always there and cannot be changed.
//!
//! `admin` administers and reaches no target by itself; `access` reaches every target under the person's own
//! logins; `auditor` reads the log and the recordings and reaches no target.

use crate::login::{Login, Values};
use crate::operation::{ApiResource, Verb};
use crate::options::RoleOptions;
use crate::resource::{ApiRule, Choice, Role, Rule};
use crate::selector::Selector;

/// Names of the presets.
pub const PRESETS: [&str; 3] = ["access", "admin", "auditor"];

/// Says whether a role of this name is a preset.
pub fn is_preset(name: &str) -> bool {
    PRESETS.contains(&name)
}

/// Makes the preset roles.
pub(crate) fn presets() -> [Role; 3] {
    [access(), admin(), auditor()]
}

fn access() -> Role {
    let template = |values| Login::Template { prefix: String::new(), values, suffix: String::new() };
    let rule = Rule {
        logins: vec![template(Values::Trait("logins".to_owned())), template(Values::UserName)],
        labels: Selector::everything(),
        ..Rule::default()
    };
    preset(
        "access",
        "Reaches every target, as the user's own name and the logins in the trait `logins`",
        rule,
    )
}

fn admin() -> Role {
    let everything = ApiRule { resources: vec![Choice::Any], verbs: vec![Choice::Any], scope: None };
    let rule = Rule { api: vec![everything], ..Rule::default() };
    preset("admin", "Administers everything; reaches no target by itself", rule)
}

fn auditor() -> Role {
    let api = |resources: &[ApiResource], verbs: &[Verb]| ApiRule {
        resources: resources.iter().map(|each| Choice::One(*each)).collect(),
        verbs: verbs.iter().map(|each| Choice::One(*each)).collect(),
        scope: None,
    };
    let declared = [ApiResource::Users, ApiResource::Roles, ApiResource::Targets, ApiResource::Locks];
    let rule = Rule {
        api: vec![
            api(&[ApiResource::Log], &[Verb::Read, Verb::Export, Verb::Verify]),
            api(&[ApiResource::Recordings], &[Verb::List, Verb::Watch, Verb::Export]),
            api(&[ApiResource::Sessions, ApiResource::Authorities], &[Verb::List, Verb::Read]),
            api(&[ApiResource::Proofs], &[Verb::Read]),
            api(&declared, &[Verb::List, Verb::Read]),
        ],
        ..Rule::default()
    };
    preset("auditor", "Reads the log, the recordings and who may do what; reaches no target", rule)
}

fn preset(name: &str, description: &str, rule: Rule) -> Role {
    Role {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        allow: vec![rule],
        deny: Vec::new(),
        options: RoleOptions::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Resource;

    #[test]
    fn presets_are_valid_and_read_back_from_their_yaml() {
        for role in presets() {
            role.check().unwrap();
            assert!(is_preset(&role.name));
            let text = Resource::Role(role.clone()).to_string();
            assert_eq!(Resource::parse_all(&text).unwrap(), [Resource::Role(role)], "{text}");
        }
    }
}
