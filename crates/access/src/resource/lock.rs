//! Locks: something that is cut off at once, whatever roles grant.

use std::fmt;
use std::str::FromStr;

use event::{SessionId, Timestamp};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::names::{NameError, check_name, is_login, is_user, shorten};

/// The longest reason, in bytes.
const MAX_REASON: usize = 1024;

/// Something that is cut off, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "LockFields")]
pub struct Lock {
    /// Its name.
    pub name: String,
    /// What is cut off.
    pub locked: Locked,
    /// Why, in words.
    pub reason: String,
    /// When it ends by itself; otherwise it holds until it is deleted.
    pub expires: Option<Timestamp>,
}

/// What a lock cuts off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// A person: targets and the API.
    User(String),
    /// An account name, on every target.
    Login(String),
    /// Everyone who holds a role, whatever other roles they hold: targets and the API.
    Role(String),
    /// A target.
    Target(String),
    /// One running session.
    Session(SessionId),
    /// Every target for everyone. The API stays open, or nobody could lift the lock.
    Everything,
}

/// A lock as it is written: exactly one of the six.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LockFields {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub everything: Option<bool>,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Why a lock is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Its name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// None or several things to lock.
    #[error(
        "a lock names exactly one of `user`, `login`, `role`, `target`, `session` and `everything: true`; this one names {0}"
    )]
    Count(usize),
    /// What it names cannot exist.
    #[error("{name:?} cannot be the name of a {what}")]
    Named {
        /// What it would be.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// No reason.
    #[error("a lock says why: add `reason`, of at most {MAX_REASON} bytes")]
    Reason,
    /// Not a time.
    #[error("{0:?} is not a time; write it like `2030-01-31T18:00:00Z`")]
    Expires(String),
}

impl Lock {
    /// Says whether the lock holds at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Locked::User(name) => write!(f, "user `{name}`"),
            Locked::Login(name) => write!(f, "login `{name}`"),
            Locked::Role(name) => write!(f, "role `{name}`"),
            Locked::Target(name) => write!(f, "target `{name}`"),
            Locked::Session(id) => write!(f, "session `{id}`"),
            Locked::Everything => f.write_str("everything"),
        }
    }
}

impl LockFields {
    fn locked(&self) -> Result<Locked, LockError> {
        let named = |what, name: &String, good: bool| {
            good.then(|| name.clone()).ok_or_else(|| LockError::Named { what, name: shorten(name) })
        };
        let session = |text: &String| {
            SessionId::from_str(text).map_err(|_| LockError::Named { what: "session", name: shorten(text) })
        };
        let mut found = Vec::new();
        found.extend(self.user.as_ref().map(|name| named("user", name, is_user(name)).map(Locked::User)));
        found.extend(self.login.as_ref().map(|name| named("login", name, is_login(name)).map(Locked::Login)));
        found.extend(
            self.role.as_ref().map(|name| named("role", name, check_name(name).is_ok()).map(Locked::Role)),
        );
        found.extend(
            self.target
                .as_ref()
                .map(|name| named("target", name, check_name(name).is_ok()).map(Locked::Target)),
        );
        found.extend(self.session.as_ref().map(|text| session(text).map(Locked::Session)));
        found.extend((self.everything == Some(true)).then_some(Ok(Locked::Everything)));
        if found.len() != 1 {
            return Err(LockError::Count(found.len()));
        }
        found.remove(0)
    }
}

impl TryFrom<LockFields> for Lock {
    type Error = LockError;

    fn try_from(fields: LockFields) -> Result<Lock, LockError> {
        check_name(&fields.name)?;
        let locked = fields.locked()?;
        let reason = fields.reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON {
            return Err(LockError::Reason);
        }
        let time = |text: &String| text.parse().map_err(|_| LockError::Expires(shorten(text)));
        let expires = fields.expires.as_ref().map(time).transpose()?;
        Ok(Lock { name: fields.name, locked, reason: reason.to_owned(), expires })
    }
}

impl From<Lock> for LockFields {
    fn from(lock: Lock) -> LockFields {
        let mut fields = LockFields {
            name: lock.name,
            reason: lock.reason,
            expires: lock.expires.map(|expires| expires.to_string()),
            ..LockFields::default()
        };
        match lock.locked {
            Locked::User(name) => fields.user = Some(name),
            Locked::Login(name) => fields.login = Some(name),
            Locked::Role(name) => fields.role = Some(name),
            Locked::Target(name) => fields.target = Some(name),
            Locked::Session(id) => fields.session = Some(id.to_string()),
            Locked::Everything => fields.everything = Some(true),
        }
        fields
    }
}

impl<'de> Deserialize<'de> for Lock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lock, D::Error> {
        LockFields::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}
