//! Documents: YAML text into resources, strictly.
//!
//! An unknown key, a key of another kind of resource, a duplicate or a value of the wrong sort refuses the whole text and
//! names the line, the column and, where one is near, the key that was meant. Size, depth and aliases are bounded.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::options::MergeKeyPolicy;
use serde_saphyr::{DefaultMessageFormatter, Location, MessageFormatter, Spanned};

use super::lock::LockFields;
use super::target::host_of;
use super::{
    HostKey, Lock, LockError, Resource, ResourceKind, Role, RoleError, Rule, Target, TargetError,
    UserDocument,
};
use crate::one_or_many::Many;
use crate::options::RoleOptions;
use crate::words::nearest;

/// Most bytes of one text.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Most documents of one text.
pub const MAX_DOCUMENTS: usize = 1000;

/// Why a text is refused.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// More bytes than [`MAX_TEXT_BYTES`].
    #[error("the text has {0} bytes, more than the {MAX_TEXT_BYTES} that are taken at once; split it")]
    TooLarge(usize),
    /// Not YAML, or not one of our documents.
    #[error("{}{message}", at(*.line, *.column))]
    Document {
        /// Line, from 1; 0 when it is not known.
        line: u64,
        /// Column, from 1; 0 when it is not known.
        column: u64,
        /// What is wrong.
        message: String,
    },
    /// A role that is wrong as a whole.
    #[error("line {line}: role `{name}`: {source}")]
    Role {
        /// Line where the document's name stands.
        line: u64,
        /// Name of the role.
        name: String,
        /// What is wrong.
        source: RoleError,
    },
    /// A target that is wrong as a whole.
    #[error("line {line}: target `{name}`: {source}")]
    Target {
        /// Line where the document's name stands.
        line: u64,
        /// Name of the target.
        name: String,
        /// What is wrong.
        source: TargetError,
    },
    /// A lock that is wrong as a whole.
    #[error("line {line}: lock `{name}`: {source}")]
    Lock {
        /// Line where the document's name stands.
        line: u64,
        /// Name of the lock.
        name: String,
        /// What is wrong.
        source: LockError,
    },
    /// A user that is wrong as a whole.
    #[error("line {line}: user `{name}`: {source}")]
    User {
        /// Line where the document's name stands.
        line: u64,
        /// Name of the user.
        name: String,
        /// What is wrong.
        source: identity::IdentityError,
    },
}

fn at(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!("line {line}, column {column}: ") }
}

/// Every key of every kind. Which of them belong to a document is decided by its kind, afterwards, so that `kind` may
/// stand anywhere and the place of a misplaced key is still known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    kind: Spanned<String>,
    name: Spanned<String>,
    description: Option<Spanned<String>>,
    allow: Option<Spanned<Many<Rule>>>,
    deny: Option<Spanned<Many<Rule>>>,
    options: Option<Spanned<RoleOptions>>,
    address: Option<Spanned<String>>,
    labels: Option<Spanned<BTreeMap<String, String>>>,
    host_key: Option<Spanned<HostKey>>,
    user: Option<Spanned<String>>,
    login: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    target: Option<Spanned<String>>,
    session: Option<Spanned<String>>,
    everything: Option<Spanned<bool>>,
    reason: Option<Spanned<String>>,
    expires: Option<Spanned<String>>,
    roles: Option<Spanned<Many<String>>>,
    traits: Option<Spanned<BTreeMap<String, Many<String>>>>,
    disabled: Option<Spanned<bool>>,
}

/// Reads every document of a text, or none.
pub(super) fn parse_all(text: &str) -> Result<Vec<Resource>, ResourceError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ResourceError::TooLarge(text.len()));
    }
    let documents: Vec<Document> =
        serde_saphyr::from_multiple_with_options(text, limits()).map_err(|error| explain(&error))?;
    documents.into_iter().map(Document::into_resource).collect()
}

fn limits() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: MAX_DOCUMENTS,
            max_depth: 16,
            max_aliases: 256,
            max_anchors: 256,
            max_merge_keys: 0,
            max_nodes: 200_000,
            max_events: 500_000,
            max_total_scalar_bytes: MAX_TEXT_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 4,
        },
        merge_keys: MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// Turns the reader's error into ours, adding the key or word that was probably meant.
fn explain(error: &serde_saphyr::Error) -> ResourceError {
    let error = error.without_snippet();
    let message = match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
        serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } => {
            unknown("word", variant, expected)
        }
        serde_saphyr::Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{}` stands here twice", crate::names::shorten(key))
        }
        serde_saphyr::Error::Budget { .. } => {
            "the text is too large, too deep or too repetitive; split it, and write aliases out".to_owned()
        }
        serde_saphyr::Error::AliasError { error, .. } => {
            DefaultMessageFormatter.format_message(error).into_owned()
        }
        serde_saphyr::Error::InvalidScalar { ty: "boolean", .. } => {
            "this is neither `true` nor `false`".to_owned()
        }
        serde_saphyr::Error::InvalidScalar { ty: "u32", .. } => {
            format!("this is not a whole number from 0 to {}", u32::MAX)
        }
        serde_saphyr::Error::Unexpected { expected: "mapping start", .. } => {
            "keys with their values are expected here, such as `name: web-1`".to_owned()
        }
        other => DefaultMessageFormatter.format_message(other).into_owned(),
    };
    let message =
        message.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    fault(error.location(), message)
}

fn fault(location: Option<Location>, message: String) -> ResourceError {
    let (line, column) = location.map_or((0, 0), |place| (place.line(), place.column()));
    ResourceError::Document { line, column, message }
}

fn unknown(what: &str, typed: &str, known: &[&'static str]) -> String {
    let typed = crate::names::shorten(typed);
    match nearest(&typed, known.iter().copied()) {
        Some(meant) => format!("unknown {what} `{typed}`; did you mean `{meant}`?"),
        None => format!("unknown {what} `{typed}`; known are {}", known.join(", ")),
    }
}

/// Keys that each kind takes besides `kind` and `name`.
fn keys_of(kind: ResourceKind) -> &'static [&'static str] {
    match kind {
        ResourceKind::Role => &["description", "allow", "deny", "options"],
        ResourceKind::Target => &["description", "address", "labels", "host_key"],
        ResourceKind::Lock => {
            &["user", "login", "role", "target", "session", "everything", "reason", "expires"]
        }
        ResourceKind::User => &["roles", "traits", "disabled"],
    }
}

impl Document {
    fn into_resource(self) -> Result<Resource, ResourceError> {
        let Some(kind) = ResourceKind::from_word(&self.kind.value) else {
            let message = unknown("kind", &self.kind.value, ResourceKind::WORDS);
            return Err(fault(Some(self.kind.referenced), message));
        };
        self.refuse_misplaced(kind)?;
        match kind {
            ResourceKind::Role => self.into_role().map(Resource::Role),
            ResourceKind::Target => self.into_target().map(Resource::Target),
            ResourceKind::Lock => self.into_lock().map(Resource::Lock),
            ResourceKind::User => self.into_user().map(Resource::User),
        }
    }

    fn refuse_misplaced(&self, kind: ResourceKind) -> Result<(), ResourceError> {
        let keys = keys_of(kind);
        let misplaced = |(key, place): &(&str, Option<Location>)| place.is_some() && !keys.contains(key);
        let Some((key, place)) = self.present().into_iter().find(misplaced) else { return Ok(()) };
        let message = format!("a {kind} takes no key `{key}`; it takes kind, name, {}", keys.join(", "));
        Err(fault(place, message))
    }

    /// Every optional key with its place, when it is there.
    fn present(&self) -> [(&'static str, Option<Location>); 18] {
        fn place<T>(field: &Option<Spanned<T>>) -> Option<Location> {
            field.as_ref().map(|field| field.referenced)
        }
        [
            ("description", place(&self.description)),
            ("allow", place(&self.allow)),
            ("deny", place(&self.deny)),
            ("options", place(&self.options)),
            ("address", place(&self.address)),
            ("labels", place(&self.labels)),
            ("host_key", place(&self.host_key)),
            ("user", place(&self.user)),
            ("login", place(&self.login)),
            ("role", place(&self.role)),
            ("target", place(&self.target)),
            ("session", place(&self.session)),
            ("everything", place(&self.everything)),
            ("reason", place(&self.reason)),
            ("expires", place(&self.expires)),
            ("roles", place(&self.roles)),
            ("traits", place(&self.traits)),
            ("disabled", place(&self.disabled)),
        ]
    }

    fn into_role(self) -> Result<Role, ResourceError> {
        let line = self.name.referenced.line();
        let role = Role {
            name: self.name.value,
            description: value(self.description),
            allow: value(self.allow).map_or_else(Vec::new, |many| many.0),
            deny: value(self.deny).map_or_else(Vec::new, |many| many.0),
            options: value(self.options).unwrap_or_default(),
        };
        match role.check() {
            Ok(()) => Ok(role),
            Err(source) => Err(ResourceError::Role { line, name: crate::names::shorten(&role.name), source }),
        }
    }

    fn into_target(self) -> Result<Target, ResourceError> {
        let line = self.name.referenced.line();
        let name = crate::names::shorten(&self.name.value);
        let refused = |source| ResourceError::Target { line, name: name.clone(), source };
        let address = value(self.address).ok_or_else(|| refused(TargetError::Address(String::new())))?;
        let host = host_of(&address).map_err(refused)?.to_owned();
        let host_key = value(self.host_key).ok_or_else(|| refused(TargetError::NoHostKey { host }))?;
        let target = Target {
            name: self.name.value,
            description: value(self.description),
            address,
            labels: value(self.labels).unwrap_or_default(),
            host_key,
        };
        target.check().map_err(refused)?;
        Ok(target)
    }

    fn into_lock(self) -> Result<Lock, ResourceError> {
        let line = self.name.referenced.line();
        let name = crate::names::shorten(&self.name.value);
        let fields = LockFields {
            name: self.name.value,
            user: value(self.user),
            login: value(self.login),
            role: value(self.role),
            target: value(self.target),
            session: value(self.session),
            everything: value(self.everything),
            reason: value(self.reason).unwrap_or_default(),
            expires: value(self.expires),
        };
        Lock::try_from(fields).map_err(|source| ResourceError::Lock { line, name, source })
    }

    fn into_user(self) -> Result<UserDocument, ResourceError> {
        let line = self.name.referenced.line();
        let traits = value(self.traits).unwrap_or_default();
        let user = UserDocument {
            name: self.name.value,
            roles: value(self.roles).map_or_else(Vec::new, |many| many.0),
            traits: traits.into_iter().map(|(name, values)| (name, values.0)).collect(),
            disabled: value(self.disabled).unwrap_or(false),
        };
        match user.check() {
            Ok(()) => Ok(user),
            Err(source) => Err(ResourceError::User { line, name: crate::names::shorten(&user.name), source }),
        }
    }
}

fn value<T>(field: Option<Spanned<T>>) -> Option<T> {
    field.map(|field| field.value)
}
