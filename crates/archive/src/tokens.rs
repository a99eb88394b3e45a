//! Tokens of a block: the folded parts of its values, and neighbouring words of one value, as 32-bit hashes.
//!
//! A phrase of common words has its words in nearly every block and itself in few, so two parts that follow one another in
//! a value are a token of their own: where both are words, that is, hold no ASCII digit. Numbers, addresses and ids are
//! rare enough alone, and their pairs would only fill the index.
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

/// Hashes two words that follow one another: the first 32 bits of XXH64 with seed 0 of both hashes, each little-endian.
fn pair(first: u32, second: u32) -> u32 {
    let mut both = [0; 8];
    both[..4].copy_from_slice(&first.to_le_bytes());
    both[4..].copy_from_slice(&second.to_le_bytes());
    hash(&both)
}

/// Says whether pairs are made with a folded part.
fn is_word(folded: &[u8]) -> bool {
    !folded.iter().any(u8::is_ascii_digit)
}

/// Hashes what a block must hold where a value has these folded parts one after another.
pub(crate) fn wanted(parts: &[&str]) -> Vec<u32> {
    let singles: Vec<u32> = parts.iter().map(|part| hash(part.as_bytes())).collect();
    let words = parts.iter().map(|part| is_word(part.as_bytes()));
    let known: Vec<(u32, bool)> = singles.iter().copied().zip(words).collect();
    let pairs = known.windows(2).filter(|pair| pair[0].1 && pair[1].1).map(|both| pair(both[0].0, both[1].0));
    // The rarest come first: they end the search soonest.
    pairs.chain(singles.iter().copied()).collect()
}

/// The different tokens of a block.
pub(crate) struct TokenSet {
    /// Open addressing; a slot holds a token, or 0.
    slots: Vec<u32>,
    /// Whether the token 0, which no slot can hold, was found.
    zero: bool,
    found: Vec<u32>,
    /// Values that were cut already.
    cut: Recent,
    /// The text of a number with a fraction.
    number: String,
}

impl TokenSet {
    /// Makes an empty set.
    pub(crate) fn new() -> TokenSet {
        TokenSet {
            slots: vec![0; SLOTS],
            zero: false,
            found: Vec::new(),
            cut: Recent::new(),
            number: String::new(),
        }
    }

    /// Takes the tokens out, in no order.
    pub(crate) fn take(&mut self) -> Vec<u32> {
        if self.slots.len() > MOST_KEPT_SLOTS {
            self.slots = vec![0; SLOTS];
        } else {
            self.slots.fill(0);
        }
        self.zero = false;
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
            let mut before = None;
            for part in tokens::parts(text) {
                let folded = tokens::fold(part);
                before = self.follow(before, hash(folded.as_bytes()), is_word(folded.as_bytes()));
            }
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
        let mut is_word = true;
        let mut before = None;
        for (at, byte) in text.iter().enumerate() {
            let mut fold = FOLDED[usize::from(byte & 0x7f)];
            if *byte == b'.' && length > 0 && joins(text, at) {
                fold = b'.';
            }
            if fold != 0 {
                if let Some(room) = folded.get_mut(length) {
                    *room = fold;
                }
                is_word &= !fold.is_ascii_digit();
                length += 1;
            } else if length > 0 {
                let token = hash_part(&folded, &text[at - length..at]);
                before = self.follow(before, token, is_word);
                (length, is_word) = (0, true);
            }
        }
        if length > 0 {
            self.follow(before, hash_part(&folded, &text[text.len() - length..]), is_word);
        }
    }

    /// Adds a part, and its pair with the word before it; returns what the next one is paired with.
    fn follow(&mut self, before: Option<u32>, token: u32, is_word: bool) -> Option<u32> {
        self.insert(token);
        if !is_word {
            return None;
        }
        if let Some(before) = before {
            self.insert(pair(before, token));
        }
        Some(token)
    }

    /// Adds one token.
    pub(crate) fn insert(&mut self, token: u32) {
        if self.found.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let is_new = match token {
            0 => !std::mem::replace(&mut self.zero, true),
            _ => place(&mut self.slots, token),
        };
        if is_new {
            self.found.push(token);
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for token in self.found.iter().filter(|token| **token != 0) {
            place(&mut self.slots, *token);
        }
    }
}

/// Hashes a part of ASCII text, of which as much as there is room for is folded already.
fn hash_part(folded: &[u8; 64], part: &[u8]) -> u32 {
    match folded.get(..part.len()) {
        Some(folded) => hash(folded),
        None => hash(&part.to_ascii_lowercase()),
    }
}

/// A dot between two digits belongs to the part.
fn joins(text: &[u8], at: usize) -> bool {
    text[at - 1].is_ascii_digit() && text.get(at + 1).is_some_and(u8::is_ascii_digit)
}

/// Puts a token other than 0 into its slot; says whether it was not there.
fn place(slots: &mut [u32], token: u32) -> bool {
    let mask = slots.len() - 1;
    let mut at = token as usize & mask;
    loop {
        match slots[at] {
            0 => {
                slots[at] = token;
                return true;
            }
            held if held == token => return false,
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

    fn cut(text: &str) -> Vec<u32> {
        let parts: Vec<String> = tokens::parts(text).map(tokens::fold).collect();
        let mut hashes = wanted(&parts.iter().map(String::as_str).collect::<Vec<_>>());
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
        assert_eq!(taken(|set| set.add_whole(u64::MAX)), cut("18446744073709551615"));
        assert_eq!(taken(|set| set.add_whole(0)), cut("0"));
        assert_eq!(taken(|set| set.add_float(-0.5)), cut("-0.5"));
        assert_eq!(taken(|set| set.add_float(2.5e-7)), cut("2.5e-7"));
        assert_eq!(taken(|set| set.add_float(1e30)), cut("1e30"));
    }

    #[test]
    fn words_are_paired_with_their_neighbours_and_numbers_are_not() {
        let word = |word: &str| hash(word.as_bytes());
        let mut expected: Vec<u32> = ["lost", "the", "quorum", "10.1", "of", "3"].map(word).to_vec();
        expected.extend([pair(word("lost"), word("the")), pair(word("the"), word("quorum"))]);
        expected.sort_unstable();
        assert_eq!(taken(|set| set.add_text("Lost the QUORUM, 10.1 of 3")), expected);
        assert_eq!(
            taken(|set| {
                set.add_text("lost");
                set.add_text("the")
            })
            .len(),
            2
        );
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

    #[test]
    fn every_hash_is_a_token_0_too() {
        let mut set = TokenSet::new();
        for _ in 0..2 {
            [0, 1, u32::MAX, 0, 1 << 14, 0].into_iter().for_each(|token| set.insert(token));
            (1..20_000).for_each(|token| set.insert(token << 1));
            let mut found = set.take();
            found.sort_unstable();
            assert_eq!((found.len(), found[0], found[1]), (20_002, 0, 1));
        }
    }

    proptest! {
        #[test]
        fn text_is_cut_as_the_filter_cuts_it(text in "\\PC{0,40}|[a-zA-Z0-9. /-]{0,200}|[0-9.]{0,20}") {
            prop_assert_eq!(taken(|set| set.add_text(&text)), cut(&text));
        }
    }
}
