//! Files on targets for pages of the console: what the API asks a protocol for.
//!
//! Decides nothing: each request is a session of its own through the gate, which authorises it and records what it moves.

use std::io;
use std::pin::Pin;

use event::Timestamp;
use futures::Stream;

use crate::{Answer, Reach};

/// What lists, reads and writes files on targets.
pub trait RemoteFiles: Send + Sync {
    /// Lists a folder; the home folder where the path is empty.
    fn list(&self, reach: Reach, path: String) -> Answer<Result<Folder, RemoteFileError>>;

    /// Opens a file to read it.
    fn read(&self, reach: Reach, path: String) -> Answer<Result<Reading, RemoteFileError>>;

    /// Writes a file; one that exists only where `overwrite` says so. Returns how many bytes were written, once the target has
    /// taken them all. What arrived before `content` broke off stays there, as with any SFTP client.
    fn write(
        &self,
        reach: Reach,
        path: String,
        overwrite: bool,
        content: Content,
    ) -> Answer<Result<u64, RemoteFileError>>;
}

/// A file's bytes, piece by piece.
pub type Content = Pin<Box<dyn Stream<Item = io::Result<Vec<u8>>> + Send>>;

/// A folder on a target.
pub struct Folder {
    /// Its absolute path.
    pub path: String,
    /// What is in it, in the order in which the target tells it.
    pub entries: Vec<Entry>,
    /// Whether that is all.
    pub is_whole: bool,
}

/// One entry of a folder.
pub struct Entry {
    /// Its name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its size, as the target says.
    pub bytes: u64,
    /// When it was last written, as the target says.
    pub modified: Option<Timestamp>,
}

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a socket, …
    Other,
}

/// A file that is being read.
pub struct Reading {
    /// Its size, as the target says.
    pub bytes: Option<u64>,
    /// What is in it.
    pub content: Content,
}

/// Why a file was not listed, read or written. Each is a sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum RemoteFileError {
    /// The gate refused, in its own words.
    #[error("{0}")]
    Refused(String),
    /// The target has no such file.
    #[error("the target has no {0}")]
    Missing(String),
    /// The target does not let this account.
    #[error("the account on the target may not: {0}")]
    Denied(String),
    /// It is there already.
    #[error("{0} exists on the target")]
    Exists(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}
