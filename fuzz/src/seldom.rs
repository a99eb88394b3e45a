//! A value that replaces the right one, but not often.

use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};

/// In one of sixteen cases a value to use in place of the right one.
#[derive(Clone, Debug)]
pub struct Seldom<T>(Option<T>);

impl<T: Copy> Seldom<T> {
    /// Returns the right value, or what stands in its place.
    pub fn or(&self, right: T) -> T {
        self.0.unwrap_or(right)
    }
}

impl<'a, T: Arbitrary<'a>> Arbitrary<'a> for Seldom<T> {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Seldom<T>> {
        // Zero, which is also what an exhausted input gives, means the right value.
        let wrong = bytes.arbitrary::<u8>()? >= 0xf0;
        Ok(Seldom(if wrong { Some(bytes.arbitrary()?) } else { None }))
    }
}

/// Changes single bytes after everything was put together.
pub fn flip(bytes: &mut [u8], flips: &[(u32, u8)]) {
    for (at, mask) in flips.iter().take(4) {
        if let Some(at) = (*at as usize).checked_rem(bytes.len()) {
            bytes[at] ^= mask;
        }
    }
}
