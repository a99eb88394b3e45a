//! Scans, judged by reading everything: random events, random questions, random parts.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use archive::{Column, Logged, RollupKey};
use audit_log::{Entry, ReadError};
use event::view::Node;
use event::{RecordView, Timestamp};
use proptest::prelude::*;

use crate::ground::Survey;
use crate::judged::{Made, cuts, entries, honesty, made, minute, question, survey, taken};
use crate::scan::{MOST_EVENT_BYTES, MOST_EVENTS};
use crate::testing::{Cell, Entries, Honesty, cell, filter};
use crate::{Question, Scan, Scope, Shown, Skip, Snapshot, Stripe};

const HOUR: i64 = 3_600_000_000;

/// A row as a scan shows it.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    position: u64,
    time: Option<Timestamp>,
    texts: Vec<Option<String>>,
    event: Option<Logged>,
}

/// Begin of the hour where times are shown, and the texts.
type Group = (Option<i64>, Vec<Option<String>>);

fn read(entries: &Entries, range: Range<u64>) -> Result<Vec<Entry>, ReadError> {
    Ok(archive::Entries::read(entries, range).unwrap())
}

fn snapshot(entries: &Entries, survey: Survey) -> Snapshot {
    Snapshot::of(survey, Arc::new(entries.clone()), &|range| read(entries, range)).unwrap()
}

/// What two who work at a scan are given.
fn stripes(scan: &Scan, skip: &(dyn Fn(archive::Span) -> bool + Sync)) -> Vec<Stripe> {
    let work = || {
        let mut stripes = Vec::new();
        let skip: &Skip<'_> = &|span| skip(span);
        let take = &mut |stripe| {
            stripes.push(stripe);
            ControlFlow::Continue(())
        };
        scan.work(skip, take).unwrap();
        stripes
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut stripes = work();
        stripes.extend(other.join().unwrap());
        stripes
    })
}

fn texts(stripe: &Stripe, row: usize) -> Vec<Option<String>> {
    (0..stripe.columns.len()).map(|column| stripe.text(column, row).map(str::to_owned)).collect()
}

/// The rows of stripes by position. Each stripe is checked for its shape and size.
fn rows(stripes: &[Stripe], shown: &Shown) -> Vec<Row> {
    let mut rows = Vec::new();
    for stripe in stripes {
        let count = stripe.positions.len();
        assert!(
            count > 0 && stripe.positions.is_sorted_by(|one, next| one < next) && stripe.counts.is_empty()
        );
        assert_eq!(stripe.times.len(), if shown.times { count } else { 0 });
        assert_eq!(stripe.events.len(), if shown.events { count } else { 0 });
        assert_eq!(stripe.columns.len(), shown.columns.len());
        assert!(stripe.columns.iter().all(|(_, codes)| codes.len() == count));
        let bytes: usize = stripe.events.iter().map(|logged| logged.payload.len()).sum();
        assert!(!shown.events || count <= MOST_EVENTS && (count == 1 || bytes <= MOST_EVENT_BYTES));
        rows.extend((0..count).map(|row| Row {
            position: stripe.positions[row],
            time: stripe.times.get(row).copied(),
            texts: texts(stripe, row),
            event: stripe.events.get(row).cloned(),
        }));
    }
    rows.sort_by_key(|row| row.position);
    rows
}

fn groups(stripes: &[Stripe], shown: &Shown) -> BTreeMap<Group, u64> {
    let mut groups = BTreeMap::new();
    for stripe in stripes {
        assert!(stripe.positions.is_empty() && stripe.events.is_empty());
        assert_eq!(stripe.times.len(), if shown.times { stripe.rows() } else { 0 });
        for (row, count) in stripe.counts.iter().enumerate() {
            assert!(*count > 0);
            let hour = stripe.times.get(row).map(|time| time.as_micros());
            *groups.entry((hour, texts(stripe, row))).or_default() += count;
        }
    }
    groups
}

/// Says whether a key occurs twice: then a column may tell less than plain looking.
fn repeats(view: &RecordView<'_>) -> bool {
    let Node::Object(entries) = view.root() else { return false };
    entries.iter().enumerate().any(|(at, (key, _))| entries[..at].iter().any(|(other, _)| other == key))
}

/// The row that an event should be, as far as plain looking tells.
fn wanted(logged: &Logged, view: &RecordView<'_>, shown: &Shown, found: &Row) -> Row {
    let text = |(at, column): (usize, &Column)| match cell(Some(view), column.field()) {
        Cell::Text(text) => Some(text).filter(|_| found.texts[at].is_some() || !repeats(view)),
        Cell::Absent => None,
        Cell::Odd => view.cell(column.field()),
    };
    Row {
        position: logged.position,
        time: shown.times.then_some(logged.time),
        texts: shown.columns.iter().enumerate().map(text).collect(),
        event: shown.events.then(|| logged.clone()),
    }
}

fn shown() -> impl Strategy<Value = Shown> {
    use Column::{Address, Kind, Outcome, Target, User, Verb};
    let columns = prop::sample::subsequence(vec![Kind, Outcome, User, Address, Target, Verb], 0..5);
    (columns.prop_shuffle(), any::<bool>(), any::<bool>()).prop_map(|(columns, times, events)| Shown {
        columns,
        times,
        events,
    })
}

/// Questions as they come, such as ask for everything, such as may see everything, and such as are limited by time alone.
fn asked() -> impl Strategy<Value = Question> {
    (question(), any::<bool>(), any::<bool>()).prop_map(|(question, all, everything)| Question {
        filter: if all { filter("*") } else { question.filter },
        scope: if everything { Scope::everything() } else { question.scope },
        ..question
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn scans_show_what_reading_everything_gives(
        entries in entries(), question in question(), cuts in cuts(), honesty in honesty(), made in made(),
        shown in shown(), passed_over in prop::option::weighted(0.3, -30_i64..330),
    ) {
        let snapshot = snapshot(&entries, survey(&entries, &cuts, honesty, made));
        let mut taken = taken(&entries, &question);
        taken.sort_by_key(|(cursor, _)| cursor.position);
        let bound = passed_over.map(minute);
        let skip = |span: archive::Span| bound.is_some_and(|bound| span.last < bound);
        let found = rows(&stripes(&snapshot.scan(question, shown.clone()), &skip), &shown);
        // Whole blocks are passed over, so some rows before the bound may be shown; but none behind it is missed.
        let is_found = |position| found.binary_search_by_key(&position, |row| row.position).is_ok();
        taken.retain(|(cursor, _)| bound.is_none_or(|bound| cursor.time >= bound) || is_found(cursor.position));
        let positions: Vec<u64> = taken.iter().map(|(cursor, _)| cursor.position).collect();
        prop_assert_eq!(found.iter().map(|row| row.position).collect::<Vec<_>>(), positions);
        for (row, (cursor, view)) in found.iter().zip(&taken) {
            let logged = &entries.0[usize::try_from(cursor.position).unwrap()];
            prop_assert_eq!(row, &wanted(logged, view, &shown, row));
        }
    }

    #[test]
    fn counts_are_those_of_the_rows_that_are_shown(
        entries in entries(), question in asked(), cuts in cuts(), honesty in honesty(), made in made(), shown in shown(),
    ) {
        let shown = Shown { events: false, ..shown };
        let snapshot = snapshot(&entries, survey(&entries, &cuts, honesty, made));
        let events = taken(&entries, &question).len() as u64;
        let mut wanted: BTreeMap<Group, u64> = BTreeMap::new();
        for row in rows(&stripes(&snapshot.scan(question.clone(), shown.clone()), &|_| false), &shown) {
            let hour = row.time.map(|time| time.as_micros().div_euclid(HOUR) * HOUR);
            *wanted.entry((hour, row.texts)).or_default() += 1;
        }
        let found = groups(&stripes(&snapshot.counts(question, shown.clone()), &|_| false), &shown);
        prop_assert_eq!(found.values().sum::<u64>(), events);
        prop_assert_eq!(found, wanted);
    }
}

/// Events of one kind in four, one a minute, with some text in them.
fn numbered(size: i64, text: impl Fn(i64) -> usize) -> Entries {
    let event = |number: i64| {
        let text = "x".repeat(text(number));
        format!(r#"{{"time":"{}","kind":"k{}","text":"{text}"}}"#, minute(number), number % 4)
    };
    Entries::of(&(0..size).map(event).collect::<Vec<_>>())
}

fn with_events() -> Shown {
    Shown { events: true, ..Shown::default() }
}

#[test]
fn a_stripe_with_events_holds_few_bytes_and_at_least_one_row() {
    let large = MOST_EVENT_BYTES / 2 - 200;
    let entries = numbered(7, |number| if number == 4 { 3 * MOST_EVENT_BYTES } else { large });
    for made in [Made::Here, Made::ByTheArchive { indexed: true }] {
        let snapshot = snapshot(&entries, survey(&entries, &[7], Honesty::BEST, made));
        let stripes = stripes(&snapshot.scan(Question::new(Scope::everything()), with_events()), &|_| false);
        let positions: Vec<&[u64]> = stripes.iter().map(|stripe| &stripe.positions[..]).collect();
        assert_eq!(positions, [&[0, 1][..], &[2, 3], &[4], &[5, 6]]);
    }
}

#[test]
fn whoever_has_enough_is_given_nothing_more() {
    let entries = numbered(900, |_| 10);
    let shelves = entries.shelves(&[300, 900], Honesty::BEST);
    let scan =
        snapshot(&entries, entries.with(&shelves)).scan(Question::new(Scope::everything()), with_events());
    let mut given = Vec::new();
    let mut take = |stripe: Stripe| {
        given.push(stripe.rows());
        ControlFlow::Break(())
    };
    scan.work(&|_| false, &mut take).unwrap();
    scan.work(&|_| false, &mut take).unwrap();
    assert_eq!(given, [MOST_EVENTS]);
    assert_eq!(shelves[0].read(), 0);
}

#[test]
fn what_roll_ups_count_is_counted_without_an_event() {
    let entries = numbered(900, |_| 10);
    let shelves = entries.shelves(&[300, 900], Honesty::BEST);
    let snapshot = snapshot(&entries, entries.with(&shelves));
    let shown = Shown { columns: vec![Column::Kind], times: true, events: false };
    let counts = snapshot.counts(Question::new(Scope::everything()), shown.clone());
    let stripes = stripes(&counts, &|_| false);
    let cells = |shelf: &Arc<crate::testing::Shelf>| {
        let rollups = archive::Part::rollup(&**shelf, RollupKey::Hour).unwrap();
        rollups.map_or(0, |rollups| rollups.len())
    };
    let cells: usize = shelves.iter().map(cells).sum();
    assert_eq!((stripes.len(), stripes.iter().map(Stripe::rows).sum::<usize>()), (2, cells));
    assert!(shelves.iter().all(|shelf| shelf.read() == 0));
}

#[test]
fn a_snapshot_passes_over_what_retention_dropped() {
    let entries = numbered(700, |_| 10);
    let pruned = |range: Range<u64>| match range.start {
        from @ 0..300 => Err(ReadError::Pruned { from, to: 300 }),
        300..400 => read(&entries, range.start..400),
        from @ 400..500 => Err(ReadError::Pruned { from, to: 500 }),
        _ => read(&entries, range),
    };
    let snapshot = Snapshot::of(entries.over(Vec::new()), Arc::new(entries.clone()), &pruned).unwrap();
    let shown = with_events();
    let found =
        rows(&stripes(&snapshot.scan(Question::new(Scope::everything()), shown.clone()), &|_| false), &shown);
    let positions: Vec<u64> = found.iter().map(|row| row.position).collect();
    assert_eq!(positions, (300..400).chain(500..700).collect::<Vec<u64>>());
}

#[test]
fn rows_that_had_to_be_read_stand_among_the_others() {
    let entries = numbered(300, |_| 10);
    let shelves = entries.shelves(&[300], Honesty::BEST);
    let question = Question { filter: filter("kind: k1 or not other"), ..Question::new(Scope::everything()) };
    let shown = Shown { columns: vec![Column::Kind], times: true, events: false };
    let snapshot = snapshot(&entries, entries.with(&shelves));
    let found = rows(&stripes(&snapshot.scan(question, shown.clone()), &|_| false), &shown);
    let wanted = (0..300_i64).map(|number| Row {
        position: number.cast_unsigned(),
        time: Some(minute(number)),
        texts: vec![Some(format!("k{}", number % 4))],
        event: None,
    });
    assert_eq!(found, wanted.collect::<Vec<_>>());
    assert_eq!(shelves[0].read(), 225);
}
