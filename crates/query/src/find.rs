//! Finds an event by its id, near the time that the id tells before anywhere else.

use std::ops::{ControlFlow, Range};
use std::time::Duration;

use event::{EventId, RecordView};
use serde::Deserialize;

use crate::scan::{self, Stop};
use crate::source::{Logged, Source};
use crate::{Order, QueryError, Row, Scope, bounds};

/// How long before its id's time an event is looked for first: clocks are set back a little now and then.
const BEFORE: Duration = Duration::from_secs(5);
/// How long after its id's time: an event is logged soon after it is made.
const AFTER: Duration = Duration::from_secs(600);

/// The id alone; the rest of the event is skipped unread.
#[derive(Deserialize)]
struct Id {
    id: EventId,
}

pub(crate) fn find(
    source: &dyn Source,
    id: EventId,
    scope: &Scope,
    stop: &Stop,
) -> Result<Option<Row>, QueryError> {
    let size = source.size();
    let near = near(source, size, id)?;
    // What comes late is likelier than what comes before its time.
    let places = [
        (near.clone(), Order::OldestFirst),
        (near.end..size, Order::OldestFirst),
        (0..near.start, Order::NewestFirst),
    ];
    for (range, order) in places {
        let mut found = None;
        let walked = scan::walk(source, range, order, stop, |logged| {
            if !is(&logged, id, scope) {
                return ControlFlow::Continue(());
            }
            found = Row::of(logged);
            ControlFlow::Break(())
        })?;
        if found.is_some() {
            return Ok(found);
        }
        if walked.stopped {
            return Err(QueryError::OutOfTime);
        }
    }
    Ok(None)
}

fn near(source: &dyn Source, size: u64, id: EventId) -> Result<Range<u64>, QueryError> {
    match id.time() {
        Some(made) => bounds::positions(source, size, Some(made.minus(BEFORE)), Some(made.plus(AFTER))),
        None => Ok(0..size),
    }
}

fn is(logged: &Logged, id: EventId, scope: &Scope) -> bool {
    serde_json::from_slice::<Id>(&logged.payload).is_ok_and(|read| read.id == id)
        && RecordView::parse(&logged.payload).is_ok_and(|view| scope.admits(&view))
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;
    use crate::testing::{Entries, filter};

    const HOUR: i64 = 3_600_000_000;

    fn id(hour: i64) -> EventId {
        EventId::new(Timestamp::from_micros(hour * HOUR), [7; 10])
    }

    /// A log in which event N, made at hour N, was logged at hour N, save one that came late and one before its time.
    fn entries() -> Entries {
        let events: Vec<_> = [0, 1, 90, 3, 4, 2, 6]
            .iter()
            .map(|hour| format!(r#"{{"kind":"k{hour}","id":"{}"}}"#, id(*hour)))
            .collect();
        let mut entries = Entries::of(&events);
        for (hour, logged) in (0..).zip(&mut entries.0) {
            logged.time = Timestamp::from_micros(hour * HOUR);
        }
        entries
    }

    fn found(id: EventId, scope: &Scope) -> Option<u64> {
        find(&entries(), id, scope, &Stop::default()).unwrap().map(|row| row.position)
    }

    #[test]
    fn an_event_is_found_wherever_it_was_logged() {
        let all = Scope::everything();
        assert_eq!(found(id(4), &all), Some(4));
        assert_eq!(found(id(2), &all), Some(5), "logged late");
        assert_eq!(found(id(90), &all), Some(2), "logged before its time");
        assert_eq!(found(id(5), &all), None);
    }

    #[test]
    fn an_event_outside_the_scope_is_not_found() {
        assert_eq!(found(id(4), &Scope::only(filter("kind: k3"))), None);
        assert_eq!(found(id(4), &Scope::only(filter("kind: k4"))), Some(4));
    }

    #[test]
    fn absence_is_never_claimed_unsearched() {
        let stop = Stop::default();
        stop.now();
        assert!(matches!(find(&entries(), id(5), &Scope::everything(), &stop), Err(QueryError::OutOfTime)));
    }

    #[test]
    fn a_fresh_event_is_found_without_reading_the_whole_log() {
        let events: Vec<_> = (0..10_000).map(|hour| format!(r#"{{"id":"{}"}}"#, id(hour))).collect();
        let mut entries = Entries::of(&events);
        for (hour, logged) in (0..).zip(&mut entries.0) {
            logged.time = Timestamp::from_micros(hour * HOUR);
        }
        let row = find(&entries, id(9_876), &Scope::everything(), &Stop::default()).unwrap();
        assert_eq!(row.map(|row| row.position), Some(9_876));
        assert!(entries.reads() < 40, "{} reads", entries.reads());
    }
}
