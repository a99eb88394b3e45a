//! What can go wrong, said to whom it concerns.
//!
//! No message here holds a secret. `LoginError` and `InviteError` are what a stranger reads, so they say little.

use audit_log::AppendError;
use store::tables::TableError;
use store::vault::VaultError;

use crate::authority::{AuthorityKind, RotationPhase, RotationStep};
use crate::names::NameError;
use crate::users::password::PasswordError;

/// Why identity could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The event could not be made durable, so nothing was done.
    #[error("nothing was done, because it cannot be recorded: {0}")]
    Log(#[from] AppendError),
    /// State could not be read or changed.
    #[error("cannot read or change users, logins or authorities")]
    Tables(#[from] TableError),
    /// A stored secret could not be opened.
    #[error("cannot open a stored secret")]
    Vault(#[from] VaultError),
    /// A stored row has a shape that this release does not know.
    #[error("stored row {table}/{key} cannot be read: {why}")]
    Row {
        /// Its table.
        table: &'static str,
        /// Its key.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// A name is not allowed.
    #[error("{name:?} is not allowed as a name: {source}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// A role, a trait or their number is not allowed.
    #[error("{0}")]
    Attribute(String),
    /// There is no such user.
    #[error("there is no user {0}")]
    NoSuchUser(String),
    /// There is such a user already.
    #[error("there is already a user {0}")]
    UserExists(String),
    /// There is no such login, or it has ended.
    #[error("there is no login {0}, or it has ended")]
    NoSuchLogin(event::SessionId),
    /// The rotation step does not follow from the present phase.
    #[error("the {kind} authority is {phase}, so `{step}` is not its next step")]
    Rotation {
        /// Which authority.
        kind: AuthorityKind,
        /// Where it stands.
        phase: RotationPhase,
        /// What was asked for.
        step: RotationStep,
    },
    /// A public key is not one that Lodge certifies.
    #[error("{0}")]
    Key(String),
    /// A lifetime is not allowed.
    #[error("{0}")]
    Life(String),
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(String),
}

impl IdentityError {
    pub(crate) fn name(name: &str) -> impl FnOnce(NameError) -> IdentityError {
        let name = name.chars().take(80).collect();
        move |source| IdentityError::Name { name, source }
    }
}

/// Why a login was refused, as far as a stranger may know.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// One of the three was wrong, or the account cannot be used now. The event says which.
    #[error("wrong user, password or code; after several failures further tries are refused for a while")]
    Refused,
    /// Too many logins are being checked right now.
    #[error("too many logins at once; try again shortly")]
    Busy,
    /// The user was changed while the login was checked.
    #[error("the user was changed during the login; try again")]
    Changed,
    /// A key to be certified is not one that Lodge certifies.
    #[error("{0}")]
    Key(String),
    /// Something on Lodge's side failed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Why an invite could not be used.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The invite is unknown, used, replaced or expired.
    #[error("this invite is unknown, already used or expired; ask for a new one")]
    Unknown,
    /// The password is not taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The second step came before the first.
    #[error("choose a password first, then confirm the code")]
    NotBegun,
    /// The code does not belong to the secret that was given out.
    #[error("the code is wrong; check the clock of the device and enter the newest code")]
    WrongCode,
    /// Too many passwords are being checked right now.
    #[error("too many logins at once; try again shortly")]
    Busy,
    /// Something on Lodge's side failed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}
