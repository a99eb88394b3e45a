//! Someone whose identity was verified just now.

use std::collections::BTreeMap;

use event::{Actor, Mfa, Origin, SessionId, Timestamp};

/// Someone whose identity was verified just now. Only this crate makes them (private fields).
///
/// ```compile_fail
/// let nobody = identity::Authenticated { user: "root".to_owned() };
/// ```
#[derive(Clone, Debug)]
pub struct Authenticated {
    pub(crate) user: String,
    pub(crate) login: SessionId,
    pub(crate) roles: Vec<String>,
    pub(crate) traits: BTreeMap<String, Vec<String>>,
    pub(crate) mfa: Mfa,
    pub(crate) expires: Timestamp,
    pub(crate) origin: Option<Origin>,
}

impl Authenticated {
    /// Name of the person.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Id of the login that the certificate belongs to.
    pub fn login(&self) -> SessionId {
        self.login
    }

    /// Roles that the person has now.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Traits that the person has now.
    pub fn traits(&self) -> &BTreeMap<String, Vec<String>> {
        &self.traits
    }

    /// When the certificate or the login ends, whichever is sooner.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Where the certificate was shown from.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The actor that events name.
    pub fn actor(&self) -> Actor {
        person(&self.user, &self.roles, self.mfa)
    }
}

/// Names a local user whose second factor was seen.
pub(crate) fn person(user: &str, roles: &[String], mfa: Mfa) -> Actor {
    let mut actor = Actor::human(user);
    actor.roles = roles.to_vec();
    actor.mfa = Some(mfa);
    actor.identity_provider = Some("local".to_owned());
    actor
}
