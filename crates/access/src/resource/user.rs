//! Users as administrators declare them. Only the declaration: people, their passwords and logins are identity's.

use identity::{IdentityError, NewUser};
use serde::{Deserialize, Serialize};

use crate::login::Traits;

/// A person, as an administrator declares them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserDocument {
    /// Their name.
    pub name: String,
    /// Roles that they hold.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Traits that templates draw on.
    #[serde(default, skip_serializing_if = "Traits::is_empty")]
    pub traits: Traits,
    /// Whether they are kept from logging in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

impl UserDocument {
    /// Turns the declaration into the user that it declares.
    pub fn into_new(self) -> NewUser {
        let UserDocument { name, roles, traits, disabled } = self;
        NewUser { name, roles, traits, disabled }
    }

    /// Holds the declaration to identity's own rules, before anything is done.
    pub(crate) fn check(&self) -> Result<(), IdentityError> {
        self.clone().into_new().check()
    }
}
