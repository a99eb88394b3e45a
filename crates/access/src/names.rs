//! What names may look like. Names are compared byte by byte, so only plain ASCII is let in.
//!
//! Invariant: a name or login that passed here holds no separator, wildcard, space or control character,
//! so that it can stand in a certificate's principal list, a path or a command line without being taken for two.

use identity::{Principal, UserName};

/// The longest name of a role, target or lock.
pub const MAX_NAME: usize = 64;
/// The longest account name on a target.
pub const MAX_LOGIN: usize = 64;

/// Why a name is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} cannot be a name; use up to {MAX_NAME} of a-z, 0-9, `-`, `_` and `.`, with a letter or digit first and last"
)]
pub struct NameError {
    name: String,
}

/// Checks the name of a role, target or lock.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends =
        bytes.first().is_some_and(|byte| plain(*byte)) && bytes.last().is_some_and(|byte| plain(*byte));
    let inside = bytes.iter().all(|byte| plain(*byte) || b"-_.".contains(byte));
    if ends && inside && bytes.len() <= MAX_NAME {
        return Ok(());
    }
    Err(NameError { name: shorten(name) })
}

/// Says whether `login` can be an account name on a target: what can stand in a certificate, and is not too long.
pub fn is_login(login: &str) -> bool {
    login.len() <= MAX_LOGIN && login.parse::<Principal>().is_ok()
}

/// Says whether `user` can be a person's name, by the rule that identity has for them.
pub fn is_user(user: &str) -> bool {
    user.parse::<UserName>().is_ok()
}

/// Cuts text from outside to what an event or a message should carry.
pub fn shorten(text: &str) -> String {
    const MOST: usize = 256;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_separators_are_refused() {
        for good in ["web-1", "db.eu_west", "a", "0"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Web", "-a", "a-", ".a", "a b", "a/b", "a,b", "a\n", "ä", "*", &"a".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn logins_with_separators_are_refused() {
        for good in ["root", "_apt", "deploy-1", "J.Doe", &"a".repeat(64)] {
            assert!(is_login(good), "{good}");
        }
        for bad in [
            "",
            "-oProxyCommand=x",
            ".",
            "a b",
            "a,b",
            "a\nb",
            "a:b",
            "*",
            "a*",
            "a?",
            "a@b",
            "é",
            "a\0",
            &"a".repeat(65),
        ] {
            assert!(!is_login(bad), "{bad:?}");
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shorten("short"), "short");
        assert_eq!(shorten(&"é".repeat(300)).chars().count(), 257);
    }
}
