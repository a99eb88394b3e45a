//! Buffers for batches, used again: memory that was touched before costs far less than what the system hands out anew.

use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that are kept while nobody sends.
const KEPT: usize = 4;

/// The buffers that are free.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// An empty buffer for one batch, until it is dropped.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Buffers {
    /// Finds a free buffer, or makes one.
    pub(crate) fn take(&self) -> Buffer {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Buffer { bytes, home: self.clone() }
    }
}

impl Buffer {
    /// Adds bytes, as long as there are at most `most`; says whether that was so.
    #[must_use]
    pub fn add(&mut self, bytes: &[u8], most: usize) -> bool {
        let fits = self.bytes.len() + bytes.len() <= most;
        if fits {
            self.bytes.extend_from_slice(bytes);
        }
        fits
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut free = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_buffer_held_is_never_seen_by_the_next() {
        let buffers = Buffers::default();
        let mut first = buffers.take();
        assert!(first.add(b"secret", 10));
        assert!(!first.add(b"secret", 10));
        assert_eq!(first.as_ref(), b"secret");
        drop(first);
        let mut next = buffers.take();
        assert_eq!((next.as_ref(), next.bytes.capacity() >= 6), (&b""[..], true));
        assert!(next.add(b"x", 1));
        assert_eq!(next.as_ref(), b"x");
    }

    #[test]
    fn only_a_few_are_kept() {
        let buffers = Buffers::default();
        drop((0..3 * KEPT).map(|_| buffers.take()).collect::<Vec<_>>());
        assert_eq!(buffers.0.lock().unwrap().len(), KEPT);
    }
}
