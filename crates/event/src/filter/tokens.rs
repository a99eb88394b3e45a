//! How text is cut into tokens for free-text search. This is a contract: an index that is built with these rules
//! must give the same answers as a scan, so a change of rules is a new [`VERSION`].
//!
//! Version 1:
//!
//! - Only values are text: strings, numbers (in decimal) and `true` and `false`. Keys and `null` are not.
//! - A **part** is a longest run of letters and digits (Unicode `Alphabetic` or numeric). A dot between two ASCII digits
//!   belongs to the run, so `10.1.2.3`, `1.25` and `0.5` are one part each, while `example.com` is two.
//! - A **word** is a longest run of letters, digits and the joiners `-`, `.`, `/`, `:`, `@`, `_`:
//!   `alice@example.com`, `/var/lib/postgresql`, `kube-system`.
//! - Tokens are compared after **folding**: each character is replaced by its Unicode lower case, alone (no context
//!   rules, no normalisation).
//! - A search term without `*` is a **phrase**: its parts must follow one another, in order, inside one value.
//!   What stands between the parts does not matter.
//! - A search term with `*` must match one whole value, one word or one part.
//!
//! An index therefore needs the folded parts of each value for phrases, and may add whole values and words to answer
//! equality at once. Every candidate is checked against the event's bytes, so an index can cost time, never a wrong answer.

/// Version of these rules; an index stores the version that it was built with.
pub const VERSION: u32 = 1;

const JOINERS: &[char] = &['-', '.', '/', ':', '@', '_'];

/// Returns the parts of a text, unfolded, in order.
pub fn parts(text: &str) -> Parts<'_> {
    Parts { rest: text }
}

/// Returns the words of a text, unfolded, in order.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !JOINERS.contains(&c)).filter(|word| !word.is_empty())
}

/// Folds a text to the form in which tokens are compared.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Says whether `text`, folded, equals `folded`; allocates nothing.
pub fn folds_to(text: &str, folded: &str) -> bool {
    let plain = text.bytes().zip(folded.bytes()).take_while(|(byte, _)| byte.is_ascii());
    let mut same = 0;
    for (byte, wanted) in plain {
        if byte.to_ascii_lowercase() != wanted {
            return false;
        }
        same += 1;
    }
    // Every byte up to `same` is ASCII in both, so both can be cut there.
    text[same..].chars().flat_map(char::to_lowercase).eq(folded[same..].chars())
}

/// Walks the parts of a text.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.rest.find(char::is_alphanumeric)?;
        let run = &self.rest[start..];
        let end = part_end(run);
        self.rest = &run[end..];
        Some(&run[..end])
    }
}

/// Finds where the part at the beginning of `run` ends.
fn part_end(run: &str) -> usize {
    let bytes = run.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    for (at, c) in run.char_indices() {
        let joins = c == '.' && at > 0 && digit(at - 1) && digit(at + 1);
        if !c.is_alphanumeric() && !joins {
            return at;
        }
    }
    run.len()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Expect) {
        let cut: Vec<_> = parts(text).collect();
        let whole: Vec<_> = words(text).collect();
        expected.assert_eq(&format!("parts {cut:?}\nwords {whole:?}\n"));
    }

    #[test]
    fn names_and_addresses_are_cut_at_their_joints() {
        check(
            "alice@example.com from 10.1.2.3:22",
            expect![[r#"
                parts ["alice", "example", "com", "from", "10.1.2.3", "22"]
                words ["alice@example.com", "from", "10.1.2.3:22"]
            "#]],
        );
        check(
            "rm -rf /var/lib/postgresql_15",
            expect![[r#"
                parts ["rm", "rf", "var", "lib", "postgresql", "15"]
                words ["rm", "-rf", "/var/lib/postgresql_15"]
            "#]],
        );
        check(
            "v1.25. 3.x .5 6. naïve(Straße)=値",
            expect![[r#"
                parts ["v1.25", "3", "x", "5", "6", "naïve", "Straße", "値"]
                words ["v1.25.", "3.x", ".5", "6.", "naïve", "Straße", "値"]
            "#]],
        );
        check(
            "-- ,;",
            expect![[r#"
                parts []
                words ["--"]
            "#]],
        );
    }

    #[test]
    fn folding_is_per_character() {
        assert_eq!(fold("ΟΔΟΣ Straße K"), "οδοσ straße k");
        assert!(folds_to("\u{212A}elvin", "kelvin"));
        assert!(folds_to("İ", "i\u{307}"));
        assert!(!folds_to("ab", "abc"));
        assert!(!folds_to("abc", "ab"));
    }

    proptest! {
        #[test]
        fn folding_in_place_agrees_with_folding_a_copy(text in ".{0,24}", other in ".{0,24}") {
            prop_assert!(folds_to(&text, &fold(&text)));
            prop_assert_eq!(folds_to(&text, &fold(&other)), fold(&text) == fold(&other));
        }

        #[test]
        fn every_letter_and_digit_is_in_exactly_one_part(text in ".{0,64}") {
            let kept: String = parts(&text).flat_map(str::chars).filter(|c| c.is_alphanumeric()).collect();
            let wanted: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            prop_assert_eq!(kept, wanted);
        }
    }
}
