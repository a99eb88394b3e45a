//! Finds single events, by id or position, and those that happened around one.

use std::sync::Arc;
use std::time::Duration;

use archive::{Logged, Part};
use audit_log::ReadError;
use event::{EventId, RecordView};
use serde::Serialize;

use crate::ground::Survey;
use crate::question::exact;
use crate::search::{search, search_own};
use crate::source::time_of;
use crate::sweep::Watch;
use crate::{Coverage, Order, Page, QueryError, Question, Row, Scope, Which};

/// How long before its id's time an event is looked for first: clocks are set back a little now and then.
const BEFORE: Duration = Duration::from_secs(5);
/// How long after its id's time: an event gets its id when it is made.
const AFTER: Duration = Duration::from_secs(600);
/// Ingested events that say they have one id; the first that the log took is the one. What a node of Lodge wrote goes before.
const NAMESAKES: usize = 16;

/// What happened around an event, in the order of a search.
#[derive(Clone, Debug, Serialize)]
pub struct Around {
    /// The events just before it, the earliest first.
    pub before: Vec<Row>,
    /// The event.
    pub event: Row,
    /// The events just after it.
    pub after: Vec<Row>,
    /// What was searched.
    pub coverage: Coverage,
}

pub(crate) fn find(
    survey: &Survey,
    which: Which,
    scope: &Scope,
    watch: Watch<'_>,
) -> Result<Option<Row>, QueryError> {
    match which {
        Which::Id(id) => of_id(survey, id, scope, watch),
        Which::Position(position) => at(survey, position, scope),
    }
}

/// Reads the event at a position; `None` where there is none, where retention dropped it, and where it is hidden.
fn at(survey: &Survey, position: u64, scope: &Scope) -> Result<Option<Row>, QueryError> {
    let is_there = |part: &&Arc<dyn Part>| part.positions().contains(&position);
    let found = match survey.parts.iter().find(is_there) {
        Some(part) => {
            let row = u32::try_from(position - part.positions().start).unwrap_or(u32::MAX);
            part.entries(&[row])?.pop()
        }
        None if survey.behind.contains(&position) => match survey.log.read(position..position + 1) {
            Ok(entries) => entries.into_iter().next(),
            Err(ReadError::Pruned { .. }) => None,
            Err(source) => return Err(QueryError::Read { position, source }),
        },
        None => None,
    };
    let Some(logged) = found else { return Ok(None) };
    let Ok(view) = RecordView::parse(&logged.payload) else { return Ok(None) };
    if !scope.admits(&view) {
        return Ok(None);
    }
    let time = time_of(&view, logged.log_time);
    Ok(Row::of(Logged { time, ..logged }))
}

fn of_id(survey: &Survey, id: EventId, scope: &Scope, watch: Watch<'_>) -> Result<Option<Row>, QueryError> {
    let anywhere = Question {
        filter: exact(&format!("id: {id}")),
        limit: NAMESAKES,
        order: Order::OldestFirst,
        ..Question::new(scope.clone())
    };
    let near = id.time().map(|made| Question {
        since: Some(made.minus(BEFORE)),
        until: Some(made.plus(AFTER)),
        ..anywhere.clone()
    });
    let first = |rows: Vec<Row>| rows.into_iter().min_by_key(|row| row.position);
    let questions: Vec<Question> = near.into_iter().chain([anywhere]).collect();
    for look in [search_own, search] {
        for question in &questions {
            let answer = look(survey, question, watch)?;
            if let Some(row) = first(answer.rows) {
                return Ok(Some(row));
            }
            // What was not looked through may have it, and what a node wrote goes before what says it is the same.
            if !answer.coverage.complete {
                return Err(QueryError::OutOfTime);
            }
        }
    }
    Ok(None)
}

/// Finds an event and those around it that a filter takes.
pub(crate) fn around(
    survey: &Survey,
    which: Which,
    question: &Question,
    watch: Watch<'_>,
) -> Result<Option<Around>, QueryError> {
    let Some(event) = find(survey, which, &question.scope, watch)? else { return Ok(None) };
    let side =
        |page: Page| search(survey, &Question { page, order: Order::OldestFirst, ..question.clone() }, watch);
    let before = side(Page::Before(event.cursor()))?;
    let after = side(Page::After(event.cursor()))?;
    let coverage = if before.coverage.complete { after.coverage } else { before.coverage };
    Ok(Some(Around { before: before.rows, event, after: after.rows, coverage }))
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;
    use crate::testing::{Entries, Honesty, filter, out_of_time, unwatched};

    const HOUR: i64 = 3_600_000_000;

    fn id(hour: i64) -> EventId {
        EventId::new(Timestamp::from_micros(hour * HOUR), [7; 10])
    }

    /// A log in which event N, made at hour N, says so, save for one that says another time; the last is a forgery of
    /// event 3.
    fn survey() -> Survey {
        let times = [(0, 0), (1, 1), (90, 2), (3, 3), (4, 4), (2, 5), (6, 6), (3, 2)];
        let events: Vec<_> = times
            .iter()
            .map(|(made, said)| {
                let time = Timestamp::from_micros(said * HOUR);
                format!(r#"{{"kind":"k{made}","id":"{}","time":"{time}"}}"#, id(*made))
            })
            .collect();
        Entries::of(&events).survey(&[3, 6], Honesty::BEST)
    }

    fn found(id: EventId, scope: &Scope) -> Option<u64> {
        unwatched(|watch| find(&survey(), id.into(), scope, watch)).unwrap().map(|row| row.position)
    }

    #[test]
    fn an_event_is_found_wherever_it_was_logged() {
        let all = Scope::everything();
        assert_eq!(found(id(4), &all), Some(4));
        assert_eq!(found(id(2), &all), Some(5), "long after its id was made");
        assert_eq!(found(id(90), &all), Some(2), "before its id was made");
        assert_eq!(found(id(3), &all), Some(3), "the first of two that say they are it");
        assert_eq!(found(id(5), &all), None);
        assert_eq!(found(id(4), &Scope::only(filter("kind: k1"))), None, "outside the scope");
    }

    #[test]
    fn an_event_is_found_by_its_position() {
        let at = |position, scope: &Scope| {
            unwatched(|watch| find(&survey(), Which::Position(position), scope, watch)).unwrap()
        };
        let all = Scope::everything();
        for position in 0..8 {
            let row = at(position, &all).unwrap();
            let by_time = Question { limit: 8, ..Question::new(all.clone()) };
            let rows = unwatched(|watch| search(&survey(), &by_time, watch)).unwrap().rows;
            let same = rows.iter().find(|row| row.position == position).unwrap();
            assert_eq!((row.position, row.time, row.event.get()), (position, same.time, same.event.get()));
        }
        assert!(at(8, &all).is_none() && at(u64::MAX, &all).is_none());
        let some = Scope::only(filter("kind: k1"));
        assert_eq!((at(1, &some).is_some(), at(2, &some).is_some()), (true, false), "outside the scope");
        let question = Question { limit: 1, ..Question::new(all) };
        let around =
            unwatched(|watch| around(&survey(), Which::Position(4), &question, watch)).unwrap().unwrap();
        assert_eq!((around.before[0].position, around.event.position), (3, 4));
    }

    #[test]
    fn what_a_node_wrote_goes_before_what_was_ingested() {
        let event =
            format!(r#"{{"kind":"k","id":"{}","time":"{}"}}"#, id(3), Timestamp::from_micros(3 * HOUR));
        for cuts in [&[][..], &[1], &[3]] {
            let survey = Entries::of(&[&event, &event, &event]).ingested([0, 2]).survey(cuts, Honesty::BEST);
            let found = unwatched(|watch| find(&survey, id(3).into(), &Scope::everything(), watch)).unwrap();
            assert_eq!(found.map(|row| row.position), Some(1), "parts end at {cuts:?}");
        }
    }

    #[test]
    fn an_event_is_not_called_absent_unsearched() {
        let result = out_of_time(|watch| find(&survey(), id(4).into(), &Scope::everything(), watch));
        assert!(matches!(result, Err(QueryError::OutOfTime)));
    }

    #[test]
    fn what_happened_around_an_event_is_told_in_order() {
        let question = Question { limit: 2, ..Question::new(Scope::everything()) };
        let told = |question: &Question| {
            let around =
                unwatched(|watch| around(&survey(), id(4).into(), question, watch)).unwrap().unwrap();
            let positions = |rows: &[Row]| rows.iter().map(|row| row.position).collect::<Vec<_>>();
            (positions(&around.before), around.event.position, positions(&around.after))
        };
        assert_eq!(told(&question), (vec![7, 3], 4, vec![5, 6]));
        let narrow = Question { filter: filter("kind: (k0 or k1 or k6)"), ..question };
        assert_eq!(told(&narrow), (vec![0, 1], 4, vec![6]));
        let hidden = Question::new(Scope::only(filter("kind: k1")));
        assert!(unwatched(|watch| around(&survey(), id(4).into(), &hidden, watch)).unwrap().is_none());
    }
}
