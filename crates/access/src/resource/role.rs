//! Roles: rules that allow, rules that deny, and options for the sessions that they grant.
//!
//! Everything that a rule states must hold together for it to apply. Several rules, of one role or of many, are
//! alternatives; a rule that denies wins over any that allows.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::login::Login;
use crate::names::{NameError, check_name};
use crate::network::Network;
use crate::one_or_many;
use crate::operation::{ApiResource, Operation, Verb};
use crate::options::RoleOptions;
use crate::selector::Selector;
use crate::words::words;

words! {
    /// Which way a rule decides.
    Side {
        /// The rule grants.
        Allow = "allow",
        /// The rule refuses, whatever others grant.
        Deny = "deny",
    }
}

/// What its holders may do, and what they may not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Rules that grant.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many::read")]
    pub allow: Vec<Rule>,
    /// Rules that refuse.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many::read")]
    pub deny: Vec<Rule>,
    /// Options of the sessions that it grants.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: RoleOptions,
}

/// One rule: what it states must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Account names on targets.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many::read")]
    pub logins: Vec<Login>,
    /// Targets by their labels.
    #[serde(skip_serializing_if = "Selector::is_empty")]
    pub labels: Selector,
    /// Targets by their names; together with labels, either may hold.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many::read")]
    pub targets: Vec<String>,
    /// Source networks.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many::read")]
    pub from: Vec<Network>,
    /// Operations of the API.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many::read")]
    pub api: Vec<ApiRule>,
}

/// Operations of the API: each verb on each resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiRule {
    /// On what.
    #[serde(deserialize_with = "one_or_many::read")]
    pub resources: Vec<Choice<ApiResource>>,
    /// What may be done.
    #[serde(deserialize_with = "one_or_many::read")]
    pub verbs: Vec<Choice<Verb>>,
    /// Which events may be read: a filter in the language of the search box. Only for reading the log.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// A word of a closed list, or `*` for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<T> {
    /// All of them.
    Any,
    /// This one.
    One(T),
}

impl<T: PartialEq> Choice<T> {
    /// Says whether this stands for `value`.
    pub fn covers(&self, value: &T) -> bool {
        match self {
            Choice::Any => true,
            Choice::One(one) => one == value,
        }
    }
}

impl<T: Serialize> Serialize for Choice<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Choice::Any => serializer.serialize_str("*"),
            Choice::One(one) => one.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Choice<T>, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if word == "*" {
            return Ok(Choice::Any);
        }
        T::deserialize(serde::de::value::StrDeserializer::<D::Error>::new(&word)).map(Choice::One)
    }
}

/// Why a role is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// Its name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A target that a rule names.
    #[error(
        "{rule} names the target {name:?}, which cannot be a target's name; select by labels to use patterns"
    )]
    Target {
        /// Which rule.
        rule: String,
        /// The name.
        name: String,
    },
    /// A rule that says nothing.
    #[error("{0} is empty; state what it is about or leave it out")]
    Empty(String),
    /// An allowing rule with logins and no targets.
    #[error(
        "{0} gives logins but selects no target; add `labels` or `targets` (`labels: {{\"*\": \"*\"}}` selects all)"
    )]
    NoTargets(String),
    /// An allowing rule with targets and no logins.
    #[error("{0} selects targets but gives no login; add `logins`")]
    NoLogins(String),
    /// An allowing rule with networks alone.
    #[error(
        "{0} gives networks but grants nothing from there; add `logins` with `labels` or `targets`, or `api`"
    )]
    NetworkAlone(String),
    /// A list without words.
    #[error("{0} has an API part without resources or verbs; list at least one of each")]
    NoOperations(String),
    /// A verb that the resource does not have.
    #[error("{rule} names the operation {operation}, which does not exist; {resource} has {known}")]
    Operation {
        /// Which rule.
        rule: String,
        /// `resource.verb`.
        operation: String,
        /// The resource.
        resource: ApiResource,
        /// The verbs that it has.
        known: String,
    },
    /// A filter where there is nothing to filter.
    #[error(
        "{0} has `where` on something else than reading the log; put `resources: log, verbs: read` in a part of its own"
    )]
    Scope(String),
    /// A filter in a rule that denies.
    #[error("{0} denies with `where`; narrow the `where` of the rule that allows instead")]
    DeniedScope(String),
    /// A filter that does not parse.
    #[error("the `where` of {rule} is not a filter: {why}")]
    Filter {
        /// Which rule.
        rule: String,
        /// What is wrong.
        why: String,
    },
    /// No session at all.
    #[error("`max_sessions: 0` would let nobody in; leave the grant out, or set a lock")]
    NoSessions,
}

impl Role {
    /// Checks what cannot be seen from one field alone.
    pub fn check(&self) -> Result<(), RoleError> {
        check_name(&self.name)?;
        for (side, rule, at) in self.rules() {
            rule.check(side, &format!("{side} rule {at}"))?;
        }
        if self.options.max_sessions == Some(0) {
            return Err(RoleError::NoSessions);
        }
        Ok(())
    }

    /// Returns all rules with their side and place, which counts from 1 on each side; those that deny first.
    pub fn rules(&self) -> impl Iterator<Item = (Side, &Rule, usize)> {
        let side = |side: Side, rules: &'_ Vec<Rule>| -> Vec<(Side, usize)> {
            (1..=rules.len()).map(|at| (side, at)).collect()
        };
        let places = side(Side::Deny, &self.deny).into_iter().chain(side(Side::Allow, &self.allow));
        places.map(|(side, at)| match side {
            Side::Deny => (side, &self.deny[at - 1], at),
            Side::Allow => (side, &self.allow[at - 1], at),
        })
    }
}

impl Rule {
    /// Says whether the rule is about reaching targets. One that states networks alone is about everything.
    pub fn about_targets(&self) -> bool {
        self.selects_targets() || !self.logins.is_empty() || self.api.is_empty()
    }

    /// Says whether the rule is about the API. One that states networks alone is about everything.
    pub fn about_api(&self) -> bool {
        !self.api.is_empty() || (!self.selects_targets() && self.logins.is_empty())
    }

    /// Says whether labels or names select targets.
    pub fn selects_targets(&self) -> bool {
        !self.labels.is_empty() || !self.targets.is_empty()
    }

    fn check(&self, side: Side, rule: &str) -> Result<(), RoleError> {
        if *self == Rule::default() {
            return Err(RoleError::Empty(rule.to_owned()));
        }
        if let Some(name) = self.targets.iter().find(|name| check_name(name).is_err()) {
            return Err(RoleError::Target { rule: rule.to_owned(), name: crate::names::shorten(name) });
        }
        if side == Side::Allow {
            self.check_allow(rule)?;
        }
        self.api.iter().try_for_each(|api| api.check(side, rule))
    }

    fn check_allow(&self, rule: &str) -> Result<(), RoleError> {
        match (self.selects_targets(), self.logins.is_empty()) {
            (false, false) => Err(RoleError::NoTargets(rule.to_owned())),
            (true, true) => Err(RoleError::NoLogins(rule.to_owned())),
            (false, true) if self.api.is_empty() => Err(RoleError::NetworkAlone(rule.to_owned())),
            _ => Ok(()),
        }
    }
}

impl ApiRule {
    /// Says whether the operation is among these.
    pub fn covers(&self, operation: Operation) -> bool {
        self.resources.iter().any(|each| each.covers(&operation.resource()))
            && self.verbs.iter().any(|each| each.covers(&operation.verb()))
    }

    fn check(&self, side: Side, rule: &str) -> Result<(), RoleError> {
        if self.resources.is_empty() || self.verbs.is_empty() {
            return Err(RoleError::NoOperations(rule.to_owned()));
        }
        self.check_operations(rule)?;
        let Some(scope) = &self.scope else { return Ok(()) };
        if side == Side::Deny {
            return Err(RoleError::DeniedScope(rule.to_owned()));
        }
        if self.resources != [Choice::One(ApiResource::Log)] || self.verbs != [Choice::One(Verb::Read)] {
            return Err(RoleError::Scope(rule.to_owned()));
        }
        crate::scope::check(scope).map_err(|why| RoleError::Filter { rule: rule.to_owned(), why })
    }

    /// Every verb that is named must exist for every resource that is named; `*` means those that exist.
    fn check_operations(&self, rule: &str) -> Result<(), RoleError> {
        for resource in &self.resources {
            for verb in &self.verbs {
                let (Choice::One(resource), Choice::One(verb)) = (resource, verb) else { continue };
                if Operation::new(*resource, *verb).is_none() {
                    let known: Vec<&str> = resource.verbs().iter().map(|verb| verb.as_str()).collect();
                    return Err(RoleError::Operation {
                        rule: rule.to_owned(),
                        operation: format!("{resource}.{verb}"),
                        resource: *resource,
                        known: known.join(", "),
                    });
                }
            }
        }
        Ok(())
    }
}

fn is_default(options: &RoleOptions) -> bool {
    *options == RoleOptions::default()
}

/// Reads a role that was stored, checking it again.
pub(crate) fn read_stored(json: &[u8]) -> Result<Role, serde_json::Error> {
    let role: Role = serde_json::from_slice(json)?;
    role.check().map_err(serde_json::Error::custom)?;
    Ok(role)
}
