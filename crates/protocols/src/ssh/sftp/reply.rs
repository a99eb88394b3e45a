//! What requests wait for, and the server's status replies.

use event::Detail;
use event::kinds::file::{Attributes, Extended, Linked, Moved, Named, Opened};

use super::SftpError;
use super::files::FileKey;
use super::request::OpenMode;
use super::wire::{self, Fields};
use crate::ssh::path_text::message_text;

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) enum Pending {
    /// A file to open.
    Open { path: String, mode: OpenMode },
    /// A folder to open.
    OpenFolder { path: String },
    /// A file whose handle is closed.
    Close { file: FileKey },
    /// Content to read.
    Read { file: FileKey, offset: u64, length: u32 },
    /// Content that was written.
    Write { file: FileKey },
    /// A change, its intent stated.
    Change(Detail),
    /// A question, to be stated with its answer.
    Look(Detail),
    /// A question that needs no event: about the server, a folder's next names, a folder's close.
    Quiet,
}

impl Pending {
    /// Returns how much text the request keeps in memory.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Pending::Open { path, .. } | Pending::OpenFolder { path } => path.len(),
            Pending::Change(detail) | Pending::Look(detail) => detail_bytes(detail),
            _ => 0,
        }
    }
}

fn detail_bytes(detail: &Detail) -> usize {
    match detail {
        Detail::FileOpen(Opened { path, .. })
        | Detail::FileUpload(Moved { path, .. })
        | Detail::FileDownload(Moved { path, .. })
        | Detail::FileList(Named { path, .. })
        | Detail::FileStat(Named { path, .. })
        | Detail::FileRemove(Named { path, .. })
        | Detail::FileCreateFolder(Named { path, .. })
        | Detail::FileRemoveFolder(Named { path, .. })
        | Detail::FileSetAttributes(Attributes { path, .. }) => path.len(),
        Detail::FileRename(Linked { path, new_path, .. })
        | Detail::FileLink(Linked { path, new_path, .. }) => path.len() + new_path.len(),
        Detail::FileExtended(Extended { name, path, .. }) => {
            name.len() + path.as_ref().map_or(0, String::len)
        }
        _ => 0,
    }
}

/// Reads a status reply, its id taken already: `None` for success, else the reason as text.
///
/// The end of a file or of a folder is no failure.
pub(super) fn status_failure(fields: &mut Fields<'_>) -> Result<Option<String>, SftpError> {
    let code = fields.u32("status code")?;
    if code == wire::OK || code == wire::END_OF_FILE {
        return Ok(None);
    }
    // Servers of older versions send the code alone.
    let message = if fields.is_empty() { String::new() } else { message_text(fields.string("message")?) };
    Ok(Some(if message.is_empty() { status_name(code) } else { message }))
}

fn status_name(code: u32) -> String {
    let name = match code {
        2 => "No such file",
        3 => "Permission denied",
        4 => "Failure",
        5 => "Bad message",
        6 => "No connection",
        7 => "Connection lost",
        8 => "Operation unsupported",
        _ => return format!("status {code}"),
    };
    name.to_owned()
}
