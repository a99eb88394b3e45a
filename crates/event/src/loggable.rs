//! The mark of what may stand in an event. Secrets do not carry it, so they cannot be logged by mistake.
//!
//! A type of one's own must be marked before it can be logged:
//!
//! ```compile_fail,E0277
//! struct Password(String);
//! event::loggable::assert_loggable::<Password>();
//! ```
//!
//! A secret never is, nor is anything made of secrets:
//!
//! ```compile_fail,E0277
//! event::loggable::assert_loggable::<secrecy::SecretString>();
//! ```
//!
//! ```compile_fail,E0277
//! event::loggable::assert_loggable::<Vec<Option<secrecy::SecretString>>>();
//! ```
//!
//! What is marked passes:
//!
//! ```
//! event::loggable::assert_loggable::<Vec<Option<String>>>();
//! ```

use std::collections::BTreeMap;

use crate::{EventId, SessionId, Timestamp};

/// Marks a type whose values may be written to the audit log.
pub trait Loggable {}

/// Compiles only for types that may be written to the audit log.
pub const fn assert_loggable<T: Loggable + ?Sized>() {}

macro_rules! loggable {
    ($($name:ty),* $(,)?) => { $(impl Loggable for $name {})* };
}

loggable!(
    bool,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    String,
    serde_json::Value,
    Timestamp,
    EventId,
    SessionId,
    std::net::IpAddr
);

impl<T: Loggable> Loggable for Option<T> {}
impl<T: Loggable> Loggable for Vec<T> {}
impl<T: Loggable> Loggable for BTreeMap<String, T> {}
