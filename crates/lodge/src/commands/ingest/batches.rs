//! A file's content cut into batches of whole lines, with a running hash.
//!
//! Cut so that the same content always gives the same batches from the same byte on: whoever sends one again sends
//! the same.

use std::io::{self, Read};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use api::wire::{MAX_BATCH_LINES, MAX_LINE_BYTES};
use base16ct::lower::encode_string;
use memchr::{memchr, memchr_iter, memrchr};
use sha2::{Digest, Sha256};

/// Bytes of a batch, unless one line is longer.
const BATCH: usize = 8 << 20;
/// How much is sent of a line that is too long.
const BEGINNING: usize = 200;
/// Lines of a batch: short lines make events much longer than themselves.
const LINES: usize = MAX_BATCH_LINES / 2;

/// Consecutive lines of a file.
pub struct Piece {
    /// Byte at which they begin.
    pub offset: u64,
    /// Byte behind them.
    pub end: u64,
    /// Number of the first, counted from 1.
    pub line: u64,
    /// SHA-256 of the content up to `offset`, hexadecimal.
    pub before: String,
    /// SHA-256 of the content up to `end`, hexadecimal.
    pub after: String,
    /// Whether nothing follows now.
    pub last: bool,
    /// Length of a line that is too long, of which the body is the beginning.
    pub cut: Option<u64>,
    /// The lines.
    pub body: Body,
}

/// Bytes of a batch, whose memory the next one is read into: memory that was touched before costs far less than what the
/// system hands out anew.
pub struct Body {
    bytes: Vec<u8>,
    home: Buffers,
}

/// Buffers of batches that were sent.
#[derive(Clone, Default)]
struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

/// Where a file goes on.
#[derive(Clone)]
pub struct Start {
    /// Byte.
    pub offset: u64,
    /// Number of the line there, counted from 1.
    pub line: u64,
    /// Hash of the content before.
    pub hash: Sha256,
}

impl Start {
    /// The start of a file.
    pub fn of_file() -> Start {
        Start { offset: 0, line: 1, hash: Sha256::new() }
    }

    /// Moves over content.
    pub fn pass(&mut self, content: &[u8]) {
        self.hash.update(content);
        self.offset += content.len() as u64;
        self.line += memchr_iter(b'\n', content).count() as u64;
    }

    /// Returns the hash of the content before, hexadecimal.
    pub fn sha256(&self) -> String {
        encode_string(&self.hash.clone().finalize())
    }
}

/// What becomes of an end without a line feed that is not one whole record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// It is still being written, and left for another time.
    Left,
    /// It is a line as any other.
    Line,
}

/// The batches of a file.
pub struct Pieces<R> {
    input: R,
    at: Start,
    buffer: Vec<u8>,
    buffers: Buffers,
    ended: bool,
    /// Why it cannot be read further; what was read before is given first.
    fault: Option<io::Error>,
    tail: Tail,
    /// Bytes at the end that were left for another time.
    pub unfinished: u64,
}

impl<R: Read> Pieces<R> {
    /// Cuts what `input` gives, which begins at `at`.
    pub fn new(input: R, at: Start, tail: Tail) -> Pieces<R> {
        Pieces {
            input,
            at,
            buffer: Vec::new(),
            buffers: Buffers::default(),
            ended: false,
            fault: None,
            tail,
            unfinished: 0,
        }
    }

    /// Returns the byte and the line behind the last batch.
    pub fn place(&self) -> (u64, u64) {
        (self.at.offset, self.at.line)
    }

    /// Returns the next batch. Where the content cannot be read to its end, all whole lines before that come first.
    pub fn next(&mut self) -> io::Result<Option<Piece>> {
        self.fill(BATCH);
        let mut length = self.whole_lines(BATCH);
        if length == 0 {
            self.fill(MAX_LINE_BYTES + 1);
            let feed = memchr(b'\n', &self.buffer).filter(|feed| *feed <= MAX_LINE_BYTES);
            length = feed.map_or(0, |feed| feed + 1);
        }
        if length == 0 && self.buffer.len() > MAX_LINE_BYTES {
            return self.too_long().map(Some);
        }
        if length == 0 && self.ended {
            length = self.buffer.len();
        }
        if length == 0 {
            return self.fault.take().map_or(Ok(None), Err);
        }
        let body = self.part(length);
        let (offset, line, before) = (self.at.offset, self.at.line, self.at.sha256());
        self.at.pass(&body);
        let last = self.ended && self.buffer.is_empty();
        let (end, after) = (self.at.offset, self.at.sha256());
        Ok(Some(Piece { offset, end, line, before, after, last, cut: None, body }))
    }

    /// Parts the first bytes of the buffer from the rest.
    fn part(&mut self, length: usize) -> Body {
        let mut rest = self.buffers.take();
        rest.extend_from_slice(&self.buffer[length..]);
        self.buffer.truncate(length);
        Body { bytes: std::mem::replace(&mut self.buffer, rest), home: self.buffers.clone() }
    }

    fn fill(&mut self, target: usize) {
        let missing = target.saturating_sub(self.buffer.len());
        if self.ended || missing == 0 {
            return;
        }
        self.buffer.reserve(missing);
        // What came before a fault stands in the buffer.
        self.fault = self.input.by_ref().take(missing as u64).read_to_end(&mut self.buffer).err();
        if self.fault.is_some() || self.buffer.len() < target {
            self.ended = true;
            self.settle_tail();
        }
    }

    /// Takes off an end that is still being written. One whole record is not: a record's beginning never is a record.
    fn settle_tail(&mut self) {
        let start = memrchr(b'\n', &self.buffer).map_or(0, |feed| feed + 1);
        let tail = &self.buffer[start..];
        let whole = || serde_json::from_slice::<serde::de::IgnoredAny>(tail).is_ok();
        if (self.tail == Tail::Left || self.fault.is_some()) && !tail.is_empty() && !whole() {
            self.unfinished = tail.len() as u64;
            self.buffer.truncate(start);
        }
    }

    /// Length of the whole lines among the first `most` bytes, of which there are not too many.
    fn whole_lines(&self, most: usize) -> usize {
        let window = &self.buffer[..most.min(self.buffer.len())];
        let end = memrchr(b'\n', window).map_or(0, |feed| feed + 1);
        memchr_iter(b'\n', &window[..end]).nth(LINES - 1).map_or(end, |feed| feed + 1)
    }

    /// Reads over a line that is too long, and keeps its beginning.
    fn too_long(&mut self) -> io::Result<Piece> {
        let body = Body { bytes: self.buffer[..BEGINNING].to_vec(), home: Buffers::default() };
        let (offset, line, before) = (self.at.offset, self.at.line, self.at.sha256());
        let mut feed = None;
        while feed.is_none() {
            feed = memchr(b'\n', &self.buffer);
            let length = feed.map_or(self.buffer.len(), |feed| feed + 1);
            self.at.pass(&self.buffer[..length]);
            self.buffer.drain(..length);
            if feed.is_none() {
                match self.fault.take() {
                    Some(fault) => return Err(fault),
                    None if self.ended => break,
                    None => self.fill(BATCH),
                }
            }
        }
        let (end, after) = (self.at.offset, self.at.sha256());
        let bytes = end - offset - u64::from(feed.is_some());
        let last = self.ended && self.buffer.is_empty();
        Ok(Piece { offset, end, line, before, after, last, cut: Some(bytes), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(content: &[u8], tail: Tail) -> (Vec<Piece>, u64) {
        let mut cutter = Pieces::new(content, Start::of_file(), tail);
        let mut pieces = Vec::new();
        while let Some(piece) = cutter.next().unwrap() {
            pieces.push(piece);
        }
        (pieces, cutter.unfinished)
    }

    /// Checks what holds of all batches: they follow each other, and hash what they say.
    fn check(content: &[u8], pieces: &[Piece]) {
        let (mut at, mut start) = (0, Start::of_file());
        for piece in pieces {
            assert_eq!((piece.offset, piece.line, &piece.before), (at as u64, start.line, &start.sha256()));
            let end = usize::try_from(piece.end).unwrap();
            let bytes = &content[at..end];
            match piece.cut {
                None => assert_eq!(bytes, &*piece.body),
                Some(length) => {
                    assert_eq!(bytes.trim_ascii_end().len() as u64, length);
                    assert!(bytes.starts_with(&piece.body));
                }
            }
            start.pass(bytes);
            assert_eq!(piece.after, start.sha256());
            at = end;
        }
    }

    #[test]
    fn batches_are_whole_lines_of_a_bounded_size() {
        let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1000));
        let content = line.repeat(20_000).into_bytes();
        let (pieces, unfinished) = pieces(&content, Tail::Left);
        check(&content, &pieces);
        assert_eq!((pieces.len(), unfinished), (3, 0));
        assert!(pieces.iter().all(|piece| piece.body.len() <= BATCH && piece.body.ends_with(b"\n")));
        assert_eq!(pieces.iter().map(|piece| piece.last).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn short_lines_are_counted_too() {
        let content = b"1\n".repeat(100_000);
        let (pieces, _) = pieces(&content, Tail::Left);
        check(&content, &pieces);
        assert_eq!(pieces.len(), 4);
    }

    #[test]
    fn many_short_lines_behind_a_long_one_are_counted_too() {
        let content = ["x".repeat(9 << 20), "\n1".repeat(100_000)].concat().into_bytes();
        let (pieces, _) = pieces(&content, Tail::Line);
        check(&content, &pieces);
        let lines = |piece: &Piece| memchr_iter(b'\n', &piece.body).count();
        assert!(pieces.iter().all(|piece| lines(piece) <= LINES));
    }

    #[test]
    fn a_line_of_the_longest_size_goes_whole_and_a_longer_one_by_its_beginning() {
        for (length, cut) in [(MAX_LINE_BYTES, None), (MAX_LINE_BYTES + 1, Some(MAX_LINE_BYTES as u64 + 1))] {
            for ending in ["\n", ""] {
                let content = ["{}\n", &"y".repeat(length), ending].concat().into_bytes();
                let (pieces, _) = pieces(&content, Tail::Line);
                check(&content, &pieces);
                assert_eq!(pieces.iter().map(|piece| piece.cut).collect::<Vec<_>>(), [None, cut]);
            }
        }
        let content = ["z".repeat(40 << 20).as_str(), "\n{}\n"].concat().into_bytes();
        let (pieces, _) = pieces(&content, Tail::Left);
        check(&content, &pieces);
        assert_eq!((pieces.len(), pieces[1].line), (2, 2));
    }

    /// Gives some content, and fails where more should follow.
    struct Broken<'a>(&'a [u8]);

    impl Read for Broken<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn what_can_be_read_before_a_damage_is_given_first() {
        let long = ["{}\n", &"y".repeat(MAX_LINE_BYTES + 10)].concat();
        for (content, whole) in
            [("{}\n{\"a\":1}\n{\"b\"", 11), ("{}\n{\"a\":1}", 10), ("{\"b\"", 0), ("", 0), (&long, 3)]
        {
            for tail in [Tail::Left, Tail::Line] {
                let mut cutter = Pieces::new(Broken(content.as_bytes()), Start::of_file(), tail);
                let mut end = 0;
                let fault = loop {
                    match cutter.next() {
                        Ok(Some(piece)) => end = piece.end,
                        Ok(None) => panic!("the damage was not told"),
                        Err(fault) => break fault,
                    }
                };
                assert_eq!((end, fault.kind()), (whole, io::ErrorKind::UnexpectedEof), "{content:.20}");
            }
        }
    }

    #[test]
    fn an_end_that_is_being_written_is_left_and_a_whole_one_is_not() {
        for (content, tail, sent, unfinished) in [
            ("{}\n{\"a\":", Tail::Left, 3, 5),
            ("{}\n{\"a\":", Tail::Line, 8, 0),
            ("{}\n{\"a\":1}", Tail::Left, 10, 0),
            ("{\"a\"", Tail::Left, 0, 4),
            ("", Tail::Line, 0, 0),
        ] {
            let (pieces, left) = pieces(content.as_bytes(), tail);
            check(content.as_bytes(), &pieces);
            assert_eq!((pieces.last().map_or(0, |piece| piece.end), left), (sent, unfinished), "{content}");
        }
    }
}
