//! Paths and messages as text for events.
//!
//! A path is bytes and an event holds text, so the form must lose nothing: a path that is UTF-8 stands as it is;
//! any other becomes [`ENCODED`] followed by its bytes, with all but the unreserved characters of RFC 3986 and
//! `/` percent-encoded. A UTF-8 path that itself begins with the mark is encoded too, so no two paths share a
//! text. Only a path longer than [`MAX_PATH_BYTES`], which no server takes, is cut; its text says so.

use std::fmt::Write as _;

/// The most bytes of a path that are kept. Linux takes paths of less than 4096 bytes.
pub const MAX_PATH_BYTES: usize = 4096;
/// What the text of a path that is not UTF-8 begins with.
pub const ENCODED: &str = "percent-encoded:";

/// The most bytes of a server's message that are kept.
const MAX_MESSAGE_BYTES: usize = 512;

/// Writes a path as text.
pub fn path_text(path: &[u8]) -> String {
    let (kept, cut) = match path.get(..MAX_PATH_BYTES) {
        Some(kept) if path.len() > MAX_PATH_BYTES => (whole_characters(kept), true),
        _ => (path, false),
    };
    let mut text = match std::str::from_utf8(kept) {
        Ok(plain) if !plain.starts_with(ENCODED) => plain.to_owned(),
        _ => percent_encoded(kept),
    };
    if cut {
        write!(text, "… (cut: {} bytes)", path.len()).expect("writing to a string cannot fail");
    }
    text
}

/// Writes a server's message as one line of text, cut where it is too long.
pub(super) fn message_text(message: &[u8]) -> String {
    let kept = &message[..message.len().min(MAX_MESSAGE_BYTES)];
    let text = String::from_utf8_lossy(kept);
    text.trim().chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Drops the start of a character whose end was cut off.
fn whole_characters(kept: &[u8]) -> &[u8] {
    match std::str::from_utf8(kept) {
        Err(error) if error.error_len().is_none() => &kept[..error.valid_up_to()],
        _ => kept,
    }
}

fn percent_encoded(path: &[u8]) -> String {
    let mut text = ENCODED.to_owned();
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(text: &str) -> Vec<u8> {
        let Some(encoded) = text.strip_prefix(ENCODED) else { return text.as_bytes().to_vec() };
        let mut bytes = Vec::new();
        let mut rest = encoded.as_bytes();
        while let [first, after @ ..] = rest {
            rest = after;
            if *first == b'%' {
                let digits = std::str::from_utf8(&after[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &after[2..];
            } else {
                bytes.push(*first);
            }
        }
        bytes
    }

    #[test]
    fn a_utf8_path_stands_as_it_is() {
        assert_eq!(path_text("/srv/ä b%20".as_bytes()), "/srv/ä b%20");
    }

    #[test]
    fn other_bytes_are_percent_encoded_behind_a_mark() {
        assert_eq!(path_text(b"/tmp/\xff x"), "percent-encoded:/tmp/%FF%20x");
        assert_eq!(path_text(b"percent-encoded:x"), "percent-encoded:percent-encoded%3Ax");
    }

    #[test]
    fn an_overlong_path_is_cut_between_characters_and_says_so() {
        let text = path_text("ä".repeat(3000).as_bytes());
        assert_eq!(text, format!("{}… (cut: 6000 bytes)", "ä".repeat(2048)));
        let odd = path_text(format!("x{}", "ä".repeat(3000)).as_bytes());
        assert_eq!(odd, format!("x{}… (cut: 6001 bytes)", "ä".repeat(2047)));
    }

    #[test]
    fn a_message_is_one_short_line() {
        assert_eq!(message_text(b"scp: no\x1b[2J such\nfile\n"), "scp: no [2J such file");
        assert_eq!(message_text(&[b'x'; 9000]).len(), MAX_MESSAGE_BYTES);
    }

    proptest! {
        #[test]
        fn no_path_loses_a_byte(path in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(decoded(&path_text(&path)), path);
        }
    }
}
