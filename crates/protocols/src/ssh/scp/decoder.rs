//! The decoder: both directions of one SCP channel.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use event::Detail;
use event::kinds::file::{Attributes, Named, Opened};

use super::command::ScpCommand;
use super::place::Place;
use super::record::{Record, Times, answer_head, complaint, line_head};
use super::{MAX_EARLY_ANSWERS, ScpError};
use crate::ssh::file_tap::{Carry, Cursor, FileFact, Step};
use crate::ssh::path_text::path_text;
use crate::ssh::transfer::{Direction, Transfer, Window};

/// Follows one SCP channel, both directions.
#[derive(Debug)]
pub struct Decoder {
    place: Place,
    source: Carry,
    sink: Carry,
    state: State,
    /// Times for the next file or folder.
    times: Option<Times>,
    early: VecDeque<Option<String>>,
    /// Facts of steps that were not handed out because of an error behind them.
    unstated: Vec<FileFact>,
    stopped: bool,
}

/// Whose turn it is.
#[derive(Debug)]
enum State {
    /// The source may send a record.
    Record,
    /// The source sends content.
    Content { file: File, left: u64 },
    /// The source says whether it could read all of the content.
    Verdict { file: File },
    /// The sink is to answer.
    Answer(Asked),
}

/// What the sink is to answer.
#[derive(Debug)]
enum Asked {
    /// The start: whether it can take anything.
    Start,
    /// A record that the log has no interest in.
    Quiet,
    /// Whether it takes a file.
    File { file: File, size: u64 },
    /// Whether it takes a folder.
    Folder { path: Vec<u8> },
    /// Whether it kept the content.
    Content { file: File, complaint: Option<String> },
}

/// A file on its way.
#[derive(Debug)]
struct File {
    path: String,
    transfer: Transfer,
}

const UNANSWERED: &str = "the session ended before the record was answered";
const CUT_SHORT: &str = "the session ended before the file was complete";

impl Decoder {
    /// Makes a decoder for the channel that runs `command`.
    pub fn new(command: ScpCommand) -> Decoder {
        Decoder {
            place: Place::new(command),
            source: Carry::default(),
            sink: Carry::default(),
            state: State::Answer(Asked::Start),
            times: None,
            early: VecDeque::new(),
            unstated: Vec::new(),
            stopped: false,
        }
    }

    /// Takes bytes from the client and says what to forward to the server.
    ///
    /// After an error nothing more may be forwarded; [`Decoder::finish`] still states what is known.
    pub fn client(&mut self, bytes: Bytes) -> Result<Vec<Step>, ScpError> {
        match self.direction() {
            Direction::Upload => {
                // What a client announced and will not be forwarded did not happen.
                self.follow(bytes, Decoder::read_source).map_err(|(error, _)| error)
            }
            Direction::Download => self.follow(bytes, Decoder::read_sink).map_err(|stop| self.keep(stop)),
        }
    }

    /// Takes bytes from the server's standard output and says what to forward to the client.
    ///
    /// After an error nothing more may be forwarded; [`Decoder::finish`] still states what is known.
    pub fn server(&mut self, bytes: Bytes) -> Result<Vec<Step>, ScpError> {
        match self.direction() {
            Direction::Upload => self.follow(bytes, Decoder::read_sink).map_err(|stop| self.keep(stop)),
            Direction::Download => self.follow(bytes, Decoder::read_source).map_err(|stop| self.keep(stop)),
        }
    }

    /// Ends the channel, also after an error: returns the facts about what was still under way.
    pub fn finish(mut self) -> Vec<FileFact> {
        let mut facts = std::mem::take(&mut self.unstated);
        match std::mem::replace(&mut self.state, State::Record) {
            State::Content { file, .. } | State::Verdict { file } => {
                facts.push(self.moved(file, Some(CUT_SHORT.to_owned())))
            }
            State::Answer(asked) if !matches!(asked, Asked::Start) => {
                facts.extend(self.resolve(asked, Some(UNANSWERED.to_owned())));
            }
            State::Record | State::Answer(_) => {}
        }
        facts
    }

    fn direction(&self) -> Direction {
        self.place.command().direction
    }

    fn follow(
        &mut self,
        bytes: Bytes,
        read: impl FnOnce(&mut Decoder, &mut Cursor) -> Result<(), ScpError>,
    ) -> Result<Vec<Step>, (ScpError, Vec<FileFact>)> {
        if self.stopped {
            return Err((ScpError::Stopped, Vec::new()));
        }
        let mut cursor = Cursor::new(bytes);
        match read(self, &mut cursor) {
            Ok(()) => Ok(cursor.finish()),
            Err(error) => {
                self.stopped = true;
                Err((error, cursor.abandon()))
            }
        }
    }

    /// Keeps the facts of steps that are not handed out, for the end.
    fn keep(&mut self, (error, facts): (ScpError, Vec<FileFact>)) -> ScpError {
        self.unstated.extend(facts);
        error
    }

    fn read_source(&mut self, cursor: &mut Cursor) -> Result<(), ScpError> {
        while !cursor.rest().is_empty() {
            match std::mem::replace(&mut self.state, State::Record) {
                State::Answer(asked) => {
                    self.state = State::Answer(asked);
                    return Err(ScpError::NotAwaited);
                }
                State::Content { mut file, left } => {
                    let part = cursor.body(left);
                    file.transfer.append(&part);
                    self.state = State::content(file, left - part.len() as u64);
                }
                State::Verdict { file } => match cursor.take(&mut self.source, answer_head) {
                    Ok(Some(head)) => {
                        let complaint = complaint(&head.bytes);
                        let facts = self.ask(Asked::Content { file, complaint });
                        cursor.release(head, facts);
                    }
                    waiting => {
                        self.state = State::Verdict { file };
                        waiting?;
                        return Ok(());
                    }
                },
                State::Record => {
                    let Some(head) = cursor.take(&mut self.source, line_head)? else { return Ok(()) };
                    let facts = self.record(Record::parse(&head.bytes)?)?;
                    cursor.release(head, facts);
                }
            }
        }
        Ok(())
    }

    fn read_sink(&mut self, cursor: &mut Cursor) -> Result<(), ScpError> {
        while let Some(head) = cursor.take(&mut self.sink, answer_head)? {
            let answer = complaint(&head.bytes);
            let facts = match std::mem::replace(&mut self.state, State::Record) {
                State::Answer(asked) => self.resolve(asked, answer),
                state => {
                    self.state = state;
                    if self.early.len() >= MAX_EARLY_ANSWERS {
                        return Err(ScpError::TooManyAnswers);
                    }
                    self.early.push_back(answer);
                    Vec::new()
                }
            };
            cursor.release(head, facts);
        }
        Ok(())
    }

    /// Takes a record of the source; returns the facts that must be lodged before it goes on.
    fn record(&mut self, record: Record) -> Result<Vec<FileFact>, ScpError> {
        let (mut facts, asked) = match record {
            Record::Complaint(reason) => return Ok(self.complained(reason)),
            Record::Times(times) => {
                self.times = Some(times);
                (Vec::new(), Asked::Quiet)
            }
            Record::FolderEnd => {
                self.place.leave()?;
                (Vec::new(), Asked::Quiet)
            }
            Record::File { permissions, size, name } => {
                let path = path_text(&self.place.join(&name)?);
                let facts = self.intents(self.opened(path.clone()), &path, permissions);
                (facts, Asked::File { file: File { path, transfer: Transfer::new() }, size })
            }
            Record::Folder { permissions, name } => {
                let path = self.place.join(&name)?;
                let text = path_text(&path);
                let facts = self.intents(self.entered(text.clone()), &text, permissions);
                (facts, Asked::Folder { path })
            }
        };
        facts.extend(self.ask(asked));
        Ok(facts)
    }

    /// Waits for the sink's answer, or takes it from those that it sent ahead.
    fn ask(&mut self, asked: Asked) -> Vec<FileFact> {
        match self.early.pop_front() {
            Some(answer) => self.resolve(asked, answer),
            None => {
                self.state = State::Answer(asked);
                Vec::new()
            }
        }
    }

    /// Goes on after the sink's answer, `None` being yes; returns what it tells.
    fn resolve(&mut self, asked: Asked, answer: Option<String>) -> Vec<FileFact> {
        self.state = State::Record;
        match (asked, answer) {
            (Asked::File { file, size }, None) => {
                self.state = State::content(file, size);
                Vec::new()
            }
            (Asked::Folder { path }, None) => {
                self.place.enter(path);
                Vec::new()
            }
            (Asked::File { file, .. }, Some(reason)) => {
                vec![FileFact::failed(self.opened(file.path), reason)]
            }
            (Asked::Folder { path }, Some(reason)) => {
                vec![FileFact::failed(self.entered(path_text(&path)), reason)]
            }
            (Asked::Content { file, complaint }, answer) => vec![self.moved(file, complaint.or(answer))],
            (Asked::Start, Some(reason)) if self.direction() == Direction::Upload => {
                vec![FileFact::failed(self.opened(self.place.text()), reason)]
            }
            (Asked::Start | Asked::Quiet, _) => Vec::new(),
        }
    }

    /// States what is about to be done to a file or folder: itself, and the attributes that it is given.
    fn intents(&mut self, detail: Detail, path: &str, permissions: String) -> Vec<FileFact> {
        let times = self.times.take();
        let mut facts = vec![FileFact::done(detail)];
        if self.direction() == Direction::Download {
            return facts;
        }
        let mut attributes = BTreeMap::new();
        if self.place.command().preserve {
            attributes.insert("permissions".to_owned(), permissions);
        }
        if let Some(Times { mtime, atime }) = times {
            attributes.insert("atime".to_owned(), atime.to_string());
            attributes.insert("mtime".to_owned(), mtime.to_string());
        }
        if !attributes.is_empty() {
            let detail = Detail::FileSetAttributes(Attributes { path: path.to_owned(), attributes });
            facts.push(FileFact::done(detail));
        }
        facts
    }

    /// Takes a complaint of the source. A client's own trouble with its own files is not the target's business.
    fn complained(&self, reason: String) -> Vec<FileFact> {
        match self.direction() {
            Direction::Upload => Vec::new(),
            Direction::Download => vec![FileFact::failed(self.opened(self.place.text()), reason)],
        }
    }

    fn opened(&self, path: String) -> Detail {
        let flags: &[&str] = match self.direction() {
            Direction::Upload => &["write", "create", "truncate"],
            Direction::Download => &["read"],
        };
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Detail::FileOpen(Opened { path, protocol: "scp".to_owned(), flags })
    }

    fn entered(&self, path: String) -> Detail {
        let named = Named { path, operation: "scp folder".to_owned() };
        match self.direction() {
            Direction::Upload => Detail::FileCreateFolder(named),
            Direction::Download => Detail::FileList(named),
        }
    }

    fn moved(&self, file: File, failure: Option<String>) -> FileFact {
        let File { path, transfer } = file;
        let moved = transfer.finish(&mut Window::new(0)).moved(path, "scp", self.direction());
        let detail = match self.direction() {
            Direction::Upload => Detail::FileUpload(moved),
            Direction::Download => Detail::FileDownload(moved),
        };
        FileFact { detail, failure }
    }
}

impl State {
    fn content(file: File, left: u64) -> State {
        if left == 0 { State::Verdict { file } } else { State::Content { file, left } }
    }
}
