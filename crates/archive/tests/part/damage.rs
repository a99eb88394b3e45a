//! Bytes that are no segment, no index, or the wrong one: noticed, never believed, never a panic.

use std::sync::{Arc, LazyLock};

use archive::{Blocks, COLUMNS, Column, Part, ReadAt, RollupKey, Segment};
use audit_log::Entry;
use bytes::Bytes;
use proptest::prelude::*;

use crate::fixture::{FIRST, entries, open, seal};

fn some(count: usize) -> Vec<Entry> {
    let payload = |at: usize| {
        format!(
            r#"{{"kind":"k{}","actor":{{"user":"user-{at}"}},"detail":{{"n":{at},"verb":"get"}}}}"#,
            at % 7
        )
        .into_bytes()
    };
    entries(&(0..count).map(payload).collect::<Vec<_>>())
}

/// Two blocks, sealed.
static SMALL: LazyLock<(Bytes, Bytes)> = LazyLock::new(|| seal(&some(300)));
/// Three blocks, sealed.
static LARGE: LazyLock<(Bytes, Bytes)> = LazyLock::new(|| seal(&some(700)));

/// Asks a segment everything; answers do not matter.
fn exercise(data: &Bytes, index: Option<&Bytes>) {
    let shared = |bytes: &Bytes| Arc::new(bytes.clone()) as Arc<dyn ReadAt>;
    let _ = Segment::rebuild_index(&shared(data), "damaged");
    let Ok(segment) = Segment::open(shared(data), index.map(shared), "damaged") else { return };
    let _ = archive::probe_copy(&[&segment], None);
    let all = Blocks::all(segment.block_count());
    for (column, ..) in COLUMNS {
        let _ = segment.keys(*column, &all);
        let _ = segment.rollup(RollupKey::Day(*column));
    }
    let _ = (segment.times(&all), segment.holding(&["get", "user"]), segment.rollup(RollupKey::Hour));
    let _ = (
        segment.entries(&[0, 1, 300]),
        segment.read(FIRST..FIRST + 400),
        segment.first_at(segment.last_time()),
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changed_bytes_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), near_end: bool) {
        let (data, index) = &*SMALL;
        let mut bytes = data.to_vec();
        let from = if near_end { bytes.len() * 2 / 3 } else { 0 };
        for (at, byte) in &changes {
            let at = from + at.index(bytes.len() - from);
            bytes[at] = *byte;
        }
        exercise(&bytes.into(), Some(index));
    }

    #[test]
    fn arbitrary_bytes_are_no_segment(bytes: Vec<u8>, magic: bool) {
        let bytes = if magic { [&bytes[..], b"PAR1"].concat() } else { bytes };
        exercise(&bytes.into(), None);
    }

    #[test]
    fn a_changed_index_is_noticed_or_right(at: prop::sample::Index, flip in 1_u8..) {
        let (data, index) = &*LARGE;
        let sound = open(data, Some(index));
        let mut bytes = index.to_vec();
        bytes[at.index(index.len())] ^= flip;
        let changed = open(data, Some(&bytes.into()));
        for token in ["get", "k3", "user", "5", "699", "nowhere"] {
            let (wanted, found) = (sound.holding(&[token]).unwrap(), changed.holding(&[token]).unwrap());
            prop_assert!(found == wanted || !changed.index_is_sound());
            prop_assert!(wanted.iter().all(|block| found.contains(block)));
        }
        for key in [RollupKey::Hour, RollupKey::Total(Column::User), RollupKey::Day(Column::Target)] {
            let (wanted, found) = (sound.rollup(key).unwrap(), changed.rollup(key).unwrap());
            prop_assert!(found == wanted || found.is_none() && !changed.index_is_sound());
        }
        let all = Blocks::all(sound.block_count());
        prop_assert_eq!(sound.span(), changed.span());
        prop_assert!(changed.keys(Column::Kind, &all).unwrap().odd.is_empty() || !changed.index_is_sound());
    }

    #[test]
    fn arbitrary_bytes_are_no_index(bytes: Vec<u8>) {
        prop_assert!(!open(&SMALL.0, Some(&bytes.into())).index_is_sound());
    }
}

#[test]
fn an_index_cut_short_anywhere_is_noticed() {
    let (data, index) = seal(&some(300));
    for length in 0..index.len() {
        let segment = open(&data, Some(&index.slice(..length)));
        assert!(!segment.index_is_sound(), "{length}");
        assert_eq!(segment.holding(&["user"]).unwrap(), Blocks::all(2));
    }
}

#[test]
fn an_index_of_other_data_is_not_used() {
    let (data, _) = seal(&some(300));
    for other in [some(299), entries(&vec![b"{}".to_vec(); 300])] {
        assert!(!open(&data, Some(&seal(&other).1)).index_is_sound());
    }
}

#[test]
fn data_cut_short_are_damaged() {
    let (data, index) = seal(&some(300));
    for length in (0..data.len()).step_by(97) {
        exercise(&data.slice(..length), Some(&index));
        assert!(Segment::open(Arc::new(data.slice(..length)), None, "cut").is_err());
    }
}

#[test]
fn a_segment_of_the_format_before_is_read_and_one_of_a_later_format_is_not() {
    let (data, index) = &*SMALL;
    let said = b"lodge.format\x18\x012";
    let at = data.windows(said.len()).position(|window| window == said).unwrap() + said.len() - 1;
    let of_format = |format: u8| {
        let mut bytes = data.to_vec();
        bytes[at] = format;
        Segment::open(Arc::new(Bytes::from(bytes)), None, "of another release")
    };
    let (now, before) = (open(data, Some(index)), of_format(b'1').unwrap());
    let rows: Vec<u32> = (0..300).collect();
    assert_eq!(before.entries(&rows).unwrap(), now.entries(&rows).unwrap());
    assert!(of_format(b'3').is_err());
}
