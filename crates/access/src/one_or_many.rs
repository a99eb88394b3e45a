//! A value that may be written alone or as a list.
//!
//! The usual way, an untagged enum, would lose the line and column of mistakes inside, so this reads the node itself.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads one value, or a list of them. For use with `deserialize_with`.
pub(crate) fn read<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(OneOrMany(PhantomData))
}

/// A list that may be written as its only value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Many<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Many<T>, D::Error> {
        read(deserializer).map(Many)
    }
}

struct OneOrMany<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of them")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Vec<T>, E> {
        Err(no_word(&number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Vec<T>, E> {
        Err(no_word(&number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Vec<T>, E> {
        Err(no_word(&number))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Vec<T>, E> {
        Err(no_word(&value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        Ok(vec![T::deserialize(StrDeserializer::new(text))?])
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        Ok(vec![T::deserialize(MapAccessDeserializer::new(map))?])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq))
    }
}

/// What YAML took for a number or a truth value may have been written otherwise (`1.10`, `0x10`), so it is not guessed.
fn no_word<E: Error>(value: &dyn fmt::Display) -> E {
    E::custom(format!(
        "`{value}` is not taken here: one value or a list of them is expected, \
         and a word that looks like a number or like true or false goes in quotes, such as \"{value}\""
    ))
}
