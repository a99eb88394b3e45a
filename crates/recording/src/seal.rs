//! The seal: the last chunk of a recording, which makes its end explicit and repeats its totals.

use std::time::Duration;

use bytes::Bytes;

use crate::chunk::Fields;
use crate::wire;

/// What a finished recording commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Hash of the seal chunk, and through the chain of everything before it.
    pub root: [u8; 32],
    /// How many chunks it has, the header chunk included, the seal not.
    pub chunks: u64,
    /// How many frames it has.
    pub frames: u64,
    /// Bytes in those chunks before compression.
    pub bytes: u64,
    /// Bytes in those chunks after compression.
    pub stored_bytes: u64,
    /// From the session's beginning to the last frame, in milliseconds.
    pub duration_ms: u64,
    /// Whether a crash or a fault cut the recording short.
    pub truncated: bool,
}

/// Running totals over the chunks of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub chunks: u64,
    pub frames: u64,
    pub bytes: u64,
    pub stored_bytes: u64,
    pub last_us: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, fields: &Fields) {
        self.chunks += 1;
        self.frames += u64::from(fields.frames);
        self.bytes += u64::from(fields.raw_length);
        self.stored_bytes += u64::from(fields.stored_length);
        self.last_us = fields.last_us;
    }

    /// Returns the content of the seal chunk.
    pub(crate) fn encode(&self, truncated: bool) -> Vec<u8> {
        let mut out = vec![u8::from(truncated)];
        for number in [self.chunks, self.frames, self.bytes, self.stored_bytes, self.last_us] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out
    }

    /// Reads the content of a seal chunk: the totals, and whether the recording was cut short.
    pub(crate) fn decode(mut content: Bytes) -> Option<(Totals, bool)> {
        let truncated = match wire::take_byte(&mut content)? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let mut number = || wire::take_array(&mut content).map(u64::from_be_bytes);
        let totals = Totals {
            chunks: number()?,
            frames: number()?,
            bytes: number()?,
            stored_bytes: number()?,
            last_us: number()?,
        };
        content.is_empty().then_some((totals, truncated))
    }

    pub(crate) fn seal(&self, root: [u8; 32], truncated: bool) -> Seal {
        let Totals { chunks, frames, bytes, stored_bytes, last_us } = *self;
        Seal { root, chunks, frames, bytes, stored_bytes, duration_ms: last_us / 1000, truncated }
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_micros(self.last_us)
    }
}
