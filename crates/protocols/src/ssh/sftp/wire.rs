//! SFTP's packet types, codes and field encoding (draft-ietf-secsh-filexfer-02, sections 3 to 7).

use super::SftpError;

pub(super) const INIT: u8 = 1;
pub(super) const VERSION: u8 = 2;
pub(super) const OPEN: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const READ: u8 = 5;
pub(super) const WRITE: u8 = 6;
pub(super) const LSTAT: u8 = 7;
pub(super) const FSTAT: u8 = 8;
pub(super) const SETSTAT: u8 = 9;
pub(super) const FSETSTAT: u8 = 10;
pub(super) const OPENDIR: u8 = 11;
pub(super) const READDIR: u8 = 12;
pub(super) const REMOVE: u8 = 13;
pub(super) const MKDIR: u8 = 14;
pub(super) const RMDIR: u8 = 15;
pub(super) const REALPATH: u8 = 16;
pub(super) const STAT: u8 = 17;
pub(super) const RENAME: u8 = 18;
pub(super) const READLINK: u8 = 19;
pub(super) const SYMLINK: u8 = 20;
pub(super) const STATUS: u8 = 101;
pub(super) const HANDLE: u8 = 102;
pub(super) const DATA: u8 = 103;
pub(super) const NAME: u8 = 104;
pub(super) const ATTRS: u8 = 105;
pub(super) const EXTENDED: u8 = 200;
pub(super) const EXTENDED_REPLY: u8 = 201;

/// `SSH_FX_OK`.
pub(super) const OK: u32 = 0;
/// `SSH_FX_EOF`.
pub(super) const END_OF_FILE: u32 = 1;

/// The bytes in front of a packet's fields: its length and its type.
pub(super) const PREFIX_BYTES: usize = 5;

/// Reads fields from the front of a packet.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads the fields of a packet given with its length and type.
    pub(super) fn of(packet: &'a [u8]) -> Result<Fields<'a>, SftpError> {
        match packet.split_at_checked(PREFIX_BYTES) {
            Some(([.., kind], rest)) => Ok(Fields { kind: *kind, rest }),
            _ => Err(SftpError::Malformed { kind: 0, field: "type" }),
        }
    }

    pub(super) fn kind(&self) -> u8 {
        self.kind
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, SftpError> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(self.malformed(field))?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*value))
    }

    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, SftpError> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(self.malformed(field))?;
        self.rest = rest;
        Ok(u64::from_be_bytes(*value))
    }

    pub(super) fn string(&mut self, field: &'static str) -> Result<&'a [u8], SftpError> {
        let length = usize::try_from(self.u32(field)?).map_err(|_| self.malformed(field))?;
        let (value, rest) = self.rest.split_at_checked(length).ok_or(self.malformed(field))?;
        self.rest = rest;
        Ok(value)
    }

    pub(super) fn handle(&mut self) -> Result<&'a [u8], SftpError> {
        let handle = self.string("handle")?;
        if handle.len() > super::MAX_HANDLE_BYTES {
            return Err(self.malformed("handle"));
        }
        Ok(handle)
    }

    pub(super) fn malformed(&self, field: &'static str) -> SftpError {
        SftpError::Malformed { kind: self.kind, field }
    }
}
