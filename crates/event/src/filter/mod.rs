//! The filter language: the Kibana Query Language over an event's JSON.
//!
//! One language filters everywhere: the search box, the live tail, a role's scope, a saved view. A filter is read once
//! ([`Filter::parse`]) and asked of many events ([`Filter::matches`]); an event is read once ([`RecordView`]) and asked
//! by many filters. It does no input or output and takes the present instant and the reader's zone from outside.
//!
//! Invariants: [`Filter`]'s display reads back as the same filter; reading and matching are bounded by [`MAX_BYTES`],
//! [`MAX_DEPTH`], [`MAX_TERMS`] and [`MAX_TERM_BYTES`], whoever wrote the filter.
//!
//! The language, for its users, is described in `docs/filter.md`. What is decided there and easily overlooked:
//!
//! - Letter case never matters in values; it does in field names.
//! - `field: value` asks for the whole value. Only in prose (`reason`, `policy.why`, `origin.agent`, `raw`,
//!   `detail.command`) does it ask for words within it. A part is found with `*`.
//! - Terms side by side are joined by `and`. Quotes make a phrase. See [`tokens`] for what a word is.
//! - `field: *` asks that a value is there; `null`, `[]` and `{}` are none.
//! - A comparison is true only of values that can be compared: `detail.code >= 400` is false of `"abc"`, and
//!   `not detail.code >= 400` is true of it and of events without the field.

pub mod ast;
pub(crate) mod dates;
mod display;
mod error;
mod fields;
mod lexer;
mod matching;
mod notes;
mod parser;
pub mod pattern;
pub mod tokens;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;

pub use dates::parse_instant;
pub use error::FilterError;
pub use fields::{ENVELOPE, EnvelopeField, FieldError, FieldPath, FieldType};
use jiff::tz::TimeZone;

use self::ast::Expr;
use crate::{RecordView, Timestamp};

/// The longest filter, in bytes, as it is written and in its canonical form.
pub const MAX_BYTES: usize = 16 << 10;
/// How deep parentheses and `not` may nest.
pub const MAX_DEPTH: usize = 64;
/// How many values and texts a filter may have.
pub const MAX_TERMS: usize = 1024;
/// The longest single value or text, in bytes.
pub const MAX_TERM_BYTES: usize = 2048;

/// How much is noted of one filter.
const MAX_NOTES: usize = 3;

/// What a filter's dates refer to.
#[derive(Clone, Debug)]
pub struct FilterContext {
    /// What `now` means.
    pub now: Timestamp,
    /// In which zone days begin and dates without an offset are read.
    pub zone: TimeZone,
}

impl FilterContext {
    /// Makes the context of someone who reads in UTC.
    pub fn utc(now: Timestamp) -> FilterContext {
        FilterContext { now, zone: TimeZone::UTC }
    }
}

/// Reads a time as the language takes it (`now-24h`, a date, RFC 3339): the first instant that it stands for.
pub fn parse_time(text: &str, context: &FilterContext) -> Option<Timestamp> {
    dates::parse(text, context).map(|range| range.start)
}

/// Suggests what to write for a text that is no time: `yesterday` is `now-1d/d`, `24h` is `now-24h`.
pub fn suggest_time(text: &str) -> Option<String> {
    dates::suggest(text)
}

/// A question of one event at a time: does it take part?
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    expr: Expr,
}

impl Filter {
    /// Makes the filter that takes every event.
    pub fn everything() -> Filter {
        Filter { expr: Expr::All }
    }

    /// Reads a filter. Nothing at all takes every event.
    pub fn parse(text: &str, context: &FilterContext) -> Result<Filter, FilterError> {
        let too_long = || FilterError::new("", 0..0, format!("a filter has at most {MAX_BYTES} bytes"));
        if text.len() > MAX_BYTES {
            return Err(too_long());
        }
        let filter = Filter { expr: parser::Parser::new(text, context).parse()? };
        // What is accepted must be accepted again in its canonical form, which may be a little longer and deeper.
        let canonical = filter.to_string();
        if canonical.len() > MAX_BYTES {
            return Err(too_long());
        }
        parser::Parser::new(&canonical, context).parse()?;
        Ok(filter)
    }

    /// Says what in a filter may be meant otherwise than it is read, for whoever typed it: nothing of one that cannot be
    /// read, whose error tells more.
    pub fn notes(text: &str, context: &FilterContext) -> Vec<String> {
        if text.len() > MAX_BYTES {
            return Vec::new();
        }
        let mut parser = parser::Parser::new(text, context);
        let read = parser.parse();
        let mut notes = parser.notes;
        notes.dedup();
        notes.truncate(MAX_NOTES);
        read.map_or_else(|_| Vec::new(), |_| notes)
    }

    /// Makes the filter that takes what both take. For a search, not for keeping: it may be larger than what is read.
    #[must_use]
    pub fn and(self, other: Filter) -> Filter {
        let both: Vec<Expr> = [self.expr, other.expr]
            .into_iter()
            .flat_map(|expr| match expr {
                Expr::All => Vec::new(),
                Expr::And(all) => all,
                one => vec![one],
            })
            .collect();
        let expr = match <[Expr; 1]>::try_from(both) {
            Ok([one]) => one,
            Err(none) if none.is_empty() => Expr::All,
            Err(all) => Expr::And(all),
        };
        Filter { expr }
    }

    /// Says whether the event takes part.
    pub fn matches(&self, record: &RecordView<'_>) -> bool {
        matching::matches(&self.expr, record.root())
    }

    /// Returns the tree, for a search that compiles it.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }
}

/// Writes the canonical form, which reads back as the same filter in the same context.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
