//! The users, logins and invites in memory: a copy of the rows, so that the question of every session, whether its
//! login still stands, costs no read from disk.
//!
//! Not where they are kept. Only `change` alters the copy, after the same change was committed.

use std::collections::{BTreeMap, HashMap};

use event::SessionId;
use serde::de::DeserializeOwned;
use store::tables::{Expect, Row, Tables, Write};

use crate::error::IdentityError;
use crate::rows::{
    AUTHORITIES, AuthorityRow, INVITES, InviteRow, LOGINS, LoginRow, SERVER, ServerRow, USERS, UserRow,
};

/// A row and the revision that it was read at.
#[derive(Clone)]
pub(crate) struct Kept<T> {
    pub revision: u64,
    pub row: T,
}

/// The rows in memory.
#[derive(Default)]
pub(crate) struct Directory {
    pub users: BTreeMap<String, Kept<UserRow>>,
    pub logins: HashMap<SessionId, Kept<LoginRow>>,
    pub invites: HashMap<String, Kept<InviteRow>>,
    pub authorities: BTreeMap<String, Kept<AuthorityRow>>,
    pub server: BTreeMap<String, Kept<ServerRow>>,
}

/// One row's change: its new value, or `None` when it goes away.
pub(crate) enum RowChange {
    User(String, Option<Box<UserRow>>),
    Login(SessionId, Option<Box<LoginRow>>),
    Invite(String, Option<Box<InviteRow>>),
    Authority(String, Box<AuthorityRow>),
    Server(Box<ServerRow>),
}

/// The key of the only row of the server's certificate.
pub(crate) const API: &str = "api";

impl Directory {
    pub fn load(tables: &dyn Tables) -> Result<Directory, IdentityError> {
        Ok(Directory {
            users: rows(tables, USERS, |key| Ok(key.to_owned()))?.collect(),
            logins: rows(tables, LOGINS, |key| key.parse().map_err(|_| "the key is no id".to_owned()))?
                .collect(),
            invites: rows(tables, INVITES, |key| Ok(key.to_owned()))?.collect(),
            authorities: rows(tables, AUTHORITIES, |key| Ok(key.to_owned()))?.collect(),
            server: rows(tables, SERVER, |key| Ok(key.to_owned()))?.collect(),
        })
    }

    /// Writes a change down as a commit expects it, conditional on the revision that is in memory.
    pub fn write(&self, change: &RowChange) -> Write {
        match change {
            RowChange::User(key, row) => {
                write(USERS, key.clone(), revision(self.users.get(key)), row.as_deref())
            }
            RowChange::Login(id, row) => {
                write(LOGINS, id.to_string(), revision(self.logins.get(id)), row.as_deref())
            }
            RowChange::Invite(key, row) => {
                write(INVITES, key.clone(), revision(self.invites.get(key)), row.as_deref())
            }
            RowChange::Authority(key, row) => {
                write(AUTHORITIES, key.clone(), revision(self.authorities.get(key)), Some(row.as_ref()))
            }
            RowChange::Server(row) => {
                write(SERVER, API.to_owned(), revision(self.server.get(API)), Some(row.as_ref()))
            }
        }
    }

    /// Takes over a change that was committed.
    pub fn apply(&mut self, change: RowChange) {
        match change {
            RowChange::User(key, row) => {
                let next = revision(self.users.get(&key)) + 1;
                match row {
                    Some(row) => drop(self.users.insert(key, Kept { revision: next, row: *row })),
                    None => drop(self.users.remove(&key)),
                }
            }
            RowChange::Login(id, row) => {
                let next = revision(self.logins.get(&id)) + 1;
                match row {
                    Some(row) => drop(self.logins.insert(id, Kept { revision: next, row: *row })),
                    None => drop(self.logins.remove(&id)),
                }
            }
            RowChange::Invite(key, row) => {
                let next = revision(self.invites.get(&key)) + 1;
                match row {
                    Some(row) => drop(self.invites.insert(key, Kept { revision: next, row: *row })),
                    None => drop(self.invites.remove(&key)),
                }
            }
            RowChange::Authority(key, row) => {
                let next = revision(self.authorities.get(&key)) + 1;
                self.authorities.insert(key, Kept { revision: next, row: *row });
            }
            RowChange::Server(row) => {
                let next = revision(self.server.get(API)) + 1;
                self.server.insert(API.to_owned(), Kept { revision: next, row: *row });
            }
        }
    }
}

/// Revision of a row, 0 where there is none.
fn revision<T>(kept: Option<&Kept<T>>) -> u64 {
    kept.map_or(0, |kept| kept.revision)
}

fn write<T: serde::Serialize>(table: &'static str, key: String, revision: u64, row: Option<&T>) -> Write {
    let expect = if revision == 0 { Expect::Absent } else { Expect::Revision(revision) };
    match row {
        Some(row) => {
            let value =
                serde_json::to_vec(row).expect("rows have string keys only, so JSON can always be written");
            Write::Put { table, key, value, expect }
        }
        None => Write::Delete { table, key, expect },
    }
}

fn rows<K, T: DeserializeOwned>(
    tables: &dyn Tables,
    table: &'static str,
    key_of: impl Fn(&str) -> Result<K, String>,
) -> Result<impl Iterator<Item = (K, Kept<T>)>, IdentityError> {
    let read = |row: Row| -> Result<(K, Kept<T>), IdentityError> {
        let refuse = |why: String| IdentityError::Row { table, key: row.key.clone(), why };
        let value = serde_json::from_slice(&row.value).map_err(|error| refuse(error.to_string()))?;
        Ok((key_of(&row.key).map_err(refuse)?, Kept { revision: row.revision, row: value }))
    };
    let read: Vec<_> = tables.scan(table, "")?.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(read.into_iter())
}
