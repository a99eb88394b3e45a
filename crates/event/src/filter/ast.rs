//! What a filter says, as a tree. A compiled search reads it; [`matches`](super::Filter::matches) walks it.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use ipnet::IpNet;

use super::fields::FieldPath;
use super::pattern::Pattern;
use super::tokens;
use crate::Timestamp;
use crate::view::Number;

/// A filter's tree. `And` and `Or` have at least two children.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// Every event.
    All,
    /// Events that all of these take.
    And(Vec<Expr>),
    /// Events that any of these takes.
    Or(Vec<Expr>),
    /// Events that this does not take.
    Not(Box<Expr>),
    /// Events with this text in any of their values.
    Text(Needle),
    /// Events with such a value at this field; in an array, any element will do.
    Field {
        /// Where to look.
        field: FieldPath,
        /// What to look for.
        test: Test,
    },
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// That it has a value: not `null`, and not only empty arrays and objects.
    Exists,
    /// That its text contains the needle.
    Contains(Needle),
    /// That it equals a value.
    Equals(Equals),
    /// That the whole of its text matches a pattern.
    Matches(Pattern),
    /// That it lies on one side of a bound.
    Compares(Comparison, Bound),
}

/// Text to find by its tokens; see [`tokens`](super::tokens).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needle {
    /// Parts that must follow one another.
    Phrase(Phrase),
    /// A pattern that one value, word or part must match.
    Pattern(Pattern),
}

/// Parts that must follow one another within one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    text: String,
    parts: Vec<String>,
    /// For each part, how many parts end with it that the phrase begins with too.
    borders: Vec<usize>,
}

/// A value to be equal to. It may be read in several ways; equality in any one of them is enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Equals {
    /// The value as text, unfolded.
    pub text: String,
    /// The value as text, folded: the whole of a field's text must fold to it.
    pub folded: String,
    /// The value as a number.
    pub number: Option<Number>,
    /// The value as an address or network.
    pub network: Option<IpNet>,
    /// The value as a span of time.
    pub span: Option<Range<Timestamp>>,
}

/// Which side of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

/// What a comparison compares with.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The bound as it was written.
    pub text: String,
    /// What it was read as; values of another sort do not match.
    pub value: BoundValue,
}

/// What a bound was read as.
#[derive(Clone, Debug, PartialEq)]
pub enum BoundValue {
    /// A number.
    Number(Number),
    /// A span of time; comparisons use its edges.
    Span(Range<Timestamp>),
    /// An address; addresses of the other family do not match.
    Address(IpAddr),
    /// Folded text, in the order of its characters' code points.
    Text(String),
}

impl Equals {
    /// Returns how a value that is equal to it may print, folded; `None` where there is no end to the ways, as with
    /// networks and dates.
    fn spellings(&self) -> Option<Vec<String>> {
        if self.network.is_some() || self.span.is_some() {
            return None;
        }
        let numbers = self.number.map(Number::spellings).unwrap_or_default();
        Some([self.folded.clone()].into_iter().chain(numbers).collect())
    }
}

impl Equals {
    /// Returns the folded parts, in order, of every text that is equal to it; `None` where there is no end to them.
    pub fn parts(&self) -> Option<Vec<Vec<String>>> {
        let cut = |text: &str| tokens::parts(text).map(tokens::fold).collect::<Vec<String>>();
        let all: Vec<Vec<String>> = match self.network {
            Some(IpNet::V4(net)) if net.prefix_len() == 32 && self.span.is_none() => {
                let mut all = address_parts(net.addr());
                all.push(cut(&self.folded));
                all
            }
            _ => self.spellings()?.iter().map(|text| cut(text)).collect(),
        };
        all.iter().all(|parts| !parts.is_empty()).then_some(all)
    }
}

/// Lists how an address can be written: with dots, or as the end of an IPv6 address that maps it, in two groups of hexadecimal
/// digits with or without leading zeros.
fn address_parts(address: Ipv4Addr) -> Vec<Vec<String>> {
    let [a, b, c, d] = address.octets();
    let groups = |first: u8, second: u8| -> Vec<String> {
        let group = u16::from_be_bytes([first, second]);
        let shortest = format!("{group:x}").len();
        (shortest..=4).map(|width| format!("{group:0width$x}")).collect()
    };
    let mut all = vec![vec![address.to_string()]];
    for first in groups(a, b) {
        all.extend(groups(c, d).into_iter().map(|second| vec!["ffff".to_owned(), first.clone(), second]));
    }
    all
}

impl Phrase {
    /// Cuts a text into the parts to find; `None` when it has none.
    pub(super) fn new(text: String) -> Option<Phrase> {
        let parts: Vec<String> = tokens::parts(&text).map(tokens::fold).collect();
        let borders = borders(&parts);
        (!parts.is_empty()).then_some(Phrase { text, parts, borders })
    }

    /// Returns the phrase as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the folded parts that must follow one another; at least one.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Returns for each part how many parts end with it that the phrase begins with too, itself as a whole left out.
    pub(super) fn borders(&self) -> &[usize] {
        &self.borders
    }
}

fn borders(parts: &[String]) -> Vec<usize> {
    let mut borders = vec![0; parts.len()];
    for at in 1..parts.len() {
        let mut border: usize = borders[at - 1];
        while border > 0 && parts[border] != parts[at] {
            border = borders[border - 1];
        }
        borders[at] = border + usize::from(parts[border] == parts[at]);
    }
    borders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::value::parse_address;

    #[test]
    fn an_address_is_known_however_it_is_written() {
        for (address, texts) in [
            (
                "203.0.113.77",
                &["203.0.113.77", "203.0.113.77:22", "[::ffff:203.0.113.77]:22", "::FFFF:cb00:714d"][..],
            ),
            ("10.0.0.1", &["::ffff:a00:1", "0:0:0:0:0:ffff:0a00:0001", "[::ffff:0a00:01]:443", "10.0.0.1"]),
        ] {
            let address: Ipv4Addr = address.parse().unwrap();
            for text in texts {
                assert_eq!(parse_address(text), Some(address.into()), "{text}");
                let parts: Vec<String> = tokens::parts(text).map(tokens::fold).collect();
                let known = address_parts(address);
                assert!(
                    known.iter().any(|known| parts.windows(known.len()).any(|some| some == known)),
                    "{text}"
                );
            }
        }
    }
}
