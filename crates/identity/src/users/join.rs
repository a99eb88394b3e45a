//! Accepting an invite, in two steps: choose a password and get a secret; show a code made with it and get recovery codes.
//!
//! The invite is spent by the second step, in the same commit that makes the credentials, so of two people with the same
//! link one joins and the other is told.

use std::sync::Arc;

use event::kinds::user::{InviteAccepted, MfaEnrolled};
use event::{Actor, Ambient, Author, Detail, Event, Origin};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::code::{self, RECOVERY_CODES, TOTP_SECRET_BYTES};
use super::invite::{Enrolment, InviteToken, RecoveryCodes};
use super::password::{self, Busy};
use crate::change::Change;
use crate::directory::RowChange;
use crate::error::{IdentityError, InviteError};
use crate::identity::{Identity, Inner};
use crate::names::UserName;
use crate::rows::{Begun, Credentials, InviteRow, Sealed, UserRow};

impl Identity {
    /// Says whom an invite is for, without using it.
    pub fn invited(&self, token: &InviteToken) -> Option<String> {
        self.inner().open_invite(token).map(|(invite, _)| invite.user.into())
    }

    /// First step: takes the password and gives the secret for the authenticator. May be repeated; the last time counts.
    pub async fn begin_invite(
        &self,
        origin: &Origin,
        token: &InviteToken,
        password: SecretString,
    ) -> Result<Enrolment, InviteError> {
        let inner = self.inner();
        let (invite, _) = inner.invite_or_refuse(origin, token).await?;
        password::check(&password, &invite.user)?;
        let place = inner.hashing.place().map_err(|Busy| InviteError::Busy)?;
        let password = inner.hashing.hash(&place, password, &inner.ambient).await;
        let secret = Zeroizing::new(inner.ambient.random::<TOTP_SECRET_BYTES>());
        let totp = Sealed(inner.vault.seal(&totp_name(&invite.user), &secret[..]));

        let turn = inner.turn().await;
        // Hashing took a while; the invite may have been used or replaced meanwhile.
        let (mut invite, user) = inner.open_invite(token).ok_or(InviteError::Unknown)?;
        invite.begun = Some(Begun { password, totp });
        let event = inner.accepted(origin, &user);
        let enrolment = Enrolment {
            user: invite.user.to_string(),
            secret: code::base32(&secret[..]).as_str().into(),
            uri: code::otpauth_uri(&invite.user, &secret[..]),
        };
        let row = RowChange::Invite(token.hash(), Some(Box::new(invite)));
        inner.perform(turn, Change::default().event(event).row(row)).await?;
        Ok(enrolment)
    }

    /// Second step: checks a code made with the secret, spends the invite, and gives the recovery codes.
    pub async fn finish_invite(
        &self,
        origin: &Origin,
        token: &InviteToken,
        code: SecretString,
    ) -> Result<RecoveryCodes, InviteError> {
        let inner = self.inner();
        inner.invite_or_refuse(origin, token).await?;
        let turn = inner.turn().await;
        let (invite, before) = inner.open_invite(token).ok_or(InviteError::Unknown)?;
        let begun = invite.begun.ok_or(InviteError::NotBegun)?;
        let secret =
            inner.vault.unseal(&totp_name(&invite.user), &begun.totp.0).map_err(IdentityError::from)?;
        let typed: String = code.expose_secret().split_whitespace().collect();
        let Some(step) = code::matching_step(&secret, &typed.into(), inner.ambient.now(), 0) else {
            drop(turn);
            let event = inner.accepted(origin, &before).failed("the code of the second factor was wrong");
            inner.record(&[event]).await?;
            return Err(InviteError::WrongCode);
        };
        let (codes, hashes) = recovery_codes(&inner.ambient, &invite.user);
        let mut after = before.clone();
        let credentials =
            Credentials { password: begun.password, totp: begun.totp, last_step: step, recovery: hashes };
        (after.credentials, after.invite) = (Some(credentials), None);
        (after.failures, after.locked_until) = (0, None);

        let user = invite.user.to_string();
        let change = inner
            .joined(origin, &before, &after)
            .row(RowChange::Invite(token.hash(), None))
            .row(RowChange::User(user.clone(), Some(Box::new(after))));
        inner.perform(turn, change).await?;
        Ok(RecoveryCodes { user, codes })
    }
}

impl Inner {
    /// Finds an invite that can be used, and its user.
    fn open_invite(&self, token: &InviteToken) -> Option<(InviteRow, UserRow)> {
        let hash = token.hash();
        let directory = self.directory();
        let invite = &directory.invites.get(&hash)?.row;
        let user = &directory.users.get(invite.user.as_str())?.row;
        let open =
            invite.expires > self.ambient.now() && !user.disabled && user.invite.as_ref() == Some(&hash);
        open.then(|| (invite.clone(), user.clone()))
    }

    /// As `open_invite`; a refusal is an event.
    async fn invite_or_refuse(
        self: &Arc<Inner>,
        origin: &Origin,
        token: &InviteToken,
    ) -> Result<(InviteRow, UserRow), InviteError> {
        if let Some(found) = self.open_invite(token) {
            return Ok(found);
        }
        let named = self.directory().invites.get(&token.hash()).map(|kept| kept.row.user.to_string());
        let reason = if named.is_some() {
            "the invite has expired, or its user is disabled"
        } else {
            "no such invite is open"
        };
        let user = named.unwrap_or_default();
        let detail = Detail::UserInviteAccept(InviteAccepted { user: user.clone() });
        let event = Event::new(&self.ambient, Actor::unknown(&user), detail)
            .from_origin(Some(origin.clone()))
            .denied(reason);
        self.record(&[event]).await?;
        Err(InviteError::Unknown)
    }

    fn accepted(&self, origin: &Origin, user: &UserRow) -> Event {
        let name = user.name.to_string();
        let detail = Detail::UserInviteAccept(InviteAccepted { user: name.clone() });
        self.about_user(&Author::of(Actor::human(&name), Some(origin.clone())), &name, detail)
    }

    fn joined(&self, origin: &Origin, before: &UserRow, after: &UserRow) -> Change {
        let name = after.name.to_string();
        let by = Author::of(Actor::human(&name), Some(origin.clone()));
        let recovery_codes = u32::try_from(RECOVERY_CODES).expect("a small constant");
        let enrolled = MfaEnrolled { user: name.clone(), factor: "totp".to_owned(), recovery_codes };
        Change::default()
            .event(self.about_user(&by, &name, Detail::UserMfaEnroll(enrolled)))
            .event(self.updated(&by, before, after))
    }
}

/// The name under which a user's TOTP secret is sealed.
pub(crate) fn totp_name(user: &UserName) -> String {
    format!("user/{user}/totp")
}

fn recovery_codes(ambient: &Ambient, user: &UserName) -> (Vec<SecretString>, Vec<String>) {
    let codes: Vec<SecretString> = (0..RECOVERY_CODES).map(|_| code::make_recovery_code(ambient)).collect();
    let hashes = codes.iter().map(|code| code::recovery_hash(code.expose_secret(), user.as_str())).collect();
    (codes, hashes)
}
