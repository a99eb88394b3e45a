//! People: made, invited, signed in, refused, locked out, changed, deleted.

mod common;

use std::time::Duration;

use common::{Authenticator, PASSWORD, admin, house, origin, request};
use event::{Actor, Author, Outcome};
use identity::{IdentityError, InviteError, LoginError, NewUser, UserStatus, UserUpdate};
use secrecy::ExposeSecret;

#[tokio::test]
async fn a_person_joins_and_signs_in() {
    let house = house().await;
    let (authenticator, codes) = house.join("alice", &["access"]).await;
    assert_eq!(codes.len(), 10);
    let grant = house.login("alice", &authenticator).await;
    assert_eq!((grant.user.as_str(), grant.recovery_codes), ("alice", 10));
    assert!(house.identity.login_stands("alice", grant.login));
    let kinds: Vec<String> = house.events().iter().map(|event| event.kind().to_owned()).collect();
    let expected = [
        "log.opened",
        "authority.create",
        "authority.create",
        "authority.create",
        "authority.create",
        "user.create",
        "user.invite_create",
        "user.invite_accept",
        "user.mfa_enroll",
        "user.update",
        "user.login",
        "cert.issue",
        "cert.issue",
    ];
    assert_eq!(kinds, expected);
    let login = house.newest("user.login");
    assert_eq!(
        (login.actor.user.as_str(), login.actor.roles.as_slice()),
        ("alice", &["access".to_owned()][..])
    );
}

#[tokio::test]
async fn no_secret_reaches_an_event() {
    let house = house().await;
    let invite = house.invite("alice", &[]).await;
    let enrolment = house.identity.begin_invite(&origin(), &invite.token, PASSWORD.into()).await.unwrap();
    let authenticator = Authenticator::scan(&enrolment.uri);
    let code = authenticator.code(house.ambient.now());
    let codes = house.identity.finish_invite(&origin(), &invite.token, code.clone()).await.unwrap();
    let used = codes.codes[0].expose_secret().to_owned();
    house.try_login("alice", PASSWORD, used.as_str().into()).await.unwrap();
    let _ = house.try_login("my secret typed as a name", PASSWORD, "123456".into()).await;
    let text: String = house.events().iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    let token = invite.token.expose();
    let secrets = [
        PASSWORD,
        "typed as a name",
        token.as_str(),
        enrolment.secret.expose_secret(),
        &used,
        "memory_kib",
        "\"salt\"",
        "BEGIN",
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn every_failure_looks_the_same_and_its_event_says_why() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    house.invite("invited", &[]).await;
    let now = || authenticator.code(house.ambient.now());
    for (user, password, code, why) in [
        ("alice", "not the password", now(), "the password is wrong"),
        ("alice", PASSWORD, "000000".into(), "the code is wrong or was used before"),
        ("alice", PASSWORD, "aaaa-bbbb-cccc-dddd".into(), "the code is wrong or was used before"),
        ("nobody", PASSWORD, now(), "there is no such user"),
        ("invited", PASSWORD, now(), "the user has not joined yet"),
        ("Not A Name", PASSWORD, now(), "that is not a user's name"),
        ("alice", "", now(), "the password is wrong"),
    ] {
        let error = house.try_login(user, password, code).await.unwrap_err();
        assert!(matches!(error, LoginError::Refused), "{user}: {error}");
        let event = house.newest("user.login");
        assert_eq!((event.outcome, event.reason.as_deref()), (Outcome::Failure, Some(why)));
    }
    house
        .identity
        .update_user(&admin(), "alice", UserUpdate { disabled: Some(true), ..Default::default() })
        .await
        .unwrap();
    let error = house.try_login("alice", PASSWORD, now()).await.unwrap_err();
    assert!(matches!(error, LoginError::Refused));
    assert_eq!(house.newest("user.login").reason.as_deref(), Some("the user is disabled"));
}

#[tokio::test]
async fn a_code_is_taken_once() {
    let house = house().await;
    let (authenticator, codes) = house.join("alice", &[]).await;
    let code = authenticator.code(house.ambient.now());
    house.try_login("alice", PASSWORD, code.clone()).await.unwrap();
    assert!(house.try_login("alice", PASSWORD, code.clone()).await.is_err());
    let house = house.reopen().await;
    assert!(house.try_login("alice", PASSWORD, code).await.is_err(), "the step is remembered over a restart");
    let recovery = codes[3].clone();
    assert_eq!(house.try_login("alice", PASSWORD, recovery.clone()).await.unwrap().recovery_codes, 9);
    assert!(house.try_login("alice", PASSWORD, recovery).await.is_err());
}

#[tokio::test]
async fn of_two_logins_with_one_code_one_succeeds() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let code = authenticator.code(house.ambient.now());
    let tries = (0..4).map(|_| house.identity.login(request("alice", PASSWORD, code.clone())));
    let results = futures::future::join_all(tries).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn five_failures_lock_for_a_minute_and_more_for_longer() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let wrong = (0..5).map(|_| house.identity.login(request("alice", "guess guess guess", "000000".into())));
    futures::future::join_all(wrong).await;
    let locked = house.newest("user.locked_out");
    assert_eq!(locked.body.detail["failures"], 5);

    house.clock.advance(Duration::from_secs(59));
    assert!(house.try_login("alice", PASSWORD, authenticator.code(house.ambient.now())).await.is_err());
    assert_eq!(
        house.newest("user.login").reason.as_deref(),
        Some("the user is locked out after failed tries")
    );
    let house = house.reopen().await;
    assert!(house.try_login("alice", PASSWORD, authenticator.code(house.ambient.now())).await.is_err());

    house.clock.advance(Duration::from_secs(2));
    assert!(house.try_login("alice", "guess guess guess", "000000".into()).await.is_err());
    assert_eq!(house.events_of("user.locked_out").len(), 2);
    house.clock.advance(Duration::from_secs(61));
    assert!(house.try_login("alice", PASSWORD, authenticator.code(house.ambient.now())).await.is_err());
    house.clock.advance(Duration::from_secs(60));
    house.login("alice", &authenticator).await;
    assert_eq!(house.identity.user("alice").unwrap().locked_until, None);
    assert!(house.try_login("nobody", "guess guess guess", "000000".into()).await.is_err());
}

#[tokio::test]
async fn a_lock_out_does_not_cut_off_who_is_signed_in() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let grant = house.login("alice", &authenticator).await;
    let changes = house.identity.changes();
    for _ in 0..6 {
        let _ = house.try_login("alice", "guess guess guess", "000000".into()).await;
    }
    assert!(!changes.has_changed().unwrap(), "nor does it wake running sessions");
    assert!(house.identity.login_stands("alice", grant.login));
}

#[tokio::test]
async fn an_invite_is_used_once_even_in_a_race() {
    let house = house().await;
    let invite = house.invite("alice", &[]).await;
    let enrolment = house.identity.begin_invite(&origin(), &invite.token, PASSWORD.into()).await.unwrap();
    let code = Authenticator::scan(&enrolment.uri).code(house.ambient.now());
    let here = origin();
    let tries = (0..4).map(|_| house.identity.finish_invite(&here, &invite.token, code.clone()));
    let results = futures::future::join_all(tries).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(InviteError::Unknown))));
    let again = house.identity.begin_invite(&origin(), &invite.token, PASSWORD.into()).await;
    assert!(matches!(again, Err(InviteError::Unknown)));
    assert_eq!(house.newest("user.invite_accept").outcome, Outcome::Denied);
    assert_eq!(house.events_of("user.mfa_enroll").len(), 1);
}

#[tokio::test]
async fn invites_expire_and_newer_ones_replace_older_ones() {
    let house = house().await;
    let first = house.invite("alice", &[]).await;
    let second = house.identity.reset_user(&admin(), "alice").await.unwrap();
    assert!(house.identity.invited(&first.token).is_none());
    assert_eq!(house.identity.invited(&second.token).as_deref(), Some("alice"));
    let house = house.reopen().await;
    house.clock.advance(Duration::from_secs(24 * 3600));
    assert!(house.identity.invited(&second.token).is_none());
    let late = house.identity.begin_invite(&origin(), &second.token, PASSWORD.into()).await;
    assert!(matches!(late, Err(InviteError::Unknown)));
}

#[tokio::test]
async fn who_is_created_switched_off_joins_once_switched_on() {
    let house = house().await;
    let new =
        NewUser { name: "alice".to_owned(), roles: Vec::new(), traits: Default::default(), disabled: true };
    let invite = house.identity.create_user(&admin(), new).await.unwrap();
    assert_eq!(house.identity.user("alice").unwrap().status, UserStatus::Disabled);
    let early = house.identity.begin_invite(&origin(), &invite.token, PASSWORD.into()).await;
    assert!(early.is_err());
    let on = UserUpdate { disabled: Some(false), ..UserUpdate::default() };
    house.identity.update_user(&admin(), "alice", on).await.unwrap();
    house.accept(&invite).await;
}

#[tokio::test]
async fn the_two_steps_come_in_order_and_wrong_codes_do_not_spend_the_invite() {
    let house = house().await;
    let invite = house.invite("alice", &[]).await;
    let early = house.identity.finish_invite(&origin(), &invite.token, "123456".into()).await;
    assert!(matches!(early, Err(InviteError::NotBegun)));
    let short = house.identity.begin_invite(&origin(), &invite.token, "short".into()).await;
    assert!(matches!(short, Err(InviteError::Password(_))));
    let first = house.identity.begin_invite(&origin(), &invite.token, PASSWORD.into()).await.unwrap();
    let second = house.identity.begin_invite(&origin(), &invite.token, PASSWORD.into()).await.unwrap();
    let stale = Authenticator::scan(&first.uri).code(house.ambient.now());
    let result = house.identity.finish_invite(&origin(), &invite.token, stale).await;
    assert!(matches!(result, Err(InviteError::WrongCode)));
    let house = house.reopen().await;
    let code = Authenticator::scan(&second.uri).code(house.ambient.now());
    house.identity.finish_invite(&origin(), &invite.token, code).await.unwrap();
}

#[tokio::test]
async fn changes_carry_before_and_after() {
    let house = house().await;
    house.join("alice", &["access"]).await;
    let update = UserUpdate { roles: Some(vec!["auditor".to_owned()]), ..Default::default() };
    let shown = house.identity.update_user(&admin(), "alice", update).await.unwrap();
    assert_eq!(shown.roles, ["auditor"]);
    let event = house.newest("user.update");
    assert_eq!(event.body.detail["before"]["roles"][0], "access");
    assert_eq!(event.body.detail["after"]["roles"][0], "auditor");
    assert_eq!((event.actor.user.as_str(), event.target.unwrap().name.as_str()), ("root", "alice"));
    house.identity.delete_user(&admin(), "alice").await.unwrap();
    let event = house.newest("user.delete");
    assert!(event.body.detail["after"].is_null() && event.body.detail["before"]["name"] == "alice");
    assert!(matches!(house.identity.delete_user(&admin(), "alice").await, Err(IdentityError::NoSuchUser(_))));
}

#[tokio::test]
async fn logins_end_by_logout_disabling_reset_and_deletion() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let mut changes = house.identity.changes();

    let grant = house.login("alice", &authenticator).await;
    changes.mark_unchanged();
    house.identity.logout(&Author::of(Actor::human("alice"), None), grant.login).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert!(!house.identity.login_stands("alice", grant.login));
    let again = house.identity.logout(&Author::of(Actor::human("alice"), None), grant.login).await;
    assert!(matches!(again, Err(IdentityError::NoSuchLogin(_))));

    let grant = house.login("alice", &authenticator).await;
    for disabled in [true, false] {
        let update = UserUpdate { disabled: Some(disabled), ..Default::default() };
        house.identity.update_user(&admin(), "alice", update).await.unwrap();
        assert!(
            !house.identity.login_stands("alice", grant.login),
            "switching on again does not revive logins"
        );
    }
    let grant = house.login("alice", &authenticator).await;
    let invite = house.identity.reset_user(&admin(), "alice").await.unwrap();
    assert!(!house.identity.login_stands("alice", grant.login));
    assert_eq!(house.identity.user("alice").unwrap().status, UserStatus::Invited);
    assert!(house.try_login("alice", PASSWORD, authenticator.code(house.ambient.now())).await.is_err());

    let (authenticator, _) = house.accept(&invite).await;
    let grant = house.login("alice", &authenticator).await;
    assert_eq!(house.identity.logins(Some("alice")).len(), 1);
    house.identity.delete_user(&admin(), "alice").await.unwrap();
    assert!(!house.identity.login_stands("alice", grant.login));
    assert!(house.identity.logins(None).is_empty());
    assert_eq!(house.events_of("user.logout").len(), 4);
}

#[tokio::test]
async fn logins_end_on_time_and_survive_a_restart() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let grant = house.login("alice", &authenticator).await;
    let house = house.reopen().await;
    assert!(house.identity.login_stands("alice", grant.login));
    assert!(!house.identity.login_stands("bob", grant.login));
    house.clock.set(grant.expires);
    assert!(!house.identity.login_stands("alice", grant.login));
    house.login("alice", &authenticator).await;
    assert_eq!(house.identity.logins(None).len(), 1);
}

#[tokio::test]
async fn the_first_admin_is_invited_until_somebody_joined() {
    let house = house().await;
    let first = house.identity.first_admin_invite().await.unwrap().unwrap();
    assert_eq!(first.user, "admin");
    let house = house.reopen().await;
    let second = house.identity.first_admin_invite().await.unwrap().unwrap();
    assert!(house.identity.invited(&first.token).is_none());
    assert_eq!(house.identity.users().len(), 1);
    house.accept(&second).await;
    assert!(house.identity.first_admin_invite().await.unwrap().is_none());
}

#[tokio::test]
async fn names_and_attributes_are_held_to_a_shape() {
    let house = house().await;
    let create = |name: &str, roles: &[&str]| NewUser {
        name: name.to_owned(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        traits: Default::default(),
        disabled: false,
    };
    for name in ["", "a b", "a,b", "a:b", "a/b", "*", "Alice", "a@b"] {
        let result = house.identity.create_user(&admin(), create(name, &[])).await;
        assert!(matches!(result, Err(IdentityError::Name { .. })), "{name:?}");
    }
    for role in ["", "a b", "a\nb", &"x".repeat(65)] {
        let result = house.identity.create_user(&admin(), create("alice", &[role])).await;
        assert!(matches!(result, Err(IdentityError::Attribute(_))), "{role:?}");
    }
    house.invite("alice", &[]).await;
    let twice = house.identity.create_user(&admin(), create("alice", &[])).await;
    assert!(matches!(twice, Err(IdentityError::UserExists(_))));
    assert_eq!(house.events_of("user.create").len(), 1);
}

#[tokio::test]
async fn a_closed_log_means_no_change_and_no_login() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    house.log.shutdown();
    let code = authenticator.code(house.ambient.now());
    assert!(matches!(
        house.try_login("alice", PASSWORD, code).await,
        Err(LoginError::Identity(IdentityError::Log(_)))
    ));
    let result = house.identity.delete_user(&admin(), "alice").await;
    assert!(matches!(result, Err(IdentityError::Log(_))));
    assert!(house.identity.user("alice").is_some());
    assert!(house.identity.logins(None).is_empty());
}

#[tokio::test]
async fn a_change_that_cannot_be_stored_is_taken_back_in_the_log() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    house.disk.fill();
    let code = authenticator.code(house.ambient.now());
    let result = house.try_login("alice", PASSWORD, code).await;
    assert!(matches!(result, Err(LoginError::Identity(IdentityError::Tables(_)))));
    assert!(house.identity.logins(None).is_empty());
    let told: Vec<_> = house.events_of("user.login").iter().map(|event| event.outcome).collect();
    assert_eq!(told, [Outcome::Success, Outcome::Failure]);
    assert!(house.newest("cert.issue").reason.unwrap().starts_with("recorded, but not done"));
    assert!(house.identity.delete_user(&admin(), "alice").await.is_err());
    let house = house.reopen().await;
    assert!(house.identity.user("alice").is_some());
    assert!(house.identity.logins(None).is_empty());
}

#[tokio::test]
async fn a_change_goes_through_when_its_caller_hangs_up() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let grant = house.login("alice", &authenticator).await;
    let mut changes = house.identity.changes();
    changes.mark_unchanged();
    {
        let by = admin();
        let mut logout = Box::pin(house.identity.logout(&by, grant.login));
        assert!(futures::poll!(&mut logout).is_pending());
    }
    changes.changed().await.unwrap();
    assert!(!house.identity.login_stands("alice", grant.login));
    assert_eq!(house.events_of("user.logout").len(), 1);
}

#[tokio::test]
async fn a_try_counts_when_its_caller_hangs_up() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    for _ in 0..5 {
        let mut guess =
            Box::pin(house.identity.login(request("alice", "guess guess guess", "000000".into())));
        assert!(futures::poll!(&mut guess).is_pending());
    }
    // Tries for one name take turns, so this one comes after the five.
    let code = authenticator.code(house.ambient.now());
    assert!(house.try_login("alice", PASSWORD, code).await.is_err());
    assert_eq!(house.events_of("user.locked_out").len(), 1);
}
