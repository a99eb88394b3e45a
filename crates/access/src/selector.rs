//! Label selectors: which targets a rule speaks of.
//!
//! A selector holds for a target when every key that it names holds. A value is text, in which `*` stands for
//! any run of characters and `?` for one, or a list of which one must hold. `"*": "*"` holds for every target.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::one_or_many::Many;

/// The longest label key.
pub const MAX_KEY: usize = 128;
/// The longest label value.
pub const MAX_VALUE: usize = 256;

/// A selector of targets by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Selector(BTreeMap<String, Vec<String>>);

/// Why a selector is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The key cannot be a label's.
    #[error("{0:?} cannot be a label; use letters, digits, `-`, `_`, `.` and `/`")]
    Key(String),
    /// The value cannot be a label's.
    #[error("label {key} has a value that no label can have: {value:?}")]
    Value {
        /// The label.
        key: String,
        /// The value.
        value: String,
    },
    /// A key without values would select nothing.
    #[error("label {0} lists no value, so it would select nothing; give at least one")]
    Empty(String),
    /// `"*"` as a key goes only with `"*"` as its value.
    #[error("the label \"*\" goes only with the value \"*\", alone: together they select every target")]
    Everything,
    /// Templates are understood only in logins.
    #[error("label {0} holds a template; templates are understood in logins only")]
    Template(String),
}

impl Selector {
    /// Checks and takes a selector.
    pub fn new(labels: BTreeMap<String, Vec<String>>) -> Result<Selector, SelectorError> {
        for (key, values) in &labels {
            if key == "*" {
                let alone = labels.len() == 1 && values.len() == 1 && values[0] == "*";
                return if alone { Ok(Selector(labels)) } else { Err(SelectorError::Everything) };
            }
            check_key(key)?;
            check_patterns(key, values)?;
        }
        Ok(Selector(labels))
    }

    /// Selects every target, labelled or not.
    pub fn everything() -> Selector {
        Selector(BTreeMap::from([("*".to_owned(), vec!["*".to_owned()])]))
    }

    /// Says whether nothing is stated, in which case nothing is selected either.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says whether a target with these labels is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        if self.0.contains_key("*") {
            return true;
        }
        let holds = |(key, patterns): (&String, &Vec<String>)| {
            labels.get(key).is_some_and(|value| patterns.iter().any(|pattern| glob(pattern, value)))
        };
        !self.0.is_empty() && self.0.iter().all(holds)
    }
}

fn check_patterns(key: &str, values: &[String]) -> Result<(), SelectorError> {
    if values.is_empty() {
        return Err(SelectorError::Empty(key.to_owned()));
    }
    if values.iter().any(|value| value.contains("{{")) {
        return Err(SelectorError::Template(key.to_owned()));
    }
    values.iter().try_for_each(|value| check_value(key, value))
}

fn check_key(key: &str) -> Result<(), SelectorError> {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let good = !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(inside);
    good.then_some(()).ok_or_else(|| SelectorError::Key(crate::names::shorten(key)))
}

fn check_value(key: &str, value: &str) -> Result<(), SelectorError> {
    let good = value.len() <= MAX_VALUE && !value.chars().any(char::is_control);
    good.then_some(())
        .ok_or_else(|| SelectorError::Value { key: key.to_owned(), value: crate::names::shorten(value) })
}

/// Checks a target's labels. `*` and `?` in them would read like patterns, so they are refused.
pub(crate) fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), SelectorError> {
    for (key, value) in labels {
        check_key(key)?;
        check_value(key, value)?;
        if value.contains(['*', '?']) {
            return Err(SelectorError::Value { key: key.clone(), value: value.clone() });
        }
    }
    Ok(())
}

/// Matches `text` against a pattern of `*` and `?`; time is bounded by the product of the lengths.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where to go on after a failed try: the last star, and how much it has swallowed so far.
    let mut retry: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star, swallowed)) = retry else { return false };
                retry = Some((star, swallowed + 1));
                at = star + 1;
                read = swallowed + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Selector, D::Error> {
        let labels = BTreeMap::<String, Many<String>>::deserialize(deserializer)?;
        let labels = labels.into_iter().map(|(key, values)| (key, values.0)).collect();
        Selector::new(labels).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn selector(pairs: &[(&str, &[&str])]) -> Result<Selector, SelectorError> {
        let own = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        Selector::new(pairs.iter().map(|(key, values)| ((*key).to_owned(), own(values))).collect())
    }

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_key_must_hold_and_one_value_of_each() {
        let staging = selector(&[("env", &["staging", "dev-*"]), ("team", &["*"])]).unwrap();
        assert!(staging.matches(&labels(&[("env", "staging"), ("team", "web"), ("more", "x")])));
        assert!(staging.matches(&labels(&[("env", "dev-7"), ("team", "")])));
        assert!(!staging.matches(&labels(&[("env", "staging")])));
        assert!(!staging.matches(&labels(&[("env", "prod"), ("team", "web")])));
    }

    #[test]
    fn an_empty_selector_selects_nothing_and_stars_select_everything() {
        assert!(!Selector::default().matches(&labels(&[("env", "prod")])));
        assert!(Selector::everything().matches(&labels(&[])));
        assert_eq!(selector(&[("*", &["*"])]).unwrap(), Selector::everything());
    }

    #[test]
    fn selectors_that_mislead_are_refused() {
        assert!(matches!(selector(&[("*", &["prod"])]), Err(SelectorError::Everything)));
        assert!(matches!(selector(&[("*", &["*"]), ("env", &["prod"])]), Err(SelectorError::Everything)));
        assert!(matches!(selector(&[("env", &[])]), Err(SelectorError::Empty(_))));
        assert!(matches!(selector(&[("env", &["{{user.name}}"])]), Err(SelectorError::Template(_))));
        assert!(matches!(selector(&[("e v", &["x"])]), Err(SelectorError::Key(_))));
        assert!(matches!(selector(&[("env", &["a\nb"])]), Err(SelectorError::Value { .. })));
    }

    #[test]
    fn patterns_match_whole_values() {
        for (pattern, text, expected) in [
            ("prod", "prod", true),
            ("prod", "prod2", false),
            ("p*d", "pd", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**", "x", true),
            ("p?", "pé", true),
            ("", "", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn text_matches_itself_and_its_own_ends(text in "[a-z]{0,12}", cut in 0usize..12) {
            let cut = cut.min(text.len());
            prop_assert!(glob(&text, &text));
            let ends = format!("{}*", &text[..cut]);
            prop_assert!(glob(&ends, &text));
        }

        #[test]
        fn any_pattern_ends(pattern in "[*?ab]{0,40}", text in "[ab]{0,60}") {
            glob(&pattern, &text);
        }
    }
}
