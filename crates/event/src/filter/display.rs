//! Writes a filter in its canonical form: text that reads back as the same tree.
//!
//! Values of one field are gathered behind it (`outcome: (failure or denied)`), `and` is always written, and
//! parentheses stand only where the tree needs them. Relative dates stay relative.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Comparison, Expr, Needle, Test};
use super::fields::FieldPath;
use super::lexer::{self, RESERVED};
use super::pattern::Pattern;

/// Where a term stands; a colon needs quotes in one place and not in the other.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Condition,
    Value,
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_expr(f, self, Place::Condition)
    }
}

fn write_expr(f: &mut Formatter<'_>, expr: &Expr, place: Place) -> fmt::Result {
    if place == Place::Condition
        && let Some(field) = gathered(expr)
    {
        write_field(f, field)?;
        f.write_str(": (")?;
        write_expr(f, expr, Place::Value)?;
        return f.write_char(')');
    }
    match expr {
        Expr::All => f.write_char('*'),
        Expr::And(all) => write_joined(f, all, " and ", place),
        Expr::Or(any) => write_joined(f, any, " or ", place),
        Expr::Not(inner) => {
            f.write_str("not ")?;
            write_child(f, inner, place, matches!(**inner, Expr::And(_) | Expr::Or(_)))
        }
        Expr::Text(needle) => write_needle(f, needle, Place::Condition),
        Expr::Field { field, test } => {
            if place == Place::Condition {
                write_field(f, field)?;
                f.write_str(if matches!(test, Test::Compares(..)) { " " } else { ": " })?;
            }
            write_test(f, test)
        }
    }
}

fn write_joined(f: &mut Formatter<'_>, children: &[Expr], joint: &str, place: Place) -> fmt::Result {
    for (index, child) in children.iter().enumerate() {
        if index > 0 {
            f.write_str(joint)?;
        }
        let looser = matches!(child, Expr::Or(_)) || matches!(child, Expr::And(_)) && joint == " and ";
        write_child(f, child, place, looser)?;
    }
    Ok(())
}

/// Writes a child, in parentheses where it binds more loosely than its parent and is not gathered behind a field.
fn write_child(f: &mut Formatter<'_>, child: &Expr, place: Place, looser: bool) -> fmt::Result {
    if !looser || place == Place::Condition && gathered(child).is_some() {
        return write_expr(f, child, place);
    }
    f.write_char('(')?;
    write_expr(f, child, place)?;
    f.write_char(')')
}

/// Returns the one field that all of a compound's values belong to.
fn gathered(expr: &Expr) -> Option<&FieldPath> {
    match expr {
        Expr::And(children) | Expr::Or(children) => shared_field(children),
        _ => None,
    }
}

fn shared_field(children: &[Expr]) -> Option<&FieldPath> {
    let mut fields = children.iter().map(|child| match child {
        Expr::Field { test: Test::Compares(..), .. } | Expr::All | Expr::Text(_) => None,
        Expr::Field { field, .. } => Some(field),
        Expr::And(inner) | Expr::Or(inner) => shared_field(inner),
        Expr::Not(inner) => shared_field(std::slice::from_ref(&**inner)),
    });
    let first = fields.next()??;
    fields.all(|field| field == Some(first)).then_some(first)
}

fn write_field(f: &mut Formatter<'_>, field: &FieldPath) -> fmt::Result {
    let name = field.name();
    if is_bare(name, Place::Condition, true) { f.write_str(name) } else { write_quoted(f, name) }
}

fn write_test(f: &mut Formatter<'_>, test: &Test) -> fmt::Result {
    match test {
        Test::Exists => f.write_char('*'),
        Test::Contains(needle) => write_needle(f, needle, Place::Value),
        Test::Equals(equals) => write_plain(f, &equals.text, Place::Value),
        Test::Matches(pattern) => write_pattern(f, pattern),
        Test::Compares(comparison, bound) => {
            f.write_str(match comparison {
                Comparison::Below => "< ",
                Comparison::AtMost => "<= ",
                Comparison::AtLeast => ">= ",
                Comparison::Above => "> ",
            })?;
            write_plain(f, &bound.text, Place::Value)
        }
    }
}

fn write_needle(f: &mut Formatter<'_>, needle: &Needle, place: Place) -> fmt::Result {
    match needle {
        Needle::Phrase(phrase) => write_plain(f, phrase.text(), place),
        Needle::Pattern(pattern) => write_pattern(f, pattern),
    }
}

fn write_plain(f: &mut Formatter<'_>, text: &str, place: Place) -> fmt::Result {
    if is_bare(text, place, false) { f.write_str(text) } else { write_quoted(f, text) }
}

/// Says whether a text reads back as itself without quotes.
fn is_bare(text: &str, place: Place, stars: bool) -> bool {
    let plain = |c: char| {
        !c.is_whitespace()
            && !c.is_control()
            && !RESERVED.contains(&c)
            && (stars || c != '*')
            && (place == Place::Value || c != ':')
    };
    !text.is_empty() && text.chars().all(plain) && !text.ends_with(':') && lexer::keyword(text).is_none()
}

fn write_quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

/// Writes a pattern, which cannot be quoted: each special character gets a backslash.
fn write_pattern(f: &mut Formatter<'_>, pattern: &Pattern) -> fmt::Result {
    for (index, piece) in pattern.pieces().iter().enumerate() {
        if index > 0 {
            f.write_char('*')?;
        }
        for c in piece.chars() {
            if c.is_whitespace() || matches!(c, '*' | ':') || RESERVED.contains(&c) {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
    }
    Ok(())
}
