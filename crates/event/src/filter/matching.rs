//! Walks an event with a filter's tree. Nothing is allocated, save to fold a value outside ASCII for a pattern.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt::Write;
use std::ops::Range;

use super::ast::{Bound, BoundValue, Comparison, Equals, Expr, Needle, Phrase, Test};
use super::{FieldPath, dates, tokens, value};
use crate::view::{Node, Number};
use crate::{RecordView, Timestamp};

/// Says whether the event takes part.
pub(super) fn matches(expr: &Expr, root: &Node<'_>) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(all) => all.iter().all(|one| matches(one, root)),
        Expr::Or(any) => any.iter().any(|one| matches(one, root)),
        Expr::Not(inner) => !matches(inner, root),
        Expr::Text(needle) => any_value(root, &|value| contains(needle, value)),
        Expr::Field { field, test } => any_at(root, field.name(), &|node| holds(test, node)),
    }
}

impl Test {
    /// Says whether a field that holds just this text passes, as an event with it would.
    pub fn takes_text(&self, text: &str) -> bool {
        holds(self, &Node::Text(Cow::Borrowed(text)))
    }

    /// Says whether a field that holds just this instant, in whatever zone it is written, passes; `None` where that
    /// depends on how it is written.
    pub fn takes_instant(&self, at: Timestamp) -> Option<bool> {
        match self {
            Test::Exists => Some(true),
            // A text that is equal to the value as it stands names an instant of its span.
            Test::Equals(Equals { span: Some(span), .. }) => Some(span.contains(&at)),
            Test::Compares(comparison, Bound { value: BoundValue::Span(span), .. }) => {
                Some(beside(*comparison, span, at))
            }
            _ => None,
        }
    }
}

impl FieldPath {
    /// Shows every value that an event has at this field, as a filter on it would look at them: numbers as they print,
    /// those of lists one by one.
    pub fn each_value(&self, record: &RecordView<'_>, visit: &mut dyn FnMut(&str)) {
        let visit = RefCell::new(visit);
        any_at(record.root(), self.name(), &|node| {
            each_scalar(node, &mut **visit.borrow_mut());
            false
        });
    }
}

fn each_scalar(node: &Node<'_>, visit: &mut dyn FnMut(&str)) {
    match node {
        Node::List(items) => items.iter().for_each(|item| each_scalar(item, visit)),
        value => drop(as_text(value, |text| {
            visit(text);
            true
        })),
    }
}

/// Looks at every value that `path` leads to from `node`. A key may itself contain dots, so the path is taken off
/// key by key as a text rather than split.
fn any_at(node: &Node<'_>, path: &str, test: &impl Fn(&Node<'_>) -> bool) -> bool {
    match node {
        Node::List(items) => items.iter().any(|item| any_at(item, path, test)),
        Node::Object(entries) => entries.iter().any(|(key, value)| {
            let below = path.strip_prefix(key.as_ref());
            below == Some("") && test(value)
                || below.and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| any_at(value, rest, test))
                || path.strip_prefix('*').is_some_and(|rest| any_below_star(value, path, rest, test))
        }),
        _ => false,
    }
}

/// The star took this value's key: either it ends here, or it takes more keys.
fn any_below_star(value: &Node<'_>, path: &str, rest: &str, test: &impl Fn(&Node<'_>) -> bool) -> bool {
    let ends_here = match rest.strip_prefix('.') {
        Some(rest) => any_at(value, rest, test),
        None => test(value),
    };
    ends_here || any_at(value, path, test)
}

/// Says whether the value, or any element of the array, passes the test.
fn holds(test: &Test, node: &Node<'_>) -> bool {
    match (test, node) {
        (Test::Exists, node) => any_value(node, &|_| true),
        (_, Node::List(items)) => items.iter().any(|item| holds(test, item)),
        (_, Node::Object(_) | Node::Null) => false,
        (Test::Contains(needle), value) => contains(needle, value),
        (Test::Equals(equals), value) => equal(equals, value),
        (Test::Matches(pattern), value) => as_text(value, |text| pattern.matches(text)),
        (Test::Compares(comparison, bound), value) => compare(*comparison, bound, value),
    }
}

/// Looks at every value at or below a node; `null` is none.
fn any_value(node: &Node<'_>, test: &impl Fn(&Node<'_>) -> bool) -> bool {
    match node {
        Node::Null => false,
        Node::List(items) => items.iter().any(|item| any_value(item, test)),
        Node::Object(entries) => entries.iter().any(|(_, value)| any_value(value, test)),
        value => test(value),
    }
}

fn contains(needle: &Needle, value: &Node<'_>) -> bool {
    as_text(value, |text| match needle {
        Needle::Phrase(phrase) => contains_phrase(phrase, text),
        Needle::Pattern(pattern) => pattern.matches_token(text),
    })
}

fn contains_phrase(phrase: &Phrase, text: &str) -> bool {
    let (wanted, borders) = (phrase.parts(), phrase.borders());
    if wanted.is_empty() {
        return true;
    }
    // Knuth, Morris and Pratt: no part of the text is looked at more than twice or so, however it repeats itself.
    let mut found = 0;
    for part in tokens::parts(text) {
        while found > 0 && !tokens::folds_to(part, &wanted[found]) {
            found = borders[found - 1];
        }
        found += usize::from(tokens::folds_to(part, &wanted[found]));
        if found == wanted.len() {
            return true;
        }
    }
    false
}

fn equal(equals: &Equals, value: &Node<'_>) -> bool {
    match value {
        Node::Text(text) => {
            tokens::folds_to(text, &equals.folded)
                || equals
                    .network
                    .is_some_and(|net| value::parse_address(text).is_some_and(|ip| net.contains(&ip)))
                || equals
                    .span
                    .as_ref()
                    .is_some_and(|span| dates::parse_instant(text).is_some_and(|at| span.contains(&at)))
        }
        Node::Number(number) => equals.number == Some(*number),
        Node::Bool(truth) => equals.folded == if *truth { "true" } else { "false" },
        _ => false,
    }
}

fn compare(comparison: Comparison, bound: &Bound, value: &Node<'_>) -> bool {
    let text = match value {
        Node::Text(text) => Some(text.as_ref()),
        _ => None,
    };
    match &bound.value {
        BoundValue::Number(wanted) => {
            let number = match value {
                Node::Number(number) => Some(*number),
                _ => text.and_then(Number::parse),
            };
            number.is_some_and(|number| on_side(comparison, number.compare(*wanted)))
        }
        BoundValue::Span(span) => {
            text.and_then(dates::parse_instant).is_some_and(|at| beside(comparison, span, at))
        }
        BoundValue::Address(wanted) => text
            .and_then(value::parse_address)
            .is_some_and(|ip| ip.is_ipv4() == wanted.is_ipv4() && on_side(comparison, ip.cmp(wanted))),
        BoundValue::Text(wanted) => text.is_some_and(|text| {
            on_side(comparison, text.chars().flat_map(char::to_lowercase).cmp(wanted.chars()))
        }),
    }
}

fn on_side(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Below => order.is_lt(),
        Comparison::AtMost => order.is_le(),
        Comparison::AtLeast => order.is_ge(),
        Comparison::Above => order.is_gt(),
    }
}

fn beside(comparison: Comparison, span: &Range<Timestamp>, at: Timestamp) -> bool {
    match comparison {
        Comparison::Below => at < span.start,
        Comparison::AtMost => at < span.end,
        Comparison::AtLeast => at >= span.start,
        Comparison::Above => at >= span.end,
    }
}

/// Shows a value as text; numbers are printed to the stack.
fn as_text(value: &Node<'_>, test: impl FnOnce(&str) -> bool) -> bool {
    match value {
        Node::Text(text) => test(text),
        Node::Bool(truth) => test(if *truth { "true" } else { "false" }),
        Node::Number(number) => {
            let mut digits = Digits { bytes: [0; 48], length: 0 };
            // A JSON number prints in at most 40 characters, so the write cannot fail.
            write!(digits, "{number}").is_ok() && test(digits.as_str())
        }
        Node::Null | Node::List(_) | Node::Object(_) => false,
    }
}

struct Digits {
    bytes: [u8; 48],
    length: usize,
}

impl Digits {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
