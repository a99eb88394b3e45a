//! SFTP version 3, read as it passes: bytes of both directions in, steps and facts out.
//!
//! This follows draft-ietf-secsh-filexfer-02 and the extensions of OpenSSH's `PROTOCOL` document, section 4. It
//! is not an SFTP server or client: it answers nothing and changes no byte.
//!
//! The invariants:
//! - A request that changes something (an open for anything but plain reading, remove, rename, mkdir, rmdir, setstat,
//!   symlink, link, an extension that changes or is unknown) waits until its intent is lodged. Where the server
//!   then refuses it, a second fact of the same kind carries the failure.
//! - The answer to a read (a folder's handle, attributes, a true path, the handle of a file opened for reading) waits until
//!   its fact is lodged. `file.open` with the flag `read` therefore precedes every download's first byte.
//! - `file.upload` and `file.download` are stated when the server has answered the close and every request before
//!   it, or by [`Decoder::finish`]. The digest covers what moved, in file order, from the first offset asked for.
//! - Whatever cannot be attributed (an unknown handle, an id used twice, a reply that fits no request, another
//!   protocol version) is an error, and the channel ends: what cannot be recorded must not happen.
//! - Memory is bounded: see the limits below. Content streams through and is never kept, save chunks that
//!   overtake an earlier one.

mod attributes;
mod decoder;
mod files;
mod head;
mod reply;
mod request;
#[cfg(test)]
mod tests;
mod wire;

pub use decoder::Decoder;

/// The longest packet that is taken, in bytes, its length field not counted. OpenSSH's own limit is 256 KiB.
pub const MAX_PACKET_BYTES: usize = 1 << 20;
/// The longest packet that is kept whole: any request but a write. OpenSSH's own limit.
pub const MAX_REQUEST_BYTES: usize = 256 << 10;
/// The longest status or handle reply that is taken, in bytes.
pub const MAX_REPLY_BYTES: usize = 64 << 10;
/// The longest file handle, in bytes (draft, section 3).
pub const MAX_HANDLE_BYTES: usize = 256;
/// The most files and folders that may be open in one channel.
pub const MAX_OPEN_HANDLES: usize = 4096;
/// The most requests that may wait for their answer.
pub const MAX_OUTSTANDING_REQUESTS: usize = 4096;
/// The most text (paths, mostly) that the open files may hold, and again the unanswered requests, in bytes.
pub const MAX_KEPT_TEXT_BYTES: usize = 8 << 20;
/// The most content that is kept because it overtook earlier content, in bytes, over all files of a channel.
pub const REORDER_WINDOW_BYTES: usize = 8 << 20;

/// Why a channel can no longer be followed. The gateway ends the channel: what cannot be recorded must not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SftpError {
    /// A packet is longer than the limit for its type.
    #[error("sftp packet of {0} bytes is longer than is taken; use smaller requests")]
    TooLong(u64),
    /// A packet does not have the fields of its type.
    #[error("sftp packet of type {kind} cannot be read at its {field}")]
    Malformed {
        /// The packet's type.
        kind: u8,
        /// The field that is missing or wrong.
        field: &'static str,
    },
    /// The client sent a packet that is no request of version 3.
    #[error("sftp packet type {0} is no request of version 3")]
    UnknownRequest(u8),
    /// The server sent a packet that is no reply of version 3.
    #[error("sftp packet type {0} is no reply of version 3")]
    UnknownReply(u8),
    /// The server speaks another version.
    #[error("the server speaks sftp version {0}, and only version 3 can be recorded")]
    Version(u32),
    /// A request came before the version was agreed, or the version was agreed twice.
    #[error("sftp packets came out of order: the version must be agreed once, and first")]
    OutOfOrder,
    /// A request names a handle that is not open.
    #[error("sftp request {0} names a handle that is not open")]
    UnknownHandle(u32),
    /// The server gave out a handle that is still open.
    #[error("the server answered sftp request {0} with a handle that is still open")]
    HandleInUse(u32),
    /// A request reuses the id of one that is not answered yet.
    #[error("sftp request id {0} is used again before its answer")]
    IdInUse(u32),
    /// A reply has an id that no request waits under.
    #[error("the server answered sftp request {0}, which was not asked")]
    Unasked(u32),
    /// A reply's type or size does not fit its request.
    #[error("the server's answer to sftp request {0} does not fit the request")]
    WrongReply(u32),
    /// More requests wait for an answer than [`MAX_OUTSTANDING_REQUESTS`], or they hold too much text.
    #[error("too many sftp requests wait for an answer; send fewer at once")]
    TooManyRequests,
    /// More handles are open than [`MAX_OPEN_HANDLES`].
    #[error("too many files are open over sftp; close some first")]
    TooManyHandles,
    /// An earlier call failed; nothing more is decoded.
    #[error("the sftp channel could not be followed any more and is closed")]
    Stopped,
}
