//! Reads a filter. By falling precedence: `not`, then `and` (written or by standing side by side), then `or`.

use std::ops::Range;

use super::ast::{Expr, Test};
use super::error::{FilterError, shown};
use super::fields::{self, FieldPath};
use super::lexer::{Expected, Keyword, Lexer, Operator, Token, Word};
use super::{FilterContext, MAX_DEPTH, MAX_TERMS, notes, value};

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    context: &'a FilterContext,
    terms: usize,
    /// What may be meant otherwise than it is read.
    pub(super) notes: Vec<String>,
}

/// What a list in parentheses is a list of.
#[derive(Clone, Copy)]
enum Of<'a> {
    /// Whole conditions.
    Conditions,
    /// Values of one field.
    Values(&'a FieldPath),
}

impl Of<'_> {
    fn expected(self) -> Expected {
        match self {
            Of::Conditions => Expected::Anything,
            Of::Values(_) => Expected::Value,
        }
    }
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, context: &'a FilterContext) -> Parser<'a> {
        Parser { lexer: Lexer::new(text), context, terms: 0, notes: Vec::new() }
    }

    /// Reads the whole text.
    pub(super) fn parse(&mut self) -> Result<Expr, FilterError> {
        if self.peek(Expected::Anything)?.0 == Token::End {
            return Ok(Expr::All);
        }
        let expr = self.any_of(Of::Conditions, 0)?;
        let (token, span) = self.lexer.next(Expected::Anything)?;
        match token {
            Token::End => Ok(expr),
            Token::Close => Err(self.error(span, "this parenthesis was never opened")),
            _ => Err(self.error(span, "something is missing before this")),
        }
    }

    fn error(&self, span: Range<usize>, message: impl Into<String>) -> FilterError {
        FilterError::new(self.lexer.text(), span, message)
    }

    fn peek(&self, expected: Expected) -> Result<(Token, Range<usize>), FilterError> {
        let mut ahead = self.lexer;
        ahead.next(expected)
    }

    fn any_of(&mut self, of: Of<'_>, depth: usize) -> Result<Expr, FilterError> {
        let first = self.all_of(of, depth)?;
        let mut rest = Vec::new();
        while self.peek(of.expected())?.0 == Token::Keyword(Keyword::Or) {
            self.lexer.next(of.expected())?;
            rest.push(self.all_of(of, depth)?);
        }
        Ok(join(first, rest, Expr::Or))
    }

    fn all_of(&mut self, of: Of<'_>, depth: usize) -> Result<Expr, FilterError> {
        let first = self.negated(of, depth)?;
        let mut rest = Vec::new();
        loop {
            let (token, span) = self.peek(of.expected())?;
            match (token, of) {
                (Token::Keyword(Keyword::And), _) => drop(self.lexer.next(of.expected())?),
                // Side by side is `and`; a stray operator is left to `condition`, which explains it.
                (
                    Token::Word(_) | Token::Open | Token::Keyword(Keyword::Not) | Token::Operator(_),
                    Of::Conditions,
                ) => {}
                (Token::Word(_) | Token::Open | Token::Keyword(Keyword::Not), Of::Values(_)) => {
                    return Err(
                        self.error(span, "between two values write `and` or `or`, or quote them as one")
                    );
                }
                _ => return Ok(join(first, rest, Expr::And)),
            }
            rest.push(self.negated(of, depth)?);
        }
    }

    fn negated(&mut self, of: Of<'_>, depth: usize) -> Result<Expr, FilterError> {
        let (token, span) = self.peek(of.expected())?;
        if depth > MAX_DEPTH {
            return Err(self.error(span, format!("parentheses and `not` nest deeper than {MAX_DEPTH} here")));
        }
        match token {
            Token::Keyword(Keyword::Not) => {
                self.lexer.next(of.expected())?;
                Ok(Expr::Not(Box::new(self.negated(of, depth + 1)?)))
            }
            Token::Open => {
                self.lexer.next(of.expected())?;
                self.group(of, depth + 1, span)
            }
            _ => match of {
                Of::Conditions => self.condition(depth),
                Of::Values(field) => {
                    let (word, span) = self.value(field)?;
                    self.is(field.clone(), word, span)
                }
            },
        }
    }

    /// Reads the rest of a group whose parenthesis at `open` was taken.
    fn group(&mut self, of: Of<'_>, depth: usize, open: Range<usize>) -> Result<Expr, FilterError> {
        if self.peek(of.expected())?.0 == Token::Close {
            return Err(self.error(open, "there is nothing between these parentheses"));
        }
        let inner = self.any_of(of, depth)?;
        match self.lexer.next(of.expected())? {
            (Token::Close, _) => Ok(inner),
            (Token::End, _) => Err(self.error(open, "this parenthesis is never closed")),
            (_, span) => Err(self.error(span, "something is missing before this")),
        }
    }

    /// Reads free text, or a field with what is asked of it.
    fn condition(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let (token, span) = self.lexer.next(Expected::Anything)?;
        let word = match token {
            Token::Word(word) => word,
            Token::End => return Err(self.error(span, "the filter ends where a condition should follow")),
            Token::Close => return Err(self.error(span, "a condition is missing before this parenthesis")),
            Token::Operator(_) => return Err(self.error(span, "a field's name is missing before this")),
            Token::Keyword(_) | Token::Open => {
                return Err(self.error(
                    span,
                    "a condition is missing before this; to search for the word itself, quote it",
                ));
            }
        };
        let Token::Operator(operator) = self.peek(Expected::Anything)?.0 else {
            self.count_term(&span)?;
            let written = &self.lexer.text()[span.clone()];
            if let Some((message, meant)) = notes::foreign(written) {
                return Err(self.error(span, message).suggesting(meant));
            }
            self.notes.extend(notes::of_text(written));
            return value::text(word).map_err(|message| self.error(span, message));
        };
        self.lexer.next(Expected::Anything)?;
        let field = self.field(&word, span)?;
        self.test(field, operator, depth)
    }

    fn field(&self, word: &Word, span: Range<usize>) -> Result<FieldPath, FilterError> {
        FieldPath::resolve(&word.pieces.join("*"))
            .map_err(|unknown| self.error(span, unknown.message).suggesting(unknown.suggestions))
    }

    /// Reads what stands after a field's operator.
    fn test(&mut self, field: FieldPath, operator: Operator, depth: usize) -> Result<Expr, FilterError> {
        let (token, span) = self.peek(Expected::Value)?;
        if operator == Operator::Is && token == Token::Open {
            self.lexer.next(Expected::Value)?;
            return self.group(Of::Values(&field), depth + 1, span);
        }
        let (word, span) = self.value(&field)?;
        if operator == Operator::Is {
            return self.is(field, word, span);
        }
        self.count_term(&span)?;
        let test = value::compare(&field, operator, word, self.context)
            .map_err(|refusal| self.refuse(span, refusal))?;
        Ok(Expr::Field { field, test })
    }

    fn is(&mut self, field: FieldPath, word: Word, span: Range<usize>) -> Result<Expr, FilterError> {
        self.count_term(&span)?;
        if field.name() == "kind" {
            self.notes.extend(notes::of_kind(&word));
        }
        let test: Test =
            value::is(&field, word, self.context).map_err(|refusal| self.refuse(span, refusal))?;
        Ok(Expr::Field { field, test })
    }

    fn refuse(&self, span: Range<usize>, refusal: value::Refusal) -> FilterError {
        self.error(span, refusal.message).suggesting(refusal.suggestions)
    }

    fn value(&mut self, field: &FieldPath) -> Result<(Word, Range<usize>), FilterError> {
        let (token, span) = self.lexer.next(Expected::Value)?;
        let Token::Word(word) = token else {
            let message = match token {
                Token::End => {
                    format!("the filter ends where a value of {} should follow", shown(field.name()))
                }
                Token::Keyword(_) => {
                    "a value is missing before this; if the word itself is meant, quote it".to_owned()
                }
                _ => format!("a value of {} should stand here", shown(field.name())),
            };
            return Err(self.error(span, message));
        };
        let written = self.lexer.text()[span.clone()].trim_end_matches(':');
        if word.ends_in_colon && fields::is_field(written) {
            let message = format!("a value of {} is missing before this field", shown(field.name()));
            return Err(self.error(span, message));
        }
        Ok((word, span))
    }

    fn count_term(&mut self, span: &Range<usize>) -> Result<(), FilterError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.error(span.clone(), format!("a filter has at most {MAX_TERMS} terms")));
        }
        Ok(())
    }
}

fn join(first: Expr, mut rest: Vec<Expr>, make: fn(Vec<Expr>) -> Expr) -> Expr {
    if rest.is_empty() {
        return first;
    }
    rest.insert(0, first);
    make(rest)
}
