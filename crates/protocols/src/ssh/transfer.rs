//! The content of one file as it moves in one direction: counted, and hashed in file order.
//!
//! Not a copy of the file: only chunks that overtake an earlier one are kept, inside a [`Window`] that all the
//! files of a channel share. The invariant: a digest is given only when it covers every byte that moved, once,
//! in file order; where that cannot be had any more, the digest is dropped and only the count goes on.

use std::collections::BTreeMap;

use base16ct::lower::encode_string;
use event::kinds::file::Moved;
use sha2::{Digest, Sha256};

/// Which way a file's content moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the client to the target.
    Upload,
    /// From the target to the client.
    Download,
}

/// Memory for chunks that wait for an earlier one.
#[derive(Debug)]
pub(super) struct Window {
    free: usize,
}

/// What a chunk costs beside its bytes.
const CHUNK_OVERHEAD: usize = 128;

impl Window {
    pub(super) fn new(bytes: usize) -> Window {
        Window { free: bytes }
    }

    fn take(&mut self, bytes: usize) -> bool {
        let left = self.free.checked_sub(bytes);
        self.free = left.unwrap_or(self.free);
        left.is_some()
    }

    fn give(&mut self, bytes: usize) {
        self.free += bytes;
    }
}

/// One file's content, one direction.
#[derive(Debug)]
pub(super) struct Transfer {
    bytes: u64,
    /// Where the first request began.
    base: Option<u64>,
    /// The offset up to which everything is hashed.
    next: u64,
    /// `None` once the order is lost.
    hash: Option<Sha256>,
    waiting: BTreeMap<u64, Vec<u8>>,
}

/// What a transfer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    bytes: u64,
    sha256: Option<String>,
    from_start: bool,
}

impl Transfer {
    pub(super) fn new() -> Transfer {
        Transfer { bytes: 0, base: None, next: 0, hash: Some(Sha256::new()), waiting: BTreeMap::new() }
    }

    /// Notes that content at `offset` is asked for or about to be written; the first such offset is the base.
    pub(super) fn begin(&mut self, offset: u64) {
        if self.base.is_none() {
            self.base = Some(offset);
            self.next = offset;
        }
    }

    /// Takes content that belongs at `offset`.
    pub(super) fn absorb(&mut self, offset: u64, content: &[u8], window: &mut Window) {
        self.bytes = self.bytes.saturating_add(content.len() as u64);
        if content.is_empty() || self.hash.is_none() {
            return;
        }
        let in_range = offset.checked_add(content.len() as u64).is_some();
        let kept = in_range
            && match offset.cmp(&self.next) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Equal => self.hash_now(content) && self.hash_waiting(window),
                std::cmp::Ordering::Greater => self.wait(offset, content, window),
            };
        if !kept {
            self.lose_order(window);
        }
    }

    /// Takes content that follows what came before it.
    pub(super) fn append(&mut self, content: &[u8]) {
        self.bytes = self.bytes.saturating_add(content.len() as u64);
        self.hash_now(content);
    }

    /// Gives up on the digest: content moved in a way that does not show here.
    pub(super) fn lose_order(&mut self, window: &mut Window) {
        self.hash = None;
        for (_, chunk) in std::mem::take(&mut self.waiting) {
            window.give(chunk.len() + CHUNK_OVERHEAD);
        }
    }

    /// Ends the transfer.
    pub(super) fn finish(mut self, window: &mut Window) -> Content {
        if !self.waiting.is_empty() {
            self.lose_order(window);
        }
        let from_start = self.hash.is_some() && self.base.unwrap_or(0) == 0;
        Content {
            bytes: self.bytes,
            sha256: self.hash.map(|hash| encode_string(&hash.finalize())),
            from_start,
        }
    }

    fn hash_now(&mut self, content: &[u8]) -> bool {
        if let Some(hash) = &mut self.hash {
            hash.update(content);
        }
        self.next += content.len() as u64;
        true
    }

    /// Hashes the chunks whose turn has come; `false` when one overlaps what is hashed already.
    fn hash_waiting(&mut self, window: &mut Window) -> bool {
        while let Some(first) = self.waiting.first_entry() {
            if *first.key() > self.next {
                return true;
            }
            if *first.key() < self.next {
                return false;
            }
            let chunk = first.remove();
            self.hash_now(&chunk);
            window.give(chunk.len() + CHUNK_OVERHEAD);
        }
        true
    }

    /// Keeps a chunk until its turn; `false` when it overlaps another or the window is full.
    fn wait(&mut self, offset: u64, content: &[u8], window: &mut Window) -> bool {
        let before = self.waiting.range_mut(..=offset).next_back();
        if let Some((start, chunk)) = before {
            let end = *start + chunk.len() as u64;
            if end > offset {
                return false;
            }
            if end == offset {
                let fits = window.take(content.len());
                if fits {
                    chunk.extend_from_slice(content);
                }
                return fits;
            }
        }
        let fits = window.take(content.len() + CHUNK_OVERHEAD);
        if fits {
            self.waiting.insert(offset, content.to_vec());
        }
        fits
    }
}

impl Content {
    /// Writes the detail of the event.
    pub(super) fn moved(self, path: String, protocol: &str, direction: Direction) -> Moved {
        let direction = match direction {
            Direction::Upload => "upload",
            Direction::Download => "download",
        };
        Moved {
            path,
            protocol: protocol.to_owned(),
            direction: direction.to_owned(),
            bytes: self.bytes,
            sha256: self.sha256,
            contiguous: self.from_start,
        }
    }

    /// Says that the content was put at the end of a file, so offset 0 was not the file's start.
    pub(super) fn appended(self) -> Content {
        Content { from_start: false, ..self }
    }
}
