//! Closed lists of words, written the same in YAML, in JSON, in events and on the terminal.

/// Declares an enum whose variants are words; an unknown word is refused with the list of known ones.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$word_doc])* $variant),* }

        impl $name {
            /// Every word of the list, in its order.
            pub const WORDS: &[&str] = &[$($word),*];

            /// Every value of the list, in its order.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// Returns the word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// Finds the value that a word names.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let word = String::deserialize(deserializer)?;
                $name::from_word(&word)
                    .ok_or_else(|| serde::de::Error::unknown_variant(&word, $name::WORDS))
            }
        }
    };
}

pub(crate) use words;

/// Finds the known word that a mistyped one most likely means.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |word: &&str| strsim::damerau_levenshtein(&typed.to_lowercase(), word);
    let best = known.into_iter().min_by_key(distance)?;
    (distance(&best) <= 1 + best.len() / 4).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_only_when_it_is_near() {
        assert_eq!(nearest("lables", ["labels", "logins"]), Some("labels"));
        assert_eq!(nearest("Verb", ["verbs", "where"]), Some("verbs"));
        assert_eq!(nearest("colour", ["labels", "logins"]), None);
    }
}
