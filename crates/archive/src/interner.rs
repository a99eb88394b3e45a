//! Texts by code, in the order in which they came.

use std::collections::HashMap;

/// Gives each text a code.
#[derive(Default)]
pub(crate) struct Interner {
    codes: HashMap<String, u32>,
    values: Vec<String>,
}

impl Interner {
    /// Returns the text's code, giving it the next one when it is new.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
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

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.codes.clear();
        self.values.clear();
    }
}
