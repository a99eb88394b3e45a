//! Users: changing and deleting them, as far as it decides who may do what. Identity keeps them and makes the change.
//!
//! Invariant: these changes take turns with those of roles and locks, so that no two of them together leave nobody who
//! could administer.

use identity::{Invite, NewUser, User, UserStatus, UserUpdate};

use crate::access::Access;
use crate::api_permit::ApiPermit;
use crate::change::{Turn, at, settle};
use crate::error::AccessError;
use crate::guard::World;
use crate::operation::{ApiResource, Operation, Verb};
use crate::resource::{Resource, ResourceKind};
use crate::words::nearest;

impl Access {
    /// Refuses users of a text that are given a role which neither exists nor is declared in the same text.
    pub fn check_roles_of(&self, resources: &[Resource]) -> Result<(), AccessError> {
        let is_role = |resource: &&Resource| resource.kind() == ResourceKind::Role;
        let declared: Vec<&str> = resources.iter().filter(is_role).map(Resource::name).collect();
        resources.iter().try_for_each(|resource| match resource {
            Resource::User(user) => self.check_roles(&user.name, &user.roles, &declared),
            _ => Ok(()),
        })
    }

    /// Creates a user and the invite by which the person joins.
    pub async fn create_user(&self, permit: &ApiPermit, new: NewUser) -> Result<Invite, AccessError> {
        self.need(permit, ApiResource::Users, Verb::Create)?;
        self.check_roles(&new.name, &new.roles, &[])?;
        Ok(self.identity().create_user(permit.author(), new).await?)
    }

    /// Changes a user's roles, traits, or whether the account is switched off.
    pub async fn update_user(
        &self,
        permit: &ApiPermit,
        name: &str,
        update: UserUpdate,
    ) -> Result<User, AccessError> {
        self.need(permit, ApiResource::Users, Verb::Update)?;
        let turn = self.turn().await;
        self.check_roles(name, update.roles.as_deref().unwrap_or_default(), &[])?;
        let mut after = self.world();
        after
            .users
            .iter_mut()
            .filter(|user| user.name == name)
            .for_each(|user| update_in_place(user, &update));
        self.keep_another(permit, Verb::Update, name, &after).await?;
        let (identity, author, name) = (self.identity().clone(), permit.author().clone(), name.to_owned());
        Ok(in_turn(turn, async move { identity.update_user(&author, &name, update).await }).await?)
    }

    /// Deletes a user; logins and live sessions end at once.
    pub async fn delete_user(&self, permit: &ApiPermit, name: &str) -> Result<(), AccessError> {
        self.need(permit, ApiResource::Users, Verb::Delete)?;
        let turn = self.turn().await;
        let mut after = self.world();
        after.users.retain(|user| user.name != name);
        self.keep_another(permit, Verb::Delete, name, &after).await?;
        let (identity, author, name) = (self.identity().clone(), permit.author().clone(), name.to_owned());
        Ok(in_turn(turn, async move { identity.delete_user(&author, &name).await }).await?)
    }

    /// Refuses a role that does not exist, unless the user holds it already: it may have been deleted since.
    fn check_roles(&self, name: &str, roles: &[String], declared: &[&str]) -> Result<(), AccessError> {
        let snapshot = self.snapshot();
        let held = self.identity().user(name).map(|user| user.roles).unwrap_or_default();
        let known = |role: &String| {
            snapshot.roles.contains_key(role) || held.contains(role) || declared.contains(&role.as_str())
        };
        let Some(unknown) = roles.iter().find(|role| !known(role)) else { return Ok(()) };
        let names = snapshot.roles.keys().map(String::as_str).chain(declared.iter().copied());
        let nearest = nearest(unknown, names).map(str::to_owned);
        Err(AccessError::NoSuchRole { name: crate::names::shorten(unknown), nearest })
    }

    async fn keep_another(
        &self,
        permit: &ApiPermit,
        verb: Verb,
        name: &str,
        after: &World,
    ) -> Result<(), AccessError> {
        let operation = Operation::new(ApiResource::Users, verb).expect("users can be updated and deleted");
        let name = crate::names::shorten(name);
        self.keep_an_administrator(permit, operation, at(ResourceKind::User, &name), after).await
    }
}

/// Makes a change in a task that holds the turn: a caller who hangs up neither stops it nor lets another begin before its end.
async fn in_turn<T: Send + 'static>(turn: Turn, change: impl Future<Output = T> + Send + 'static) -> T {
    settle(tokio::spawn(async move {
        let made = change.await;
        drop(turn);
        made
    }))
    .await
}

/// Shows a user as the update will leave them. One who is switched on again counts only once that is done.
fn update_in_place(user: &mut User, update: &UserUpdate) {
    user.roles = update.roles.clone().unwrap_or_else(|| user.roles.clone());
    user.traits = update.traits.clone().unwrap_or_else(|| user.traits.clone());
    if update.disabled == Some(true) {
        user.status = UserStatus::Disabled;
    }
}
