//! Matching, judged by a slow evaluator that shares no code with it: random events, random questions.

use proptest::prelude::*;
use serde_json::Value;

use super::generate::{Ask, ask, event};
use super::parse;
use crate::RecordView;

fn judge(ask: &Ask, event: &Value) -> bool {
    match ask {
        Ask::And(left, right) => judge(left, event) && judge(right, event),
        Ask::Or(left, right) => judge(left, event) || judge(right, event),
        Ask::Not(inner) => !judge(inner, event),
        Ask::Phrase(text) => values(event).iter().any(|value| has_phrase(&cut(value), &cut(text))),
        Ask::Token(pattern) => values(event).iter().any(|value| {
            let joiner = |c: char| "-./:@_".contains(c);
            let words = value.split(|c: char| !c.is_alphanumeric() && !joiner(c)).map(str::to_owned);
            let tokens = words.filter(|word| !word.is_empty()).chain(cut(value)).chain([value.clone()]);
            tokens.into_iter().any(|token| glob(pattern, &token))
        }),
        Ask::Exists(field) => at(event, field).iter().any(|node| !values(node).is_empty()),
        Ask::Is(field, wanted) => scalars(event, field).iter().any(|value| {
            let number = decimal(wanted).is_some_and(|number| value.as_f64() == Some(number));
            let text = show(value)
                .is_some_and(|text| !value.is_number() && text.to_lowercase() == wanted.to_lowercase());
            number || text
        }),
        Ask::Like(field, pattern) => {
            scalars(event, field).iter().any(|value| show(value).is_some_and(|text| glob(pattern, &text)))
        }
        Ask::Number(field, operator, bound) => scalars(event, field).iter().any(|value| {
            let text = value.as_str().and_then(decimal);
            let bound = *bound as f64;
            value.as_f64().or(text).is_some_and(|number| match *operator {
                ">=" => number >= bound,
                ">" => number > bound,
                "<=" => number <= bound,
                _ => number < bound,
            })
        }),
    }
}

/// Reads a number that begins with a digit, after its sign.
fn decimal(text: &str) -> Option<f64> {
    let begins = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    begins.then(|| text.parse().ok()).flatten()
}

/// Lists every node with the keys that lead to it; arrays are looked through.
fn nodes<'a>(node: &'a Value, keys: &[&'a str], into: &mut Vec<(Vec<&'a str>, &'a Value)>) {
    match node {
        Value::Object(entries) => {
            for (key, value) in entries {
                let path: Vec<_> = keys.iter().copied().chain([key.as_str()]).collect();
                into.push((path.clone(), value));
                nodes(value, &path, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| nodes(item, keys, into)),
        _ => {}
    }
}

fn at<'a>(event: &'a Value, field: &str) -> Vec<&'a Value> {
    let mut all = Vec::new();
    nodes(event, &[], &mut all);
    all.into_iter().filter(|(keys, _)| leads(keys, field)).map(|(_, node)| node).collect()
}

fn leads(keys: &[&str], field: &str) -> bool {
    let Some((before, after)) = field.split_once('*') else { return keys.join(".") == field };
    (0..keys.len()).any(|from| {
        (from + 1..=keys.len()).any(|to| {
            let join = |keys: &[&str]| keys.join(".");
            join(&keys[..from]) == before.trim_end_matches('.')
                && join(&keys[to..]) == after.trim_start_matches('.')
        })
    })
}

/// Lists the values at a field, those of arrays one by one.
fn scalars<'a>(event: &'a Value, field: &str) -> Vec<&'a Value> {
    fn flatten<'a>(node: &'a Value, into: &mut Vec<&'a Value>) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| flatten(item, into)),
            Value::Object(_) | Value::Null => {}
            value => into.push(value),
        }
    }
    let mut found = Vec::new();
    at(event, field).into_iter().for_each(|node| flatten(node, &mut found));
    found
}

/// Lists every value at or below a node, as text.
fn values(node: &Value) -> Vec<String> {
    match node {
        Value::Object(entries) => entries.values().flat_map(values).collect(),
        Value::Array(items) => items.iter().flat_map(values).collect(),
        value => show(value).into_iter().collect(),
    }
}

fn show(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Cuts text into folded parts, character by character.
fn cut(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_digit);
    let mut parts = vec![String::new()];
    for (at, c) in chars.iter().enumerate() {
        let inside = c.is_alphanumeric() || *c == '.' && digit(at.checked_sub(1)) && digit(Some(at + 1));
        match parts.last_mut() {
            Some(last) if inside => last.extend(c.to_lowercase()),
            _ => parts.push(String::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn has_phrase(parts: &[String], wanted: &[String]) -> bool {
    parts.windows(wanted.len()).any(|window| window == wanted)
}

fn glob(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| go(rest, &text[at..])),
            Some((first, rest)) => text.first() == Some(first) && go(rest, &text[1..]),
        }
    }
    let fold = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    go(&fold(pattern), &fold(text))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn matching_agrees_with_the_judge(event in event(), ask in ask()) {
        let filter = parse(&ask.to_string());
        let json = event.to_string();
        let view = RecordView::parse(json.as_bytes()).unwrap();
        prop_assert_eq!(filter.matches(&view), judge(&ask, &event), "{} on {}", ask, json);
    }
}

proptest! {
    #[test]
    fn phrases_that_repeat_themselves_are_found(text in "([ab] ){0,12}", phrase in "[ab]( [ab]){0,6}") {
        let parts = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let event = format!(r#"{{"raw":"{text}"}}"#);
        let view = RecordView::parse(event.as_bytes()).unwrap();
        let filter = parse(&format!("\"{phrase}\""));
        prop_assert_eq!(filter.matches(&view), has_phrase(&parts(&text), &parts(&phrase)));
    }
}
