//! Numbers as the index file writes them: variable length (LEB128), zigzag where they are signed.

/// Why bytes do not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WireError(pub(crate) &'static str);

const CUT: WireError = WireError("bytes are cut short");

/// Writes an unsigned number.
pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes a signed number.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, (number as u64) << 1 ^ (number >> 63) as u64);
}

/// Reads numbers from the front of bytes.
pub(crate) struct Wire<'a>(pub(crate) &'a [u8]);

impl<'a> Wire<'a> {
    /// Reads an unsigned number.
    pub(crate) fn number(&mut self) -> Result<u64, WireError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(CUT)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(WireError("a number has more than 64 bits"))
    }

    /// Reads a signed number.
    pub(crate) fn signed(&mut self) -> Result<i64, WireError> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// Reads a number that must be below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> Result<usize, WireError> {
        let number = self.number()?;
        if number >= bound {
            return Err(WireError("a number is larger than it can be"));
        }
        usize::try_from(number).map_err(|_| WireError("a number is larger than memory"))
    }

    /// Reads how many things follow, of at least `least` bytes each: no more than there can be.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, WireError> {
        let number = self.number()?;
        match usize::try_from(number) {
            Ok(count) if count <= self.0.len() / least.max(1) => Ok(count),
            _ => Err(CUT),
        }
    }

    /// Takes bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(CUT)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Reads a little-endian number of four bytes.
    pub(crate) fn fixed32(&mut self) -> Result<u32, WireError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    /// Reads a little-endian number of eight bytes.
    pub(crate) fn fixed64(&mut self) -> Result<u64, WireError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// Checks that nothing is left.
    pub(crate) fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError("bytes are left over")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_survive_the_journey(numbers: Vec<(u64, i64)>) {
            let mut out = Vec::new();
            for (number, signed) in &numbers {
                put(&mut out, *number);
                put_signed(&mut out, *signed);
            }
            let mut wire = Wire(&out);
            for (number, signed) in numbers {
                prop_assert_eq!(wire.number(), Ok(number));
                prop_assert_eq!(wire.signed(), Ok(signed));
            }
            prop_assert!(wire.end().is_ok());
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut wire = Wire(&bytes);
            while wire.number().is_ok() {}
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        assert!(Wire(&[0xff; 10]).number().is_err());
        assert!(Wire(&[0x80]).number().is_err());
    }
}
