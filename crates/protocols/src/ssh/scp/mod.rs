//! SCP in its old form, the rcp protocol that `scp -t` and `scp -f` speak, read as it passes.
//!
//! There is no specification; this follows `scp.c` of OpenSSH. One side is the source, which sends records and content;
//! the other is the sink, which answers each with one byte, or with a line that says what went wrong. For an upload
//! the client is the source, for a download the server is. New `scp` clients speak SFTP instead.
//!
//! The invariants:
//! - An upload's record waits until its intent (`file.open`, `file.create_folder`, `file.set_attributes`) is lodged;
//!   a refusal becomes a second fact with the failure. A download's record waits for `file.open` with the
//!   flag `read`, or `file.list`, so nothing is released that is not named in the log.
//! - `file.upload` or `file.download` is stated with the sink's last answer, which waits for it.
//! - Whether content follows a record depends on the sink's answer, so a source that does not wait for it cannot be
//!   followed: that is an error, and the channel ends. A sink may answer early.
//! - Content streams through and is never kept.
//!
//! Paths: names are joined to the folders that the source entered. Whether an upload's target is a folder is known only to the
//! server; where neither `-d` nor the target's own form (`dir/`, `.`) settles it, the part that depends on it stands in
//! brackets: `/srv/data[/report.csv]`. A download's name that matches none of the command's paths
//! (the remote shell expanded them) is given as `*/name`.

mod command;
mod decoder;
mod place;
mod record;
#[cfg(test)]
mod tests;

pub use command::ScpCommand;
pub use decoder::Decoder;

/// The longest record or answer line, in bytes. Old sinks cut longer ones in two.
pub const MAX_LINE_BYTES: usize = 2047;
/// The longest path that nested folders may add up to, in bytes.
pub const MAX_JOINED_PATH_BYTES: usize = 64 << 10;
/// The most answers that a sink may send ahead.
pub const MAX_EARLY_ANSWERS: usize = 1024;

/// Why a channel can no longer be followed. The gateway ends the channel: what cannot be recorded must not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScpError {
    /// A line is longer than [`MAX_LINE_BYTES`].
    #[error("scp line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// A record cannot be read.
    #[error("scp record cannot be read at its {0}")]
    Malformed(&'static str),
    /// A record's name would lead out of its folder.
    #[error("scp record names {0:?}, which is no plain file name")]
    Name(String),
    /// The source left a folder that it had not entered.
    #[error("scp source left a folder that it had not entered")]
    Unbalanced,
    /// Folders are nested too deeply.
    #[error("scp folders are nested too deeply: their path is longer than {MAX_JOINED_PATH_BYTES} bytes")]
    TooDeep,
    /// The source did not wait for an answer.
    #[error("scp source went on before the answer to its record; wait for it, or use sftp")]
    NotAwaited,
    /// The sink sent more answers ahead than [`MAX_EARLY_ANSWERS`].
    #[error("scp sink sent more than {MAX_EARLY_ANSWERS} answers ahead")]
    TooManyAnswers,
    /// An earlier call failed; nothing more is decoded.
    #[error("the scp channel could not be followed any more and is closed")]
    Stopped,
}
