//! Parts of unusual shape: empty, with huge payloads, with several row groups.

use std::sync::Arc;

use archive::{Blocks, Column, Growing, Keys, Part, SegmentWriter};
use audit_log::MAX_READ_BYTES;
use event::Timestamp;

use crate::fixture::{FIRST, List, START, entries, grow, open, seal, seal_grown};

#[test]
fn an_empty_part_has_nothing() {
    let (data, index) = seal(&[]);
    let segment = open(&data, Some(&index));
    assert!(segment.index_is_sound());
    for part in [&segment as &dyn Part, &*grow(&[])] {
        assert_eq!((part.positions(), part.span(), part.block_count()), (FIRST..FIRST, None, 0));
        assert!(part.holding(&["alice"]).unwrap().is_empty());
        assert!(part.entries(&[0]).unwrap().is_empty());
    }
    assert_eq!(segment.first_at(Timestamp::EPOCH).unwrap(), FIRST);
    assert!(segment.read(FIRST..FIRST + 1).unwrap().is_empty());
}

#[test]
fn huge_payloads_are_read_one_by_one_and_in_bounded_shares() {
    let big =
        |at: usize| format!(r#"{{"kind":"k{at}","raw":"{}"}}"#, "word ".repeat(900_000 + at)).into_bytes();
    let payloads: Vec<Vec<u8>> = (0..11).map(big).collect();
    let entries = entries(&payloads);
    let (data, index) = seal(&entries);
    let segment = open(&data, Some(&index));
    let read = segment.entries(&[0, 5, 10]).unwrap();
    assert_eq!(
        read.iter().map(|logged| logged.payload.len()).collect::<Vec<_>>(),
        [0, 5, 10].map(|at| payloads[at].len())
    );
    let mut next = FIRST;
    let mut reads = 0;
    while next < FIRST + 11 {
        let read = segment.read(next..FIRST + 11).unwrap();
        let bytes = |range: &[audit_log::SealedEntry]| -> usize {
            range.iter().flat_map(|entry| &entry.body).map(|body| body.payload.len()).sum()
        };
        assert!(bytes(&read[..read.len() - 1]) < MAX_READ_BYTES);
        assert!(read.iter().zip(next..).all(|(entry, position)| entry.position == position));
        next += read.len() as u64;
        reads += 1;
    }
    assert!(reads > 1);
    // The one block lies in several row groups.
    let keys = segment.keys(Column::Kind, &Blocks::all(1)).unwrap();
    let kinds: Vec<&str> = keys.blocks[0].1.iter().map(|code| keys.values[*code as usize].as_str()).collect();
    assert_eq!(kinds, (0..11).map(|at| format!("k{at}")).collect::<Vec<_>>());
}

#[test]
fn codes_hold_for_the_whole_segment() {
    let payload =
        |at: usize| format!(r#"{{"kind":"k{}","actor":{{"user":"u{}"}}}}"#, at / 9000, at % 700).into_bytes();
    let payloads: Vec<Vec<u8>> = (0..40_000).map(payload).collect();
    let entries = entries(&payloads);
    let (data, index) = seal(&entries);
    let segment = open(&data, Some(&index));
    let grown = grow(&entries);
    // The first question asks for little, the later ones for all, then for little again.
    let mut few = Blocks::none(segment.block_count());
    [3, 64, 155].iter().for_each(|block| few.insert(*block));
    for blocks in [&few, &Blocks::all(segment.block_count()), &few] {
        for column in [Column::Kind, Column::User] {
            let texts = |keys: Keys| -> Vec<(usize, Vec<String>)> {
                let text =
                    |codes: &Vec<u32>| codes.iter().map(|code| keys.values[*code as usize].clone()).collect();
                keys.blocks.iter().map(|(block, codes)| (*block, text(codes))).collect()
            };
            let (sealed, grown) =
                (segment.keys(column, blocks).unwrap(), grown.keys(column, blocks).unwrap());
            let mut distinct = sealed.values.to_vec();
            distinct.sort_unstable();
            assert!(distinct.windows(2).all(|pair| pair[0] != pair[1]));
            assert_eq!(texts(sealed), texts(grown));
        }
    }
    assert_eq!(segment.first_at(Timestamp::from_micros(START + 20_000_001)).unwrap(), FIRST + 20_001);
    assert_eq!(segment.first_at(Timestamp::MAX).unwrap(), FIRST + 40_000);
    assert_eq!(segment.last_time(), entries[39_999].leaf.time);
    assert_eq!(segment.holding(&["k4"]).unwrap().iter().collect::<Vec<_>>(), (140..157).collect::<Vec<_>>());
    assert!(segment.holding(&["k4", "nowhere"]).unwrap().is_empty());
    let read = segment.read(FIRST + 16_380..FIRST + 16_390).unwrap();
    assert!(read.iter().zip(&entries[16_380..]).all(|(sealed, entry)| sealed.leaf == entry.leaf.encode()));
    assert_eq!(read.len(), 10);
}

#[test]
fn a_snapshot_does_not_change() {
    let payloads: Vec<Vec<u8>> = (0..600).map(|at| format!(r#"{{"kind":"k{at}"}}"#).into_bytes()).collect();
    let entries = entries(&payloads);
    let mut growing = Growing::new(FIRST, Arc::new(List(entries.clone())));
    entries[..300].iter().for_each(|entry| growing.push(entry));
    let before = growing.snapshot();
    entries[300..].iter().for_each(|entry| growing.push(entry));
    assert_eq!(before.positions(), FIRST..FIRST + 300);
    let keys = before.keys(Column::Kind, &Blocks::all(2)).unwrap();
    assert_eq!((keys.values.len(), keys.blocks[1].1.len()), (300, 44));
    assert!(!before.holding(&["k1"]).unwrap().is_empty());
    assert_eq!(
        (growing.rows(), growing.end(), growing.first_log_time()),
        (600, FIRST + 600, Some(entries[0].leaf.time))
    );
    assert_eq!(growing.payload_bytes(), payloads.iter().map(|payload| payload.len() as u64).sum::<u64>());
}

#[test]
fn entries_that_do_not_follow_one_another_are_refused() {
    let entries = entries(&[b"{}".to_vec(), b"{}".to_vec()]);
    let mut writer = SegmentWriter::new(Vec::new(), "log.example", FIRST).unwrap();
    assert!(writer.push(&entries[1]).is_err());
    writer.push(&entries[0]).unwrap();
    assert!(writer.push(&entries[0]).is_err());
}

#[test]
fn digests_change_no_byte_where_a_row_group_ends_within_a_block() {
    // Row groups end at once after 32 MiB of payload: with these, in the first, the second and the last block.
    let large =
        |at: usize| format!("{{\"kind\":\"k{at}\",\"large\":\"{}\"}}", "x".repeat(700_000)).into_bytes();
    let small =
        |at: usize| format!("{{\"kind\":\"k{}\",\"actor\":{{\"user\":\"u{at}\"}}}}", at % 7).into_bytes();
    let payload = |at: usize| if matches!(at, 10..60 | 290..350 | 500..550) { large(at) } else { small(at) };
    let entries = entries(&(0..560).map(payload).collect::<Vec<_>>());
    assert!(seal(&entries) == seal_grown(&entries));
}

#[test]
fn digests_of_other_entries_are_refused() {
    let all = entries(&vec![b"{}".to_vec(); 600]);
    for count in [0, 100, 256, 512, 601] {
        let mut growing = Growing::new(FIRST, Arc::new(List(Vec::new())));
        let others = entries(&vec![b"{}".to_vec(); count]);
        others.iter().for_each(|entry| growing.push(entry));
        let mut writer =
            SegmentWriter::with_digests(Vec::new(), "log.example", FIRST, growing.close()).unwrap();
        let pushed = all.iter().try_for_each(|entry| writer.push(entry));
        assert!(pushed.and_then(|()| writer.finish().map(drop)).is_err(), "{count}");
    }
}
