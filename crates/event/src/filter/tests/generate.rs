//! Random events and random questions about them. Other crates' tests take this file as it is.

use std::fmt;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A question, simple enough to be judged in a few lines.
#[derive(Clone, Debug)]
pub enum Ask {
    And(Box<Ask>, Box<Ask>),
    Or(Box<Ask>, Box<Ask>),
    Not(Box<Ask>),
    Phrase(String),
    Token(String),
    Exists(String),
    Is(String, String),
    Like(String, String),
    Number(String, &'static str, i64),
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::And(left, right) => write!(f, "({left}) and ({right})"),
            Ask::Or(left, right) => write!(f, "({left} or {right})"),
            Ask::Not(inner) => write!(f, "not ({inner})"),
            Ask::Phrase(text) => write!(f, "\"{text}\""),
            Ask::Token(pattern) => write!(f, "{pattern}"),
            Ask::Exists(field) => write!(f, "{field}: *"),
            Ask::Is(field, value) => write!(f, "{field}: \"{value}\""),
            Ask::Like(field, pattern) => write!(f, "{field}: {pattern}"),
            Ask::Number(field, operator, number) => write!(f, "{field} {operator} {number}"),
        }
    }
}

const FIELDS: &[&str] = &[
    "kind",
    "actor.user",
    "actor.roles",
    "target.name",
    "target.labels.env",
    "detail.a",
    "detail.b",
    "detail.a.b",
    "detail.c.d",
    "detail.a.c.d",
    "detail.*",
    "detail.*.b",
    "*.b",
    "*",
];

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "alice",
            "Alice@Example.com",
            "bob",
            "session.start",
            "db-1",
            "rm -rf /var/lib",
            "10.1.2.3",
            "10.1.2.30:22",
            "7",
            "-3",
            "2.5",
            "true",
            "ÉTÉ à Köln",
            "a.b",
            "a",
            "b",
            "1.x",
            "",
        ])
        .prop_map(str::to_owned),
        "[ab1. -]{0,6}",
    ]
}

pub fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        2 => (-4_i64..9).prop_map(Value::from),
        1 => prop_oneof![Just(json!(2.5)), Just(json!(true)), Just(Value::Null), Just(json!(u64::MAX))],
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop::sample::select(vec!["a", "b", "c", "d", "c.d", "a.b", "user"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

pub fn event() -> impl Strategy<Value = Value> {
    (text(), text(), prop::collection::vec(text(), 0..3), text(), tree()).prop_map(|(kind, user, roles, env, detail)| {
        json!({
            "kind": kind, "actor": {"user": user, "roles": roles}, "target": {"name": "db-1", "labels": {"env": env}},
            "detail": detail,
        })
    })
}

pub fn ask() -> impl Strategy<Value = Ask> {
    let field = || prop::sample::select(FIELDS).prop_map(str::to_owned);
    let searchable =
        text().prop_filter("a phrase has a letter or digit", |text| text.chars().any(char::is_alphanumeric));
    let pattern = || {
        prop::sample::select(vec!["a*", "*b*", "*.start", "*1*", "10.*", "*É*", "*@*", "r*f*b", "7*", "*x"])
    };
    let leaf = prop_oneof![
        2 => searchable.prop_map(Ask::Phrase),
        1 => pattern().prop_map(|pattern| Ask::Token(pattern.to_owned())),
        1 => field().prop_map(Ask::Exists),
        // An address or date has other ways of being equal, which the cases hold.
        3 => (field(), text()).prop_filter("not an address", |(_, text)| !text.starts_with("10."))
            .prop_map(|(field, text)| Ask::Is(field, text)),
        1 => (field(), pattern()).prop_map(|(field, pattern)| Ask::Like(field, pattern.to_owned())),
        1 => (prop::sample::select(vec!["detail.a", "detail.b", "detail.*"]),
              prop::sample::select(vec![">=", ">", "<=", "<"]), -4_i64..9)
            .prop_map(|(field, operator, number)| Ask::Number(field.to_owned(), operator, number)),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone())
                .prop_map(|(left, right)| Ask::And(Box::new(left), Box::new(right))),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| Ask::Or(Box::new(left), Box::new(right))),
            inner.prop_map(|inner| Ask::Not(Box::new(inner))),
        ]
    })
}
