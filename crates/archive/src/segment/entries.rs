//! Entries of a segment by row: for readers of events, and with everything that the tree hashes for the log.

use std::ops::Range;
use std::sync::Arc;

use audit_log::hash::commitment;
use audit_log::{Leaf, MAX_READ, MAX_READ_BYTES, SealedBody, SealedEntry};
use event::Timestamp;

use super::page::Unpacker;
use super::schema::{LOG_SEQ, LOG_SOURCE, LOG_TIME, POSITION, TIME};
use super::sheet::{Payloads, Sheet};
use crate::interner::Interner;
use crate::part::{LoggedRef, PartError, Visit};

/// Rows of which the pages are kept for the next question; whoever asks for more reads through.
const FEW: usize = 1024;

/// Where pages are kept that were read.
enum Kept {
    /// Only the last one.
    Here,
    /// With what other questions read.
    OnTheShelf,
}

/// Reads the payloads of rising rows, keeping at least the page that was read last.
struct Payload<'a> {
    sheet: &'a Sheet,
    unpacker: Unpacker,
    kept: Kept,
    page: Option<Arc<Payloads>>,
}

impl<'a> Payload<'a> {
    fn new(sheet: &'a Sheet, kept: Kept) -> Payload<'a> {
        Payload { sheet, unpacker: Unpacker::new(), kept, page: None }
    }

    fn of(&mut self, row: usize) -> Result<&[u8], PartError> {
        let page = match self.page.take() {
            Some(page) if page.rows.contains(&row) => page,
            _ => match self.kept {
                Kept::Here => Arc::new(self.sheet.payloads(row, &mut self.unpacker)?),
                Kept::OnTheShelf => self.sheet.kept_payloads(row, &mut self.unpacker)?,
            },
        };
        Ok(self.page.insert(page).of(row))
    }
}

type Numbers = Arc<Vec<i64>>;

/// Shows entries by row; in memory are one page of payloads and the times of one row group.
pub(super) fn visit(sheet: &Sheet, rows: &[u32], visit: &mut Visit<'_>) -> Result<(), PartError> {
    let mut payload = Payload::new(sheet, if rows.len() <= FEW { Kept::OnTheShelf } else { Kept::Here });
    let mut held: Option<(usize, Numbers, Numbers)> = None;
    for row in rows {
        let row = *row as usize;
        if row >= sheet.layout.rows() {
            break;
        }
        let number = sheet.layout.group_of(row);
        let (_, log_times, times) = match &mut held {
            Some(held) if held.0 == number => held,
            held => held.insert((
                number,
                sheet.kept_numbers(number, LOG_TIME)?,
                sheet.kept_numbers(number, TIME)?,
            )),
        };
        let within = row - sheet.layout.groups[number].first_row;
        let logged = LoggedRef {
            position: sheet.layout.first + row as u64,
            log_time: Timestamp::from_micros(log_times[within]),
            time: Timestamp::from_micros(times[within]),
            payload: payload.of(row)?,
        };
        if visit(logged).is_break() {
            break;
        }
    }
    Ok(())
}

/// What the leaves of a row group are made of.
struct Leaves {
    log_times: Vec<i64>,
    seqs: Vec<i64>,
    sources: Vec<u32>,
    names: Interner,
    salts: Vec<[u8; 16]>,
}

impl Leaves {
    fn read(sheet: &Sheet, group: usize) -> Result<Leaves, PartError> {
        let mut names = Interner::default();
        let meaning = sheet.dictionary(group, LOG_SOURCE, &mut names)?;
        let positions = sheet.numbers(group, POSITION)?;
        let first = sheet.layout.first + sheet.layout.groups[group].first_row as u64;
        if positions.iter().zip(first..).any(|(position, wanted)| position.cast_unsigned() != wanted) {
            return Err(sheet.damaged("its positions do not follow one another"));
        }
        if names.values().iter().any(|name| name.len() > audit_log::leaf::MAX_SOURCE_BYTES) {
            return Err(sheet.damaged("the name of a log source is too long"));
        }
        Ok(Leaves {
            log_times: sheet.numbers(group, LOG_TIME)?,
            seqs: sheet.numbers(group, LOG_SEQ)?,
            sources: sheet.codes(group, LOG_SOURCE, &meaning)?,
            salts: sheet.salts(group)?,
            names,
        })
    }
}

/// An entry as a segment holds it, with everything that the tree hashes.
pub(crate) struct Whole<'a> {
    pub(crate) position: u64,
    pub(crate) log_time: Timestamp,
    pub(crate) source: &'a str,
    pub(crate) seq: u64,
    pub(crate) salt: &'a [u8; 16],
    pub(crate) payload: &'a [u8],
}

impl Whole<'_> {
    /// The commitment to salt and payload, made anew.
    pub(crate) fn commitment(&self) -> [u8; 32] {
        commitment(self.salt, self.payload)
    }
}

/// Reads entries one after another; in memory are the leaves of one row group and one page of payloads.
pub(crate) struct Cursor<'a> {
    sheet: &'a Sheet,
    rows: Range<usize>,
    payload: Payload<'a>,
    held: Option<(usize, Leaves)>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(sheet: &'a Sheet, rows: Range<usize>) -> Cursor<'a> {
        Cursor { sheet, rows, payload: Payload::new(sheet, Kept::Here), held: None }
    }

    /// Reads the next entry.
    pub(crate) fn next(&mut self) -> Result<Option<Whole<'_>>, PartError> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        let number = self.sheet.layout.group_of(row);
        if self.held.as_ref().is_none_or(|held| held.0 != number) {
            self.held = Some((number, Leaves::read(self.sheet, number)?));
        }
        let Some((_, leaves)) = &self.held else { return Ok(None) };
        let within = row - self.sheet.layout.groups[number].first_row;
        let payload = self.payload.of(row)?;
        let salt = &leaves.salts[within];
        Ok(Some(Whole {
            position: self.sheet.layout.first + row as u64,
            log_time: Timestamp::from_micros(leaves.log_times[within]),
            source: &leaves.names.values()[leaves.sources[within] as usize],
            seq: leaves.seqs[within].cast_unsigned(),
            salt,
            payload,
        }))
    }
}

/// Reads entries in order, within the limits of one read; the leaf is made anew from what the segment holds.
pub(super) fn sealed(sheet: &Sheet, rows: Range<usize>) -> Result<Vec<SealedEntry>, PartError> {
    let end = rows.end.min(rows.start.saturating_add(MAX_READ as usize));
    let mut cursor = Cursor::new(sheet, rows.start..end);
    let mut found = Vec::new();
    let mut bytes = 0;
    while let Some(entry) = cursor.next()? {
        bytes += entry.payload.len();
        let (Whole { log_time: time, seq, .. }, commitment) = (&entry, entry.commitment());
        found.push(SealedEntry {
            position: entry.position,
            leaf: Leaf { time: *time, source: entry.source.to_owned(), seq: *seq, commitment }.encode(),
            body: Some(SealedBody { salt: *entry.salt, payload: entry.payload.to_vec() }),
        });
        if bytes >= MAX_READ_BYTES {
            break;
        }
    }
    Ok(found)
}
