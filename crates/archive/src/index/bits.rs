//! Numbers of few bits, one behind the other without a gap: the lowest bit first, in each byte and in each number.
//!
//! A Rice number of parameter *k* is as many zeros as its upper part says, a one, and its lower *k* bits: short for numbers
//! near 2^*k*, and never long where the writer chose *k* by their mean.

use crate::wire::WireError;

/// The most bits of a number.
const MOST_BITS: u32 = 32;
const CUT: WireError = WireError("bits are cut short");

/// Writes bits.
#[derive(Default)]
pub(super) struct BitWriter {
    out: Vec<u8>,
    /// Bits that fill no byte yet.
    held: u64,
    count: u32,
}

impl BitWriter {
    /// Writes the lowest `width` bits of a number, at most 32.
    pub(super) fn put(&mut self, number: u32, width: u32) {
        debug_assert!(width <= MOST_BITS && u64::from(number) >> width == 0, "it fits its width");
        self.held |= u64::from(number) << self.count;
        self.count += width;
        if self.count >= 32 {
            self.out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// Writes a Rice number.
    pub(super) fn rice(&mut self, number: u32, k: u32) {
        let mut zeros = number >> k;
        while zeros >= 31 {
            self.put(0, 31);
            zeros -= 31;
        }
        self.put(1 << zeros, zeros + 1);
        self.put(number & ((1 << k) - 1), k);
    }

    /// Writes a positive number, the longer the larger it is.
    pub(super) fn gamma(&mut self, number: u32) {
        let width = number.ilog2();
        self.put(0, width);
        self.put(1, 1);
        self.put(number & ((1 << width) - 1), width);
    }

    /// Appends the bits to `out`, with zeros up to the end of the byte, and begins anew.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.out);
        let bytes = self.held.to_le_bytes();
        out.extend_from_slice(&bytes[..self.count.div_ceil(8) as usize]);
        (self.held, self.count) = (0, 0);
    }
}

/// Reads bits.
#[derive(Clone, Copy)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bit.
    pub(super) at: usize,
}

impl<'a> BitReader<'a> {
    /// Reads from a bit on.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> BitReader<'a> {
        BitReader { bytes, at }
    }

    /// Shows the next 57 bits at least; those beyond the end are 0.
    fn window(&self) -> u64 {
        let from = self.bytes.get(self.at / 8..).unwrap_or_default();
        let window = match from.first_chunk::<8>() {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => from.iter().rev().fold(0, |window, byte| window << 8 | u64::from(*byte)),
        };
        window >> (self.at % 8)
    }

    /// Moves on; fails beyond the end.
    pub(super) fn skip(&mut self, bits: usize) -> Result<(), WireError> {
        self.at = self.at.saturating_add(bits);
        if self.at <= self.bytes.len() * 8 { Ok(()) } else { Err(CUT) }
    }

    /// Reads a number of `width` bits, at most 32.
    pub(super) fn number(&mut self, width: u32) -> Result<u32, WireError> {
        let number = self.window() & ((1 << width) - 1);
        self.skip(width as usize)?;
        Ok(number as u32)
    }

    /// Counts zeros up to a one, and passes over it.
    fn zeros(&mut self) -> Result<u32, WireError> {
        let mut zeros = 0;
        loop {
            let window = self.window() & (u64::MAX >> 7);
            if window != 0 {
                let more = window.trailing_zeros();
                self.skip(more as usize + 1)?;
                return Ok(zeros + more);
            }
            self.skip(57)?;
            zeros += 57;
        }
    }

    /// Reads a Rice number of `k` below 32.
    pub(super) fn rice(&mut self, k: u32) -> Result<u32, WireError> {
        let high = self.zeros()?;
        let low = self.number(k)?;
        let number = u64::from(high) << k | u64::from(low);
        u32::try_from(number).map_err(|_| WireError("a number has more than 32 bits"))
    }

    /// Reads what [`BitWriter::gamma`] wrote.
    pub(super) fn gamma(&mut self) -> Result<u32, WireError> {
        let width = self.zeros()?;
        if width >= MOST_BITS {
            return Err(WireError("a number has more than 32 bits"));
        }
        Ok(1 << width | self.number(width)?)
    }

    /// Checks that nothing is left but zeros up to the end of the byte.
    pub(super) fn end(&self) -> Result<(), WireError> {
        let is_end = self.at.div_ceil(8) == self.bytes.len() && self.window() == 0;
        if is_end { Ok(()) } else { Err(WireError("bits are left over")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_survive_the_journey(numbers in prop::collection::vec((any::<u32>(), 1u32..=32, 0u32..32), 0..100)) {
            let mut writer = BitWriter::default();
            for (number, width, k) in &numbers {
                writer.put(number >> (32 - width), *width);
                writer.rice(number & ((1 << k) * 100_u64).min(u64::from(u32::MAX)) as u32, *k);
                writer.gamma(number | 1);
            }
            let mut bytes = Vec::new();
            writer.finish(&mut bytes);
            let mut reader = BitReader::new(&bytes, 0);
            for (number, width, k) in numbers {
                prop_assert_eq!(reader.number(width), Ok(number >> (32 - width)));
                let low = number & ((1 << k) * 100_u64).min(u64::from(u32::MAX)) as u32;
                prop_assert_eq!(reader.rice(k), Ok(low));
                prop_assert_eq!(reader.gamma(), Ok(number | 1));
            }
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes: Vec<u8>, k in 0u32..32) {
            let mut reader = BitReader::new(&bytes, 0);
            while reader.rice(k).is_ok() && reader.gamma().is_ok() && reader.number(k).is_ok() {}
            let _ = reader.end();
        }
    }
}
