//! Logins that a role names: plain account names, and templates filled from the user's name and traits.
//!
//! A template holds at most one expression. A value that would not make a plain account name (it holds a
//! separator, a wildcard, a line break, …) makes no login at all; it is never cleaned up into one.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::names::{is_login, shorten};

/// Traits of a user: each name with its values.
pub type Traits = BTreeMap<String, Vec<String>>;

/// An account name, or a template of account names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// This account name.
    Fixed(String),
    /// One account name for each value.
    Template {
        /// Text before each value.
        prefix: String,
        /// Where the values come from.
        values: Values,
        /// Text after each value.
        suffix: String,
    },
}

/// Where a template's values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// The user's name: `{{user.name}}`.
    UserName,
    /// A trait's values: `{{user.traits.NAME}}`.
    Trait(String),
}

/// Why text is not a login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// It is no account name.
    #[error(
        "{0:?} is not an account name; use letters, digits, `_`, `-` and `.`, or a template such as `{{{{user.name}}}}`"
    )]
    Name(String),
    /// The expression is not one of the known ones.
    #[error("{0:?} is not a template; write `{{{{user.name}}}}` or `{{{{user.traits.NAME}}}}`, once")]
    Template(String),
}

impl Login {
    /// Returns the account names that this makes for a user.
    pub fn expand(&self, user: &str, traits: &Traits) -> Vec<String> {
        let (prefix, values, suffix) = match self {
            Login::Fixed(login) => return vec![login.clone()],
            Login::Template { prefix, values, suffix } => (prefix, values, suffix),
        };
        let fill = |value: &str| Some(format!("{prefix}{value}{suffix}")).filter(|login| is_login(login));
        match values {
            Values::UserName => fill(user).into_iter().collect(),
            Values::Trait(name) => {
                traits.get(name).into_iter().flatten().filter_map(|value| fill(value)).collect()
            }
        }
    }
}

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Login, LoginError> {
        let Some((prefix, rest)) = text.split_once("{{") else {
            return if is_login(text) {
                Ok(Login::Fixed(text.to_owned()))
            } else {
                Err(LoginError::Name(shorten(text)))
            };
        };
        let error = || LoginError::Template(shorten(text));
        let (expression, suffix) = rest.split_once("}}").ok_or_else(error)?;
        let values = values(expression.trim()).ok_or_else(error)?;
        // A stand-in value shows whether the text around it can be part of an account name.
        if !is_login(&format!("{prefix}x{suffix}")) {
            return Err(error());
        }
        Ok(Login::Template { prefix: prefix.to_owned(), values, suffix: suffix.to_owned() })
    }
}

fn values(expression: &str) -> Option<Values> {
    if expression == "user.name" {
        return Some(Values::UserName);
    }
    let name = expression.strip_prefix("user.traits.")?;
    is_trait_name(name).then(|| Values::Trait(name.to_owned()))
}

/// Says whether a trait can have this name.
pub(crate) fn is_trait_name(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    !name.is_empty() && name.len() <= 128 && name.bytes().all(inside)
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Login::Fixed(login) => f.write_str(login),
            Login::Template { prefix, values: Values::UserName, suffix } => {
                write!(f, "{prefix}{{{{user.name}}}}{suffix}")
            }
            Login::Template { prefix, values: Values::Trait(name), suffix } => {
                write!(f, "{prefix}{{{{user.traits.{name}}}}}{suffix}")
            }
        }
    }
}

impl Serialize for Login {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Login {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Login, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expand(template: &str, user: &str, values: &[&str]) -> Vec<String> {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        template.parse::<Login>().unwrap().expand(user, &Traits::from([("logins".to_owned(), values)]))
    }

    #[test]
    fn templates_expand_to_each_value() {
        assert_eq!(expand("root", "alice", &[]), ["root"]);
        assert_eq!(expand("{{user.name}}", "alice", &[]), ["alice"]);
        assert_eq!(expand("dev-{{ user.traits.logins }}", "alice", &["a", "b"]), ["dev-a", "dev-b"]);
        assert!(expand("{{user.traits.other}}", "alice", &["a"]).is_empty());
    }

    #[test]
    fn values_with_separators_or_wildcards_make_no_login() {
        let hostile =
            ["root,admin", "root\n", "*", "a b", "", "-oX", "../root", "root:0", "{{user.name}}", "rооt"];
        assert!(expand("{{user.traits.logins}}", "alice", &hostile).is_empty());
        assert!(expand("{{user.name}}", "alice@example.com", &[]).is_empty());
    }

    #[test]
    fn unknown_expressions_are_refused() {
        for bad in [
            "*",
            "",
            "a b",
            "{{user.email}}",
            "{{user.name",
            "{{user.name}}{{user.name}}",
            "{{user.traits.}}",
            "{{user.traits.a b}}",
            "*{{user.name}}",
            "{{}}",
            "user.name}}",
        ] {
            assert!(bad.parse::<Login>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_login_that_comes_out_is_a_plain_account_name(value in "\\PC{0,80}|[a-z,\n* ]{0,8}", user in "\\PC{0,20}") {
            for template in ["{{user.traits.logins}}", "{{user.name}}", "a-{{user.traits.logins}}"] {
                for login in expand(template, &user, &[&value]) {
                    prop_assert!(is_login(&login));
                }
            }
        }

        #[test]
        fn any_text_is_read_without_panic_and_printed_as_it_reads(text in "\\PC{0,40}|[{}a-z.]{0,30}") {
            if let Ok(login) = text.parse::<Login>() {
                prop_assert_eq!(login.to_string().parse::<Login>().unwrap(), login);
            }
        }
    }
}
