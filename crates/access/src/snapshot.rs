//! Snapshot: all roles, targets and locks at one moment, as decisions see them. Never changed, only replaced.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::{Origin, Timestamp};
use identity::Authenticated;

use crate::login::Traits;
use crate::preset;
use crate::resource::{Lock, Locked, Role, Target};

/// All roles, targets and locks at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) roles: BTreeMap<String, Arc<Role>>,
    pub(crate) targets: BTreeMap<String, Arc<Target>>,
    pub(crate) locks: BTreeMap<String, Arc<Lock>>,
}

impl Default for Snapshot {
    /// Nothing but the presets.
    fn default() -> Snapshot {
        let roles = preset::presets().map(|role| (role.name.clone(), Arc::new(role)));
        Snapshot { roles: roles.into(), targets: BTreeMap::new(), locks: BTreeMap::new() }
    }
}

impl Snapshot {
    /// Adds a role; a preset is never replaced.
    pub fn with_role(mut self, role: Role) -> Snapshot {
        if !preset::is_preset(&role.name) {
            self.roles.insert(role.name.clone(), Arc::new(role));
        }
        self
    }

    /// Adds or replaces a target.
    pub fn with_target(mut self, target: Target) -> Snapshot {
        self.targets.insert(target.name.clone(), Arc::new(target));
        self
    }

    /// Adds or replaces a lock.
    pub fn with_lock(mut self, lock: Lock) -> Snapshot {
        self.locks.insert(lock.name.clone(), Arc::new(lock));
        self
    }

    /// Returns the locks that hold at `now`.
    pub(crate) fn locks_at(&self, now: Timestamp) -> impl Iterator<Item = &Lock> {
        self.locks.values().map(Arc::as_ref).filter(move |lock| lock.holds(now))
    }
}

/// Who asks, as far as a decision depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Name of the user.
    pub user: String,
    /// Roles that they hold.
    pub roles: Vec<String>,
    /// Traits that templates draw on.
    pub traits: Traits,
    /// Where they come from.
    pub origin: Option<Origin>,
}

impl Subject {
    /// Takes the facts of someone whose identity was verified.
    pub fn of(who: &Authenticated) -> Subject {
        Subject {
            user: who.user().to_owned(),
            roles: who.roles().to_vec(),
            traits: who.traits().clone(),
            origin: who.origin().cloned(),
        }
    }

    /// Says whether a lock on a person, directly or by role, is on this one. Such locks hold for the API too.
    pub(crate) fn is_locked_by(&self, locked: &Locked) -> bool {
        match locked {
            Locked::User(user) => *user == self.user,
            Locked::Role(role) => self.roles.contains(role),
            Locked::Login(_) | Locked::Target(_) | Locked::Session(_) | Locked::Everything => false,
        }
    }
}
