//! An event read once, so that many filters can look at it.
//!
//! The view borrows from the event's bytes: text without escapes is not copied. It is for asking only; the bytes
//! themselves stay what is stored, hashed and shown.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits;

/// An event as filters see it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordView<'a> {
    root: Node<'a>,
}

/// Why bytes cannot be viewed.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// Too large or too deep.
    #[error(transparent)]
    Limit(#[from] limits::LimitError),
    /// Not JSON.
    #[error("cannot read the event: {0}")]
    Malformed(#[from] serde_json::Error),
    /// JSON, but not an object.
    #[error("cannot read the event: it is not a JSON object")]
    NotAnObject,
}

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'a> {
    /// `null`, which filters treat as absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Node<'a>>),
    /// An object, in the order of the bytes; a key that occurs twice is kept twice, so that neither value can hide.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// A JSON number: exact where it is whole, a double otherwise.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Int(i128),
    /// Any other finite number.
    Float(f64),
}

impl<'a> RecordView<'a> {
    /// Reads an event's bytes.
    pub fn parse(json: &'a [u8]) -> Result<RecordView<'a>, ViewError> {
        limits::check(json)?;
        let root: Node<'a> = serde_json::from_slice(json)?;
        match root {
            Node::Object(_) => Ok(RecordView { root }),
            _ => Err(ViewError::NotAnObject),
        }
    }

    /// Makes the view of something that is no event but one text, as the field `raw`: so that a line of a recording is found by
    /// the words by which events are.
    pub fn of_text(text: &'a str) -> RecordView<'a> {
        RecordView { root: Node::Object(vec![(Cow::Borrowed("raw"), Node::Text(Cow::Borrowed(text)))]) }
    }

    /// Returns the whole event.
    pub fn root(&self) -> &Node<'a> {
        &self.root
    }

    /// Returns the text at a dotted path of plain keys, such as `actor.user`.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.node(path)? {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the whole, non-negative number at a dotted path of plain keys.
    pub fn number(&self, path: &str) -> Option<u64> {
        match self.node(path)? {
            Node::Number(Number::Int(number)) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    fn node(&self, path: &str) -> Option<&Node<'a>> {
        path.split('.').try_fold(&self.root, |node, key| match node {
            Node::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        })
    }
}

impl Number {
    /// Reads a decimal number that begins with a digit, after its sign; `None` for anything else, `NaN` included.
    pub fn parse(text: &str) -> Option<Number> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Number::Int(whole.into()));
        }
        if let Ok(whole) = text.parse::<u64>() {
            return Some(Number::Int(whole.into()));
        }
        text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Number::Float)
    }

    /// Returns how JSON numbers of this value print.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "what was rounded is not equal any more"
    )]
    pub fn spellings(self) -> Vec<String> {
        let others = match self {
            Number::Int(whole) => [Number::Float(whole as f64), self],
            Number::Float(float) => [self, Number::Int(float as i128)],
        };
        others.into_iter().filter(|other| *other == self).map(|other| other.to_string()).collect()
    }

    /// Orders two numbers by value, exactly: a whole number is never rounded to a double to be compared.
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(left), Number::Int(right)) => left.cmp(&right),
            (Number::Float(left), Number::Float(right)) => {
                left.partial_cmp(&right).unwrap_or(Ordering::Equal)
            }
            (Number::Int(left), Number::Float(right)) => compare_mixed(left, right),
            (Number::Float(left), Number::Int(right)) => compare_mixed(right, left).reverse(),
        }
    }
}

/// Orders a whole number and a finite double. The whole numbers of JSON lie far inside an `i128`, so a double beyond
/// it saturates without changing the order.
fn compare_mixed(whole: i128, float: f64) -> Ordering {
    let floor = float.floor();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from a double saturates, which keeps the order"
    )]
    let order = whole.cmp(&(floor as i128));
    if order == Ordering::Equal && float > floor { Ordering::Less } else { order }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(whole) => write!(f, "{whole}"),
            // The debug form switches to an exponent where the plain one would print hundreds of digits.
            Number::Float(float) => write!(f, "{float:?}"),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node<'a>, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(Number::Int(value.into())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(Number::Int(value.into())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node::Number(Number::Float(value)))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node<'de>, A::Error> {
        let mut object = Vec::new();
        while let Some((Key(key), value)) = entries.next_entry()? {
            object.push((key, value));
        }
        Ok(Node::Object(object))
    }
}

/// A key that borrows where it can; `Cow` alone would always copy.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'a>, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(value.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed_and_escaped_text_is_read() {
        let json = br#"{"actor":{"user":"alice","note":"a\"b"},"detail":{"bytes":12}}"#;
        let view = RecordView::parse(json).unwrap();
        assert_eq!(view.text("actor.user"), Some("alice"));
        assert_eq!(view.text("actor.note"), Some("a\"b"));
        assert_eq!(view.number("detail.bytes"), Some(12));
        assert_eq!(view.text("detail.bytes"), None);
        assert!(matches!(view.node("actor.user"), Some(Node::Text(Cow::Borrowed(_)))));
    }

    #[test]
    fn only_one_whole_object_is_a_record() {
        for bad in ["", "[]", "1", "{", "{}{}", "\"x\""] {
            assert!(RecordView::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_number_is_spelled_as_json_may_write_it() {
        let spelled = |text| Number::parse(text).unwrap().spellings().join(" ");
        assert_eq!(spelled("403"), "403.0 403");
        assert_eq!(spelled("403.0"), "403.0 403");
        assert_eq!(spelled("-2.5"), "-2.5");
        assert_eq!(spelled("9007199254740993"), "9007199254740993");
        assert_eq!(spelled("1e30"), "1e30 1000000000000000019884624838656");
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let number = |text| Number::parse(text).unwrap();
        assert_eq!(number("403"), number("403.0"));
        assert_eq!(number("9007199254740993").compare(number("9007199254740992.0")), Ordering::Greater);
        assert_eq!(number("18446744073709551615").compare(number("1e30")), Ordering::Less);
        assert_eq!(number("-2").compare(number("-1.5")), Ordering::Less);
        assert_eq!(number("1").compare(number("1.5")), Ordering::Less);
        for bad in ["", "-", "nan", "inf", "+5", ".5", "5x", "1_000"] {
            assert_eq!(Number::parse(bad), None, "{bad:?}");
        }
    }
}
