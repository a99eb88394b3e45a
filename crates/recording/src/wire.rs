//! Numbers and byte strings inside a chunk: LEB128 variable-length integers, and strings with their length before;
//! and where the whole characters of a byte stream end.

use bytes::{Buf, Bytes};

/// Appends `value` as an unsigned LEB128 integer.
pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a byte string with its length before it.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes an unsigned LEB128 integer of at most 64 bits; `None` when there is none.
pub(crate) fn take_number(input: &mut Bytes) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(input)?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Takes a number that fits `T`.
pub(crate) fn take<T: TryFrom<u64>>(input: &mut Bytes) -> Option<T> {
    T::try_from(take_number(input)?).ok()
}

/// Takes one byte.
pub(crate) fn take_byte(input: &mut Bytes) -> Option<u8> {
    input.has_remaining().then(|| input.get_u8())
}

/// Takes a byte string without copying it.
pub(crate) fn take_bytes(input: &mut Bytes) -> Option<Bytes> {
    let length: usize = take(input)?;
    (length <= input.len()).then(|| input.split_to(length))
}

/// Takes a byte string that is UTF-8.
pub(crate) fn take_text(input: &mut Bytes) -> Option<String> {
    String::from_utf8(take_bytes(input)?.into()).ok()
}

/// Takes exactly `N` bytes.
pub(crate) fn take_array<const N: usize>(input: &mut Bytes) -> Option<[u8; N]> {
    (input.len() >= N).then(|| input.split_to(N).as_ref().try_into().expect("split to this length"))
}

/// Returns where an unfinished UTF-8 character at the end begins, or the length where there is none.
pub(crate) fn whole_characters_end(bytes: &[u8]) -> usize {
    let unfinished = |at: &usize| {
        std::str::from_utf8(&bytes[*at..])
            .is_err_and(|error| error.error_len().is_none() && error.valid_up_to() == 0)
    };
    (bytes.len().saturating_sub(3)..bytes.len()).find(unfinished).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_strings_come_back(value: u64, text: Vec<u8>) {
            let mut out = Vec::new();
            put_number(&mut out, value);
            put_bytes(&mut out, &text);
            let mut input = Bytes::from(out);
            prop_assert_eq!(take_number(&mut input), Some(value));
            prop_assert_eq!(take_bytes(&mut input), Some(Bytes::from(text)));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes: Vec<u8>) {
            let mut input = Bytes::from(bytes);
            while take_bytes(&mut input).is_some() {}
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        assert_eq!(take_number(&mut Bytes::from_static(&[0xff; 10])), None);
        assert_eq!(take::<u16>(&mut Bytes::from_static(&[0x80, 0x80, 0x04])), None);
    }
}
