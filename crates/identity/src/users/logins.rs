//! Logins that have not ended, and how they end.

use event::kinds::user::Logout;
use event::{Author, Detail, SessionId};

use crate::change::Change;
use crate::directory::RowChange;
use crate::error::IdentityError;
use crate::identity::{Identity, Inner};
use crate::rows::Login;

impl Identity {
    /// Logins that have not ended, oldest first; of one user where one is named.
    pub fn logins(&self, user: Option<&str>) -> Vec<Login> {
        let now = self.inner().ambient.now();
        let directory = self.inner().directory();
        let rows = directory.logins.values().map(|kept| &kept.row);
        let stands =
            rows.filter(|row| row.expires > now && user.is_none_or(|user| row.user.as_str() == user));
        let mut logins: Vec<Login> = stands.map(|row| row.shown()).collect();
        logins.sort_by_key(|login| login.id);
        logins
    }

    /// Ends a login; its certificates stop working at once.
    pub async fn logout(&self, by: &Author, login: SessionId) -> Result<(), IdentityError> {
        let inner = self.inner();
        let turn = inner.turn().await;
        let user = inner.directory().logins.get(&login).map(|kept| kept.row.user.to_string());
        let user = user.ok_or(IdentityError::NoSuchLogin(login))?;
        let event = inner.about_user(by, &user, Detail::UserLogout(Logout { login }));
        inner.perform(turn, Change::default().event(event).row(RowChange::Login(login, None))).await
    }
}

impl Inner {
    /// Adds the end of all of a user's logins. Expired ones go silently: they ended by themselves.
    pub(crate) fn end_logins(&self, mut change: Change, by: &Author, user: &str) -> Change {
        let now = self.ambient.now();
        let mut logins: Vec<_> = {
            let directory = self.directory();
            let rows = directory.logins.values().map(|kept| &kept.row);
            rows.filter(|row| row.user.as_str() == user).map(|row| (row.id, row.expires)).collect()
        };
        logins.sort();
        for (login, expires) in logins {
            if expires > now {
                change = change.event(self.about_user(by, user, Detail::UserLogout(Logout { login })));
            }
            change = change.row(RowChange::Login(login, None));
        }
        change
    }
}
