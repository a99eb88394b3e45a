//! A batch on its way to the disk: appends laid out as the bytes of one batch, with all that follows from them.
//!
//! Pure: the same appends, time and start give the same draft, and dropping one leaves no trace.

use bytes::Bytes;
use event::{Event, Timestamp};

use crate::hash::{SALT_BYTES, commitment};
use crate::leaf;
use crate::queue::{Append, Source, Waiting};
use crate::wal::batch::{BATCH_HEADER, BatchHeader};
use crate::wal::record;
use crate::wal::scan::Spot;

/// Where a batch begins.
pub(crate) struct Start<'a> {
    /// Position of the first entry.
    pub(crate) position: u64,
    /// Byte of the segment at which the batch begins.
    pub(crate) offset: u64,
    /// Log time of all its entries.
    pub(crate) time: Timestamp,
    /// Source id of this node.
    pub(crate) source: &'a str,
    /// Last sequence number of this node's events.
    pub(crate) seq: u64,
}

/// A batch laid out.
#[derive(Default)]
pub(crate) struct Draft {
    /// The batch, header first.
    pub(crate) bytes: Vec<u8>,
    /// Its leaves, each after its length (u16 BE).
    pub(crate) bundle: Vec<u8>,
    /// Where each record lies.
    pub(crate) spots: Vec<Spot>,
    /// Last sequence number of each source in it, in order of writing.
    pub(crate) sources: Vec<(Source, u64)>,
    /// Last sequence number of this node's events after it.
    pub(crate) seq: u64,
}

impl Draft {
    /// Empties the draft and keeps its buffers.
    fn clear(&mut self) {
        self.bytes.clear();
        // The last bundle went to the tiler; this one will be about as large.
        self.bundle = Vec::with_capacity(self.spots.len() * 96);
        self.spots.clear();
        self.sources.clear();
    }

    /// Lays out notices of the log and then the appends.
    pub(crate) fn lay_out(&mut self, start: &Start<'_>, notices: &[Waiting], appends: &[Append]) {
        self.clear();
        self.seq = start.seq;
        self.bytes.resize(BATCH_HEADER, 0);
        self.add_all(start, &Source::Own, notices);
        for append in appends {
            self.add_all(start, &append.from, &append.events);
        }
        let count = u32::try_from(self.spots.len()).expect("a batch's bytes bound its records");
        let length = u32::try_from(self.bytes.len() - BATCH_HEADER).expect("appends are bounded");
        let header = BatchHeader { count, first: start.position, length };
        self.bytes[..BATCH_HEADER].copy_from_slice(&header.encode());
        for (spot, left) in self.spots.iter_mut().zip((1..=count).rev()) {
            spot.left = left;
        }
    }

    fn add_all(&mut self, start: &Start<'_>, from: &Source, events: &[Waiting]) {
        let mut last = None;
        for event in events {
            let (source, seq) = match from {
                Source::Own => {
                    self.seq += 1;
                    (start.source, self.seq)
                }
                Source::Named(source) => (&**source, event.seq),
            };
            self.add(start, source, seq, event);
            last = Some(seq);
        }
        self.sources.extend(last.map(|seq| (from.clone(), seq)));
    }

    fn add(&mut self, start: &Start<'_>, source: &str, seq: u64, event: &Waiting) {
        let position = start.position + self.spots.len() as u64;
        self.spots.push(Spot { position, offset: start.offset + self.bytes.len() as u64, left: 0 });
        let length = u16::try_from(leaf::encoded_len(source)).expect("leaves are at most 512 bytes");
        self.bundle.extend_from_slice(&length.to_be_bytes());
        let at = self.bundle.len();
        leaf::write(&mut self.bundle, start.time, source, seq, &event.commitment);
        record::encode(&mut self.bytes, &self.bundle[at..], &event.salt, &event.payload);
    }
}

/// Hashes an event so that it waits only for its place.
pub(crate) fn prepare(payload: Bytes, salt: [u8; SALT_BYTES], seq: u64) -> Waiting {
    Waiting { seq, salt, commitment: commitment(&salt, &payload), payload }
}

/// As [`prepare`], for an event of the log about itself.
pub(crate) fn notice(event: &Event, salt: [u8; SALT_BYTES]) -> Waiting {
    prepare(event.encode().into_bytes(), salt, 0)
}
