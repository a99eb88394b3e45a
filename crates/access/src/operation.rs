//! Operations of the API: what may be done to what.
//!
//! The table of verbs is closed: a role that names a pair which does not exist is refused when it is applied.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::words::words;

words! {
    /// What the API acts on.
    ApiResource {
        /// People.
        Users = "users",
        /// Roles; reading one includes explaining decisions.
        Roles = "roles",
        /// Targets.
        Targets = "targets",
        /// Locks.
        Locks = "locks",
        /// Running and past sessions.
        Sessions = "sessions",
        /// The audit log.
        Log = "log",
        /// Session recordings.
        Recordings = "recordings",
        /// Inclusion and consistency proofs.
        Proofs = "proofs",
        /// Certificate authorities.
        Authorities = "authorities",
    }
}

words! {
    /// What is done.
    Verb {
        /// Names what there is.
        List = "list",
        /// Reads one, or searches and follows the log.
        Read = "read",
        /// Makes one; of the log: adds what other systems report.
        Create = "create",
        /// Changes one.
        Update = "update",
        /// Removes one.
        Delete = "delete",
        /// Plays a recording, or looks on while a session runs.
        Watch = "watch",
        /// Takes a recording or a range of the log away.
        Export = "export",
        /// Ends a running session.
        Kill = "kill",
        /// Re-hashes the log.
        Verify = "verify",
        /// Moves an authority to its next key.
        Rotate = "rotate",
        /// Signs a server's host key.
        Sign = "sign",
    }
}

impl ApiResource {
    /// Returns the verbs that exist for this resource.
    pub fn verbs(self) -> &'static [Verb] {
        match self {
            ApiResource::Users | ApiResource::Roles | ApiResource::Targets | ApiResource::Locks => {
                &[Verb::List, Verb::Read, Verb::Create, Verb::Update, Verb::Delete]
            }
            ApiResource::Sessions => &[Verb::List, Verb::Read, Verb::Watch, Verb::Kill],
            ApiResource::Log => &[Verb::Read, Verb::Create, Verb::Export, Verb::Verify],
            ApiResource::Recordings => &[Verb::List, Verb::Watch, Verb::Export],
            ApiResource::Proofs => &[Verb::Read],
            ApiResource::Authorities => &[Verb::List, Verb::Read, Verb::Rotate, Verb::Sign],
        }
    }
}

/// One operation of the API, such as `roles.update`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    resource: ApiResource,
    verb: Verb,
}

impl Operation {
    /// Names an operation; `None` when the resource does not have the verb.
    pub fn new(resource: ApiResource, verb: Verb) -> Option<Operation> {
        resource.verbs().contains(&verb).then_some(Operation { resource, verb })
    }

    /// Returns every operation that exists.
    pub fn all() -> impl Iterator<Item = Operation> {
        ApiResource::ALL.iter().flat_map(|resource| {
            resource.verbs().iter().map(|verb| Operation { resource: *resource, verb: *verb })
        })
    }

    /// Returns what is acted on.
    pub fn resource(self) -> ApiResource {
        self.resource
    }

    /// Returns what is done.
    pub fn verb(self) -> Verb {
        self.verb
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.resource, self.verb)
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pairs_of_the_table_exist() {
        assert!(Operation::new(ApiResource::Log, Verb::Delete).is_none(), "nothing deletes from the log");
        assert!(Operation::new(ApiResource::Log, Verb::Update).is_none());
        assert!(Operation::new(ApiResource::Recordings, Verb::Delete).is_none());
        let update = Operation::new(ApiResource::Roles, Verb::Update).unwrap();
        assert_eq!(update.to_string(), "roles.update");
        assert!(Operation::all().all(|each| Operation::new(each.resource(), each.verb()) == Some(each)));
    }
}
