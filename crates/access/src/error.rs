//! Errors of keeping roles, targets and locks, and refusals of access.

use audit_log::AppendError;
use identity::IdentityError;
use store::tables::TableError;

use crate::operation::Operation;
use crate::resource::ResourceKind;

/// Why state could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The permit is for something else.
    #[error("this needs a permit for {needed}; the one that was given is for something else")]
    Permit {
        /// The operation that was tried.
        needed: Operation,
    },
    /// No such resource.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// What kind.
        kind: ResourceKind,
        /// The name that was asked for.
        name: String,
    },
    /// A user was to be given a role that does not exist.
    #[error(
        "there is no role `{name}`{}", nearest.as_ref().map_or_else(
            || "; `lodge get roles` lists them, `lodge apply` makes one".to_owned(),
            |nearest| format!("; did you mean `{nearest}`?"),
        )
    )]
    NoSuchRole {
        /// The name.
        name: String,
        /// The nearest name that a role has.
        nearest: Option<String>,
    },
    /// Presets stay as they are.
    #[error("the role `{0}` is a preset and stays as it is; make a role of another name")]
    Preset(String),
    /// Users are kept elsewhere.
    #[error("users are kept by identity; a user document is applied there")]
    User,
    /// Identity refused, or failed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The lock would be on the person who sets it.
    #[error("the lock `{0}` would shut you out of the API yourself; ask another administrator to set it")]
    LocksYourself(String),
    /// The change would shut everyone out of changing roles, and so of taking it back.
    #[error(
        "changing the {kind} `{name}` like this would leave nobody who could change roles, so it is refused; \
         let another user who has joined administer first (`lodge users add NAME --roles admin`), or have `lodge serve --invite-admin NAME` run on the server"
    )]
    LastAdministrator {
        /// What kind of resource was to be changed.
        kind: String,
        /// Its name.
        name: String,
    },
    /// The lock would never hold.
    #[error(
        "the lock `{0}` ends in the past, so it would lock nothing; give a later `expires` or leave it out"
    )]
    Expired(String),
    /// Too many resources of a kind.
    #[error("there are {most} {kind}s already, which is the most that are kept")]
    Full {
        /// What kind.
        kind: ResourceKind,
        /// How many there may be.
        most: usize,
    },
    /// The change could not be recorded, so it was not made.
    #[error("the change cannot be recorded, so it is not made: {0}")]
    Log(#[from] AppendError),
    /// The state database failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A stored row is not valid.
    #[error("the stored {kind} `{key}` cannot be read; restore the state database from a backup: {source}")]
    Row {
        /// What kind.
        kind: ResourceKind,
        /// Its key.
        key: String,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Why access was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The decision was no.
    #[error("{why}")]
    Denied {
        /// Stable word; the record may hold a more precise one.
        code: &'static str,
        /// One sentence for the person.
        why: String,
    },
    /// The decision could not be recorded, so it is no.
    #[error("access cannot be recorded, so it is refused: {0}")]
    Log(#[from] AppendError),
    /// State could not be read, so it is no.
    #[error("access cannot be decided, so it is refused: {0}")]
    State(String),
}
