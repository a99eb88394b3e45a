//! The first admin: how a new installation lets its first person in.
//!
//! Only as long as nobody has joined. After that, users are made by users.

use std::collections::BTreeMap;

use event::Author;

use super::invite::{Invite, InvitePurpose};
use crate::ADMIN_ROLE;
use crate::change::Change;
use crate::error::IdentityError;
use crate::identity::{Identity, Inner};
use crate::names::UserName;
use crate::rows::UserRow;

/// The user that a new installation invites.
const FIRST_ADMIN: &str = "admin";

impl Identity {
    /// Makes the invite of the first admin, as long as nobody has joined; a newer one replaces an older one.
    ///
    /// Returns `None` once anybody has joined. On an installation without users it creates the user `admin`.
    pub async fn first_admin_invite(&self) -> Result<Option<Invite>, IdentityError> {
        let inner = self.inner();
        let turn = inner.turn().await;
        let by = Author::system("identity");
        let (anybody, admin) = {
            let directory = inner.directory();
            let mut rows = directory.users.values().map(|kept| &kept.row);
            let admin = rows.clone().find(|row| row.roles.iter().any(|role| role == ADMIN_ROLE)).cloned();
            (rows.any(UserRow::joined), admin)
        };
        if anybody {
            return Ok(None);
        }
        let (change, invite) = match admin {
            Some(mut row) => {
                let (before, event) = (row.clone(), Change::default());
                row.disabled = false;
                let change =
                    if before.disabled { event.event(inner.updated(&by, &before, &row)) } else { event };
                inner.invitation(change, &by, row, InvitePurpose::Join)
            }
            None => {
                let name = inner.free_admin_name();
                let row = inner.new_user(name, vec![ADMIN_ROLE.to_owned()], BTreeMap::new());
                inner.creation(&by, row)
            }
        };
        inner.perform(turn, change).await?;
        Ok(Some(invite))
    }
}

impl Inner {
    fn free_admin_name(&self) -> UserName {
        let directory = self.directory();
        let numbered = (2u32..).map(|number| format!("{FIRST_ADMIN}-{number}"));
        let free = std::iter::once(FIRST_ADMIN.to_owned())
            .chain(numbered)
            .find(|name| !directory.users.contains_key(name));
        free.and_then(|name| name.parse().ok())
            .expect("there are fewer users than numbers, and the name is valid")
    }
}
