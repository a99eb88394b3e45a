//! How much of a packet must be seen before it can be judged: all of a request, the start of content.

use super::wire::{DATA, HANDLE, PREFIX_BYTES, STATUS, WRITE};
use super::{MAX_HANDLE_BYTES, MAX_PACKET_BYTES, MAX_REPLY_BYTES, MAX_REQUEST_BYTES, SftpError};

/// Bytes of a data reply before its content: length, type, id, length of the content.
const DATA_HEAD_BYTES: usize = PREFIX_BYTES + 8;
/// Bytes of a reply up to and with its id, or of a version packet up to and with its version.
const ID_HEAD_BYTES: usize = PREFIX_BYTES + 4;

/// Returns how many bytes of the client's next packet are needed, as far as `known` tells.
pub(super) fn client_head(known: &[u8]) -> Result<usize, SftpError> {
    let Some((total, kind)) = prefix(known)? else { return Ok(PREFIX_BYTES) };
    if kind != WRITE {
        return if total <= MAX_REQUEST_BYTES { Ok(total) } else { Err(SftpError::TooLong(total as u64)) };
    }
    let handle_at = ID_HEAD_BYTES + 4;
    let Some(length) = known.get(ID_HEAD_BYTES..).and_then(<[u8]>::first_chunk::<4>) else {
        return within(handle_at, total, "handle");
    };
    let handle_bytes = u32::from_be_bytes(*length) as usize;
    if handle_bytes > MAX_HANDLE_BYTES {
        return Err(SftpError::Malformed { kind: WRITE, field: "handle" });
    }
    within(handle_at + handle_bytes + 8 + 4, total, "offset")
}

/// Returns how many bytes of the server's next packet are needed, as far as `known` tells.
pub(super) fn server_head(known: &[u8]) -> Result<usize, SftpError> {
    let Some((total, kind)) = prefix(known)? else { return Ok(PREFIX_BYTES) };
    match kind {
        STATUS | HANDLE if total > MAX_REPLY_BYTES => Err(SftpError::TooLong(total as u64)),
        STATUS | HANDLE => Ok(total),
        DATA if total < DATA_HEAD_BYTES => Err(SftpError::Malformed { kind, field: "length" }),
        DATA => Ok(DATA_HEAD_BYTES),
        _ if total < ID_HEAD_BYTES => Err(SftpError::Malformed { kind, field: "id" }),
        _ => Ok(ID_HEAD_BYTES),
    }
}

/// Returns the packet's bytes, length field and all, given its head.
pub(super) fn packet_bytes(head: &[u8]) -> Result<usize, SftpError> {
    Ok(prefix(head)?.map_or(0, |(total, _)| total))
}

/// Reads the packet's whole size and its type.
fn prefix(known: &[u8]) -> Result<Option<(usize, u8)>, SftpError> {
    let Some(&[a, b, c, d, kind]) = known.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
    let length = u32::from_be_bytes([a, b, c, d]);
    if length == 0 {
        return Err(SftpError::Malformed { kind, field: "type" });
    }
    if length as usize > MAX_PACKET_BYTES {
        return Err(SftpError::TooLong(length.into()));
    }
    Ok(Some((length as usize + 4, kind)))
}

fn within(wanted: usize, total: usize, field: &'static str) -> Result<usize, SftpError> {
    if wanted <= total { Ok(wanted) } else { Err(SftpError::Malformed { kind: WRITE, field }) }
}
