//! Local users: making and changing them, joining by invite, signing in and out.

pub(crate) mod code;
mod first_admin;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod login;
mod logins;
pub(crate) mod manage;
pub(crate) mod pass;
pub(crate) mod password;
pub(crate) mod token;
