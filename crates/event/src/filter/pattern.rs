//! Patterns: text with `*`, which stands for any run of characters, none included.

use memchr::memmem;

use super::tokens;

/// A text with at least one `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// What was written between the stars: one piece more than there are stars.
    pieces: Vec<String>,
    folded: Vec<String>,
}

impl Pattern {
    /// Takes the pieces between the stars; there must be at least two.
    pub(super) fn new(pieces: Vec<String>) -> Pattern {
        debug_assert!(pieces.len() > 1, "a pattern has at least one star");
        let folded = pieces.iter().map(|piece| tokens::fold(piece)).collect();
        Pattern { pieces, folded }
    }

    /// Returns what was written between the stars: one piece more than there are stars.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// Says whether it is stars only, so that any value at all matches.
    pub fn is_anything(&self) -> bool {
        self.pieces.iter().all(String::is_empty)
    }

    /// Says whether the whole of `text` matches, letter case aside.
    pub fn matches(&self, text: &str) -> bool {
        if text.is_ascii() {
            return self.matches_bytes(text.as_bytes());
        }
        self.matches_bytes(tokens::fold(text).as_bytes())
    }

    /// Says whether the whole of `text`, one of its words or one of its parts matches.
    pub fn matches_token(&self, text: &str) -> bool {
        self.matches(text)
            || tokens::words(text).any(|word| self.matches(word))
            || tokens::parts(text).any(|part| self.matches(part))
    }

    /// Matches greedily: the leftmost place for each piece leaves the most room for those that follow.
    fn matches_bytes(&self, text: &[u8]) -> bool {
        let (Some(first), Some(last)) = (self.folded.first(), self.folded.last()) else { return false };
        if text.len() < first.len() + last.len() {
            return false;
        }
        let (head, rest) = text.split_at(first.len());
        let (middle, tail) = rest.split_at(rest.len() - last.len());
        if !same(head, first) || !same(tail, last) {
            return false;
        }
        let pieces = &self.folded[1..self.folded.len() - 1];
        let compares = pieces.iter().map(String::len).sum::<usize>().saturating_mul(middle.len());
        if compares > FEW_COMPARES {
            return follow(&middle.to_ascii_lowercase(), pieces, |text, piece| {
                memmem::find(text, piece.as_bytes())
            });
        }
        follow(middle, pieces, find)
    }
}

/// Says whether pieces follow one another in a text, each at its leftmost place behind the one before.
fn follow(mut text: &[u8], pieces: &[String], find: impl Fn(&[u8], &str) -> Option<usize>) -> bool {
    pieces.iter().all(|piece| {
        let found = find(text, piece);
        text = found.map_or(text, |at| &text[at + piece.len()..]);
        found.is_some()
    })
}

/// Compares that are made one by one; for more, the text is folded once and searched in time that grows with its length alone.
const FEW_COMPARES: usize = 1 << 20;

/// Finds the leftmost place of a folded piece.
fn find(text: &[u8], piece: &str) -> Option<usize> {
    if piece.is_empty() {
        return Some(0);
    }
    text.windows(piece.len()).position(|window| same(window, piece))
}

fn same(text: &[u8], folded: &str) -> bool {
    text.eq_ignore_ascii_case(folded.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text.split('*').map(str::to_owned).collect())
    }

    #[test]
    fn a_star_stands_for_any_run() {
        for (written, text, matches) in [
            ("session.*", "session.start", true),
            ("session.*", "session.", true),
            ("session.*", "sessions", false),
            ("*.end", "SESSION.END", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "ba", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("*", "", true),
            ("str*SSE", "strasse", true),
            ("*É*", "café au lait", true),
        ] {
            assert_eq!(pattern(written).matches(text), matches, "{written} on {text}");
        }
    }

    #[test]
    fn long_texts_are_searched_as_short_ones_are() {
        let text = format!("{}b{}", "aA".repeat(600_000), "é".repeat(9));
        let long = "a".repeat(100_000);
        for (written, matches) in [
            (format!("*{long}b*"), true),
            (format!("*{long}{long}*{long}B*É*"), true),
            (format!("*{long}c*"), false),
            // However many pieces there are, the text is gone through once.
            (format!("{}b*", "*a".repeat(400_000)), true),
            (format!("{}c*", "*A".repeat(400_000)), false),
        ] {
            assert_eq!(pattern(&written).matches(&text), matches);
        }
    }

    /// The definition itself, by trying every split.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|at| naive(rest, &text[at..])),
            [first, rest @ ..] => text.first() == Some(first) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_definition(written in "[ab*é]{0,6}\\*[ab*]{0,4}", text in "[abé]{0,10}") {
            let chars: Vec<char> = written.chars().collect();
            let wanted = naive(&chars, &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(pattern(&written).matches(&text), wanted);
        }
    }
}
