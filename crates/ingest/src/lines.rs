//! From bytes to events: every line that is not blank becomes an event or a rejection, in order.
//!
//! Pure: the same bytes give the same records. A rejection is an event too, so that what could not be taken leaves as
//! firm a trace as what could.

use audit_log::MAX_APPEND_BYTES;
use bytes::Bytes;
use event::kinds::source::Rejected;
use event::{Actor, Ambient, Detail, EncodedEvent, Event, Picks, Source};
use memchr::memchr_iter;

use crate::error::IngestError;
use crate::sources::{Format, Found, Place};
use crate::{MAX_BATCH_LINES, MAX_LINE_BYTES};

/// How much of a rejected line is kept, in bytes of the line.
const BEGINNING: usize = 200;
/// How much of a reason is kept.
const CAUSE: usize = 300;
/// What an event costs in the log beside its bytes, at most.
const OVERHEAD: usize = 600;

/// Consecutive bytes of a file that begin with a line and end with one.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The bytes, which events share where they stay as they came.
    pub body: &'a Bytes,
    /// Byte of the file at which they begin.
    pub offset: u64,
    /// Number of their first line, counted from 1.
    pub line: u64,
    /// The file's name where it lies.
    pub file: &'a str,
    /// Name of the reporting system.
    pub name: &'a str,
    /// Source id in the log.
    pub id: &'a str,
    /// Set when the bytes are only the beginning of one line.
    pub cut: Option<Cut>,
}

/// A line longer than [`MAX_LINE_BYTES`], of which only the beginning is sent.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Its length without the line feed.
    pub bytes: u64,
    /// Byte of the file behind it.
    pub end: u64,
}

/// What a chunk holds.
#[derive(Debug, Default)]
pub struct Reading {
    /// Events, each with the byte of the file behind its line.
    pub events: Vec<(u64, EncodedEvent)>,
    /// How many of them say that something was rejected.
    pub rejected: u64,
    /// Lines that were not blank.
    pub lines: u64,
}

/// What some events cost in the log, at most, in bytes.
pub trait Size {
    /// Returns the cost.
    fn size(&self) -> usize;
}

impl Size for EncodedEvent {
    fn size(&self) -> usize {
        self.as_bytes().len() + OVERHEAD
    }
}

/// Reads a chunk.
pub fn read(source: &dyn Format, chunk: &Chunk<'_>, ambient: &Ambient) -> Result<Reading, IngestError> {
    let mut reader = Reader { source, chunk, ambient, picks: Picks::default(), reading: Reading::default() };
    if let Some(cut) = chunk.cut {
        reader.reading.lines = 1;
        let cause = format!("the line is longer than {MAX_LINE_BYTES} bytes");
        reader.reject(cut.end, chunk.line, chunk.offset, cut.bytes, chunk.body, &cause);
        return Ok(reader.reading);
    }
    let feeds = memchr_iter(b'\n', chunk.body).count();
    if feeds > MAX_BATCH_LINES {
        return Err(IngestError::Request("a batch has more than 65536 lines"));
    }
    reader.reading.events.reserve(feeds + 1);
    reader.read_lines();
    Ok(reader.reading)
}

struct Reader<'c, 'a> {
    source: &'c dyn Format,
    chunk: &'c Chunk<'a>,
    ambient: &'c Ambient,
    picks: Picks<'a>,
    reading: Reading,
}

impl<'a> Reader<'_, 'a> {
    fn read_lines(&mut self) {
        let body: &'a [u8] = self.chunk.body;
        // Asked once for all lines where all are well, which is nearly always.
        let text = std::str::from_utf8(body).ok();
        let mut start = 0;
        let ends = memchr_iter(b'\n', body).map(|feed| (feed, feed + 1));
        let last = body.last().filter(|byte| **byte != b'\n').map(|_| (body.len(), body.len()));
        for (number, (end, next)) in (self.chunk.line..).zip(ends.chain(last)) {
            let line = &body[start..end];
            if !line.trim_ascii().is_empty() {
                let text = match text {
                    Some(text) => Some(&text[start..end]),
                    None => std::str::from_utf8(line).ok(),
                };
                self.read_line(number, start, line, text, self.chunk.offset + next as u64);
            }
            start = next;
        }
    }

    fn read_line(&mut self, number: u64, start: usize, line: &'a [u8], text: Option<&'a str>, seq: u64) {
        self.reading.lines += 1;
        let offset = self.chunk.offset + start as u64;
        let mut found = Found::default();
        let Chunk { name, id, body, .. } = *self.chunk;
        let place = Place { name, id, seq, body, now: self.ambient.now() };
        match text {
            _ if line.len() > MAX_LINE_BYTES => {
                found.rejected.push(format!("the line is longer than {MAX_LINE_BYTES} bytes"));
            }
            Some(text) => self.source.read(text, &place, &mut self.picks, &mut found),
            None => found.rejected.push("the line is not UTF-8".to_owned()),
        }
        if found.events.iter().map(Size::size).sum::<usize>() > MAX_APPEND_BYTES {
            found = Found {
                events: Vec::new(),
                rejected: vec![
                    "the line holds more records than the log takes at once; write one a line".to_owned(),
                ],
            };
        }
        self.reading.events.extend(found.events.into_iter().map(|event| (seq, event)));
        for cause in found.rejected {
            self.reject(seq, number, offset, line.len() as u64, line, &cause);
        }
    }

    fn reject(&mut self, seq: u64, line: u64, offset: u64, bytes: u64, beginning: &[u8], cause: &str) {
        let cause = cause[..cause.floor_char_boundary(CAUSE)].to_owned();
        let beginning = text_of(&beginning[..beginning.len().min(BEGINNING)]);
        let file = self.chunk.file.to_owned();
        let detail = Rejected { file, line, offset, bytes, cause: cause.clone(), beginning };
        let mut event =
            Event::new(self.ambient, Actor::system("ingest"), Detail::SourceRejectedRecord(detail))
                .failed(cause);
        let kind = self.source.name().to_owned();
        event.source = Some(Source { kind, name: self.chunk.name.to_owned(), seq });
        self.reading.events.push((seq, event.encode()));
        self.reading.rejected += 1;
    }
}

/// Takes bytes as text, as they are: JSON escapes what must be. A character that was cut at the end is left out.
fn text_of(bytes: &[u8]) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes[..whole]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::text_of;

    #[test]
    fn a_beginning_is_kept_as_it_came() {
        for (bytes, text) in [
            (&b"say \"a\\b\""[..], "say \"a\\b\""),
            ("naïve\u{1b}[2J".as_bytes(), "naïve\u{1b}[2J"),
            (&b"a\xff\xfeb"[..], "a\u{fffd}\u{fffd}b"),
            (&"aé".as_bytes()[..2], "a"),
            (&b"\xffa\xc3"[..], "\u{fffd}a\u{fffd}"),
        ] {
            assert_eq!(text_of(bytes), text);
        }
    }
}
