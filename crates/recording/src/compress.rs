//! Compression, shared by all recordings: a few zstd contexts and buffers serve any number of sessions.
//!
//! A context is held only while one chunk is compressed, so an idle recording holds none.

use std::sync::Mutex;

use zstd::bulk::{Compressor, Decompressor};

/// Bulk output meets level 1, which keeps up with a fast transfer; the small chunks of people typing meet level 3.
const BULK_LEVEL: i32 = 1;
const SMALL_LEVEL: i32 = 3;
const BULK: usize = 64 * 1024;
/// How much of a bulk chunk is tried before the whole is compressed.
const SAMPLE: usize = 8 * 1024;
const KEPT: usize = 4;

/// Lends compressors and chunk-sized buffers.
#[derive(Default)]
pub(crate) struct Compression {
    bulk: Mutex<Vec<Compressor<'static>>>,
    small: Mutex<Vec<Compressor<'static>>>,
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl Compression {
    /// Compresses `raw` into `out` and returns true, or returns false where that would not make it smaller.
    pub(crate) fn compress(&self, raw: &[u8], out: &mut Vec<u8>) -> bool {
        let (pool, level) = match raw.len() >= BULK {
            true => (&self.bulk, BULK_LEVEL),
            false => (&self.small, SMALL_LEVEL),
        };
        let Some(mut compressor) = lend(pool).or_else(|| Compressor::new(level).ok()) else { return false };
        let smaller = shrinks(&mut compressor, raw, out);
        give_back(pool, compressor);
        smaller
    }

    /// Lends an empty buffer that has room for a full chunk where one lies ready.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        lend(&self.buffers).unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(crate) fn recycle(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() >= BULK {
            buffer.clear();
            give_back(&self.buffers, buffer);
        }
    }
}

fn shrinks(compressor: &mut Compressor, raw: &[u8], out: &mut Vec<u8>) -> bool {
    // What is encrypted or compressed already looks the same everywhere: a sample from the middle tells.
    if raw.len() >= BULK {
        let middle = raw.len() / 2;
        out.clear();
        out.reserve(SAMPLE);
        if compressor.compress_to_buffer(&raw[middle..middle + SAMPLE], out).is_err()
            || out.len() > SAMPLE * 31 / 32
        {
            return false;
        }
    }
    out.clear();
    // Without room for more than the original, zstd gives up by itself where the data does not shrink.
    out.reserve_exact(raw.len());
    compressor.compress_to_buffer(raw, out).is_ok() && out.len() < raw.len()
}

/// Decompresses to exactly `length` bytes; `None` when `stored` is anything else.
pub(crate) fn decompress(stored: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut raw = Vec::with_capacity(length);
    Decompressor::new().ok()?.decompress_to_buffer(stored, &mut raw).ok()?;
    (raw.len() == length).then_some(raw)
}

fn lend<T>(pool: &Mutex<Vec<T>>) -> Option<T> {
    pool.lock().expect("no panic happens while the lock is held").pop()
}

fn give_back<T>(pool: &Mutex<Vec<T>>, item: T) {
    let mut pool = pool.lock().expect("no panic happens while the lock is held");
    if pool.len() < KEPT {
        pool.push(item);
    }
}

#[cfg(test)]
mod tests {
    use event::{Entropy, SeededEntropy};

    use super::*;

    #[test]
    fn text_shrinks_and_noise_is_left_alone() {
        let compression = Compression::default();
        let mut out = Vec::new();
        let text = b"drwxr-xr-x 2 root root 4096 Nov 22 21:44 .\n".repeat(4000);
        assert!(compression.compress(&text, &mut out));
        assert!(out.len() < text.len() / 10);
        assert_eq!(decompress(&out, text.len()), Some(text.clone()));
        assert_eq!(decompress(&out, text.len() + 1), None);
        assert_eq!(decompress(&out, text.len() - 1), None);
        let mut noise = vec![0; 200_000];
        SeededEntropy::new(1).fill(&mut noise);
        assert!(!compression.compress(&noise, &mut out));
        assert!(!compression.compress(&noise[..100], &mut out));
    }
}
