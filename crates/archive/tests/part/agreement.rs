//! Whatever the events look like, a part never contradicts them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use archive::{BLOCK_ROWS, Blocks, COLUMNS, Column, Keys, LoggedRef, Part, RollupKey, Rollups};
use audit_log::Entry;
use event::ingested::FILE_SOURCE_PREFIX;
use proptest::prelude::*;

use crate::fixture::{FIRST, Seen, entries, grow, open, parts_of, seal, seal_grown, seen, time_of};

fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "alice",
        "Alice@Example.com",
        "bob",
        "session.start",
        "db-1",
        "rm -rf /var/lib",
        "10.1.2.3",
        "a.b",
        "",
        "ÉTÉ à Köln",
        "İstanbul",
        "1.25.x",
        "\u{1F600}\"\\\n",
        "success",
        "denied",
    ]);
    prop_oneof![
        6 => known.prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => Just("x".repeat(1500)),
    ]
}

/// A JSON value, as text: keys may occur twice, which no tree of ours could hold.
fn value() -> impl Strategy<Value = String> {
    let quoted = text().prop_map(|text| serde_json::to_string(&text).unwrap());
    let leaf = prop_oneof![
        6 => quoted,
        1 => prop::sample::select(vec!["null", "true", "false", "12", "-7", "2.5", "-0", "1e300", "[]", "{}",
            "18446744073709551615", "\"\\u00e9\\ud83d\\ude00\""]).prop_map(str::to_owned),
        1 => any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(|float| format!("{float:?}")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let key = prop::sample::select(vec!["user", "name", "type", "ip", "verb", "a.b", "", "user.name"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key, inner), 0..3).prop_map(object),
        ]
    })
}

fn object(entries: Vec<(&'static str, String)>) -> String {
    let entry = |(key, value): &(&str, String)| format!("\"{key}\": {value}");
    format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
}

/// An event as it should be.
fn plain() -> impl Strategy<Value = Vec<u8>> {
    let names = || prop::sample::select(vec!["alice", "bob", "ÉTÉ", ""]);
    (names(), names(), 0_u32..3, prop::option::of(text()), 0..60_i64 * 24).prop_map(|(user, target, kind, reason, hours)| {
        let time = event::Timestamp::from_micros(crate::fixture::START + hours * 3_600_000_000);
        let mut event = serde_json::json!({
            "id": "0197c5b2-0000-7000-8000-000000000001", "time": time.to_string(), "kind": format!("kind.{kind}"),
            "outcome": "success", "actor": {"user": user, "type": "human"}, "origin": {"ip": "10.0.0.1", "port": 22},
            "target": {"name": target, "labels": {"env": "prod"}}, "detail": {"verb": "get", "n": [1, 2.5, true, null]},
        });
        if let Some(reason) = reason {
            event["reason"] = reason.into();
        }
        event.to_string().into_bytes()
    })
}

/// An event of any shape, and what is none.
fn strange() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec![
        "kind",
        "outcome",
        "time",
        "id",
        "actor",
        "actor.user",
        "origin",
        "target",
        "target.name",
        "source",
        "detail",
        "raw",
        "session",
        "actor.",
        "",
    ]);
    let whole = prop::collection::vec((key, value()), 0..8).prop_map(|entries| object(entries).into_bytes());
    prop_oneof![
        8 => whole,
        1 => prop::collection::vec(any::<u8>(), 0..30),
        1 => prop::sample::select(vec!["", "[]", "1", "{", "{}{}", " {} ", "{\"kind\":\"a\"} x", "{\"kind\":\"\\ud800\"}"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

pub fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let mixed = prop_oneof![3 => plain(), 1 => strange()];
    prop_oneof![
        prop::collection::vec(mixed, 0..40),
        prop::collection::vec(strange(), 1..8),
        // Blocks of which only some have strange events.
        (prop::collection::vec(plain(), 1..6), prop::collection::vec(strange(), 0..3), 250_usize..800)
            .prop_map(|(plain, strange, count)| plain
                .into_iter()
                .cycle()
                .take(count)
                .chain(strange)
                .collect()),
    ]
}

fn check_columns(part: &dyn Part, entries: &[Entry]) {
    let all = Blocks::all(part.block_count());
    for (column, field, _) in COLUMNS {
        let keys = part.keys(*column, &all).unwrap();
        assert_eq!(keys.blocks.len(), all.count());
        for (block, codes) in &keys.blocks {
            let rows = &entries[block * BLOCK_ROWS..entries.len().min((block + 1) * BLOCK_ROWS)];
            let wanted: Vec<Seen> = rows.iter().map(|entry| seen(&entry.payload, field)).collect();
            assert_eq!(codes.len(), rows.len());
            if keys.odd.contains(*block) {
                continue;
            }
            for (code, wanted) in codes.iter().zip(wanted) {
                let found = match *code {
                    Keys::ABSENT => Seen::Nothing,
                    code => Seen::Text(keys.values[code as usize].clone()),
                };
                assert_eq!(found, wanted, "{field}");
            }
        }
    }
}

fn check_tokens(part: &dyn Part, entries: &[Entry]) {
    for (row, entry) in entries.iter().enumerate() {
        for parts in parts_of(&entry.payload) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let end = parts.len().min(row % 4 + 1);
            for parts in [&parts[..], &parts[..end], &parts[parts.len() - end..]] {
                assert!(part.holding(parts).unwrap().contains(row / BLOCK_ROWS), "{parts:?}");
            }
        }
    }
}

fn check_rows(part: &dyn Part, entries: &[Entry]) {
    assert_eq!(part.positions(), FIRST..FIRST + entries.len() as u64);
    let times: Vec<_> = entries.iter().map(time_of).collect();
    let found = part.times(&Blocks::all(part.block_count())).unwrap();
    assert_eq!(found.into_iter().flat_map(|(_, times)| times).collect::<Vec<_>>(), times);
    for (block, times) in times.chunks(BLOCK_ROWS).enumerate() {
        let span = part.block_span(block).unwrap();
        assert_eq!((Some(&span.first), Some(&span.last)), (times.iter().min(), times.iter().max()));
    }
    let span = part.span();
    assert_eq!(span.map(|span| span.first), times.iter().min().copied());
    assert_eq!(span.map(|span| span.last), times.iter().max().copied());
    let rows: Vec<u32> = (0..entries.len() as u32).filter(|row| row % 3 != 1).collect();
    let read = part.entries(&rows).unwrap();
    assert_eq!(read.len(), rows.len());
    for (row, read) in rows.iter().zip(read) {
        let entry = &entries[*row as usize];
        assert_eq!(
            (read.position, read.log_time, read.time),
            (entry.position, entry.leaf.time, times[*row as usize])
        );
        assert_eq!(read.payload, entry.payload);
    }
    let is_file = |row: &u32| entries[*row as usize].leaf.source.starts_with(FILE_SOURCE_PREFIX);
    assert_eq!(part.ingested(&rows).unwrap(), rows.iter().map(is_file).collect::<Vec<_>>());
    let mut shown = 0;
    let mut visit = |_: LoggedRef<'_>| {
        shown += 1;
        if shown < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    part.visit(&rows, &mut visit).unwrap();
    assert_eq!(shown, rows.len().min(3), "no more is shown than is wanted");
}

type Counts = BTreeMap<(i64, Option<String>, Option<String>, Option<String>), u64>;

fn counts(rollups: &Rollups) -> Counts {
    let text = |code: Option<u32>| code.map(|code| rollups.texts[code as usize].clone());
    let cell = |cell: archive::RollupCell| {
        ((cell.from, text(cell.kind), text(cell.outcome), text(cell.value)), u64::from(cell.count))
    };
    let counts: Counts = rollups.cells().map(cell).collect();
    assert_eq!(counts.len(), rollups.len(), "each cell is there once");
    assert!(rollups.runs().is_sorted_by_key(|run| run.from));
    counts
}

fn check_rollup(part: &dyn Part, entries: &[Entry], key: RollupKey) {
    let (unit, column) = match key {
        RollupKey::Hour => (3_600_000_000, None),
        RollupKey::Day(column) => (24 * 3_600_000_000, Some(column)),
        RollupKey::Total(column) => (0, Some(column)),
    };
    let Some(found) = part.rollup(key).unwrap() else {
        let all = Blocks::all(part.block_count());
        let odd = |column| !part.keys(column, &all).unwrap().odd.is_empty();
        let excused = [Some(Column::Kind), Some(Column::Outcome), column].into_iter().flatten().any(odd);
        return assert!(excused, "{key:?} is missing without a reason");
    };
    let text = |entry: &Entry, column: Column| match seen(&entry.payload, column.field()) {
        Seen::Text(text) => Some(text),
        _ => None,
    };
    let mut wanted = Counts::new();
    for entry in entries {
        let micros = time_of(entry).as_micros();
        let from = if unit == 0 { 0 } else { micros.div_euclid(unit) * unit };
        let value = column.and_then(|column| text(entry, column));
        *wanted.entry((from, text(entry, Column::Kind), text(entry, Column::Outcome), value)).or_default() +=
            1;
    }
    assert_eq!(counts(&found), wanted, "{key:?}");
}

pub fn check(part: &dyn Part, entries: &[Entry]) {
    check_rows(part, entries);
    check_columns(part, entries);
    check_tokens(part, entries);
    check_rollup(part, entries, RollupKey::Hour);
    for column in [Column::User, Column::Target, Column::Address] {
        check_rollup(part, entries, RollupKey::Total(column));
        check_rollup(part, entries, RollupKey::Day(column));
    }
    assert!(part.rollup(RollupKey::Day(Column::Verb)).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_part_says_of_events_what_a_filter_sees(payloads in payloads()) {
        let entries = entries(&payloads);
        check(&*grow(&entries), &entries);
        let (data, index) = seal(&entries);
        prop_assert!(seal_grown(&entries) == (data.clone(), index.clone()), "digests change no byte");
        let segment = open(&data, Some(&index));
        prop_assert!(segment.index_is_sound());
        check(&segment, &entries);
        let rebuilt = archive::Segment::rebuild_index(&(std::sync::Arc::new(data.clone()) as _), "test").unwrap();
        prop_assert!(rebuilt == index, "an index made anew is the same");
        let bare = open(&data, None);
        check_rows(&bare, &entries);
        check_columns(&bare, &entries);
        check_tokens(&bare, &entries);
    }

    #[test]
    fn events_as_they_should_be_are_never_odd(payloads in prop::collection::vec(plain(), 1..300)) {
        let entries = entries(&payloads);
        let (data, index) = seal(&entries);
        let parts: [&dyn Part; 2] = [&*grow(&entries), &open(&data, Some(&index))];
        for part in parts {
            for (column, ..) in COLUMNS {
                let keys = part.keys(*column, &Blocks::none(part.block_count())).unwrap();
                prop_assert!(keys.odd.is_empty() && keys.blocks.is_empty());
            }
        }
    }

    #[test]
    fn entries_come_back_as_the_tree_hashed_them(payloads in payloads(), from in 0_u64..900, count in 0_u64..900) {
        let entries = entries(&payloads);
        let (data, index) = seal(&entries);
        let segment = open(&data, Some(&index));
        let read = segment.read(FIRST + from..FIRST + from + count).unwrap();
        let wanted = entries.iter().skip(from as usize).take(count as usize);
        let mut found = read.iter();
        for entry in wanted {
            let Some(sealed) = found.next() else { return Err(TestCaseError::fail("an entry is missing")) };
            let body = sealed.body.as_ref().unwrap();
            prop_assert_eq!(sealed.position, entry.position);
            prop_assert_eq!(&sealed.leaf, &entry.leaf.encode());
            prop_assert_eq!((&body.salt, &body.payload), (&entry.salt, &entry.payload));
        }
        prop_assert!(found.next().is_none());
        prop_assert_eq!(segment.origin(), "log.example");
        for entry in &entries {
            let of_source = entries.iter().filter(|other| other.leaf.source == entry.leaf.source);
            prop_assert_eq!(segment.last_seq(&entry.leaf.source), of_source.map(|entry| entry.leaf.seq).max());
            prop_assert_eq!(segment.first_at(entry.leaf.time).unwrap(), entry.position);
        }
    }
}
