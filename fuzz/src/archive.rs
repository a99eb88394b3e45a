//! A small segment, and the checksums of an index put right.

use archive::SegmentWriter;
use audit_log::{Entry, Leaf, hash};
use bytes::Bytes;
use event::Timestamp;

/// Bytes of an index's header before its sections.
const BEFORE_SECTIONS: usize = 48;
const SECTION_BYTES: usize = 20;
const SECTIONS: usize = 11;
/// The section whose groups have checksums of their own.
const POSTINGS: usize = 3;
const HEADER_BYTES: usize = BEFORE_SECTIONS + SECTIONS * SECTION_BYTES + 4;

/// Seals a few hundred events: the bytes of the data and of the index.
pub fn sample() -> (Bytes, Bytes) {
    let mut writer = SegmentWriter::new(Vec::new(), "fuzz", 0).expect("memory can be written");
    for at in 0..300_u64 {
        let payload = match at {
            280 => b"no event".to_vec(),
            at => format!(
                r#"{{"kind":"kind.{}","actor":{{"user":"user-{at}"}},"detail":{{"verb":"get","n":{at}.5}}}}"#,
                at % 7
            )
            .into_bytes(),
        };
        let salt = [at as u8; 16];
        let leaf = Leaf {
            time: Timestamp::from_micros(at as i64 * 1_000_000),
            source: format!("source-{}", at % 3),
            seq: at,
            commitment: hash::commitment(&salt, &payload),
        };
        writer.push(&Entry { position: at, leaf, salt, payload }).expect("memory can be written");
    }
    let (data, index) = writer.finish().expect("memory can be written");
    (data.into(), index.into())
}

/// Puts the checksums of sections and header right, so that what lies behind them is read.
pub fn mend(index: &mut [u8]) {
    if index.len() < HEADER_BYTES {
        return;
    }
    for section in (0..SECTIONS).filter(|section| *section != POSTINGS) {
        let at = BEFORE_SECTIONS + section * SECTION_BYTES;
        let number = |at: usize| u64::from_le_bytes(index[at..at + 8].try_into().expect("eight bytes"));
        let (start, length) = (number(at) as usize, number(at + 8) as usize);
        let end = start.checked_add(length).filter(|end| *end <= index.len());
        if let Some(crc) = end.map(|end| crc32c::crc32c(&index[start..end])) {
            index[at + 16..at + 20].copy_from_slice(&crc.to_le_bytes());
        }
    }
    let crc = crc32c::crc32c(&index[..HEADER_BYTES - 4]);
    index[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
}
