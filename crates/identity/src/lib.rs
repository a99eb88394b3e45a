//! Identity: people, second factors, certificate authorities, certificates.
//!
//! Answers who someone is, never what they may do: that is `access`. Three promises hold throughout: every change and
//! every certificate is a durable event before it takes effect; no secret reaches an event or an error; and whoever is
//! refused learns little, while the event says why.
#![forbid(unsafe_code)]

mod authenticated;
mod authority;
mod certificate;
mod change;
mod directory;
mod error;
mod identity;
mod names;
mod rows;
mod users;
pub mod verify;

pub use authenticated::Authenticated;
pub use authority::{AuthorityKind, AuthorityStatus, RotationPhase, RotationStep};
pub use certificate::gate::Forwarding;
pub use certificate::server::ServerCertificate;
pub use change::ChangesHeld;
pub use error::{IdentityError, InviteError, LoginError};
pub use identity::Identity;
pub use names::{NameError, Principal, UserName};
pub use rows::{Login, User, UserStatus};
pub use users::invite::{Enrolment, Invite, InvitePurpose, InviteToken, InviteTokenError, RecoveryCodes};
pub use users::login::{ConsoleGrant, ConsoleRequest, LoginGrant, LoginRequest};
pub use users::manage::{NewUser, UserUpdate};
pub use users::pass::ConsolePass;
pub use users::password::PasswordError;
pub use verify::CertificateRefusal;

use std::time::Duration;

/// The longest life of a certificate for a person.
pub const MAX_CERTIFICATE_LIFE: Duration = Duration::from_secs(12 * 3600);

/// The longest life of a host certificate for a target.
pub const MAX_HOST_CERTIFICATE_LIFE: Duration = Duration::from_secs(365 * 24 * 3600);

/// How far two clocks may differ before a certificate counts as not yet valid or expired.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// The role whose last holder cannot be removed, and which the first user gets.
pub const ADMIN_ROLE: &str = "admin";

/// Reads the text of a public key that comes with a login, as SSH's and as TLS's; says which took it. For fuzzing.
#[doc(hidden)]
pub fn decode_any_public_key(text: &str) -> (bool, bool) {
    (certificate::ssh::parse_public_key(text).is_ok(), certificate::tls::parse_public_key(text).is_ok())
}
