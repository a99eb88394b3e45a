//! The rows that identity keeps, and what of them may be shown.
//!
//! Rows hold hashes and sealed secrets and never leave this crate; [`User`] and [`Login`] are what others, and
//! events, get to see.

use std::collections::BTreeMap;

use event::{Mfa, Origin, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::authority::RotationPhase;
use crate::names::UserName;
use crate::users::invite::InvitePurpose;
use crate::users::password::PasswordHash;

pub(crate) const USERS: &str = "users";
pub(crate) const LOGINS: &str = "logins";
pub(crate) const INVITES: &str = "invites";
pub(crate) const AUTHORITIES: &str = "authorities";
pub(crate) const SERVER: &str = "server_certificate";
pub(crate) const STRANGERS: &str = "login_strangers";

/// A local user. Keyed by name.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct UserRow {
    pub name: UserName,
    pub roles: Vec<String>,
    pub traits: BTreeMap<String, Vec<String>>,
    pub disabled: bool,
    pub created: Timestamp,
    /// Set once the person has joined; taken away by a reset.
    pub credentials: Option<Credentials>,
    /// Failed logins in a row.
    pub failures: u32,
    pub locked_until: Option<Timestamp>,
    /// Hash of the open invite's token.
    pub invite: Option<String>,
}

/// What a person signs in with. There is no password without a second factor.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Credentials {
    pub password: PasswordHash,
    /// TOTP secret, sealed in the vault.
    pub totp: Sealed,
    /// The last time step whose code was taken; no code of it or before is ever taken again.
    pub last_step: u64,
    /// Hashes of the recovery codes that are left.
    pub recovery: Vec<String>,
}

/// A login that has not ended. Keyed by its id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LoginRow {
    pub id: SessionId,
    pub user: UserName,
    pub mfa: Mfa,
    pub started: Timestamp,
    pub expires: Timestamp,
    pub origin: Option<Origin>,
    /// Serial number of its SSH certificate; none where it has no certificates.
    pub ssh_serial: Option<u64>,
    /// Serial number of its TLS certificate, in hexadecimal; none where it has no certificates.
    pub tls_serial: Option<String>,
    /// Hash of its token, where it is a browser's.
    #[serde(default)]
    pub token: Option<String>,
}

/// An open invite. Keyed by the SHA-256 of its token, in hexadecimal.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct InviteRow {
    pub user: UserName,
    pub purpose: InvitePurpose,
    pub expires: Timestamp,
    /// What the first of the two steps chose.
    pub begun: Option<Begun>,
}

/// What the first step of accepting an invite chose.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub password: PasswordHash,
    pub totp: Sealed,
}

/// A certificate authority. Keyed by its kind.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthorityRow {
    pub phase: RotationPhase,
    pub signing: KeyRow,
    /// The next key while a rotation is prepared, the previous one while it overlaps.
    pub other: Option<KeyRow>,
}

/// A key of an authority.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeyRow {
    /// OpenSSH public key, or the X.509 certificate in PEM.
    pub public: String,
    pub secret: Sealed,
    pub created: Timestamp,
}

/// The API's own TLS certificate. There is one.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ServerRow {
    pub names: Vec<String>,
    pub chain: String,
    pub key: Sealed,
    pub authority: String,
    pub renew_at: Timestamp,
}

/// Bytes sealed in the vault, in base64.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sealed(#[serde(with = "base64_bytes")] pub Vec<u8>);

pub(crate) mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}

/// Whether a user has joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// The invite has not been accepted yet.
    Invited,
    /// The person has a password and a second factor.
    Active,
    /// An administrator switched the account off.
    Disabled,
}

/// A user, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Name.
    pub name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Traits, for role templates.
    pub traits: BTreeMap<String, Vec<String>>,
    /// Whether the user has joined.
    pub status: UserStatus,
    /// When the user was created.
    pub created: Timestamp,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
    /// Until when tries to sign in are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
}

impl UserRow {
    pub(crate) fn joined(&self) -> bool {
        self.credentials.is_some()
    }

    pub(crate) fn shown(&self) -> User {
        let status = match (self.disabled, self.joined()) {
            (true, _) => UserStatus::Disabled,
            (false, true) => UserStatus::Active,
            (false, false) => UserStatus::Invited,
        };
        let codes = self.credentials.as_ref().map_or(0, |credentials| credentials.recovery.len());
        User {
            name: self.name.to_string(),
            roles: self.roles.clone(),
            traits: self.traits.clone(),
            status,
            created: self.created,
            recovery_codes: u32::try_from(codes).unwrap_or(u32::MAX),
            locked_until: self.locked_until,
        }
    }
}

/// A login that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Its id, which its certificates carry.
    pub id: SessionId,
    /// Who signed in.
    pub user: String,
    /// The second factor that was shown.
    pub mfa: Mfa,
    /// When it began.
    pub started: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Where from.
    pub origin: Option<Origin>,
}

impl LoginRow {
    pub(crate) fn shown(&self) -> Login {
        Login {
            id: self.id,
            user: self.user.to_string(),
            mfa: self.mfa,
            started: self.started,
            expires: self.expires,
            origin: self.origin.clone(),
        }
    }
}
