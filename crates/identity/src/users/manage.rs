//! Making, changing, resetting and deleting users.
//!
//! Every change is an event with what was and what is, neither of which holds a hash or a secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::kinds::change::Change as Changed;
use event::kinds::user::Invite as InviteMade;
use event::{Author, Detail, Event, Target};
use serde::{Deserialize, Serialize};

use super::invite::{INVITE_LIFE, Invite, InvitePurpose, InviteToken};
use crate::change::Change;
use crate::directory::RowChange;
use crate::error::IdentityError;
use crate::identity::{Identity, Inner};
use crate::names::UserName;
use crate::rows::{InviteRow, User, UserRow};

const MAX_ATTRIBUTES: usize = 64;
const MAX_TRAIT_NAME_BYTES: usize = 128;
const MAX_TRAIT_BYTES: usize = 1024;

/// A user to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUser {
    /// Name.
    pub name: String,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Traits, for role templates.
    #[serde(default)]
    pub traits: BTreeMap<String, Vec<String>>,
    /// Whether the account begins switched off: nobody can join by its invite until it is switched on.
    #[serde(default)]
    pub disabled: bool,
}

/// What to change of a user; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserUpdate {
    /// All roles from now on.
    pub roles: Option<Vec<String>>,
    /// All traits from now on.
    pub traits: Option<BTreeMap<String, Vec<String>>>,
    /// Whether the account is switched off. Switching it off ends its logins.
    pub disabled: Option<bool>,
}

impl NewUser {
    /// Checks the name and the shape of roles and traits, before anything is done. That roles exist is not known here.
    pub fn check(&self) -> Result<(), IdentityError> {
        self.name.parse::<UserName>().map_err(IdentityError::name(&self.name))?;
        check_attributes(&self.roles, &self.traits)
    }
}

impl Identity {
    /// Creates a user and the invite by which the person joins.
    pub async fn create_user(&self, by: &Author, new: NewUser) -> Result<Invite, IdentityError> {
        let name: UserName = new.name.parse().map_err(IdentityError::name(&new.name))?;
        check_attributes(&new.roles, &new.traits)?;
        let inner = self.inner();
        let turn = inner.turn().await;
        if inner.directory().users.contains_key(name.as_str()) {
            return Err(IdentityError::UserExists(name.into()));
        }
        let row = UserRow { disabled: new.disabled, ..inner.new_user(name, new.roles, new.traits) };
        let (change, invite) = inner.creation(by, row);
        inner.perform(turn, change).await?;
        Ok(invite)
    }

    /// Changes a user's roles, traits, or whether the account is switched off.
    pub async fn update_user(
        &self,
        by: &Author,
        name: &str,
        update: UserUpdate,
    ) -> Result<User, IdentityError> {
        let inner = self.inner();
        let turn = inner.turn().await;
        let before = inner.user(name)?;
        let mut after = before.clone();
        after.roles = update.roles.unwrap_or(after.roles);
        after.traits = update.traits.unwrap_or(after.traits);
        after.disabled = update.disabled.unwrap_or(after.disabled);
        check_attributes(&after.roles, &after.traits)?;
        let shown = after.shown();
        let mut change = Change::default().event(inner.updated(by, &before, &after));
        if after.disabled {
            change = inner.end_logins(change, by, name);
        }
        let change = change.row(RowChange::User(name.to_owned(), Some(Box::new(after))));
        inner.perform(turn, change).await?;
        Ok(shown)
    }

    /// Deletes a user, the user's logins and invites.
    pub async fn delete_user(&self, by: &Author, name: &str) -> Result<(), IdentityError> {
        let inner = self.inner();
        let turn = inner.turn().await;
        let before = inner.user(name)?;
        let changed = Changed { name: name.to_owned(), before: Some(json(&before)), after: None };
        let event = inner.about_user(by, name, Detail::UserDelete(changed));
        let mut change = inner.end_logins(Change::default().event(event), by, name);
        change = withdraw_invite(change, &before);
        inner.perform(turn, change.row(RowChange::User(name.to_owned(), None))).await
    }

    /// Takes a user's password and second factor away, ends the user's logins, and makes an invite to start over.
    pub async fn reset_user(&self, by: &Author, name: &str) -> Result<Invite, IdentityError> {
        let inner = self.inner();
        let turn = inner.turn().await;
        let before = inner.user(name)?;
        let mut after = before.clone();
        (after.credentials, after.failures, after.locked_until) = (None, 0, None);
        let purpose = if before.joined() { InvitePurpose::Reset } else { InvitePurpose::Join };
        let event = inner.updated(by, &before, &after);
        let change = inner.end_logins(Change::default().event(event), by, name);
        let (change, invite) = inner.invitation(change, by, after, purpose);
        inner.perform(turn, change).await?;
        Ok(invite)
    }

    /// All users, by name.
    pub fn users(&self) -> Vec<User> {
        self.inner().directory().users.values().map(|kept| kept.row.shown()).collect()
    }

    /// One user.
    pub fn user(&self, name: &str) -> Option<User> {
        self.inner().directory().users.get(name).map(|kept| kept.row.shown())
    }
}

impl Inner {
    pub(crate) fn user(&self, name: &str) -> Result<UserRow, IdentityError> {
        let directory = self.directory();
        let kept = directory
            .users
            .get(name)
            .ok_or_else(|| IdentityError::NoSuchUser(name.chars().take(80).collect()))?;
        Ok(kept.row.clone())
    }

    pub(crate) fn new_user(
        &self,
        name: UserName,
        roles: Vec<String>,
        traits: BTreeMap<String, Vec<String>>,
    ) -> UserRow {
        UserRow {
            name,
            roles,
            traits,
            disabled: false,
            created: self.ambient.now(),
            credentials: None,
            failures: 0,
            locked_until: None,
            invite: None,
        }
    }

    pub(crate) fn creation(self: &Arc<Inner>, by: &Author, row: UserRow) -> (Change, Invite) {
        let name = row.name.to_string();
        let changed = Changed { name: name.clone(), before: None, after: Some(json(&row)) };
        let event = self.about_user(by, &name, Detail::UserCreate(changed));
        self.invitation(Change::default().event(event), by, row, InvitePurpose::Join)
    }

    /// Adds a new invite for `row`, and the row itself; an earlier invite is withdrawn.
    pub(crate) fn invitation(
        &self,
        change: Change,
        by: &Author,
        mut row: UserRow,
        purpose: InvitePurpose,
    ) -> (Change, Invite) {
        let token = InviteToken::make(&self.ambient);
        let expires = self.ambient.now().plus(INVITE_LIFE);
        let user = row.name.to_string();
        let made = InviteMade { user: user.clone(), expires, purpose: purpose.word().to_owned() };
        let event = self.about_user(by, &user, Detail::UserInviteCreate(made));
        let kept = InviteRow { user: row.name.clone(), purpose, expires, begun: None };
        let change = withdraw_invite(change, &row)
            .event(event)
            .row(RowChange::Invite(token.hash(), Some(Box::new(kept))));
        row.invite = Some(token.hash());
        let change = change.row(RowChange::User(user.clone(), Some(Box::new(row))));
        (change, Invite { user, purpose, expires, token })
    }

    pub(crate) fn updated(&self, by: &Author, before: &UserRow, after: &UserRow) -> Event {
        let name = after.name.to_string();
        let changed = Changed { name: name.clone(), before: Some(json(before)), after: Some(json(after)) };
        self.about_user(by, &name, Detail::UserUpdate(changed))
    }

    pub(crate) fn about_user(&self, by: &Author, user: &str, detail: Detail) -> Event {
        let target =
            Target { kind: "user".to_owned(), name: user.to_owned(), labels: BTreeMap::new(), address: None };
        by.event(&self.ambient, detail).at_target(Some(target))
    }
}

fn withdraw_invite(change: Change, row: &UserRow) -> Change {
    match &row.invite {
        Some(hash) => change.row(RowChange::Invite(hash.clone(), None)),
        None => change,
    }
}

fn json(row: &UserRow) -> serde_json::Value {
    serde_json::to_value(row.shown()).expect("a user has string keys only")
}

/// Holds roles and traits to a size and a shape; which roles exist is not known here.
fn check_attributes(roles: &[String], traits: &BTreeMap<String, Vec<String>>) -> Result<(), IdentityError> {
    let refuse = |why: String| Err(IdentityError::Attribute(why));
    if roles.len() > MAX_ATTRIBUTES
        || traits.len() > MAX_ATTRIBUTES
        || traits.values().any(|all| all.len() > MAX_ATTRIBUTES)
    {
        return refuse(format!(
            "a user has at most {MAX_ATTRIBUTES} roles, as many traits, and as many values of each"
        ));
    }
    for role in roles {
        // Roles are named as people are.
        if let Err(why) = role.parse::<UserName>() {
            return refuse(format!("{role:?} cannot be the name of a role: {why}"));
        }
    }
    for name in traits.keys() {
        let inside = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
        if name.is_empty() || name.len() > MAX_TRAIT_NAME_BYTES || !name.chars().all(inside) {
            return refuse(format!(
                "{name:?} cannot be the name of a trait; use up to {MAX_TRAIT_NAME_BYTES} letters, digits, `-`, `_`, `.`, `/` and `:`"
            ));
        }
    }
    for value in traits.values().flatten() {
        if value.len() > MAX_TRAIT_BYTES || value.chars().any(char::is_control) {
            return refuse(format!(
                "a trait's value has at most {MAX_TRAIT_BYTES} bytes and no control characters"
            ));
        }
    }
    Ok(())
}
