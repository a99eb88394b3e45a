//! The first bytes of a connection: the header that names the target, if there is one.

use std::io;

use super::line::Line;
use crate::proxy_header::{self, Decoded, MAX_HEADER_BYTES, ProxyHeaderError};

/// What a client said before its SSH banner.
pub(super) struct Hello {
    /// Name of the target that it wants.
    pub(super) target: Option<String>,
    /// What was read beyond the header.
    pub(super) rest: Vec<u8>,
}

/// Why the first bytes were no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum HelloError {
    /// The connection broke.
    #[error("connection broke before its first line: {0}")]
    Io(#[from] io::Error),
    /// The header is refused.
    #[error(transparent)]
    Header(#[from] ProxyHeaderError),
}

/// Reads up to the end of the header, or up to the first byte that says that there is none.
pub(super) async fn hello(line: &Line) -> Result<Hello, HelloError> {
    let mut bytes = Vec::with_capacity(MAX_HEADER_BYTES);
    loop {
        // An SSH client speaks at once, and so does our own; silence is ended by the login grace.
        read(line, &mut bytes).await?;
        match proxy_header::decode(&bytes) {
            Decoded::NeedMore => {}
            Decoded::NotAHeader => return Ok(Hello { target: None, rest: bytes }),
            Decoded::Header { authority, consumed } => {
                return Ok(Hello { target: Some(authority), rest: bytes.split_off(consumed) });
            }
            Decoded::Error(error) => return Err(error.into()),
        }
    }
}

/// Reads what there is, up to the longest header, behind `bytes`.
async fn read(line: &Line, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut next = [0; MAX_HEADER_BYTES];
    loop {
        line.readable().await?;
        match line.try_read(&mut next) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Ok(count) => {
                bytes.extend_from_slice(&next[..count]);
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
