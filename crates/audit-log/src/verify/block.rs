//! Reads a stream in big blocks and shows as many bytes of it at once as asked for.

use std::io::{self, Read};

/// Bytes that are asked of the system at once.
const BLOCK: usize = 1 << 20;

/// A stream with a view of its next bytes.
#[derive(Debug)]
pub(crate) struct BlockReader<R> {
    inner: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
}

impl<R: Read> BlockReader<R> {
    /// Begins at the stream's present place, which counts as offset 0.
    pub fn new(inner: R) -> BlockReader<R> {
        BlockReader { inner, buffer: vec![0; BLOCK], start: 0, end: 0, offset: 0, ended: false }
    }

    /// Returns the offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Makes the next `wanted` bytes visible, fewer only where the stream ends before.
    pub fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.end - self.start < wanted && !self.ended {
            self.fill(wanted)?;
        }
        Ok(self.visible(wanted))
    }

    /// Returns what is visible already, at most `wanted` bytes.
    pub fn visible(&self, wanted: usize) -> &[u8] {
        &self.buffer[self.start..self.end.min(self.start.saturating_add(wanted))]
    }

    /// Moves past visible bytes.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Moves past bytes that need not be visible; returns how many there were.
    pub fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            let got = self.peek(step)?.len();
            if got == 0 {
                break;
            }
            self.consume(got);
            left -= got as u64;
        }
        Ok(count - left)
    }

    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        while self.end < wanted {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
