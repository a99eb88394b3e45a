//! Invites: single-use tokens that let a person choose a password and enrol a second factor.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use event::{Ambient, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::token::Secret;

/// How long an invite can be used.
pub(crate) const INVITE_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Text is not an invite's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an invite; copy the whole link")]
pub struct InviteTokenError;

/// The token of an invite. Only its hash is kept.
#[derive(Clone)]
pub struct InviteToken(Secret);

impl InviteToken {
    pub(crate) fn make(ambient: &Ambient) -> InviteToken {
        InviteToken(Secret::make(ambient))
    }

    /// The token as it stands in a link. Whoever has it can join as the user.
    pub fn expose(&self) -> Zeroizing<String> {
        self.0.expose()
    }

    /// The form in which it is kept.
    pub(crate) fn hash(&self) -> String {
        self.0.hash(b"lodge/invite/v1\0")
    }
}

impl FromStr for InviteToken {
    type Err = InviteTokenError;

    fn from_str(text: &str) -> Result<InviteToken, InviteTokenError> {
        Secret::parse(text).map(InviteToken).ok_or(InviteTokenError)
    }
}

impl fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteToken(<secret>)")
    }
}

/// What an invite is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitePurpose {
    /// A new user joins.
    Join,
    /// A user who lost password or second factor starts over.
    Reset,
}

impl InvitePurpose {
    pub(crate) fn word(self) -> &'static str {
        match self {
            InvitePurpose::Join => "join",
            InvitePurpose::Reset => "reset",
        }
    }
}

/// An invite, to be given to the person.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Whom it is for.
    pub user: String,
    /// What it is for.
    pub purpose: InvitePurpose,
    /// When it ends.
    pub expires: Timestamp,
    /// The token. It is shown once and not kept.
    pub token: InviteToken,
}

/// What the first step of accepting an invite gives back: the secret to enter into an authenticator.
#[derive(Debug)]
pub struct Enrolment {
    /// Whose it is.
    pub user: String,
    /// The secret in base32, for typing.
    pub secret: SecretString,
    /// The secret as an `otpauth://` URI, for a QR code.
    pub uri: SecretString,
}

/// What the second step gives back: codes that each replace a lost second factor once. They are shown once.
#[derive(Debug)]
pub struct RecoveryCodes {
    /// Whose they are.
    pub user: String,
    /// The codes.
    pub codes: Vec<SecretString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_are_read_back_and_never_printed() {
        let (ambient, _) = Ambient::fixed(Timestamp::EPOCH, 1);
        let token = InviteToken::make(&ambient);
        let text = token.expose();
        assert_eq!(text.parse::<InviteToken>().unwrap().hash(), token.hash());
        assert!(!format!("{token:?}").contains(text.as_str()) && !token.hash().contains(text.as_str()));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,60}", base64 in "[A-Za-z0-9_-]{43}") {
            let _ = text.parse::<InviteToken>();
            if let Ok(token) = base64.parse::<InviteToken>() {
                // One text for one token: no second spelling of the same bits.
                let text = token.expose();
                prop_assert_eq!(text.as_str(), base64.as_str());
            }
        }
    }
}
