//! Cuts a filter into marks and words.
//!
//! A colon ends a word where a field or free text may stand, and belongs to the word where a value must stand; so
//! the parser says which it expects.

use std::ops::Range;

use super::error::FilterError;

/// Characters that stand for themselves only when quoted or after a backslash.
pub(super) const RESERVED: &[char] = &['(', ')', '{', '}', '<', '>', '"', '\\'];

/// A mark or a word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    /// `:`, or a comparison.
    Operator(Operator),
    Keyword(Keyword),
    /// A word or quoted text; its wildcards are known from its stars.
    Word(Word),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Is,
    Below,
    AtMost,
    AtLeast,
    Above,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
}

/// A word's text, cut at its wildcards: one piece where it has none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) pieces: Vec<String>,
    /// Ends with a colon that was neither quoted nor escaped.
    pub(super) ends_in_colon: bool,
}

/// What may stand at this place.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Expected {
    Anything,
    Value,
}

/// Reads tokens from left to right; cheap to copy, so that the parser can look ahead.
#[derive(Clone, Copy)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the next token and its bytes.
    pub(super) fn next(&mut self, expected: Expected) -> Result<(Token, Range<usize>), FilterError> {
        self.skip_spaces();
        let start = self.at;
        let token = match self.peek() {
            None => Token::End,
            Some('(') => self.mark(Token::Open),
            Some(')') => self.mark(Token::Close),
            Some('<') => self.comparison(Operator::Below, Operator::AtMost),
            Some('>') => self.comparison(Operator::Above, Operator::AtLeast),
            Some(':') if expected == Expected::Anything => self.mark(Token::Operator(Operator::Is)),
            Some('"') => self.quoted()?,
            Some('{' | '}') => {
                let message = "braces have no meaning here; quote them to search for them";
                return Err(FilterError::new(self.text, start..start + 1, message));
            }
            Some(_) => self.word(expected)?,
        };
        Ok((token, start..self.at))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn mark(&mut self, token: Token) -> Token {
        self.bump();
        token
    }

    fn comparison(&mut self, bare: Operator, with_equals: Operator) -> Token {
        self.bump();
        if self.peek() == Some('=') {
            self.bump();
            return Token::Operator(with_equals);
        }
        Token::Operator(bare)
    }

    /// Reads quoted text: a backslash takes the next character as it is, a star is a star.
    fn quoted(&mut self) -> Result<Token, FilterError> {
        let start = self.at;
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(Token::Word(Word { pieces: vec![text], ends_in_colon: false })),
                Some('\\') => text.extend(self.bump()),
                Some(c) => text.push(c),
                None => {
                    let message = "this quotation mark is never closed";
                    return Err(FilterError::new(self.text, start..start + 1, message));
                }
            }
        }
    }

    /// Reads a word: a backslash takes the next character as it is, a star is a wildcard.
    fn word(&mut self, expected: Expected) -> Result<Token, FilterError> {
        let start = self.at;
        let mut pieces = vec![String::new()];
        let mut escaped = false;
        let mut ends_in_colon = false;
        while let Some(c) = self.peek() {
            let colon_ends = c == ':' && expected == Expected::Anything;
            if c.is_whitespace() || colon_ends || (c != '\\' && RESERVED.contains(&c)) {
                break;
            }
            self.bump();
            ends_in_colon = c == ':';
            match c {
                '*' => pieces.push(String::new()),
                '\\' => {
                    escaped = true;
                    let Some(literal) = self.bump() else {
                        let message = "a backslash must stand before the character that it protects";
                        return Err(FilterError::new(self.text, self.at - 1..self.at, message));
                    };
                    push(&mut pieces, literal);
                }
                c => push(&mut pieces, c),
            }
        }
        let keyword = if escaped { None } else { keyword(&self.text[start..self.at]) };
        Ok(keyword.map_or(Token::Word(Word { pieces, ends_in_colon }), Token::Keyword))
    }
}

fn push(pieces: &mut [String], c: char) {
    if let Some(last) = pieces.last_mut() {
        last.push(c);
    }
}

/// Reads `and`, `or` and `not`, in any case.
pub(super) fn keyword(word: &str) -> Option<Keyword> {
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    if is("and") {
        return Some(Keyword::And);
    }
    if is("or") {
        return Some(Keyword::Or);
    }
    is("not").then_some(Keyword::Not)
}
