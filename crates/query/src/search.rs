//! Answers questions by reading every entry of their range.

use std::ops::{ControlFlow, Range};

use event::RecordView;

use crate::scan::{self, Stop, Walked};
use crate::source::{Logged, Source};
use crate::{Answer, Count, Coverage, Cursor, Order, QueryError, Question, Row, bounds};

/// Bytes of events after which a page is full, whatever its limit.
pub const MAX_ANSWER_BYTES: usize = 32 << 20;

/// Says which of the entries that it is shown a question takes, and how many it could not read.
pub(crate) struct Sieve<'a> {
    question: &'a Question,
    unreadable: u64,
}

impl<'a> Sieve<'a> {
    pub(crate) fn new(question: &'a Question) -> Sieve<'a> {
        Sieve { question, unreadable: 0 }
    }

    /// Returns the event where the reader may see it, whether or not it was asked for.
    pub(crate) fn admit<'b>(&mut self, payload: &'b [u8]) -> Option<RecordView<'b>> {
        let Ok(view) = RecordView::parse(payload) else {
            self.unreadable += 1;
            return None;
        };
        self.question.scope.admits(&view).then_some(view)
    }

    /// Says whether the reader may see the event and asked for it.
    pub(crate) fn takes(&mut self, payload: &[u8]) -> bool {
        let question = self.question;
        self.admit(payload).is_some_and(|view| question.filter.matches(&view))
    }

    /// Says what was covered. What cannot be read lies outside every scope but the widest, so others are not told.
    pub(crate) fn coverage(&self, visited: &Range<u64>, size: u64, stopped: bool) -> Coverage {
        let unreadable = if self.question.scope.is_everything() { self.unreadable } else { 0 };
        Coverage { from: visited.start, to: visited.end, size, complete: !stopped, unreadable }
    }
}

pub(crate) fn search(source: &dyn Source, question: &Question, stop: &Stop) -> Result<Answer, QueryError> {
    let size = source.size();
    let asked = bounds::positions(source, size, question.since, question.until)?;
    let range = question.narrow(asked, question.order)?;
    let mut sieve = Sieve::new(question);
    let mut rows: Vec<Row> = Vec::new();
    let mut bytes = 0;
    let Walked { visited, left, stopped } =
        scan::walk(source, range, question.order, stop, |logged: Logged| {
            if sieve.takes(&logged.payload) {
                bytes += logged.payload.len();
                rows.extend(Row::of(logged));
            }
            let full = rows.len() >= question.rows() || bytes >= MAX_ANSWER_BYTES;
            if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    let coverage = sieve.coverage(&visited, size, stopped);
    Ok(Answer { rows, next: Cursor::to(&left, question.order), coverage })
}

pub(crate) fn count(source: &dyn Source, question: &Question, stop: &Stop) -> Result<Count, QueryError> {
    let size = source.size();
    let range = bounds::positions(source, size, question.since, question.until)?;
    let mut sieve = Sieve::new(question);
    let mut events = 0;
    let walked = scan::walk(source, range, Order::OldestFirst, stop, |logged| {
        events += u64::from(sieve.takes(&logged.payload));
        ControlFlow::Continue(())
    })?;
    Ok(Count { events, coverage: sieve.coverage(&walked.visited, size, walked.stopped) })
}

#[cfg(test)]
mod tests {
    use event::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::Scope;
    use crate::testing::{Entries, filter};

    fn positions(answer: &Answer) -> Vec<u64> {
        answer.rows.iter().map(|row| row.position).collect()
    }

    fn ask(entries: &Entries, question: &Question) -> Answer {
        search(entries, question, &Stop::default()).unwrap()
    }

    #[test]
    fn rows_carry_the_exact_bytes() {
        let json = r#"{"kind":"x",  "n": 1.50, "s":"\u0041"}"#;
        let entries = Entries::of(&[json]);
        let answer = ask(&entries, &Question::new(Scope::everything()));
        assert_eq!(answer.rows[0].event.get(), json);
        assert_eq!(answer.rows[0].view().unwrap().text("s"), Some("A"));
    }

    #[test]
    fn what_lies_outside_the_scope_leaves_no_trace() {
        let entries = Entries::of(&[r#"{"kind":"a"}"#, r#"{"kind":"b"}"#, "not an event", r#"{"kind":"b"}"#]);
        for scope in
            [Scope::only(filter("kind: a")), Scope::any_of(vec![filter("kind: c"), filter("kind: a")])]
        {
            let question = Question::new(scope);
            let answer = ask(&entries, &question);
            assert_eq!(positions(&answer), [0]);
            assert_eq!(answer.coverage.unreadable, 0);
            assert_eq!(count(&entries, &question, &Stop::default()).unwrap().events, 1);
            let beside = Question { filter: filter("kind: b"), ..question };
            assert!(ask(&entries, &beside).rows.is_empty());
        }
        assert!(ask(&entries, &Question::new(Scope::any_of(Vec::new()))).rows.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_counted_not_passed_over() {
        let entries = Entries::of(&["{", "[]", r#"{"kind":"a"}"#, "\u{0}"]);
        let answer = ask(&entries, &Question::new(Scope::everything()));
        assert_eq!((positions(&answer), answer.coverage.unreadable), (vec![2], 3));
    }

    #[test]
    fn a_search_that_ran_out_of_time_says_so_and_goes_on_from_there() {
        let entries = Entries::numbered(10);
        let stop = Stop::default();
        stop.now();
        let answer = search(&entries, &Question::new(Scope::everything()), &stop).unwrap();
        assert!(answer.rows.is_empty() && !answer.coverage.complete);
        assert_eq!(answer.next, Some(Cursor::Before(10)));
    }

    #[test]
    fn a_page_of_large_events_ends_early() {
        let large = format!(r#"{{"raw":"{}"}}"#, "x".repeat(12 << 20));
        let entries = Entries::of(&[&large, &large, &large, &large]);
        let answer = ask(&entries, &Question::new(Scope::everything()));
        assert_eq!((positions(&answer), answer.next), (vec![3, 2, 1], Some(Cursor::Before(1))));
    }

    proptest! {
        #[test]
        fn pages_in_either_order_give_what_a_walk_gives(
            picks in prop::collection::vec(any::<bool>(), 0..200), limit in 1_usize..60, newest in any::<bool>(),
            since in prop::option::of(0_i64..200), until in prop::option::of(0_i64..200),
        ) {
            let json: Vec<_> = picks.iter().map(|pick| format!(r#"{{"kind":"{}"}}"#, if *pick { "a" } else { "b" })).collect();
            let entries = Entries::of(&json);
            let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
            let mut question = Question {
                filter: filter("kind: a"), order, limit,
                since: since.map(Timestamp::from_micros), until: until.map(Timestamp::from_micros),
                ..Question::new(Scope::everything())
            };
            // The entries' times are their positions.
            let inside = |position: u64| {
                let at = i64::try_from(position).unwrap();
                since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
            };
            let mut wanted: Vec<u64> =
                (0..).zip(&picks).filter(|(position, pick)| **pick && inside(*position)).map(|(position, _)| position).collect();
            prop_assert_eq!(count(&entries, &question, &Stop::default()).unwrap().events, wanted.len() as u64);
            if newest { wanted.reverse(); }
            let mut found = Vec::new();
            loop {
                let answer = ask(&entries, &question);
                prop_assert!(answer.rows.len() <= limit && answer.coverage.complete);
                found.extend(positions(&answer));
                question.cursor = answer.next;
                if answer.next.is_none() { break; }
            }
            prop_assert_eq!(found, wanted);
        }
    }
}
