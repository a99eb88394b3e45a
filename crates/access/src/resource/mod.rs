//! Resources: what administrators declare, as YAML documents or as the same JSON.
//!
//! A resource that exists as a value of these types is valid: every name, address, network, template and pattern was
//! checked when it was read, from a file as well as from the state database.

mod document;
mod lock;
pub(crate) mod role;
pub(crate) mod target;
mod user;

use std::fmt;

use serde::Serialize;

pub use document::{MAX_DOCUMENTS, MAX_TEXT_BYTES, ResourceError};
pub use lock::{Lock, LockError, Locked};
pub use role::{ApiRule, Choice, Role, RoleError, Rule, Side};
pub use target::{HostKey, Target, TargetError};
pub use user::UserDocument;

use crate::operation::ApiResource;
use crate::words::words;

words! {
    /// What kind of resource it is.
    ResourceKind {
        /// A role.
        Role = "role",
        /// A target.
        Target = "target",
        /// A lock.
        Lock = "lock",
        /// A user; kept by identity.
        User = "user",
    }
}

impl ResourceKind {
    /// Returns what the API calls these.
    pub fn api_resource(self) -> ApiResource {
        match self {
            ResourceKind::Role => ApiResource::Roles,
            ResourceKind::Target => ApiResource::Targets,
            ResourceKind::Lock => ApiResource::Locks,
            ResourceKind::User => ApiResource::Users,
        }
    }
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Resource {
    /// What its holders may do.
    Role(Role),
    /// A server that people reach through Lodge.
    Target(Target),
    /// Something that is cut off.
    Lock(Lock),
    /// A person, as an administrator declares them.
    User(UserDocument),
}

impl Resource {
    /// Reads every document of a YAML text, or none: one mistake refuses them all.
    pub fn parse_all(text: &str) -> Result<Vec<Resource>, ResourceError> {
        document::parse_all(text)
    }

    /// Returns what kind it is.
    pub fn kind(&self) -> ResourceKind {
        match self {
            Resource::Role(_) => ResourceKind::Role,
            Resource::Target(_) => ResourceKind::Target,
            Resource::Lock(_) => ResourceKind::Lock,
            Resource::User(_) => ResourceKind::User,
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        match self {
            Resource::Role(role) => &role.name,
            Resource::Target(target) => &target.name,
            Resource::Lock(lock) => &lock.name,
            Resource::User(user) => &user.name,
        }
    }
}

impl fmt::Display for Resource {
    /// Writes the resource as the YAML document that reads back as itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_saphyr::to_string(self).map_err(|_| fmt::Error)?)
    }
}
