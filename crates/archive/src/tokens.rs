//! Tokens of a block: the folded parts of its values, as 32-bit hashes.
//!
//! Which parts a text has, and how they are folded, [`event::filter::tokens`] says; here they are only made fast. Two
//! tokens with one hash make a candidate too many and never one too few, and every candidate is checked against the
//! event's bytes.

use event::filter::tokens;
use twox_hash::XxHash64;

use crate::recent::Recent;

/// Slots of the table of a block as they usually come: its 256 events have a few thousand different tokens.
const SLOTS: usize = 1 << 14;
/// Slots above which a table is given back once its block is done.
const MOST_KEPT_SLOTS: usize = 1 << 17;
/// ASCII letters and digits, folded; 0 stands for everything else.
const FOLDED: [u8; 128] = folded_ascii();

/// Hashes a folded token: the first 32 bits of XXH64 with seed 0 of its UTF-8. Of a million tokens, a word that is not
/// among them meets one by chance once in four thousand times, which costs the reading of a block.
pub(crate) fn hash(folded: &[u8]) -> u32 {
    (XxHash64::oneshot(0, folded) >> 32) as u32
}

/// The different tokens of a block.
pub(crate) struct TokenSet {
    /// Open addressing; a slot holds a token plus one, or 0.
    slots: Vec<u64>,
    found: Vec<u32>,
    /// Values that were cut already.
    cut: Recent,
    /// The text of a number with a fraction.
    number: String,
}

impl TokenSet {
    /// Makes an empty set.
    pub(crate) fn new() -> TokenSet {
        TokenSet { slots: vec![0; SLOTS], found: Vec::new(), cut: Recent::new(), number: String::new() }
    }

    /// Takes the tokens out, in no order.
    pub(crate) fn take(&mut self) -> Vec<u32> {
        if self.slots.len() > MOST_KEPT_SLOTS {
            self.slots = vec![0; SLOTS];
        } else {
            self.slots.fill(0);
        }
        self.cut.clear();
        let room = self.found.len();
        std::mem::replace(&mut self.found, Vec::with_capacity(room.min(MOST_KEPT_SLOTS)))
    }

    /// Adds the parts of a text.
    pub(crate) fn add_text(&mut self, text: &str) {
        if self.cut.knows(text.as_bytes()) {
            return;
        }
        if text.is_ascii() {
            self.add_ascii(text.as_bytes());
        } else {
            tokens::parts(text).for_each(|part| self.insert(hash(tokens::fold(part).as_bytes())));
        }
    }

    /// Adds a whole number, as filters print it.
    pub(crate) fn add_whole(&mut self, magnitude: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = magnitude;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.insert(hash(&digits[at..]));
    }

    /// Adds a number with a fraction or exponent, as filters print it.
    pub(crate) fn add_float(&mut self, float: f64) {
        let mut text = std::mem::take(&mut self.number);
        text.clear();
        text.push_str(&event::view::Number::Float(float).to_string());
        self.add_text(&text);
        self.number = text;
    }

    /// Cuts ASCII text as [`tokens::parts`] does, folding as it goes.
    fn add_ascii(&mut self, text: &[u8]) {
        let mut folded = [0_u8; 64];
        let mut length = 0;
        for (at, byte) in text.iter().enumerate() {
            let mut fold = FOLDED[usize::from(byte & 0x7f)];
            if *byte == b'.' && length > 0 && joins(text, at) {
                fold = b'.';
            }
            if fold != 0 {
                if let Some(room) = folded.get_mut(length) {
                    *room = fold;
                }
                length += 1;
            } else if length > 0 {
                self.add_part(&folded, &text[at - length..at]);
                length = 0;
            }
        }
        if length > 0 {
            self.add_part(&folded, &text[text.len() - length..]);
        }
    }

    fn add_part(&mut self, folded: &[u8; 64], part: &[u8]) {
        match folded.get(..part.len()) {
            Some(folded) => self.insert(hash(folded)),
            None => self.insert(hash(&part.to_ascii_lowercase())),
        }
    }

    /// Adds one token.
    pub(crate) fn insert(&mut self, token: u32) {
        if self.found.len() * 2 >= self.slots.len() {
            self.grow();
        }
        if place(&mut self.slots, token) {
            self.found.push(token);
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for token in &self.found {
            place(&mut self.slots, *token);
        }
    }
}

/// A dot between two digits belongs to the part.
fn joins(text: &[u8], at: usize) -> bool {
    text[at - 1].is_ascii_digit() && text.get(at + 1).is_some_and(u8::is_ascii_digit)
}

/// Puts a token into its slot; says whether it was not there.
fn place(slots: &mut [u64], token: u32) -> bool {
    let mask = slots.len() - 1;
    let entry = u64::from(token) + 1;
    let mut at = token as usize & mask;
    loop {
        match slots[at] {
            0 => {
                slots[at] = entry;
                return true;
            }
            held if held == entry => return false,
            _ => at = (at + 1) & mask,
        }
    }
}

const fn folded_ascii() -> [u8; 128] {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(feed: impl FnOnce(&mut TokenSet)) -> Vec<u32> {
        let mut set = TokenSet::new();
        feed(&mut set);
        let mut found = set.take();
        found.sort_unstable();
        found
    }

    fn wanted(text: &str) -> Vec<u32> {
        let mut hashes: Vec<u32> =
            tokens::parts(text).map(|part| hash(tokens::fold(part).as_bytes())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // XXH64 of "abc" with seed 0 is 44bc2cf5ad770999.
        assert_eq!(hash(b"abc"), 0x44bc_2cf5);
        assert_eq!(hash(b""), 0xef46_db37);
    }

    #[test]
    fn numbers_are_cut_as_filters_print_them() {
        assert_eq!(taken(|set| set.add_whole(u64::MAX)), wanted("18446744073709551615"));
        assert_eq!(taken(|set| set.add_whole(0)), wanted("0"));
        assert_eq!(taken(|set| set.add_float(-0.5)), wanted("-0.5"));
        assert_eq!(taken(|set| set.add_float(2.5e-7)), wanted("2.5e-7"));
        assert_eq!(taken(|set| set.add_float(1e30)), wanted("1e30"));
    }

    #[test]
    fn a_set_may_grow_and_be_used_again() {
        let mut set = TokenSet::new();
        let hashes: std::collections::HashSet<u32> =
            (0..200_000).map(|number: u32| hash(number.to_string().as_bytes())).collect();
        for _ in 0..2 {
            (0..200_000).for_each(|number| set.add_whole(number));
            assert_eq!(set.take().len(), hashes.len());
        }
        assert!(set.take().is_empty());
    }

    proptest! {
        #[test]
        fn text_is_cut_as_the_filter_cuts_it(text in "\\PC{0,40}|[a-zA-Z0-9. /-]{0,200}|[0-9.]{0,20}") {
            prop_assert_eq!(taken(|set| set.add_text(&text)), wanted(&text));
        }
    }
}
