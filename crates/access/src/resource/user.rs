//! Users as administrators declare them. Only the declaration: people, their passwords and logins are identity's.

use serde::{Deserialize, Serialize};

use crate::login::{Traits, is_trait_name};
use crate::names::{NameError, check_name, is_user, shorten};

/// The longest trait value, in bytes.
const MAX_TRAIT_VALUE: usize = 1024;

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

/// Why a user document is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// Their name.
    #[error(
        "{0:?} cannot be the name of a user; use up to 64 of a-z, 0-9, `-`, `_` and `.`, with a letter or digit first"
    )]
    Name(String),
    /// A role's name.
    #[error("role {0}")]
    Role(#[from] NameError),
    /// A trait's name.
    #[error("{0:?} cannot be the name of a trait; use letters, digits, `-`, `_`, `.`, `/` and `:`")]
    Trait(String),
    /// A trait's value.
    #[error("trait {0} has a value that is too long or holds control characters")]
    Value(String),
}

impl UserDocument {
    /// Checks what the types do not hold by themselves.
    pub fn check(&self) -> Result<(), UserError> {
        if !is_user(&self.name) {
            return Err(UserError::Name(shorten(&self.name)));
        }
        self.roles.iter().try_for_each(|role| check_name(role))?;
        for (name, values) in &self.traits {
            if !is_trait_name(name) {
                return Err(UserError::Trait(shorten(name)));
            }
            let good =
                |value: &String| value.len() <= MAX_TRAIT_VALUE && !value.chars().any(char::is_control);
            if !values.iter().all(good) {
                return Err(UserError::Value(name.clone()));
            }
        }
        Ok(())
    }
}
