//! Texts by code, in the order in which they came.

use std::collections::HashMap;

use crate::part::Keys;
use crate::recent::{SLOTS, slot};

/// Gives each text a code.
pub(crate) struct Interner {
    codes: HashMap<String, u32>,
    values: Vec<String>,
    /// Codes of texts that came before: most come again soon, and are found without a good hash.
    recent: Vec<u32>,
}

impl Default for Interner {
    fn default() -> Interner {
        Interner { codes: HashMap::new(), values: Vec::new(), recent: vec![Keys::ABSENT; SLOTS] }
    }
}

impl Interner {
    /// Returns the text's code, giving it the next one when it is new.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        let slot = slot(text.as_bytes());
        let recent = self.recent[slot];
        if self.values.get(recent as usize).is_some_and(|value| value == text) {
            return recent;
        }
        let code = match self.codes.get(text) {
            Some(code) => *code,
            None => self.add(text),
        };
        self.recent[slot] = code;
        code
    }

    fn add(&mut self, text: &str) -> u32 {
        let code = u32::try_from(self.values.len()).expect("fewer texts than rows");
        self.codes.insert(text.to_owned(), code);
        self.values.push(text.to_owned());
        code
    }

    /// The texts so far, by code.
    pub(crate) fn values(&self) -> &[String] {
        &self.values
    }

    /// Gives the texts away.
    pub(crate) fn into_values(self) -> Vec<String> {
        self.values
    }
}
