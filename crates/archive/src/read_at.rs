//! Reading ranges of a file or object; who keeps them, and how, is not known here.

use std::io;

use bytes::Bytes;

/// Something of known length that never changes and can be read in ranges.
pub trait ReadAt: Send + Sync {
    /// Returns its length in bytes.
    fn len(&self) -> u64;

    /// Reads exactly `length` bytes; fewer are an error ([`io::ErrorKind::UnexpectedEof`]).
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes>;

    /// Says whether nothing is in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReadAt for Bytes {
    fn len(&self) -> u64 {
        self.as_ref().len() as u64
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let start = usize::try_from(offset).ok().filter(|start| *start <= Bytes::len(self));
        let end = start.and_then(|start| start.checked_add(length)).filter(|end| *end <= Bytes::len(self));
        match (start, end) {
            (Some(start), Some(end)) => Ok(self.slice(start..end)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let bytes = start.checked_add(length).and_then(|end| self.get(start..end));
        bytes.map(Bytes::copy_from_slice).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
