//! Every answer, judged by reading everything: random events, random questions, random parts.

#[path = "../../event/src/filter/tests/generate.rs"]
mod generate;

use std::collections::BTreeMap;

use event::filter::FieldPath;
use event::interval::{TimeZone, parse_zone};
use event::{Filter, Interval, RecordView, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

use crate::archived;
use crate::counts::{self, Bar};
use crate::ground::Survey;
use crate::search::search;
use crate::testing::{Entries, Honesty, filter, out_of_time, unwatched};
use crate::{Cursor, Cut, Histogramming, Order, Page, Question, Ranking, Row, Scope};

const MINUTE: i64 = 60_000_000;
/// 2026-03-14T00:00:00Z
const BEGIN: i64 = 1_773_446_400_000_000;

pub(crate) fn minute(minute: i64) -> Timestamp {
    Timestamp::from_micros(BEGIN + minute * MINUTE)
}

/// What is wrong with an event, or only unusual.
#[derive(Clone, Copy, Debug)]
enum Twist {
    Plain,
    Outcome,
    Address,
    UserNumber,
    UserList,
    UserNull,
    UserTwice,
    DottedUser,
    LongUser,
    KindList,
    NoTime,
    TwoTimes,
    NoInstant,
    NotJson,
}

fn twist() -> impl Strategy<Value = Twist> {
    use Twist::*;
    let odd = vec![
        UserNumber, UserList, UserNull, UserTwice, DottedUser, LongUser, KindList, NoTime, TwoTimes,
        NoInstant, NotJson,
    ];
    prop_oneof![
        6 => Just(Plain),
        3 => Just(Outcome),
        3 => Just(Address),
        1 => prop::sample::select(odd),
    ]
}

/// Writes an event that happened at a minute.
fn written(event: &Value, twist: Twist, at: i64) -> String {
    let mut event = event.clone();
    let time = minute(at).to_string();
    let mut begin = format!(r#"{{"time":"{time}","#);
    match twist {
        Twist::Plain => {}
        Twist::Outcome => event["outcome"] = "failure".into(),
        Twist::Address => event["origin"]["ip"] = "10.1.2.3".into(),
        Twist::UserNumber => event["actor"]["user"] = 7.into(),
        Twist::UserList => event["actor"]["user"] = serde_json::json!(["alice", "bob"]),
        Twist::UserNull => event["actor"]["user"] = Value::Null,
        Twist::UserTwice => begin.push_str(r#""actor":{"user":"bob"},"#),
        Twist::DottedUser => begin.push_str(r#""actor.user":"alice","#),
        Twist::LongUser => event["actor"]["user"] = "long".repeat(300).into(),
        Twist::KindList => event["kind"] = serde_json::json!(["session.start", 7]),
        Twist::NoTime => begin = "{".to_owned(),
        Twist::TwoTimes => begin = format!(r#"{{"time":["{time}","{}"],"#, minute(at + 90)),
        Twist::NoInstant => begin = r#"{"time":"at noon","#.to_owned(),
        Twist::NotJson => return "no event".to_owned(),
    }
    begin + event.to_string().trim_start_matches('{')
}

/// A log: a few events, again and again, roughly in the order of their times.
pub(crate) fn entries() -> impl Strategy<Value = Entries> {
    let pool = prop::collection::vec((generate::event(), twist()), 1..9);
    let rows = prop::collection::vec((any::<prop::sample::Index>(), -40_i64..40), 0..900);
    (pool, rows).prop_map(|(pool, rows)| {
        let written = |(row, (which, jitter)): (i64, &(prop::sample::Index, i64))| {
            let (event, twist) = which.get(&pool);
            written(event, *twist, row / 3 + if jitter % 7 == 0 { 5 * jitter } else { jitter % 3 })
        };
        Entries::of(&(0..).zip(&rows).map(written).collect::<Vec<_>>())
    })
}

fn condition() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "*",
        "time >= 2026-03-14T02:00Z",
        "time < 2026-03-14T01",
        "time: 2026-03-14T01",
        "time: *",
        "outcome: failure",
        "outcome: *",
        "origin.ip: 10.0.0.0/8",
        "origin.ip >= 10.1.2.3",
        "kind: session.start",
        "kind: (a* or session.*)",
        "actor.user: *",
        "actor.user: alice",
        "actor.user: long*",
        "alice",
        "bob",
        "detail.a: 7",
        "detail.a: 2.5",
    ]);
    let leaf = prop_oneof![
        3 => plain.prop_map(str::to_owned),
        2 => generate::ask().prop_map(|ask| ask.to_string()),
    ];
    leaf.prop_recursive(2, 5, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) and ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) or ({right})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

pub(crate) fn question() -> impl Strategy<Value = Question> {
    let bound = || prop::option::weighted(0.3, -30_i64..330);
    let scopes = prop::option::of(prop::collection::vec(condition(), 0..3));
    (condition(), scopes, bound(), bound(), any::<bool>(), 40_usize..400).prop_map(
        |(text, scopes, since, until, newest, limit)| Question {
            filter: filter(&text),
            since: since.map(minute),
            until: until.map(minute),
            order: if newest { Order::NewestFirst } else { Order::OldestFirst },
            limit,
            ..Question::new(scopes.map_or_else(Scope::everything, |scopes| {
                Scope::any_of(scopes.iter().map(|scope| filter(scope)).collect())
            }))
        },
    )
}

pub(crate) fn honesty() -> impl Strategy<Value = Honesty> {
    (2_usize..5, any::<bool>(), any::<bool>()).prop_map(|(false_positives, rollups, knows_odd_times)| {
        Honesty { false_positives, rollups, knows_odd_times }
    })
}

/// Parts of these tests' own making, which show what the contract allows; or the archive's, with their indexes or without.
pub(crate) fn survey(entries: &Entries, cuts: &[usize], honesty: Honesty, made: Made) -> Survey {
    match made {
        Made::Here => entries.survey(cuts, honesty),
        Made::ByTheArchive { indexed } => entries.over(archived::parts(entries, cuts, indexed)),
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Made {
    Here,
    ByTheArchive { indexed: bool },
}

pub(crate) fn made() -> impl Strategy<Value = Made> {
    prop_oneof![
        2 => Just(Made::Here),
        2 => Just(Made::ByTheArchive { indexed: true }),
        1 => Just(Made::ByTheArchive { indexed: false }),
    ]
}

pub(crate) fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..900, 0..4)
}

/// What the question takes, by reading everything, oldest first.
pub(crate) fn taken<'a>(entries: &'a Entries, question: &Question) -> Vec<(Cursor, RecordView<'a>)> {
    let mut taken: Vec<_> = entries
        .0
        .iter()
        .filter(|logged| question.since.is_none_or(|since| logged.time >= since))
        .filter(|logged| question.until.is_none_or(|until| logged.time < until))
        .filter_map(|logged| {
            let view = RecordView::parse(&logged.payload).ok()?;
            let cursor = Cursor { time: logged.time, position: logged.position };
            (question.scope.admits(&view) && question.filter.matches(&view)).then_some((cursor, view))
        })
        .collect();
    taken.sort_by_key(|(cursor, _)| *cursor);
    taken
}

/// Pages through an answer in one direction, at most so many pages.
fn walk(
    survey: &Survey,
    question: &Question,
    first: Page,
    onward: fn(&crate::Answer) -> Option<Page>,
) -> Vec<Vec<Cursor>> {
    let mut pages = Vec::new();
    let mut page = Some(first);
    while let Some(now) = page {
        let asked = Question { page: now, ..question.clone() };
        let answer = unwatched(|watch| search(survey, &asked, watch)).unwrap();
        assert!(answer.coverage.complete);
        pages.push(answer.rows.iter().map(Row::cursor).collect());
        assert!(pages.len() < 100, "pages without end");
        page = onward(&answer);
    }
    pages
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_in_both_directions_are_what_reading_everything_gives(
        entries in entries(), question in question(), cuts in cuts(), honesty in honesty(), made in made(),
    ) {
        let mut wanted: Vec<Cursor> = taken(&entries, &question).into_iter().map(|(cursor, _)| cursor).collect();
        if question.order == Order::NewestFirst {
            wanted.reverse();
        }
        let survey = survey(&entries, &cuts, honesty, made);
        let pages = walk(&survey, &question, Page::First, |answer| answer.next.map(Page::After));
        prop_assert!(pages.iter().all(|page| page.len() <= question.limit));
        prop_assert_eq!(pages.concat(), wanted.clone());
        if !question.scope.is_everything() {
            prop_assert!(pages.len() == 1 || pages.iter().all(|page| !page.is_empty()), "a page that tells of hidden events");
        }
        if let Some(last) = wanted.last() {
            let mut back = walk(&survey, &question, Page::Before(*last), |answer| answer.previous.map(Page::Before));
            back.reverse();
            prop_assert_eq!(back.concat(), wanted[..wanted.len() - 1].to_vec());
        }
    }

    #[test]
    fn counts_are_what_reading_everything_gives(
        entries in entries(), question in question(), cuts in cuts(), honesty in honesty(), made in made(),
        field in prop::option::of(prop::sample::select(
            vec!["kind", "outcome", "actor.user", "actor.roles", "origin.ip", "target.name", "detail.a", "detail.*"])),
        interval in prop::sample::select(vec!["5m", "hour", "3h", "day"]), zone in prop::sample::select(vec!["UTC", "+05:30"]),
        series in 1_usize..4, prefix in prop::sample::select(vec!["", "A"]),
    ) {
        let field = field.map(|field| FieldPath::parse(field).unwrap());
        let (interval, zone): (Interval, TimeZone) = (interval.parse().unwrap(), parse_zone(zone).unwrap());
        let survey = survey(&entries, &cuts, honesty, made);
        let taken = taken(&entries, &question);
        let events = taken.len() as u64;
        let count = unwatched(|watch| counts::count(&survey, &question, watch)).unwrap();
        prop_assert_eq!((count.events, count.coverage.complete), (events, true));

        let mut bars: BTreeMap<Timestamp, (u64, u64, BTreeMap<String, u64>)> = BTreeMap::new();
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        for (cursor, view) in &taken {
            let bar = bars.entry(interval.around(cursor.time, &zone).start).or_default();
            let mut values = Vec::new();
            if let Some(field) = &field {
                field.each_value(view, &mut |value| values.push(value.to_owned()));
            }
            values.sort();
            values.dedup();
            bar.0 += 1;
            bar.1 += u64::from(field.is_some() && values.is_empty());
            for value in values {
                *bar.2.entry(value.clone()).or_default() += 1;
                *all.entry(value).or_default() += 1;
            }
        }
        let mut ranked: Vec<(String, u64)> = all.into_iter().collect();
        ranked.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));

        let wanted = Histogramming { cut: Cut::Every(interval), zone: zone.clone(), split: field.clone(), series };
        let histogram = unwatched(|watch| counts::histogram(&survey, &question, &wanted, watch)).unwrap();
        let names: Vec<String> = ranked.iter().take(series).map(|(value, _)| value.clone()).collect();
        let expected: Vec<Bar> = bars.into_iter().map(|(start, (events, without, values))| {
            let split: Vec<u64> = names.iter().map(|name| values.get(name).copied().unwrap_or(0)).collect();
            let other = values.values().sum::<u64>() - split.iter().sum::<u64>();
            Bar { start, end: interval.around(start, &zone).end, events, split, other, without }
        }).collect();
        prop_assert_eq!((histogram.events, histogram.series, histogram.bars), (events, names, expected));

        if let Some(field) = field {
            ranked.retain(|(value, _)| value.to_lowercase().starts_with(&prefix.to_lowercase()));
            let ranking = Ranking { field, limit: series, prefix: prefix.to_owned() };
            let top = unwatched(|watch| counts::top(&survey, &question, &ranking, watch)).unwrap();
            let values: Vec<_> = top.values.into_iter().map(|one| (one.value, one.events)).collect();
            prop_assert_eq!((values, top.distinct, top.events), (ranked[..ranked.len().min(series)].to_vec(), ranked.len() as u64, events));
            prop_assert_eq!(top.other, ranked.iter().skip(series).map(|(_, events)| events).sum::<u64>());
        }
    }

    /// Two logs that differ only in what is hidden give the same answers, byte for byte.
    #[test]
    fn answers_tell_nothing_of_what_is_hidden(
        entries in entries(), hidden in entries(), question in question(), scope in condition(), cuts in cuts(), made in made(),
        field in prop::sample::select(vec!["kind", "actor.user", "actor.roles", "detail.*"]), limit in 1_usize..60,
    ) {
        let scope: Filter = filter(&scope);
        let seen = |payload: &[u8]| RecordView::parse(payload).is_ok_and(|view| scope.matches(&view));
        let others: Vec<_> = hidden.0.iter().filter(|logged| !seen(&logged.payload)).collect();
        prop_assume!(!others.is_empty());
        let mut changed = entries.clone();
        for (row, logged) in changed.0.iter_mut().enumerate() {
            if !seen(&logged.payload) {
                let other = others[row % others.len()];
                (logged.payload, logged.time) = (other.payload.clone(), other.time);
            }
        }
        let question = Question { scope: Scope::only(scope.clone()), limit, ..question };
        let field = FieldPath::parse(field).unwrap();
        let told = |entries: &Entries| {
            let survey = survey(entries, &cuts, Honesty::BEST, made);
            let json = |value: Result<Value, serde_json::Error>| value.unwrap().to_string();
            let wanted = Histogramming { cut: Cut::About(9), zone: TimeZone::UTC, split: Some(field.clone()), series: 2 };
            let ranking = Ranking { field: field.clone(), limit: 3, prefix: String::new() };
            vec![
                json(serde_json::to_value(unwatched(|watch| search(&survey, &question, watch)).unwrap())),
                json(serde_json::to_value(unwatched(|watch| counts::count(&survey, &question, watch)).unwrap())),
                json(serde_json::to_value(unwatched(|watch| counts::histogram(&survey, &question, &wanted, watch)).unwrap())),
                json(serde_json::to_value(unwatched(|watch| counts::top(&survey, &question, &ranking, watch)).unwrap())),
                json(serde_json::to_value(out_of_time(|watch| search(&survey, &question, watch)).unwrap())),
                json(serde_json::to_value(out_of_time(|watch| counts::count(&survey, &question, watch)).unwrap())),
            ]
        };
        prop_assert_eq!(told(&entries), told(&changed));
    }
}

#[test]
fn typed_questions_are_counted_without_reading_an_event() {
    let event = |number: i64| {
        let kind = number % 5;
        format!(
            r#"{{"time":"{}","kind":"k{kind}","outcome":"success","actor":{{"user":"u{}"}}}}"#,
            minute(number),
            number % 7
        )
    };
    let entries = Entries::of(&(0..2000).map(event).collect::<Vec<_>>());
    for rollups in [true, false] {
        let shelves = entries.shelves(&[700, 2000], Honesty { rollups, ..Honesty::BEST });
        let survey = entries.with(&shelves);
        let question = Question {
            filter: filter("kind: (k1 or k2) and not actor.user: u3 and time >= 2026-03-14T01:30Z"),
            until: Some(minute(1900)),
            ..Question::new(Scope::only(filter("outcome: success")))
        };
        let events = (90..1900).filter(|n| [1, 2].contains(&(n % 5)) && n % 7 != 3).count() as u64;
        assert_eq!(unwatched(|watch| counts::count(&survey, &question, watch)).unwrap().events, events);
        assert!(shelves.iter().all(|shelf| shelf.read() == 0));
    }
}
