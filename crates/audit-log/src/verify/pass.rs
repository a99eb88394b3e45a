//! The one pass over the entries, those in the archive first: follows positions, checks every entry, and hands its leaf on.
//!
//! What it finds wrong at once it reports at once. Where only the signed root can tell what is wrong with an
//! entry, it keeps a suspicion for later.

mod sealed;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use event::Timestamp;

use super::ahead::read_ahead;
use super::border::Border;
use super::compare::{Comparison, Outcome};
use super::damage::{DamageKind, DamageList};
use super::leaf::{LeafView, SALT_BYTES};
use super::log::Tail;
use super::note::SignedCheckpoint;
use super::report::Progress;
use super::segment::{BATCH_HEADER, Piece, SegmentReader, record_parts, segment_header};
use super::shadow::Watch;
use super::tiles::{TileFolder, open_regular};
use crate::Hash;
use sealed::Copies;

/// Most suspicions that are kept.
const MAX_SUSPECTS: usize = 4096;
/// Entries between two reports of progress.
const PROGRESS_EVERY: u64 = 8192;

/// An entry with which something is wrong that the signed root will explain.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    /// Its position.
    pub position: u64,
    /// The segment that holds it.
    pub file: String,
    /// What is suspicious.
    pub about: Suspicion,
}

/// What is suspicious about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// Its leaf does not commit to its salt and payload.
    Commitment,
    /// Its checksum is wrong, though leaf and payload belong together.
    Checksum,
    /// Its copy in the archive has another leaf, with this hash.
    Copy(Hash),
}

/// What the pass saw.
#[derive(Debug)]
pub(crate) struct ReadLog {
    /// Where entries and tiles disagree.
    pub outcome: Outcome,
    /// What has yet to be explained.
    pub suspects: Vec<Suspect>,
    /// Entries that could be read.
    pub entries: u64,
    /// Entries of which there is only the leaf.
    pub pruned: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Position behind the last entry.
    pub end: u64,
    /// Bytes that a running writer has not finished.
    pub unfinished_bytes: u64,
}

/// A running pass.
pub(crate) struct Pass<'a> {
    folder: PathBuf,
    tail: Tail,
    signed: u64,
    comparison: Comparison,
    damage: DamageList,
    suspects: Vec<Suspect>,
    /// Position of the next entry.
    next: u64,
    entries: u64,
    pruned: u64,
    payload_bytes: u64,
    unfinished_bytes: u64,
    copies: Option<Copies<'a>>,
    last_time: Option<Timestamp>,
    /// Source of entry 0, which is the log's own, and the sequence number that it used last.
    own_source: Option<(String, u64)>,
    last_file: String,
}

/// The segment that is being read.
struct Place<'a> {
    file: &'a str,
    is_last: bool,
    /// Position of the record that comes next, by the header of its batch.
    cursor: u64,
}

impl Pass<'_> {
    /// Begins at position 0.
    pub fn new(
        folder: &Path,
        signed: Option<&SignedCheckpoint>,
        earlier: &[SignedCheckpoint],
        border: Border,
        tail: Tail,
        damage: DamageList,
    ) -> Self {
        let size = signed.map_or(0, SignedCheckpoint::size);
        let watches = signed.into_iter().chain(earlier).map(|checkpoint| Watch {
            size: checkpoint.size(),
            root: *checkpoint.root(),
            entries_agree: None,
            tiles_agree: None,
        });
        Pass {
            folder: folder.to_owned(),
            tail,
            signed: size,
            comparison: Comparison::new(TileFolder::new(folder), size, border, watches.collect()),
            damage,
            suspects: Vec::new(),
            next: 0,
            entries: 0,
            pruned: 0,
            payload_bytes: 0,
            unfinished_bytes: 0,
            copies: None,
            last_time: None,
            own_source: None,
            last_file: "wal".to_owned(),
        }
    }

    /// Reads one segment, which by its name begins at `first`. Of a running log it may be gone, which is for the caller to
    /// judge.
    pub fn segment(
        &mut self,
        first: u64,
        file: &str,
        is_last: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> io::Result<()> {
        let stream = match open_regular(&self.folder.join(file)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            stream => stream,
        };
        self.last_file = file.to_owned();
        let mut place = Place { file, is_last, cursor: first };
        if let Err(error) = stream.and_then(|stream| self.read_segment(first, stream, &mut place, progress)) {
            self.unreadable(file, &error);
        }
        Ok(())
    }

    /// Says that the file with the next entry cannot be read.
    pub fn unreadable(&mut self, file: &str, error: &io::Error) {
        self.damage.add(self.next, 1, file, DamageKind::Unreadable { error: error.to_string() });
    }

    /// Ends the pass: what the checkpoint covers and is not there was cut off.
    pub fn finish(mut self) -> (ReadLog, DamageList) {
        let end = self.next;
        if end < self.signed {
            let file = std::mem::take(&mut self.last_file);
            self.lose(self.signed, &file, DamageKind::CutOff);
        }
        let outcome = self.comparison.finish(&mut self.damage);
        let read = ReadLog {
            outcome,
            suspects: self.suspects,
            entries: self.entries,
            pruned: self.pruned,
            payload_bytes: self.payload_bytes,
            end,
            unfinished_bytes: self.unfinished_bytes,
        };
        (read, self.damage)
    }

    fn read_segment(
        &mut self,
        first: u64,
        stream: File,
        place: &mut Place<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> io::Result<()> {
        let (mut reader, header) = SegmentReader::open(read_ahead(stream)?)?;
        if segment_header(&header) != Some(first) {
            if self.may_be_unfinished(place) {
                self.unfinished_bytes = reader.remaining()?;
                return Ok(());
            }
            self.damage.add(first, 1, place.file, DamageKind::SegmentHeader);
        }
        if first > self.next {
            self.lose(first, place.file, DamageKind::Missing);
        } else if first < self.next {
            self.damage.add(first, 1, place.file, DamageKind::SegmentHeader);
        }
        reader.expect(self.next);
        self.read_pieces(&mut reader, place, progress)
    }

    fn read_pieces(
        &mut self,
        reader: &mut SegmentReader<Box<dyn Read>>,
        place: &mut Place<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> io::Result<()> {
        // Where the batch, or the record of it, that is being read begins.
        let mut begun = reader.offset();
        while let Some(piece) = reader.next_piece()? {
            let opens_batch = matches!(piece, Piece::Batch { .. });
            let sound = match piece {
                Piece::Batch { first, count } => {
                    self.begin_batch(first, count, place);
                    true
                }
                Piece::Record { checksum_ok: false, .. } if self.may_be_unfinished(place) => false,
                Piece::Record { body, checksum_ok } => {
                    self.record(body, checksum_ok, place);
                    if self.entries.is_multiple_of(PROGRESS_EVERY) {
                        progress(Progress { entries: self.entries, expected: self.signed });
                    }
                    true
                }
                _ if self.may_be_unfinished(place) => false,
                odd => {
                    self.odd_piece(&odd, place);
                    true
                }
            };
            if !sound {
                self.unfinished_bytes = reader.offset() - begun + reader.remaining()?;
                return Ok(());
            }
            if !opens_batch {
                begun = reader.offset();
            }
            reader.expect(self.next);
        }
        Ok(())
    }

    /// A running writer may have left something unfinished behind all that is signed, at the very end.
    fn may_be_unfinished(&self, place: &Place<'_>) -> bool {
        self.tail == Tail::BeingWritten && place.is_last && self.next >= self.signed
    }

    fn begin_batch(&mut self, first: u64, count: u32, place: &mut Place<'_>) {
        if first > self.next {
            self.lose(first, place.file, DamageKind::Missing);
        } else if first < self.next {
            let repeated = (self.next - first).min(u64::from(count));
            self.damage.add(first, repeated, place.file, DamageKind::Inserted);
        }
        place.cursor = first;
    }

    fn odd_piece(&mut self, piece: &Piece<'_>, place: &mut Place<'_>) {
        match *piece {
            Piece::LostRecords { count } => {
                place.cursor += u64::from(count);
                self.lose(place.cursor, place.file, DamageKind::MalformedEntry);
            }
            Piece::EndsWithin { bytes, .. } if place.is_last && self.next >= self.signed => {
                let bytes = bytes + BATCH_HEADER as u64;
                self.damage.add(self.next, 1, place.file, DamageKind::GarbageAfterEnd { bytes });
            }
            Piece::EndsWithin { count, .. } if place.is_last => {
                place.cursor += u64::from(count);
                self.lose(place.cursor.min(self.signed), place.file, DamageKind::CutOff);
            }
            Piece::EndsWithin { count, .. } => {
                place.cursor += u64::from(count);
                self.lose(place.cursor, place.file, DamageKind::Missing);
            }
            Piece::Foreign { bytes } => {
                self.damage.add(self.next, 1, place.file, DamageKind::ForeignBytes { bytes });
            }
            Piece::Garbage { bytes } => {
                self.damage.add(self.next, 1, place.file, DamageKind::GarbageAfterEnd { bytes });
            }
            Piece::Batch { .. } | Piece::Record { .. } => {}
        }
    }

    /// Gives up all entries before `position`.
    fn lose(&mut self, position: u64, file: &str, kind: DamageKind) {
        if position > self.next {
            self.damage.add(self.next, position - self.next, file, kind);
            self.comparison.absent_until(position, &mut self.damage);
            self.next = position;
        }
    }

    fn record(&mut self, body: &[u8], checksum_ok: bool, place: &mut Place<'_>) {
        let position = place.cursor;
        place.cursor += 1;
        // Before `next` lie the repeated entries of a batch that was reported as such.
        if position < self.next {
            return;
        }
        self.next = position + 1;
        let Some((leaf, salt, payload)) = record_parts(body) else {
            self.damage.add(position, 1, place.file, DamageKind::MalformedEntry);
            return self.comparison.absent(&mut self.damage);
        };
        self.check_copy(position, leaf);
        self.entry(position, leaf, Some((salt, payload)), checksum_ok, place.file);
    }

    /// Checks an entry and hands its leaf on.
    fn entry(
        &mut self,
        position: u64,
        leaf: &[u8],
        body: Option<(&[u8; SALT_BYTES], &[u8])>,
        checksum_ok: bool,
        file: &str,
    ) {
        self.entries += u64::from(body.is_some());
        self.payload_bytes += body.map_or(0, |(_, payload)| payload.len() as u64);
        self.comparison.push(leaf, &mut self.damage);
        let Some(view) = LeafView::parse(leaf) else {
            return self.damage.add(position, 1, file, DamageKind::MalformedEntry);
        };
        if body.is_some_and(|(salt, payload)| !view.commits_to(salt, payload)) {
            self.suspect(position, file, Suspicion::Commitment);
        } else if !checksum_ok {
            self.suspect(position, file, Suspicion::Checksum);
        } else {
            self.check_order(position, &view, file);
        }
    }

    fn suspect(&mut self, position: u64, file: &str, about: Suspicion) {
        if self.suspects.len() < MAX_SUSPECTS {
            self.suspects.push(Suspect { position, file: file.to_owned(), about });
        }
    }

    /// Log time never goes back, and the log's own source counts up.
    fn check_order(&mut self, position: u64, leaf: &LeafView<'_>, file: &str) {
        if self.last_time.is_some_and(|last| leaf.time < last) {
            self.damage.add(position, 1, file, DamageKind::TimeBackwards);
        }
        self.last_time = Some(leaf.time);
        match &mut self.own_source {
            None if position == 0 => self.own_source = Some((leaf.source.to_owned(), leaf.seq)),
            Some((own, last)) if own == leaf.source => {
                if leaf.seq <= *last {
                    self.damage.add(position, 1, file, DamageKind::SequenceNotRising);
                }
                *last = leaf.seq;
            }
            _ => {}
        }
    }
}
