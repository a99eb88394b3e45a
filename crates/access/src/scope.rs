//! Scopes: filters that narrow which events a role's holders may read.
//!
//! Invariant: a scope that passed [`check`] is a whole filter by itself, so that joined with others it cannot reach out of
//! its brackets.

use event::Timestamp;
use event::filter::{Filter, FilterContext};

/// What of the log someone may read, and with it which sessions and recordings they may know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogScope {
    /// No event.
    Nothing,
    /// The events that pass a filter.
    Matching(String),
    /// Every event.
    Everything,
}

/// The longest scope, in bytes.
const MAX_SCOPE: usize = 4096;

/// Checks that a scope is a filter, alone and between brackets.
pub(crate) fn check(scope: &str) -> Result<(), String> {
    if scope.trim().is_empty() {
        return Err("it is empty; leave `where` out to let everything be read".to_owned());
    }
    if scope.len() > MAX_SCOPE {
        return Err(format!("it has more than {MAX_SCOPE} bytes"));
    }
    // Which instant `now` means does not matter for whether it can be read.
    let context = FilterContext::utc(Timestamp::EPOCH);
    let read = |text: &str| Filter::parse(text, &context).map(drop).map_err(|error| error.to_string());
    read(scope)?;
    read(&any_of(&[scope, scope]))
}

/// Joins scopes so that what any of them lets through is let through.
pub(crate) fn any_of(scopes: &[&str]) -> String {
    let bracketed: Vec<String> = scopes.iter().map(|scope| format!("({scope})")).collect();
    bracketed.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scopes_that_reach_out_of_their_brackets_are_refused() {
        for bad in ["a: b) or (c: *", ")", "(", "a: \"b", "a: b or", "", " ", &"x".repeat(MAX_SCOPE + 1)] {
            assert!(check(bad).is_err(), "{bad}");
        }
        for good in
            ["actor.user: alice", "kind: session.* and not outcome: success", "\"a ) b\"", "time >= now-7d"]
        {
            check(good).unwrap_or_else(|why| panic!("{good}: {why}"));
        }
    }

    proptest! {
        #[test]
        fn joined_scopes_let_through_what_any_of_them_does(one in "[a-z():\" *]{1,20}", two in "[a-z():\" *]{1,20}") {
            if check(&one).is_ok() && check(&two).is_ok() {
                let context = FilterContext::utc(Timestamp::EPOCH);
                let json = br#"{"id":"0190a000-0000-7000-8000-000000000000","time":"2026-01-01T00:00:00Z","kind":"a","outcome":"success","actor":{"user":"b","type":"human"}}"#;
                let view = event::RecordView::parse(json).unwrap();
                let matches = |text: &str| Filter::parse(text, &context).unwrap().matches(&view);
                prop_assert_eq!(matches(&any_of(&[&one, &two])), matches(&one) || matches(&two));
            }
        }
    }
}
