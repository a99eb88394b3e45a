//! Segments that are put together by copying say what their entries say, to the byte of the index.

use std::sync::Arc;

use archive::{BLOCK_ROWS, Part, ReadAt, Segment, SegmentWriter, probe_copy};
use audit_log::Entry;
use bytes::Bytes;
use proptest::prelude::*;

use crate::agreement::{check, payloads};
use crate::fixture::{FIRST, entries, open};

/// Seals runs of entries, each but the last of so many blocks.
fn sealed(entries: &[Entry], blocks: &[usize]) -> Vec<(Bytes, Bytes)> {
    let mut rest = entries;
    let mut sealed = Vec::new();
    for count in blocks.iter().map(|blocks| blocks * BLOCK_ROWS).chain([usize::MAX]) {
        let (run, next) = rest.split_at(count.min(rest.len()));
        if run.is_empty() {
            break;
        }
        let mut writer = SegmentWriter::new(Vec::new(), "log.example", run[0].position).unwrap();
        run.iter().for_each(|entry| writer.push(entry).unwrap());
        let (data, index) = writer.finish().unwrap();
        sealed.push((data.into(), index.into()));
        rest = next;
    }
    sealed
}

fn opened(sealed: &[(Bytes, Bytes)]) -> Vec<Segment> {
    sealed.iter().map(|(data, index)| open(data, Some(index))).collect()
}

/// The columns of a file and their page indexes.
fn before_metadata(data: &Bytes) -> &[u8] {
    let (rest, tail) = data.split_at(data.len() - 8);
    &rest[..rest.len() - u32::from_le_bytes(*tail.first_chunk().unwrap()) as usize]
}

/// Copies segments, and checks that the copy is what it should be.
fn copied(segments: &[Segment]) -> (Bytes, Bytes) {
    let probed = probe_copy(&segments.iter().collect::<Vec<_>>(), None).unwrap().expect("they can be copied");
    assert_eq!(probed.difference.unwrap(), None);
    let (data, index) =
        (Bytes::from(probed.data), Bytes::from(probed.index.expect("their indexes are sound")));
    let rebuilt = Segment::rebuild_index(&(Arc::new(data.clone()) as Arc<dyn ReadAt>), "copy").unwrap();
    assert!(rebuilt == index, "a merged index is the one that the events give");
    (data, index)
}

fn some(count: usize) -> Vec<Entry> {
    let payload = |at: usize| {
        let user = if at % 1000 < 999 { "alice" } else { "bob" };
        let odd = if at == 300 { r#","outcome":[1]"# } else { "" };
        format!(r#"{{"kind":"k{}","actor":{{"user":"{user}"}},"n":{at}{odd}}}"#, at / 200 % 5).into_bytes()
    };
    entries(&(0..count).map(payload).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn copies_say_of_events_what_a_filter_sees(payloads in payloads(), blocks in prop::collection::vec(1_usize..3, 0..4)) {
        prop_assume!(!payloads.is_empty());
        let entries = entries(&payloads);
        let sealed = sealed(&entries, &blocks);
        let (data, index) = copied(&opened(&sealed));
        let copy = open(&data, Some(&index));
        prop_assert!(copy.index_is_sound());
        check(&copy, &entries);
        if let [(alone, _)] = &sealed[..] {
            prop_assert!(before_metadata(alone) == before_metadata(&data), "a copy of one segment is that segment");
        }
        let read = copy.read(FIRST..FIRST + entries.len() as u64).unwrap();
        prop_assert!(read.iter().zip(&entries).all(|(sealed, entry)| sealed.leaf == entry.leaf.encode()));
        for entry in &entries {
            let of_source = entries.iter().filter(|other| other.leaf.source == entry.leaf.source);
            prop_assert_eq!(copy.last_seq(&entry.leaf.source), of_source.map(|entry| entry.leaf.seq).max());
        }
        prop_assert_eq!(copy.last_time(), entries.last().unwrap().leaf.time);
    }
}

#[test]
fn copies_can_be_copied_again() {
    let entries = some(256 * 20 + 7);
    let small = opened(&sealed(&entries, &[2; 10]));
    let (first, first_index) = copied(&small[..5]);
    let (second, second_index) = copied(&small[5..]);
    let (whole, index) = copied(&[open(&first, Some(&first_index)), open(&second, Some(&second_index))]);
    assert!((&whole, &index) == (&copied(&small).0, &copied(&small).1));
    let segment = open(&whole, Some(&index));
    // In nearly every block, and in few: a list loses nothing when it is merged.
    assert_eq!(segment.holding(&["alice"]).unwrap().len(), 21);
    assert_eq!(segment.holding(&["bob"]).unwrap().iter().collect::<Vec<_>>(), [3, 7, 11, 15, 19]);
    assert_eq!(segment.holding(&["2600"]).unwrap().iter().collect::<Vec<_>>(), [10]);
    check(&segment, &entries);
}

#[test]
fn only_segments_that_follow_one_another_with_full_blocks_are_copied() {
    let all = opened(&sealed(&some(1000), &[1, 2]));
    let can = |segments: &[&Segment]| probe_copy(segments, None).unwrap().is_some();
    assert!(can(&[&all[0], &all[1], &all[2]]));
    assert!(!can(&[&all[0], &all[2]]), "there is a gap");
    assert!(!can(&[&all[1], &all[0]]), "the order is another");
    assert!(!can(&[]));
    let entries = some(600);
    let seal = |entries: &[Entry]| opened(&sealed(entries, &[])).remove(0);
    assert!(!can(&[&seal(&entries[..300]), &seal(&entries[300..])]), "the first ends within a block");
}

#[test]
fn without_every_index_the_data_are_copied_alone() {
    let sealed = sealed(&some(700), &[1, 1]);
    let bare = open(&sealed[1].0, None);
    let (first, last) = (open(&sealed[0].0, Some(&sealed[0].1)), open(&sealed[2].0, Some(&sealed[2].1)));
    let probed = probe_copy(&[&first, &bare, &last], None).unwrap().unwrap();
    assert!(probed.index.is_none());
    assert_eq!(probed.difference.unwrap(), None);
    // What a damaged index says is not believed either.
    let mut index = sealed[1].1.to_vec();
    let end = index.len() - 3;
    index[end] ^= 1;
    let damaged = open(&sealed[1].0, Some(&Bytes::from(index)));
    assert!(probe_copy(&[&first, &damaged, &last], None).unwrap().unwrap().index.is_none());
}

#[test]
fn a_copy_that_is_not_one_is_noticed() {
    let entries = some(600);
    let sealed = sealed(&entries, &[1]);
    let segments = opened(&sealed);
    let inputs: Vec<&Segment> = segments.iter().collect();
    let (data, _) = copied(&segments);
    let columns = sealed.iter().map(|(data, _)| data.len()).sum::<usize>() / 3;
    for at in (4..columns).step_by(columns / 60) {
        let mut changed = data.to_vec();
        changed[at] ^= 0x08;
        let Ok(changed) = Segment::open(Arc::new(Bytes::from(changed)), None, "changed") else { continue };
        let found = probe_copy(&inputs, Some(&changed)).unwrap().unwrap().difference;
        assert!(!matches!(found, Ok(None)), "byte {at}");
    }
    let shorter = open(&sealed[0].0, None);
    let found = probe_copy(&inputs, Some(&shorter)).unwrap().unwrap().difference;
    assert_eq!(found.unwrap(), Some(FIRST + 256));
    let found = probe_copy(&inputs[..1], Some(&open(&data, None))).unwrap().unwrap().difference;
    assert_eq!(found.unwrap(), Some(FIRST + 256));
}
