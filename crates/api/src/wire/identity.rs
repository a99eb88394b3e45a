//! Logins, invites, users, authorities.

use std::collections::BTreeMap;

use event::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A login to the console.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ConsoleLogin {
    /// User name.
    pub name: String,
    /// Password.
    pub password: String,
    /// Six digits of the authenticator, or a recovery code.
    pub code: String,
}

/// A browser's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleSession {
    /// Who is signed in.
    pub user: String,
    /// The roles that they have now.
    pub roles: Vec<String>,
    /// What of the API their roles allow now, such as `roles.update`; so that pages can say beforehand what would be refused.
    pub may: Vec<String>,
    /// What every change must carry as `X-Lodge-CSRF`.
    pub csrf_token: String,
    /// When the session ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
    /// Recovery codes that are left; told at login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_codes: Option<u32>,
}

/// A login.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LoginRequest {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// Six digits of the authenticator, or a recovery code.
    pub code: String,
    /// Public key to certify, OpenSSH format.
    pub ssh_public_key: String,
    /// Certificate signing request for the TLS key, PEM (PKCS #10).
    pub tls_request: String,
    /// Wanted life in seconds; 12 hours at most.
    pub ttl_seconds: Option<u64>,
}

/// What a login gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginGrant {
    /// Id of the login.
    pub login: String,
    /// User name.
    pub user: String,
    /// When login and certificates end.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
    /// SSH certificate, OpenSSH format.
    pub ssh_certificate: String,
    /// TLS client certificate, PEM.
    pub tls_certificate: String,
}

/// The first step of using an invite.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct InviteBegin {
    /// The invite's token.
    pub token: String,
    /// The password to set: 12 characters or more.
    pub password: String,
}

/// What to enrol in an authenticator.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct InviteEnrolment {
    /// User name.
    pub user: String,
    /// Key in base32, for typing.
    pub totp_secret: String,
    /// The same as an `otpauth://` address, for a QR code.
    pub totp_uri: String,
}

/// The second step of using an invite.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct InviteFinish {
    /// The invite's token.
    pub token: String,
    /// Six digits of the authenticator.
    pub code: String,
}

/// What a finished invite gives.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct InviteDone {
    /// User name.
    pub user: String,
    /// Single-use codes for the day when the authenticator is lost. Shown once.
    pub recovery_codes: Vec<String>,
}

/// A user to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// User name.
    pub name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Traits, which role templates use.
    #[serde(default)]
    pub traits: BTreeMap<String, Vec<String>>,
}

/// Changes to a user; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Roles.
    pub roles: Option<Vec<String>>,
    /// Traits.
    pub traits: Option<BTreeMap<String, Vec<String>>>,
    /// Whether the user may not sign in.
    pub disabled: Option<bool>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// User name.
    pub name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Traits, which role templates use.
    pub traits: BTreeMap<String, Vec<String>>,
    /// `invited`, `active` or `disabled`.
    pub status: String,
    /// When the user was created.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
    /// Until when tries to sign in are refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub locked_until: Option<Timestamp>,
}

/// An invite.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Invite {
    /// Whom it is for.
    pub user: String,
    /// The address to give to that person; `lodge login --invite` takes it. Shown once.
    pub url: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

/// A certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Authority {
    /// `user`, `host`, `gate` or `x509`.
    pub kind: String,
    /// `steady`, `prepared` or `overlap`.
    pub phase: String,
    /// Fingerprint of the key that signs.
    pub signing: String,
    /// The keys that are trusted now: OpenSSH lines, or PEM.
    pub trusted: Vec<String>,
}

/// A step of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Which step.
    pub step: RotationStep,
}

/// Which step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RotationStep {
    /// The next key is made and trusted; the old one still signs. May be left out.
    Prepare,
    /// The next key signs; both are trusted.
    Overlap,
    /// The old key is withdrawn.
    Complete,
    /// Back to the old key; the next one is withdrawn.
    Rollback,
}

/// A server's host key to certify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostCertificateRequest {
    /// The server's public host key, OpenSSH format.
    pub public_key: String,
    /// Names by which targets refer to the server (`hostKey.authority`); at least one.
    pub names: Vec<String>,
    /// Life in seconds; 365 days at most.
    pub ttl_seconds: u64,
}

/// A signed host key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostCertificate {
    /// Host certificate, OpenSSH format.
    pub certificate: String,
}
