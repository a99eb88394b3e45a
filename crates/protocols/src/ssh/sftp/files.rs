//! The files and folders that are open in a channel, and what moved through them.
//!
//! A handle names a file from the server's answer to the open until the client's request to close; the file itself
//! lives on until every request that was made on it is answered, so that its one event counts all that moved.

use std::collections::BTreeMap;

use event::Detail;

use super::request::OpenMode;
use super::{MAX_KEPT_TEXT_BYTES, MAX_OPEN_HANDLES, REORDER_WINDOW_BYTES, SftpError};
use crate::ssh::file_tap::FileFact;
use crate::ssh::transfer::{Direction, Transfer, Window};

/// Names an open file for as long as anything refers to it. Handles are reused by servers, keys are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileKey(u64);

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// A file.
    File(FileKey),
    /// A folder.
    Folder,
}

/// Everything that is open.
#[derive(Debug)]
pub(super) struct Files {
    handles: BTreeMap<Vec<u8>, Opened>,
    files: BTreeMap<FileKey, OpenFile>,
    next_key: u64,
    /// Bytes of text in `files`.
    text: usize,
    window: Window,
}

#[derive(Debug)]
struct OpenFile {
    path: String,
    mode: OpenMode,
    read: Option<Moving>,
    written: Option<Moving>,
    unanswered: usize,
    closing: Closing,
}

/// Content that moves, and the first complaint about it.
#[derive(Debug)]
struct Moving {
    transfer: Transfer,
    failure: Option<String>,
}

#[derive(Debug)]
enum Closing {
    Open,
    Asked,
    Answered(Option<String>),
}

const CUT_SHORT: &str = "the session ended before the file was closed";

impl Files {
    pub(super) fn new() -> Files {
        Files {
            handles: BTreeMap::new(),
            files: BTreeMap::new(),
            next_key: 0,
            text: 0,
            window: Window::new(REORDER_WINDOW_BYTES),
        }
    }

    /// Notes a file that the server opened in answer to request `id`.
    pub(super) fn open_file(
        &mut self,
        handle: &[u8],
        path: String,
        mode: OpenMode,
        id: u32,
    ) -> Result<(), SftpError> {
        let key = FileKey(self.next_key);
        self.add(handle, Opened::File(key), id)?;
        self.next_key += 1;
        self.text += path.len();
        let written = mode.writes().then(Moving::new);
        let file = OpenFile { path, mode, read: None, written, unanswered: 0, closing: Closing::Open };
        self.files.insert(key, file);
        Ok(())
    }

    /// Notes a folder that the server opened in answer to request `id`.
    pub(super) fn open_folder(&mut self, handle: &[u8], id: u32) -> Result<(), SftpError> {
        self.add(handle, Opened::Folder, id)
    }

    fn add(&mut self, handle: &[u8], opened: Opened, id: u32) -> Result<(), SftpError> {
        // Files that are closed but not settled count too: they hold memory.
        if self.handles.len().max(self.files.len()) >= MAX_OPEN_HANDLES || self.text > MAX_KEPT_TEXT_BYTES {
            return Err(SftpError::TooManyHandles);
        }
        match self.handles.insert(handle.to_vec(), opened) {
            None => Ok(()),
            Some(_) => Err(SftpError::HandleInUse(id)),
        }
    }

    /// Finds what the handle in request `id` stands for.
    pub(super) fn find(&self, handle: &[u8], id: u32) -> Result<Opened, SftpError> {
        self.handles.get(handle).copied().ok_or(SftpError::UnknownHandle(id))
    }

    /// Finds the file that the handle in request `id` stands for.
    pub(super) fn find_file(&self, handle: &[u8], id: u32) -> Result<FileKey, SftpError> {
        match self.find(handle, id)? {
            Opened::File(key) => Ok(key),
            Opened::Folder => Err(SftpError::UnknownHandle(id)),
        }
    }

    /// Returns the path that a file was opened under.
    pub(super) fn path(&self, key: FileKey) -> String {
        self.files.get(&key).map_or_else(String::new, |file| file.path.clone())
    }

    /// Notes that the client asked to close a handle, which must not be used from now on.
    pub(super) fn close(&mut self, handle: &[u8]) {
        if let Some(Opened::File(key)) = self.handles.remove(handle)
            && let Some(file) = self.files.get_mut(&key)
        {
            file.closing = Closing::Asked;
        }
    }

    /// Notes the server's answer to a close.
    pub(super) fn closed(&mut self, key: FileKey, failure: Option<String>) -> Vec<FileFact> {
        if let Some(file) = self.files.get_mut(&key) {
            file.closing = Closing::Answered(failure);
        }
        self.settle(key)
    }

    /// Notes a request to read at `offset`.
    pub(super) fn reading(&mut self, key: FileKey, offset: u64) {
        if let Some(file) = self.files.get_mut(&key) {
            file.unanswered += 1;
            file.read.get_or_insert_with(Moving::new).transfer.begin(offset);
        }
    }

    /// Notes a request to write at `offset`.
    pub(super) fn writing(&mut self, key: FileKey, offset: u64) {
        if let Some(file) = self.files.get_mut(&key) {
            file.unanswered += 1;
            file.written.get_or_insert_with(Moving::new).transfer.begin(offset);
        }
    }

    /// Notes that the server is to write content that does not pass here.
    pub(super) fn writing_unseen(&mut self, key: FileKey) {
        if let Some(file) = self.files.get_mut(&key) {
            file.written.get_or_insert_with(Moving::new).transfer.lose_order(&mut self.window);
        }
    }

    /// Takes content that passes.
    pub(super) fn content(&mut self, key: FileKey, direction: Direction, offset: u64, content: &[u8]) {
        if let Some(file) = self.files.get_mut(&key)
            && let Some(moving) = file.moving(direction)
        {
            moving.transfer.absorb(offset, content, &mut self.window);
        }
    }

    /// Notes the answer to a read or a write, and settles the file if that was the last.
    pub(super) fn answered(
        &mut self,
        key: FileKey,
        direction: Direction,
        failure: Option<String>,
    ) -> Vec<FileFact> {
        if let Some(file) = self.files.get_mut(&key) {
            file.unanswered = file.unanswered.saturating_sub(1);
            if let Some(moving) = file.moving(direction)
                && moving.failure.is_none()
            {
                moving.failure = failure;
            }
        }
        self.settle(key)
    }

    /// States what moved through files that were never closed.
    pub(super) fn finish(mut self) -> Vec<FileFact> {
        let files = std::mem::take(&mut self.files);
        let cut = |file| file_facts(file, Some(CUT_SHORT.to_owned()), &mut self.window);
        files.into_values().flat_map(cut).collect()
    }

    fn settle(&mut self, key: FileKey) -> Vec<FileFact> {
        let Some(file) = self.files.get(&key) else { return Vec::new() };
        let Closing::Answered(failure) = &file.closing else { return Vec::new() };
        if file.unanswered > 0 {
            return Vec::new();
        }
        let failure = failure.clone();
        let Some(file) = self.files.remove(&key) else { return Vec::new() };
        self.text -= file.path.len();
        file_facts(file, failure, &mut self.window)
    }
}

impl OpenFile {
    fn moving(&mut self, direction: Direction) -> Option<&mut Moving> {
        match direction {
            Direction::Upload => self.written.as_mut(),
            Direction::Download => self.read.as_mut(),
        }
    }
}

impl Moving {
    fn new() -> Moving {
        Moving { transfer: Transfer::new(), failure: None }
    }
}

fn file_facts(file: OpenFile, failure: Option<String>, window: &mut Window) -> Vec<FileFact> {
    let OpenFile { path, mode, read, written, .. } = file;
    let mut facts = Vec::new();
    if let Some(Moving { transfer, failure: complaint }) = read {
        let moved = transfer.finish(window).moved(path.clone(), "sftp", Direction::Download);
        facts.push(FileFact { detail: Detail::FileDownload(moved), failure: complaint.or(failure.clone()) });
    }
    if let Some(Moving { transfer, failure: complaint }) = written {
        let content = transfer.finish(window);
        let content = if mode.appends() { content.appended() } else { content };
        let moved = content.moved(path, "sftp", Direction::Upload);
        facts.push(FileFact { detail: Detail::FileUpload(moved), failure: complaint.or(failure) });
    }
    facts
}
