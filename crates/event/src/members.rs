//! The members of the envelope's small objects, checked as they are read, without keeping what they say.
//!
//! Invariant: what is taken here, and nothing else, could be read by the object's type, and by whoever reads every field of
//! it. A test compares both.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::envelope::{ActorType, Decision, Mfa};
use crate::limits::{MAX_EVENT_DEPTH, Readable};
use crate::view::Key;
use crate::{Actor, Origin, Policy, Source, Target};

/// A member that its object's type does not know stands two levels deep.
const UNKNOWN: Readable = Readable { levels: MAX_EVENT_DEPTH - 2 };

/// A small object of the envelope.
pub(crate) trait Members: DeserializeOwned {
    /// The names of its members, those first that must be there.
    const NAMES: &'static [&'static str];
    /// How many must be there.
    const REQUIRED: usize;

    /// Checks the value of a member, by its place among the names.
    fn check<'de, A: MapAccess<'de>>(member: usize, entries: &mut A) -> Result<(), A::Error>;
}

impl Members for Actor {
    const NAMES: &'static [&'static str] =
        &["user", "type", "roles", "mfa", "identity_provider", "requests", "on_behalf_of"];
    const REQUIRED: usize = 2;

    fn check<'de, A: MapAccess<'de>>(member: usize, entries: &mut A) -> Result<(), A::Error> {
        match member {
            0 => entries.next_value::<Key<'_>>().map(drop),
            1 => entries.next_value::<ActorType>().map(drop),
            2 | 5 => entries.next_value::<Texts>().map(drop),
            3 => entries.next_value::<Option<Mfa>>().map(drop),
            _ => entries.next_value::<Option<Key<'_>>>().map(drop),
        }
    }
}

impl Members for Origin {
    const NAMES: &'static [&'static str] = &["ip", "port", "agent"];
    const REQUIRED: usize = 1;

    fn check<'de, A: MapAccess<'de>>(member: usize, entries: &mut A) -> Result<(), A::Error> {
        match member {
            0 => entries.next_value::<IpAddr>().map(drop),
            1 => entries.next_value::<Option<u16>>().map(drop),
            _ => entries.next_value::<Option<Key<'_>>>().map(drop),
        }
    }
}

impl Members for Target {
    const NAMES: &'static [&'static str] = &["type", "name", "labels", "address"];
    const REQUIRED: usize = 2;

    fn check<'de, A: MapAccess<'de>>(member: usize, entries: &mut A) -> Result<(), A::Error> {
        match member {
            0 | 1 => entries.next_value::<Key<'_>>().map(drop),
            2 => entries.next_value::<Labels>().map(drop),
            _ => entries.next_value::<Option<Key<'_>>>().map(drop),
        }
    }
}

impl Members for Source {
    const NAMES: &'static [&'static str] = &["type", "name", "seq"];
    const REQUIRED: usize = 3;

    fn check<'de, A: MapAccess<'de>>(member: usize, entries: &mut A) -> Result<(), A::Error> {
        match member {
            0 | 1 => entries.next_value::<Key<'_>>().map(drop),
            _ => entries.next_value::<u64>().map(drop),
        }
    }
}

impl Members for Policy {
    const NAMES: &'static [&'static str] = &["decision", "why", "roles"];
    const REQUIRED: usize = 2;

    fn check<'de, A: MapAccess<'de>>(member: usize, entries: &mut A) -> Result<(), A::Error> {
        match member {
            0 => entries.next_value::<Decision>().map(drop),
            1 => entries.next_value::<Key<'_>>().map(drop),
            _ => entries.next_value::<Texts>().map(drop),
        }
    }
}

/// An object of a type, checked and forgotten.
pub(crate) struct Checked<T>(PhantomData<T>);

impl<'de, T: Members> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Checked<T>, D::Error> {
        deserializer.deserialize_struct("object", T::NAMES, ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Members> Visitor<'de> for ObjectVisitor<T> {
    type Value = Checked<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Checked<T>, A::Error> {
        let mut seen = 0_u8;
        while let Some(Key(key)) = entries.next_key()? {
            match T::NAMES.iter().position(|name| *name == key) {
                Some(member) if seen >> member & 1 == 1 => {
                    return Err(A::Error::duplicate_field(T::NAMES[member]));
                }
                Some(member) => {
                    seen |= 1 << member;
                    T::check(member, &mut entries)?;
                }
                None => entries.next_value_seed(UNKNOWN)?,
            }
        }
        match (0..T::REQUIRED).find(|member| seen >> member & 1 == 0) {
            Some(missing) => Err(A::Error::missing_field(T::NAMES[missing])),
            None => Ok(Checked(PhantomData)),
        }
    }

    /// The types can be read from a list of all their members too, and so must what is stored.
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Checked<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(items)).map(|_| Checked(PhantomData))
    }
}

/// A list of texts.
struct Texts;

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        deserializer.deserialize_seq(Texts)
    }
}

impl<'de> Visitor<'de> for Texts {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
        while items.next_element::<Key<'_>>()?.is_some() {}
        Ok(self)
    }
}

/// Texts by name.
struct Labels;

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
        deserializer.deserialize_map(Labels)
    }
}

impl<'de> Visitor<'de> for Labels {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Labels, A::Error> {
        while entries.next_entry::<Key<'_>, Key<'_>>()?.is_some() {}
        Ok(self)
    }
}
