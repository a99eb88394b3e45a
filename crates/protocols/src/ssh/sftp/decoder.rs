//! The decoder: both directions of one SFTP channel.

use std::collections::BTreeMap;

use bytes::Bytes;
use event::Detail;
use event::kinds::file::{Extended, Named, Opened as OpenedDetail};

use super::files::{FileKey, Files, Opened};
use super::reply::{Pending, status_failure};
use super::request::{OpenMode, Request, set_attributes};
use super::wire::{self, Fields};
use super::{MAX_KEPT_TEXT_BYTES, MAX_OUTSTANDING_REQUESTS, SftpError, head};
use crate::ssh::file_tap::{Carry, Cursor, FileFact, Head, Step};
use crate::ssh::transfer::Direction;

/// Follows one SFTP channel, both directions.
#[derive(Debug)]
pub struct Decoder {
    client: Side,
    server: Side,
    phase: Phase,
    outstanding: BTreeMap<u32, Pending>,
    /// Bytes of text in `outstanding`.
    waiting_text: usize,
    files: Files,
    /// Facts about what the server did whose steps were not handed out because of an error behind them.
    unstated: Vec<FileFact>,
}

/// How far one direction is inside a packet.
#[derive(Debug, Default)]
struct Side {
    carry: Carry,
    body: Option<Body>,
}

/// The rest of a packet that streams through.
#[derive(Debug)]
struct Body {
    left: u64,
    content: Option<Content>,
}

#[derive(Clone, Copy, Debug)]
struct Content {
    file: FileKey,
    offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fresh,
    VersionAsked,
    Agreed,
    Stopped,
}

const UNANSWERED: &str = "the session ended before the server answered";

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

impl Decoder {
    /// Makes a decoder for a fresh channel.
    pub fn new() -> Decoder {
        Decoder {
            client: Side::default(),
            server: Side::default(),
            phase: Phase::Fresh,
            outstanding: BTreeMap::new(),
            waiting_text: 0,
            files: Files::new(),
            unstated: Vec::new(),
        }
    }

    /// Takes bytes from the client and says what to forward to the server.
    ///
    /// After an error nothing more may be forwarded; [`Decoder::finish`] still states what is known.
    pub fn client(&mut self, bytes: Bytes) -> Result<Vec<Step>, SftpError> {
        let mut cursor = Cursor::new(bytes);
        match self.read_client(&mut cursor) {
            Ok(()) => Ok(cursor.finish()),
            Err(error) => {
                self.phase = Phase::Stopped;
                Err(error)
            }
        }
    }

    /// Takes bytes from the server and says what to forward to the client.
    ///
    /// After an error nothing more may be forwarded; [`Decoder::finish`] still states what is known.
    pub fn server(&mut self, bytes: Bytes) -> Result<Vec<Step>, SftpError> {
        let mut cursor = Cursor::new(bytes);
        match self.read_server(&mut cursor) {
            Ok(()) => Ok(cursor.finish()),
            Err(error) => {
                self.phase = Phase::Stopped;
                self.unstated.extend(cursor.abandon());
                Err(error)
            }
        }
    }

    /// Ends the channel, also after an error: returns the facts about what was still open or unanswered.
    pub fn finish(self) -> Vec<FileFact> {
        let mut facts = self.unstated;
        facts.extend(self.outstanding.into_values().filter_map(|pending| unanswered(pending, UNANSWERED)));
        facts.extend(self.files.finish());
        facts
    }

    fn read_client(&mut self, cursor: &mut Cursor) -> Result<(), SftpError> {
        if self.phase == Phase::Stopped {
            return Err(SftpError::Stopped);
        }
        while !cursor.rest().is_empty() {
            if let Some(body) = &mut self.client.body {
                let part = cursor.body(body.left);
                let done = body.advance(&part, &mut self.files, Direction::Upload);
                if done {
                    self.client.body = None;
                }
                continue;
            }
            match cursor.take(&mut self.client.carry, head::client_head)? {
                Some(head) => self.request(head, cursor)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn request(&mut self, head: Head, cursor: &mut Cursor) -> Result<(), SftpError> {
        let packet = head.bytes.clone();
        let total = head::packet_bytes(&packet)?;
        let mut fields = Fields::of(&packet)?;
        if fields.kind() == wire::INIT {
            fields.u32("version")?;
            self.advance(Phase::Fresh, Phase::VersionAsked)?;
            cursor.release(head, Vec::new());
            return Ok(());
        }
        if self.phase != Phase::Agreed {
            return Err(SftpError::OutOfOrder);
        }
        let id = fields.u32("id")?;
        let request = Request::read(&mut fields, total)?;
        if let Request::Write { length, .. } = request
            && total - packet.len() != length as usize
        {
            return Err(fields.malformed("length"));
        }
        let (pending, intent) = self.begin(id, request)?;
        self.wait(id, pending)?;
        cursor.release(head, intent.into_iter().map(FileFact::done).collect());
        Ok(())
    }

    /// Looks up a request's handles; returns what it waits for, and its intent if it changes something.
    fn begin(&mut self, id: u32, request: Request<'_>) -> Result<(Pending, Option<Detail>), SftpError> {
        Ok(match request {
            Request::Open { path, mode } => {
                let intent = mode.changes().then(|| opened(path.clone(), mode));
                (Pending::Open { path, mode }, intent)
            }
            Request::OpenFolder { path } => (Pending::OpenFolder { path }, None),
            Request::ReadFolder { handle } | Request::Inspect { handle } => {
                self.files.find(handle, id)?;
                (Pending::Quiet, None)
            }
            Request::Close { handle } => {
                let opened = self.files.find(handle, id)?;
                self.files.close(handle);
                match opened {
                    Opened::File(file) => (Pending::Close { file }, None),
                    Opened::Folder => (Pending::Quiet, None),
                }
            }
            Request::Read { handle, offset, length } => {
                let file = self.files.find_file(handle, id)?;
                self.files.reading(file, offset);
                (Pending::Read { file, offset, length }, None)
            }
            Request::Write { handle, offset, length } => {
                let file = self.files.find_file(handle, id)?;
                self.files.writing(file, offset);
                self.client.body = Body::of(length.into(), Some(Content { file, offset }));
                (Pending::Write { file }, None)
            }
            Request::SetAttributes { handle, attributes } => {
                let file = self.files.find_file(handle, id)?;
                change(set_attributes(self.files.path(file), attributes))
            }
            Request::LookExtended { handle, name, bytes } => {
                let path = self.path_of(handle, id)?;
                (Pending::Look(Detail::FileExtended(Extended { name, path, bytes })), None)
            }
            Request::CopyContent { from, to, name, bytes } => {
                self.files.find_file(from, id)?;
                let file = self.files.find_file(to, id)?;
                self.files.writing_unseen(file);
                let path = Some(self.files.path(file));
                change(Detail::FileExtended(Extended { name, path, bytes }))
            }
            Request::Change(detail) => change(detail),
            Request::Look(detail) => (Pending::Look(detail), None),
            Request::Limits => (Pending::Quiet, None),
        })
    }

    fn path_of(&self, handle: &[u8], id: u32) -> Result<Option<String>, SftpError> {
        Ok(match self.files.find(handle, id)? {
            Opened::File(file) => Some(self.files.path(file)),
            Opened::Folder => None,
        })
    }

    fn wait(&mut self, id: u32, pending: Pending) -> Result<(), SftpError> {
        self.waiting_text += pending.text_bytes();
        if self.outstanding.len() >= MAX_OUTSTANDING_REQUESTS || self.waiting_text > MAX_KEPT_TEXT_BYTES {
            return Err(SftpError::TooManyRequests);
        }
        match self.outstanding.insert(id, pending) {
            None => Ok(()),
            Some(_) => Err(SftpError::IdInUse(id)),
        }
    }

    fn read_server(&mut self, cursor: &mut Cursor) -> Result<(), SftpError> {
        if self.phase == Phase::Stopped {
            return Err(SftpError::Stopped);
        }
        while !cursor.rest().is_empty() {
            if let Some(body) = &mut self.server.body {
                let part = cursor.body(body.left);
                if body.advance(&part, &mut self.files, Direction::Download)
                    && let Some(Body { content, .. }) = self.server.body.take()
                    && let Some(Content { file, .. }) = content
                {
                    let facts = self.files.answered(file, Direction::Download, None);
                    if !facts.is_empty() {
                        cursor.hold_last(part.len(), facts);
                    }
                }
                continue;
            }
            match cursor.take(&mut self.server.carry, head::server_head)? {
                Some(head) => self.reply(head, cursor)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn reply(&mut self, head: Head, cursor: &mut Cursor) -> Result<(), SftpError> {
        let packet = head.bytes.clone();
        let mut fields = Fields::of(&packet)?;
        let left = (head::packet_bytes(&packet)? - packet.len()) as u64;
        let facts = match fields.kind() {
            wire::VERSION => {
                let version = fields.u32("version")?;
                if version != 3 {
                    return Err(SftpError::Version(version));
                }
                self.advance(Phase::VersionAsked, Phase::Agreed)?;
                self.server.body = Body::of(left, None);
                Vec::new()
            }
            kind @ (wire::STATUS
            | wire::HANDLE
            | wire::DATA
            | wire::NAME
            | wire::ATTRS
            | wire::EXTENDED_REPLY) => {
                let id = fields.u32("id")?;
                let pending = self.outstanding.remove(&id).ok_or(SftpError::Unasked(id))?;
                self.waiting_text -= pending.text_bytes();
                match kind {
                    wire::STATUS => self.status(pending, status_failure(&mut fields)?, id)?,
                    wire::HANDLE => self.handle(pending, fields.handle()?, id)?,
                    wire::DATA => self.data(pending, fields.u32("length")?, left, id)?,
                    _ => {
                        self.server.body = Body::of(left, None);
                        answer(pending, id)?
                    }
                }
            }
            other => return Err(SftpError::UnknownReply(other)),
        };
        cursor.release(head, facts);
        Ok(())
    }

    /// Takes the answer that is only a status.
    fn status(
        &mut self,
        pending: Pending,
        failure: Option<String>,
        id: u32,
    ) -> Result<Vec<FileFact>, SftpError> {
        Ok(match (pending, failure) {
            (Pending::Close { file }, failure) => self.files.closed(file, failure),
            (Pending::Read { file, .. }, failure) => self.files.answered(file, Direction::Download, failure),
            (Pending::Write { file }, failure) => self.files.answered(file, Direction::Upload, failure),
            (Pending::Look(detail), None) => vec![FileFact::done(detail)],
            (Pending::Change(_) | Pending::Quiet, None) => Vec::new(),
            // A handle was asked for, and success without one is no answer.
            (Pending::Open { .. } | Pending::OpenFolder { .. }, None) => {
                return Err(SftpError::WrongReply(id));
            }
            (pending, Some(reason)) => unanswered(pending, &reason).into_iter().collect(),
        })
    }

    /// Takes the handle of something that was opened.
    fn handle(&mut self, pending: Pending, handle: &[u8], id: u32) -> Result<Vec<FileFact>, SftpError> {
        match pending {
            Pending::Open { path, mode } => {
                let fact = (!mode.changes()).then(|| FileFact::done(opened(path.clone(), mode)));
                self.files.open_file(handle, path, mode, id)?;
                Ok(fact.into_iter().collect())
            }
            Pending::OpenFolder { path } => {
                self.files.open_folder(handle, id)?;
                Ok(vec![FileFact::done(listed(path))])
            }
            _ => Err(SftpError::WrongReply(id)),
        }
    }

    /// Takes the start of content that was asked for.
    fn data(&mut self, pending: Pending, given: u32, left: u64, id: u32) -> Result<Vec<FileFact>, SftpError> {
        let Pending::Read { file, offset, length } = pending else { return Err(SftpError::WrongReply(id)) };
        if given > length || u64::from(given) != left {
            return Err(SftpError::WrongReply(id));
        }
        self.server.body = Body::of(left, Some(Content { file, offset }));
        if self.server.body.is_some() {
            return Ok(Vec::new());
        }
        Ok(self.files.answered(file, Direction::Download, None))
    }

    fn advance(&mut self, from: Phase, to: Phase) -> Result<(), SftpError> {
        if self.phase != from {
            return Err(SftpError::OutOfOrder);
        }
        self.phase = to;
        Ok(())
    }
}

impl Body {
    fn of(left: u64, content: Option<Content>) -> Option<Body> {
        (left > 0).then_some(Body { left, content })
    }

    /// Takes a part of the body; says whether that was the last.
    fn advance(&mut self, part: &[u8], files: &mut Files, direction: Direction) -> bool {
        let length = part.len() as u64;
        if let Some(content) = &mut self.content {
            files.content(content.file, direction, content.offset, part);
            content.offset = content.offset.saturating_add(length);
        }
        self.left -= length;
        self.left == 0
    }
}

/// Takes an answer that gives what was asked for, whose content needs no reading.
fn answer(pending: Pending, id: u32) -> Result<Vec<FileFact>, SftpError> {
    match pending {
        Pending::Look(detail) => Ok(vec![FileFact::done(detail)]),
        // An extension that is not known may be answered in any form.
        Pending::Quiet | Pending::Change(Detail::FileExtended(_)) => Ok(Vec::new()),
        _ => Err(SftpError::WrongReply(id)),
    }
}

/// States a request that was refused or never answered.
fn unanswered(pending: Pending, reason: &str) -> Option<FileFact> {
    let detail = match pending {
        Pending::Open { path, mode } => opened(path, mode),
        Pending::OpenFolder { path } => listed(path),
        Pending::Change(detail) | Pending::Look(detail) => detail,
        Pending::Close { .. } | Pending::Read { .. } | Pending::Write { .. } | Pending::Quiet => return None,
    };
    Some(FileFact::failed(detail, reason))
}

fn change(detail: Detail) -> (Pending, Option<Detail>) {
    (Pending::Change(detail.clone()), Some(detail))
}

fn opened(path: String, mode: OpenMode) -> Detail {
    Detail::FileOpen(OpenedDetail { path, protocol: "sftp".to_owned(), flags: mode.names() })
}

fn listed(path: String) -> Detail {
    Detail::FileList(Named { path, operation: "opendir".to_owned() })
}
