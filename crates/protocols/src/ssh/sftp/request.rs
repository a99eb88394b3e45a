//! The client's requests, read and sorted by what they do: change, look, or move content.

use std::collections::BTreeMap;

use event::Detail;
use event::kinds::file::{Attributes, Extended, Linked, Named};

use super::SftpError;
use super::attributes::attributes;
use super::wire::{self, Fields};
use crate::ssh::path_text::path_text;

/// One request, its handles not looked up yet.
#[derive(Debug)]
pub(super) enum Request<'a> {
    /// Opens a file.
    Open { path: String, mode: OpenMode },
    /// Opens a folder.
    OpenFolder { path: String },
    /// Reads the next names of a folder.
    ReadFolder { handle: &'a [u8] },
    /// Asks for an open file's attributes, which tells no more than the open did.
    Inspect { handle: &'a [u8] },
    /// Closes a file or a folder.
    Close { handle: &'a [u8] },
    /// Reads content.
    Read { handle: &'a [u8], offset: u64, length: u32 },
    /// Writes content, which follows the head.
    Write { handle: &'a [u8], offset: u64, length: u32 },
    /// Changes an open file's attributes.
    SetAttributes { handle: &'a [u8], attributes: BTreeMap<String, String> },
    /// Uses an extension that asks about an open file, or flushes it.
    LookExtended { handle: &'a [u8], name: String, bytes: u64 },
    /// Copies content between two open files, on the server.
    CopyContent { from: &'a [u8], to: &'a [u8], name: String, bytes: u64 },
    /// Changes something that it names.
    Change(Detail),
    /// Asks about something that it names.
    Look(Detail),
    /// Asks about the server, not about a file.
    Limits,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenMode(u32);

impl OpenMode {
    const READ: u32 = 0x01;
    const WRITE: u32 = 0x02;
    const APPEND: u32 = 0x04;
    const NAMES: [(u32, &'static str); 6] = [
        (OpenMode::READ, "read"),
        (OpenMode::WRITE, "write"),
        (0x08, "create"),
        (0x10, "truncate"),
        (OpenMode::APPEND, "append"),
        (0x20, "exclusive"),
    ];

    /// Says whether the open can change anything. Creating and truncating do, even without writing.
    pub(super) fn changes(self) -> bool {
        self.0 & !OpenMode::READ != 0
    }

    pub(super) fn writes(self) -> bool {
        self.0 & (OpenMode::WRITE | OpenMode::APPEND) != 0
    }

    pub(super) fn appends(self) -> bool {
        self.0 & OpenMode::APPEND != 0
    }

    pub(super) fn names(self) -> Vec<String> {
        OpenMode::NAMES
            .iter()
            .filter(|(bit, _)| self.0 & bit != 0)
            .map(|(_, name)| (*name).to_owned())
            .collect()
    }
}

impl<'a> Request<'a> {
    /// Reads a request's fields, the id taken already. `bytes` is the size of the packet.
    pub(super) fn read(fields: &mut Fields<'a>, bytes: usize) -> Result<Request<'a>, SftpError> {
        Ok(match fields.kind() {
            wire::OPEN => Request::Open { path: path(fields)?, mode: OpenMode(fields.u32("flags")?) },
            wire::OPENDIR => Request::OpenFolder { path: path(fields)? },
            wire::READDIR => Request::ReadFolder { handle: fields.handle()? },
            wire::FSTAT => Request::Inspect { handle: fields.handle()? },
            wire::CLOSE => Request::Close { handle: fields.handle()? },
            wire::READ => Request::Read {
                handle: fields.handle()?,
                offset: fields.u64("offset")?,
                length: fields.u32("length")?,
            },
            wire::WRITE => Request::Write {
                handle: fields.handle()?,
                offset: fields.u64("offset")?,
                length: fields.u32("length")?,
            },
            wire::FSETSTAT => {
                Request::SetAttributes { handle: fields.handle()?, attributes: attributes(fields)? }
            }
            wire::SETSTAT => {
                let path = path(fields)?;
                Request::Change(set_attributes(path, attributes(fields)?))
            }
            wire::REMOVE => Request::Change(Detail::FileRemove(named(path(fields)?, "remove"))),
            wire::MKDIR => Request::Change(Detail::FileCreateFolder(named(path(fields)?, "mkdir"))),
            wire::RMDIR => Request::Change(Detail::FileRemoveFolder(named(path(fields)?, "rmdir"))),
            wire::RENAME => Request::Change(Detail::FileRename(linked(fields, "rename")?)),
            // OpenSSH sends the target first and the new link second, the reverse of the draft's text.
            wire::SYMLINK => Request::Change(Detail::FileLink(linked(fields, "symlink")?)),
            wire::STAT => Request::Look(Detail::FileStat(named(path(fields)?, "stat"))),
            wire::LSTAT => Request::Look(Detail::FileStat(named(path(fields)?, "lstat"))),
            wire::REALPATH => Request::Look(Detail::FileStat(named(path(fields)?, "realpath"))),
            wire::READLINK => Request::Look(Detail::FileStat(named(path(fields)?, "readlink"))),
            wire::EXTENDED => extended(fields, bytes as u64)?,
            other => return Err(SftpError::UnknownRequest(other)),
        })
    }
}

/// Reads an extended request. One that is not known may change anything, so it counts as a change.
fn extended<'a>(fields: &mut Fields<'a>, bytes: u64) -> Result<Request<'a>, SftpError> {
    let name = path_text(fields.string("extension name")?);
    Ok(match name.as_str() {
        "posix-rename@openssh.com" => Request::Change(Detail::FileRename(linked(fields, &name)?)),
        "hardlink@openssh.com" => Request::Change(Detail::FileLink(linked(fields, &name)?)),
        "lsetstat@openssh.com" => {
            let path = path(fields)?;
            Request::Change(set_attributes(path, attributes(fields)?))
        }
        "fsync@openssh.com" | "fstatvfs@openssh.com" => {
            Request::LookExtended { handle: fields.handle()?, name, bytes }
        }
        "copy-data" => {
            let from = fields.handle()?;
            fields.u64("offset to read from")?;
            fields.u64("length")?;
            Request::CopyContent { from, to: fields.handle()?, name, bytes }
        }
        "statvfs@openssh.com" | "expand-path@openssh.com" => {
            let path = Some(path(fields)?);
            Request::Look(Detail::FileExtended(Extended { name, path, bytes }))
        }
        "home-directory" | "users-groups-by-id@openssh.com" => {
            Request::Look(Detail::FileExtended(Extended { name, path: None, bytes }))
        }
        "limits@openssh.com" => Request::Limits,
        _ => Request::Change(Detail::FileExtended(Extended { name, path: None, bytes })),
    })
}

/// Makes the detail for changed attributes.
pub(super) fn set_attributes(path: String, attributes: BTreeMap<String, String>) -> Detail {
    Detail::FileSetAttributes(Attributes { path, attributes })
}

fn path(fields: &mut Fields<'_>) -> Result<String, SftpError> {
    Ok(path_text(fields.string("path")?))
}

fn named(path: String, operation: &str) -> Named {
    Named { path, operation: operation.to_owned() }
}

fn linked(fields: &mut Fields<'_>, operation: &str) -> Result<Linked, SftpError> {
    Ok(Linked { path: path(fields)?, new_path: path(fields)?, operation: operation.to_owned() })
}
