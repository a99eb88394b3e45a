//! The PROXY protocol's version 2 header, as far as Lodge uses it: to say which target a client wants.
//!
//! The client sends one header in front of the protocol that it really speaks; its authority field carries the
//! target's name, and nothing else in it is believed. Addresses are skipped: an address that the peer claims is
//! no evidence. Source: HAProxy's `doc/proxy-protocol.txt`, section 2.2.
//!
//! The invariant: `decode` reads a header only as a whole, takes at most [`MAX_HEADER_BYTES`], and depends on
//! nothing but the bytes that it is given.

/// The longest header that is taken, in bytes.
pub const MAX_HEADER_BYTES: usize = 512;
/// The longest target name, in bytes.
pub const MAX_AUTHORITY_BYTES: usize = 255;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const FIXED_BYTES: usize = 16;
const VERSION_2: u8 = 0x20;
const COMMAND_PROXY: u8 = 0x01;
const UNSPECIFIED: u8 = 0x00;
const TYPE_AUTHORITY: u8 = 0x02;

/// Why a header cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyHeaderError {
    /// The authority is not a target's name.
    #[error("a target name has 1 to {MAX_AUTHORITY_BYTES} of the characters a-z 0-9 . _ -")]
    Authority,
    /// The header's version is not 2.
    #[error("PROXY header of version {0}, of which only 2 is spoken here")]
    Version(u8),
    /// The header's command is not PROXY.
    #[error("PROXY header with command {0}, of which only 1 (PROXY) is taken")]
    Command(u8),
    /// The header's address family is not one that the protocol has.
    #[error("PROXY header with unknown address family {0:#04x}")]
    Family(u8),
    /// The header is longer than [`MAX_HEADER_BYTES`].
    #[error("PROXY header of {0} bytes is longer than the {MAX_HEADER_BYTES} that are taken")]
    TooLong(usize),
    /// A field runs past the end of the header.
    #[error("PROXY header is cut short inside a field")]
    Truncated,
    /// The header names no target, or more than one.
    #[error("PROXY header must name exactly one target in its authority field")]
    AuthorityCount,
}

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// They may yet become a header; ask again with more bytes.
    NeedMore,
    /// They are no header: the connection begins with the protocol itself.
    NotAHeader,
    /// They begin with a header.
    Header {
        /// Name of the target that the client wants, in lower case.
        authority: String,
        /// Length of the header; the protocol itself begins after it.
        consumed: usize,
    },
    /// They begin with a header that is refused.
    Error(ProxyHeaderError),
}

/// Writes the header that asks for the target named `authority`.
pub fn encode(authority: &str) -> Result<Vec<u8>, ProxyHeaderError> {
    let authority = target_name(authority.as_bytes())?;
    let length = u16::try_from(authority.len()).map_err(|_| ProxyHeaderError::Authority)?;
    let mut header = Vec::with_capacity(FIXED_BYTES + 3 + authority.len());
    header.extend_from_slice(SIGNATURE);
    header.extend_from_slice(&[VERSION_2 | COMMAND_PROXY, UNSPECIFIED]);
    header.extend_from_slice(&(length + 3).to_be_bytes());
    header.push(TYPE_AUTHORITY);
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(authority.as_bytes());
    Ok(header)
}

/// Reads the header at the start of a connection, given everything that has arrived so far.
pub fn decode(bytes: &[u8]) -> Decoded {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes[..known] != SIGNATURE[..known] {
        return Decoded::NotAHeader;
    }
    match read(bytes) {
        Ok(Some((authority, consumed))) => Decoded::Header { authority, consumed },
        Ok(None) => Decoded::NeedMore,
        Err(error) => Decoded::Error(error),
    }
}

fn read(bytes: &[u8]) -> Result<Option<(String, usize)>, ProxyHeaderError> {
    let Some(fixed) = bytes.first_chunk::<FIXED_BYTES>() else { return Ok(None) };
    let [.., version_and_command, family, high, low] = *fixed;
    if version_and_command & 0xf0 != VERSION_2 {
        return Err(ProxyHeaderError::Version(version_and_command >> 4));
    }
    if version_and_command & 0x0f != COMMAND_PROXY {
        return Err(ProxyHeaderError::Command(version_and_command & 0x0f));
    }
    let addresses = address_bytes(family)?;
    let consumed = FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if consumed > MAX_HEADER_BYTES {
        return Err(ProxyHeaderError::TooLong(consumed));
    }
    let Some(block) = bytes.get(FIXED_BYTES..consumed) else { return Ok(None) };
    let fields = block.get(addresses..).ok_or(ProxyHeaderError::Truncated)?;
    Ok(Some((authority(fields)?, consumed)))
}

/// Returns how many bytes of addresses a family puts in front of the fields.
fn address_bytes(family: u8) -> Result<usize, ProxyHeaderError> {
    match (family >> 4, family & 0x0f) {
        (0, 0..=2) => Ok(0),
        (1, 0..=2) => Ok(12),
        (2, 0..=2) => Ok(36),
        (3, 0..=2) => Ok(216),
        _ => Err(ProxyHeaderError::Family(family)),
    }
}

/// Finds the one authority among the type-length-value fields; fields of other types are skipped.
fn authority(mut fields: &[u8]) -> Result<String, ProxyHeaderError> {
    let mut found = None;
    while let [kind, high, low, rest @ ..] = fields {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, after) = rest.split_at_checked(length).ok_or(ProxyHeaderError::Truncated)?;
        if *kind == TYPE_AUTHORITY && found.replace(target_name(value)?).is_some() {
            return Err(ProxyHeaderError::AuthorityCount);
        }
        fields = after;
    }
    if !fields.is_empty() {
        return Err(ProxyHeaderError::Truncated);
    }
    found.ok_or(ProxyHeaderError::AuthorityCount)
}

/// Checks a target's name and puts it in lower case.
fn target_name(name: &[u8]) -> Result<String, ProxyHeaderError> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    if name.is_empty() || name.len() > MAX_AUTHORITY_BYTES || !name.iter().all(plain) {
        return Err(ProxyHeaderError::Authority);
    }
    String::from_utf8(name.to_ascii_lowercase()).map_err(|_| ProxyHeaderError::Authority)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn header(version_and_command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = u16::try_from(block.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[version_and_command, family], &length, block].concat()
    }

    fn check(bytes: &[u8], expect: Expect) {
        expect.assert_debug_eq(&decode(bytes));
    }

    fn refused(bytes: &[u8]) -> ProxyHeaderError {
        match decode(bytes) {
            Decoded::Error(error) => error,
            other => panic!("not refused but {other:?}"),
        }
    }

    const WEB: &[u8] = b"\x02\0\x03Web";

    #[test]
    fn a_header_is_written_as_the_specification_says() {
        let written = encode("Web-1.prod").unwrap();
        assert_eq!(written, b"\r\n\r\n\0\r\nQUIT\n\x21\x00\x00\x0d\x02\x00\x0aweb-1.prod");
    }

    #[test]
    fn the_target_is_read_and_other_fields_are_skipped() {
        let fields = [b"\x04\0\x02xx", WEB, b"\xea\0\0"].concat();
        let header = [header(0x21, 0, &fields), b"SSH-2.0-x".to_vec()].concat();
        check(
            &header,
            expect![[r#"
            Header {
                authority: "web",
                consumed: 30,
            }
        "#]],
        );
    }

    #[test]
    fn claimed_addresses_are_skipped() {
        for (family, bytes) in [(0x11, 12), (0x12, 12), (0x21, 36), (0x31, 216)] {
            let block = [vec![2; bytes], WEB.to_vec()].concat();
            let consumed = FIXED_BYTES + block.len();
            let expected = Decoded::Header { authority: "web".to_owned(), consumed };
            assert_eq!(decode(&header(0x21, family, &block)), expected);
        }
    }

    #[test]
    fn a_connection_without_a_header_is_told_apart_at_once() {
        assert_eq!(decode(b""), Decoded::NeedMore);
        assert_eq!(decode(b"\r\n\r"), Decoded::NeedMore);
        assert_eq!(decode(b"S"), Decoded::NotAHeader);
        assert_eq!(decode(b"\r\n\r\n\0\r\nQUIX"), Decoded::NotAHeader);
    }

    #[test]
    fn what_is_not_one_plain_target_is_refused() {
        use ProxyHeaderError as Error;
        let named = |name: &[u8]| [&[2, 0, u8::try_from(name.len()).unwrap()], name].concat();
        assert_eq!(refused(&header(0x11, 0, WEB)), Error::Version(1));
        assert_eq!(refused(&header(0x20, 0, WEB)), Error::Command(0));
        assert_eq!(refused(&header(0x21, 0x40, WEB)), Error::Family(0x40));
        assert_eq!(refused(&header(0x21, 0, &[0; 497])), Error::TooLong(513));
        assert_eq!(refused(&header(0x21, 0x11, b"short")), Error::Truncated);
        assert_eq!(refused(&header(0x21, 0, b"\x02\0\x09web")), Error::Truncated);
        assert_eq!(refused(&header(0x21, 0, b"\x02\0")), Error::Truncated);
        assert_eq!(refused(&header(0x21, 0, b"")), Error::AuthorityCount);
        assert_eq!(refused(&header(0x21, 0, &[WEB, WEB].concat())), Error::AuthorityCount);
        for name in [b"".as_slice(), b"a b", b"a/b", b"a\0", "ä".as_bytes()] {
            assert_eq!(refused(&header(0x21, 0, &named(name))), Error::Authority);
            assert!(encode(&String::from_utf8_lossy(name)).is_err());
        }
        assert_eq!(encode(&"a".repeat(256)), Err(Error::Authority));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "[a-z0-9._-]{1,255}", after in any::<Vec<u8>>()) {
            let written = encode(&name).unwrap();
            let all = [written.clone(), after].concat();
            prop_assert_eq!(decode(&all), Decoded::Header { authority: name, consumed: written.len() });
            for cut in 0..written.len() {
                prop_assert_eq!(decode(&written[..cut]), Decoded::NeedMore);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(block in proptest::collection::vec(any::<u8>(), 0..600), family in any::<u8>()) {
            let _ = decode(&block);
            if let Decoded::Header { consumed, .. } = decode(&header(0x21, family, &block)) {
                prop_assert_eq!(consumed, FIXED_BYTES + block.len());
            }
        }
    }
}
