//! Reads what stands after a field as that field's type asks, and what stands alone as text.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::ast::{Bound, BoundValue, Comparison, Equals, Expr, Needle, Phrase, Test};
use super::error::shown;
use super::fields::{FieldPath, FieldType};
use super::lexer::{Operator, Word};
use super::pattern::Pattern;
use super::{FilterContext, MAX_TERM_BYTES, dates, tokens};
use crate::view::Number;

/// Why a value is refused.
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) suggestions: Vec<String>,
}

impl From<String> for Refusal {
    fn from(message: String) -> Refusal {
        Refusal { message, suggestions: Vec::new() }
    }
}

/// A word, its wildcards told apart.
enum Literal {
    Plain(String),
    Pattern(Pattern),
}

fn literal(mut word: Word) -> Result<Literal, String> {
    if word.pieces.iter().map(String::len).sum::<usize>() + word.pieces.len() > MAX_TERM_BYTES {
        return Err(format!("a term has at most {MAX_TERM_BYTES} bytes"));
    }
    match word.pieces.len() {
        1 => Ok(Literal::Plain(word.pieces.swap_remove(0))),
        _ => Ok(Literal::Pattern(Pattern::new(word.pieces))),
    }
}

/// Reads free text.
pub(super) fn text(word: Word) -> Result<Expr, String> {
    match literal(word)? {
        Literal::Pattern(pattern) if pattern.is_anything() => Ok(Expr::All),
        literal => needle(literal).map(Expr::Text),
    }
}

fn needle(literal: Literal) -> Result<Needle, String> {
    let text = match literal {
        Literal::Pattern(pattern) => return Ok(Needle::Pattern(pattern)),
        Literal::Plain(text) => text,
    };
    let refusal = format!(
        "{} has no letter or digit to search for; for other characters use `*` around them",
        shown(&text)
    );
    Phrase::new(text).map(Needle::Phrase).ok_or(refusal)
}

/// Reads what a field should be.
pub(super) fn is(field: &FieldPath, word: Word, context: &FilterContext) -> Result<Test, Refusal> {
    let literal = literal(word)?;
    if matches!(&literal, Literal::Pattern(pattern) if pattern.is_anything()) {
        return Ok(Test::Exists);
    }
    has_values(field)?;
    if field.field_type() == FieldType::Prose {
        return Ok(Test::Contains(needle(literal)?));
    }
    match literal {
        Literal::Pattern(pattern) => Ok(Test::Matches(pattern)),
        Literal::Plain(text) => equals(field, text, context).map(Test::Equals),
    }
}

fn equals(field: &FieldPath, text: String, context: &FilterContext) -> Result<Equals, Refusal> {
    let field_type = field.field_type();
    let open = field_type == FieldType::Open;
    let mut equals =
        Equals { folded: tokens::fold(&text), number: Number::parse(&text), network: None, span: None, text };
    if open || field_type == FieldType::Address {
        equals.network = parse_network(&equals.text);
    }
    // In an open field the words `now` and `2026` are more likely themselves than dates.
    if field_type == FieldType::Date || open && equals.text.len() > 4 {
        equals.span = dates::parse(&equals.text, context);
    }
    match field_type {
        FieldType::Date if equals.span.is_none() => Err(not_a_date(&equals.text)),
        FieldType::Number if equals.number.is_none() => Err(not_a_number(field, &equals.text)),
        FieldType::Address if equals.network.is_none() => Err(not_an_address(&equals.text)),
        _ => one_of(field, equals),
    }
}

/// Refuses a value that a field with few values never has: it would silently find nothing.
fn one_of(field: &FieldPath, equals: Equals) -> Result<Equals, Refusal> {
    let values = field.values();
    if values.is_empty() || values.contains(&equals.folded.as_str()) {
        return Ok(equals);
    }
    let similar = |value: &&&str| strsim::jaro_winkler(value, &equals.folded) >= 0.8;
    let suggestions = values.iter().filter(similar).map(|value| (*value).to_owned()).collect();
    let message =
        format!("{} is never {}, only {}", shown(field.name()), shown(&equals.text), values.join(", "));
    Err(Refusal { message, suggestions })
}

/// Reads a comparison.
pub(super) fn compare(
    field: &FieldPath,
    operator: Operator,
    word: Word,
    context: &FilterContext,
) -> Result<Test, Refusal> {
    has_values(field)?;
    let text = match literal(word)? {
        Literal::Plain(text) => text,
        Literal::Pattern(_) => return Err("a comparison needs a plain value, without `*`".to_owned().into()),
    };
    let comparison = match operator {
        Operator::Below => Comparison::Below,
        Operator::AtMost => Comparison::AtMost,
        Operator::AtLeast => Comparison::AtLeast,
        Operator::Above | Operator::Is => Comparison::Above,
    };
    let value = bound(field, &text, context)?;
    Ok(Test::Compares(comparison, Bound { text, value }))
}

fn bound(field: &FieldPath, text: &str, context: &FilterContext) -> Result<BoundValue, Refusal> {
    let number = || Number::parse(text).map(BoundValue::Number);
    let span = || dates::parse(text, context).map(BoundValue::Span);
    let address = || parse_address(text).map(BoundValue::Address);
    let folded = || BoundValue::Text(tokens::fold(text));
    match field.field_type() {
        FieldType::Number => number().ok_or_else(|| not_a_number(field, text)),
        FieldType::Date => span().ok_or_else(|| not_a_date(text)),
        FieldType::Address => address().ok_or_else(|| not_an_address(text)),
        FieldType::Name | FieldType::Prose => Ok(folded()),
        FieldType::Open => Ok(number().or_else(span).or_else(address).unwrap_or_else(folded)),
    }
}

fn has_values(field: &FieldPath) -> Result<(), Refusal> {
    let Some(suggestions) = field.children() else { return Ok(()) };
    let message = format!("{} has no value of its own, only fields with values", shown(field.name()));
    Err(Refusal { message, suggestions })
}

fn not_a_date(text: &str) -> Refusal {
    let message = format!("{} is not a date; write {}", shown(text), dates::FORMS);
    Refusal { message, suggestions: dates::suggest(text).into_iter().collect() }
}

fn not_a_number(field: &FieldPath, text: &str) -> Refusal {
    format!("{} holds numbers, and {} is none", shown(field.name()), shown(text)).into()
}

fn not_an_address(text: &str) -> Refusal {
    format!("{} is not an address; write `10.1.2.3`, `10.0.0.0/8`, `2001:db8::/32` or `10.1.*`", shown(text))
        .into()
}

/// Reads an address, with or without a port; an IPv4 address inside an IPv6 one is that IPv4 address.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    // Most text is no address: look before reading.
    let first = text.bytes().next()?;
    if !(first.is_ascii_hexdigit() || first == b':' || first == b'[') || text.len() > 56 {
        return None;
    }
    let address =
        text.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

fn parse_network(text: &str) -> Option<IpNet> {
    match text.parse::<IpNet>() {
        Ok(network) => Some(network),
        Err(_) => text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical())),
    }
}
