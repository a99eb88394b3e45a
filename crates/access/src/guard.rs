//! Guard: refuses a change after which nobody could change roles any more, since nobody could take it back either.
//!
//! Not a judge of its own: it asks [`decide_api`], as it will decide after the change, for every user. Two questions are
//! asked: whether somebody can from the address that the change comes from, and whether somebody can from any address at
//! all. A change may turn neither from yes to no.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use event::kinds::access::Denied;
use event::{Decision, Detail, Event, Origin, Policy, Target, Timestamp};
use identity::{User, UserStatus};

use crate::access::Access;
use crate::api_permit::{ApiPermit, decide_api};
use crate::decide::code;
use crate::error::AccessError;
use crate::operation::{ApiResource, Operation, Verb};
use crate::snapshot::{Snapshot, Subject};
use crate::trace::held;

/// All that the answer depends on: the roles and locks, and the users who hold or bear them.
#[derive(Clone)]
pub(crate) struct World {
    pub snapshot: Snapshot,
    pub users: Vec<User>,
}

/// From where somebody must be able to change roles.
#[derive(Clone, Copy)]
enum Place {
    /// From this address.
    Here(IpAddr),
    /// From any.
    Anywhere,
}

impl Access {
    /// Returns the world as it is.
    pub(crate) fn world(&self) -> World {
        World { snapshot: self.snapshot().as_ref().clone(), users: self.identity().users() }
    }

    /// Refuses, and records the refusal of, a change that leads to a world in which nobody could change roles.
    pub(crate) async fn keep_an_administrator(
        &self,
        permit: &ApiPermit,
        operation: Operation,
        changed: Target,
        after: &World,
    ) -> Result<(), AccessError> {
        let (before, now) = (self.world(), self.ambient().now());
        let here = permit.author().origin.as_ref().map(|origin| Place::Here(origin.ip));
        let asker = permit.actor().user.as_str();
        let lost = |place: Place| {
            !after.somebody_administers(place, asker, now) && before.somebody_administers(place, asker, now)
        };
        if !here.into_iter().chain([Place::Anywhere]).any(lost) {
            return Ok(());
        }
        let refusal =
            AccessError::LastAdministrator { kind: changed.kind.clone(), name: changed.name.clone() };
        let detail = Denied {
            protocol: "api".to_owned(),
            login: operation.to_string(),
            code: code::LAST_ADMINISTRATOR.to_owned(),
        };
        let why = "nobody could change roles after it".to_owned();
        let policy = Policy { decision: Decision::Deny, roles: Vec::new(), why: why.clone() };
        let event = Event::new(self.ambient(), permit.actor().clone(), Detail::AccessDenied(detail))
            .denied(why)
            .from_origin(permit.author().origin.clone())
            .at_target(Some(changed))
            .under(policy);
        self.log().append(&event).await?;
        Err(refusal)
    }
}

impl World {
    /// Says whether somebody who has joined could change roles. `first` is looked at first: it mostly is the answer.
    fn somebody_administers(&self, place: Place, first: &str, now: Timestamp) -> bool {
        let mut users: Vec<&User> = self.users.iter().collect();
        users.sort_by_key(|user| user.name != first);
        users.into_iter().any(|user| self.administers(user, place, now))
    }

    fn administers(&self, user: &User, place: Place, now: Timestamp) -> bool {
        if user.status != UserStatus::Active {
            return false;
        }
        let mut subject = Subject {
            user: user.name.clone(),
            roles: user.roles.clone(),
            traits: user.traits.clone(),
            origin: None,
        };
        let addresses = match place {
            Place::Here(address) => vec![address],
            Place::Anywhere => addresses(&self.snapshot, &subject),
        };
        let change = Operation::new(ApiResource::Roles, Verb::Update).expect("roles can be updated");
        addresses.into_iter().any(|ip| {
            subject.origin = Some(Origin { ip, port: None, agent: None });
            decide_api(&self.snapshot, &subject, change, now).is_ok()
        })
    }
}

/// Addresses that stand for all: whatever the networks of a subject's rules tell apart has an end of one of them, or its
/// neighbour, in it.
fn addresses(snapshot: &Snapshot, subject: &Subject) -> Vec<IpAddr> {
    let roles = held(subject).into_iter().filter_map(|name| snapshot.roles.get(name));
    let networks =
        roles.flat_map(|role| role.rules().flat_map(|(_, rule, _)| &rule.from).collect::<Vec<_>>());
    let mut addresses = vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    addresses.extend(networks.flat_map(crate::Network::edges));
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resource;

    fn addresses_of(yaml: &str) -> (Snapshot, Subject) {
        let resources = Resource::parse_all(yaml).unwrap();
        let roles = resources.iter().map(|resource| resource.name().to_owned()).collect();
        let snapshot = resources.into_iter().fold(Snapshot::default(), crate::rows::with);
        (snapshot, Subject { user: "alice".to_owned(), roles, traits: Default::default(), origin: None })
    }

    #[test]
    fn every_part_of_the_address_space_that_rules_tell_apart_is_asked_about() {
        let (snapshot, subject) = addresses_of(
            "{kind: role, name: r, deny: {from: [10.0.0.0/8, 255.255.255.255, '::/1']}, allow: {api: {resources: roles, verbs: update}, from: 10.1.0.0/16}}",
        );
        let asked = addresses(&snapshot, &subject);
        for wanted in
            ["9.255.255.255", "10.0.255.255", "10.1.0.0", "10.2.0.0", "11.0.0.0", "255.255.255.254", "8000::"]
        {
            assert!(asked.contains(&wanted.parse().unwrap()), "{wanted} is not among {asked:?}");
        }
    }
}
