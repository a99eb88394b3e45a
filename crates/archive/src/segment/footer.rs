//! The footer of a Parquet file, whose checksum ties an index to its data: metadata, their length, the closing magic.

use std::io::{self, Write};

use crate::read_at::ReadAt;

/// Bytes behind the metadata: their length and the magic.
const TAIL: usize = 8;
/// The largest metadata that are read.
const MOST_METADATA_BYTES: u64 = 256 << 20;

/// Reads where the metadata lie and the checksum of the footer.
pub(super) fn footer_crc(data: &dyn ReadAt) -> io::Result<u32> {
    let cut = || io::Error::new(io::ErrorKind::InvalidData, "the footer is cut short");
    let length = data.len();
    let tail = data.read_at(length.checked_sub(TAIL as u64).ok_or_else(cut)?, TAIL)?;
    let metadata = u64::from(u32::from_le_bytes(*tail.first_chunk().ok_or_else(cut)?)) + TAIL as u64;
    if metadata > length || metadata > MOST_METADATA_BYTES {
        return Err(cut());
    }
    Ok(crc32c::crc32c(&data.read_at(length - metadata, metadata as usize)?))
}

/// Passes a file on as it is written, and knows the checksum of its footer at the end.
pub(super) struct FooterCrc<W> {
    out: W,
    written: u64,
    /// What was written since [`FooterCrc::keep`].
    kept: Option<Vec<u8>>,
}

impl<W: Write> FooterCrc<W> {
    pub(super) fn new(out: W) -> FooterCrc<W> {
        FooterCrc { out, written: 0, kept: None }
    }

    /// From here on only indexes and metadata are written, the footer among them.
    pub(super) fn keep(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// Returns what was written to, its length and the checksum of the footer.
    pub(super) fn finish(mut self) -> io::Result<(W, u64, u32)> {
        self.out.flush()?;
        let kept = self.kept.unwrap_or_default();
        let crc = footer_crc(&kept)?;
        Ok((self.out, self.written, crc))
    }
}

impl<W: Write> Write for FooterCrc<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.written += count as u64;
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&bytes[..count]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
