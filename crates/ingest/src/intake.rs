//! Taking batches of a file, each exactly once.
//!
//! The log's last sequence number of a file's source id is the byte up to which the file was taken. A batch is appended
//! only when it begins there; one that was sent twice, since its answer was lost, is recognised by its sending (`run`)
//! and answered without a second append.

use std::sync::Arc;
use std::time::Duration;

use audit_log::{AppendError, AuditLog};
use bytes::Bytes;
use event::ingested::FILE_SOURCE_PREFIX;
use event::kinds::source::{Connected, Gap};
use event::{Ambient, Author, Detail, EncodedEvent, Event, Source};
use store::tables::Tables;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::buffers::{Buffer, Buffers};
use crate::error::IngestError;
use crate::lines::{self, Chunk, Cut, Reading, Size};
use crate::notes::{Known, Notes};
use crate::sources::{self, Format, SOURCES};
use crate::standing::{File, Files, Standing};

/// How long a batch waits for those before it.
const TURN: Duration = Duration::from_secs(20);
/// How often it looks meanwhile whether waiting is of any use.
const LOOK: Duration = Duration::from_millis(200);
/// Batches that may be held at once, of those whose turn it is and of those that came early.
const ROOM: usize = 6;
/// Mebibytes that may wait for the log at once; the rest of its queue is for what happens at the gate.
const LOG_ROOM: usize = 40;
/// Events of this many bytes are appended at once, and those of one line always.
const APPEND_BYTES: usize = 32 << 20;
/// Bytes of a file after which its content is noted anew.
const NOTE_EVERY: u64 = 64 << 20;
/// The most files with one beginning.
const MAX_ALIKE: u32 = 1000;

/// Consecutive bytes of a file, and where they stand in it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Name of the source.
    pub source: String,
    /// Name of the reporting system.
    pub name: String,
    /// Identity of the file.
    pub identity: String,
    /// The file's name where it lies.
    pub file: String,
    /// Names the sending: the same for all batches that one program sends of the file.
    pub run: String,
    /// Byte of the file at which the batch begins.
    pub offset: u64,
    /// Byte behind it.
    pub end: u64,
    /// Number of its first line, counted from 1.
    pub line: u64,
    /// SHA-256 of the file up to `offset`, hexadecimal.
    pub before: String,
    /// SHA-256 of the file up to `end`, hexadecimal.
    pub after: String,
    /// Whether the file ends here, as far as is known.
    pub last: bool,
    /// Length of the line of which the body is only the beginning.
    pub cut: Option<u64>,
}

/// What became of a batch, once it is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Byte of the file up to which it was taken.
    pub taken: u64,
    /// Events that were appended, those of rejections included.
    pub events: u64,
    /// How many of them are rejections.
    pub rejected: u64,
    /// Entries in the log.
    pub size: u64,
}

/// What is held of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Its identity.
    pub identity: String,
    /// Byte up to which it was taken.
    pub taken: u64,
    /// What is known of its content.
    pub known: Option<Known>,
}

/// Room for one batch, until it is dropped.
#[derive(Debug)]
pub struct Room(#[expect(dead_code, reason = "it is held, not read")] OwnedSemaphorePermit);

/// Takes what sources report.
#[derive(Clone)]
pub struct Ingest(Arc<Inner>);

struct Inner {
    log: AuditLog,
    notes: Notes,
    ambient: Ambient,
    files: Files,
    due: Arc<Semaphore>,
    early: Arc<Semaphore>,
    log_room: Semaphore,
    buffers: Buffers,
}

impl Ingest {
    /// Takes into `log`, with notes in `tables`.
    pub fn new(log: AuditLog, tables: Arc<dyn Tables>, ambient: Ambient) -> Ingest {
        Ingest(Arc::new(Inner {
            log,
            notes: Notes(tables),
            ambient,
            files: Files::default(),
            due: Arc::new(Semaphore::new(ROOM)),
            early: Arc::new(Semaphore::new(ROOM)),
            log_room: Semaphore::new(LOG_ROOM),
            buffers: Buffers::default(),
        }))
    }

    /// Says what is held of the files that begin so.
    pub async fn holdings(
        &self,
        source: &str,
        name: &str,
        beginning: &str,
    ) -> Result<Vec<Holding>, IngestError> {
        let source = find(source)?;
        check_name(name)?;
        if !is_beginning(beginning) {
            return Err(IngestError::Request("a file's beginning is 32 hexadecimal digits"));
        }
        let mut held = Vec::new();
        for number in 1..=MAX_ALIKE {
            let identity = if number == 1 { beginning.to_owned() } else { format!("{beginning}-{number}") };
            let Some(standing) = self.0.look(&source_id(source, name, &identity)).await? else { break };
            held.push(Holding { identity, taken: standing.stands, known: standing.known });
        }
        Ok(held)
    }

    /// Finds room for a batch before its bytes are read. Whoever's turn it is never waits for those who came early.
    pub async fn room(&self, batch: &Batch) -> Result<Room, IngestError> {
        let source = check(batch)?;
        self.0.has_space()?;
        let id = source_id(source, &batch.name, &batch.identity);
        let stands = self.0.file(&id).await?.moved.borrow().to_owned();
        let room = if batch.offset <= stands { &self.0.due } else { &self.0.early };
        room.clone().try_acquire_owned().map(Room).map_err(|_| IngestError::Busy)
    }

    /// Finds an empty buffer for a batch's bytes; who asks has room for it.
    pub fn buffer(&self, _: &Room) -> Buffer {
        self.0.buffers.take()
    }

    /// Takes a batch; returns once its events are durable. Goes on to the end though its caller stop waiting.
    pub async fn take(
        &self,
        batch: Batch,
        body: impl AsRef<[u8]> + Send + 'static,
        reporter: Author,
        room: Room,
    ) -> Result<Taken, IngestError> {
        let inner = self.0.clone();
        let task = tokio::spawn(async move {
            let taken = inner.take(batch, body, reporter).await;
            drop(room);
            taken
        });
        task.await.map_err(|error| IngestError::Inside(error.to_string()))?
    }
}

impl Inner {
    async fn take(
        self: &Arc<Inner>,
        batch: Batch,
        body: impl AsRef<[u8]> + Send + 'static,
        reporter: Author,
    ) -> Result<Taken, IngestError> {
        let source = check(&batch)?;
        check_length(&batch, body.as_ref().len())?;
        let id = source_id(source, &batch.name, &batch.identity);
        let file = self.file(&id).await?;
        let (batch, reading) = self.read(source, batch, body, id.clone()).await?;
        self.wait_for_turn(&file, batch.offset).await?;
        let mut standing = file.standing.lock().await;
        let begun = standing.run() == Some(&batch.run);
        compare(&standing, &batch, begun)?;
        if !begun {
            self.connect(&id, source, &batch, &mut standing, &reporter).await?;
        }
        let fresh: Vec<_> = reading.events.into_iter().filter(|(seq, _)| *seq > standing.stands).collect();
        // A batch that was sent twice has nothing that is new, and was counted when it came first.
        let rejected = if fresh.is_empty() { 0 } else { reading.rejected };
        let mut taken = Taken { rejected, ..Taken::default() };
        let last_seq = fresh.last().map(|(seq, _)| *seq);
        for group in groups(fresh) {
            let seq = group.last().map_or(standing.stands, |(seq, _)| *seq);
            taken.events += self.append(&id, group).await?;
            standing.stands = seq;
        }
        if batch.end > standing.stands || last_seq.is_some() {
            standing.stands = batch.end;
            self.note(&id, &batch, &mut standing, last_seq).await?;
            file.moved.send_replace(batch.end);
        }
        Ok(Taken { taken: standing.stands, size: self.log.size(), ..taken })
    }

    async fn read(
        self: &Arc<Inner>,
        source: &'static dyn Format,
        batch: Batch,
        body: impl AsRef<[u8]> + Send + 'static,
        id: String,
    ) -> Result<(Batch, Reading), IngestError> {
        let ambient = self.ambient.clone();
        let read = move || {
            let body = Bytes::from_owner(body);
            let chunk = Chunk {
                body: &body,
                offset: batch.offset,
                line: batch.line,
                file: &batch.file,
                name: &batch.name,
                id: &id,
                cut: batch.cut.map(|bytes| Cut { bytes, end: batch.end }),
            };
            let reading = lines::read(source, &chunk, &ambient)?;
            Ok((batch, reading))
        };
        blocking(read).await?
    }

    async fn wait_for_turn(&self, file: &File, offset: u64) -> Result<(), IngestError> {
        let mut moved = file.moved.subscribe();
        let end = tokio::time::Instant::now() + TURN;
        while tokio::time::Instant::now() < end {
            if tokio::time::timeout(LOOK, moved.wait_for(|stands| *stands >= offset)).await.is_ok() {
                return Ok(());
            }
            // The batch whose turn it is was refused then, and this one would wait in vain.
            self.has_space()?;
        }
        Err(IngestError::Place { stands: *file.moved.borrow(), offset })
    }

    /// Refuses at once what the log would refuse for want of space.
    fn has_space(&self) -> Result<(), IngestError> {
        let shortage = self.log.health().shortage;
        shortage.map_or(Ok(()), |shortage| Err(AppendError::Full(shortage).into()))
    }

    /// Records that a sending of the file begins, and what of it the log has lost, should it have.
    async fn connect(
        &self,
        id: &str,
        source: &dyn Format,
        batch: &Batch,
        standing: &mut Standing,
        reporter: &Author,
    ) -> Result<(), IngestError> {
        let (file, identity) = (batch.file.clone(), batch.identity.clone());
        let acknowledged = standing.known.as_ref().map_or(0, |known| known.seq);
        if acknowledged > standing.stands {
            let gap =
                Gap { file: file.clone(), identity: identity.clone(), logged: standing.stands, acknowledged };
            let event = self.event(source, batch, Detail::SourceGap(gap), reporter);
            self.log.append(&event.failed("the log has less of the file than was acknowledged")).await?;
        }
        let connected = Connected { file, identity, from: standing.stands, resumed: standing.stands > 0 };
        self.log.append(&self.event(source, batch, Detail::SourceConnected(connected), reporter)).await?;
        let seq = standing.stands;
        let known = Known {
            file: batch.file.clone(),
            offset: batch.offset,
            sha256: batch.before.clone(),
            seq,
            run: batch.run.clone(),
        };
        self.keep(id, known.clone()).await?;
        standing.noted = known.offset;
        standing.known = Some(known);
        Ok(())
    }

    fn event(&self, source: &dyn Format, batch: &Batch, detail: Detail, reporter: &Author) -> Event {
        let mut event = reporter.event(&self.ambient, detail);
        let (kind, name) = (source.name().to_owned(), batch.name.clone());
        event.source = Some(Source { kind, name, seq: batch.offset });
        event
    }

    async fn append(&self, id: &str, group: Vec<(u64, EncodedEvent)>) -> Result<u64, IngestError> {
        let bytes: usize = group.iter().map(|(_, event)| event.size()).sum();
        let mebibytes = u32::try_from((bytes >> 20).clamp(1, LOG_ROOM)).unwrap_or(1);
        let room = self.log_room.acquire_many(mebibytes).await;
        let room = room.map_err(|error| IngestError::Inside(error.to_string()))?;
        let receipt = self.log.append_batch(id, group).await?;
        drop(room);
        Ok(receipt.count())
    }

    /// Notes how far the file was taken and what its content was: in memory always, beside the log now and then.
    async fn note(
        &self,
        id: &str,
        batch: &Batch,
        standing: &mut Standing,
        last_seq: Option<u64>,
    ) -> Result<(), IngestError> {
        let earlier = standing.known.as_ref().map_or(0, |known| known.seq);
        let known = Known {
            file: batch.file.clone(),
            offset: batch.end,
            sha256: batch.after.clone(),
            seq: last_seq.unwrap_or(earlier),
            run: batch.run.clone(),
        };
        standing.known = Some(known.clone());
        if batch.last || batch.end.saturating_sub(standing.noted) >= NOTE_EVERY {
            self.keep(id, known).await?;
            standing.noted = batch.end;
        }
        Ok(())
    }

    async fn keep(&self, id: &str, known: Known) -> Result<(), IngestError> {
        let (notes, id) = (self.notes.clone(), id.to_owned());
        Ok(blocking(move || notes.keep(&id, &known)).await??)
    }

    /// Finds the file's place, reading it from the log where it is not remembered.
    async fn file(&self, id: &str) -> Result<Arc<File>, IngestError> {
        if let Some(file) = self.files.find(id) {
            return Ok(file);
        }
        let standing = self.load(id).await?.unwrap_or(Standing { stands: 0, known: None, noted: 0 });
        Ok(self.files.remember(id, standing))
    }

    /// Looks where a file stands; `None` for one of which nothing was taken.
    async fn look(&self, id: &str) -> Result<Option<Standing>, IngestError> {
        match self.files.find(id) {
            Some(file) => {
                let standing = file.standing.lock().await.clone();
                Ok((standing.stands > 0 || standing.known.is_some()).then_some(standing))
            }
            None => self.load(id).await,
        }
    }

    async fn load(&self, id: &str) -> Result<Option<Standing>, IngestError> {
        let (log, notes, id) = (self.log.clone(), self.notes.clone(), id.to_owned());
        Ok(blocking(move || Standing::load(&id, &log, &notes)).await??)
    }
}

/// Compares a batch with where its file stands. A sending that has begun may come again with what was taken of it.
fn compare(standing: &Standing, batch: &Batch, begun: bool) -> Result<(), IngestError> {
    let (stands, offset) = (standing.stands, batch.offset);
    if offset > stands || (offset < stands && !begun) {
        return Err(IngestError::Place { stands, offset });
    }
    match &standing.known {
        Some(known) if known.offset == offset && known.sha256 != batch.before => {
            Err(IngestError::Content { offset })
        }
        _ => Ok(()),
    }
}

/// Parts events so that each part fits one append; the events of one line stay together.
fn groups(events: Vec<(u64, EncodedEvent)>) -> Vec<Vec<(u64, EncodedEvent)>> {
    let total: usize = events.iter().map(|(_, event)| event.size()).sum();
    if total <= APPEND_BYTES {
        return if events.is_empty() { Vec::new() } else { vec![events] };
    }
    let (mut groups, mut group, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut line = Vec::new();
    for (seq, event) in events {
        if line.last().is_some_and(|(last, _)| *last != seq) {
            close_line(&mut line, &mut group, &mut bytes, &mut groups);
        }
        line.push((seq, event));
    }
    close_line(&mut line, &mut group, &mut bytes, &mut groups);
    groups.push(group);
    groups
}

type Group = Vec<(u64, EncodedEvent)>;

/// Puts a line's events into the group, or begins another with them.
fn close_line(line: &mut Group, group: &mut Group, bytes: &mut usize, groups: &mut Vec<Group>) {
    let more: usize = line.iter().map(|(_, event)| event.size()).sum();
    if !group.is_empty() && *bytes + more > APPEND_BYTES {
        groups.push(std::mem::take(group));
        *bytes = 0;
    }
    *bytes += more;
    group.append(line);
}

fn source_id(source: &dyn Format, name: &str, identity: &str) -> String {
    format!("{FILE_SOURCE_PREFIX}{}/{name}/{identity}", source.name())
}

fn find(name: &str) -> Result<&'static dyn Format, IngestError> {
    sources::source(name).ok_or_else(|| IngestError::Source {
        asked: name.chars().take(40).collect(),
        known: SOURCES.iter().map(|source| source.name()).collect(),
    })
}

fn check(batch: &Batch) -> Result<&'static dyn Format, IngestError> {
    let source = find(&batch.source)?;
    check_name(&batch.name)?;
    let is_hash = |text: &str| text.len() == 64 && is_hexadecimal(text);
    let fault = if !is_identity(&batch.identity) {
        "a file's identity is its beginning, and a number where several files begin so"
    } else if batch.file.is_empty() || batch.file.len() > 4096 {
        "a file's name has 1 to 4096 bytes"
    } else if !(1..=64).contains(&batch.run.len()) || !batch.run.bytes().all(is_plain) {
        "a sending's name has 1 to 64 letters, digits, `-`, `_` and `.`"
    } else if !is_hash(&batch.before) || !is_hash(&batch.after) {
        "the hashes before and after are 64 hexadecimal digits each"
    } else if batch.line == 0 {
        "lines are counted from 1"
    } else {
        return Ok(source);
    };
    Err(IngestError::Request(fault))
}

/// The bytes must be those that the batch says it has.
fn check_length(batch: &Batch, length: usize) -> Result<(), IngestError> {
    let spans = batch.end.checked_sub(batch.offset);
    let fits = match batch.cut {
        None => spans == Some(length as u64) && length > 0,
        // A line feed follows, unless the file ends there.
        Some(bytes) => spans.is_some_and(|spans| spans == bytes || spans == bytes.saturating_add(1)),
    };
    if fits {
        Ok(())
    } else {
        Err(IngestError::Request("the batch does not have the bytes that it says it has"))
    }
}

fn check_name(name: &str) -> Result<(), IngestError> {
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(is_plain);
    let fault = "the name of a reporting system has 1 to 64 letters, digits, `-`, `_` and `.`";
    if fits { Ok(()) } else { Err(IngestError::Request(fault)) }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_beginning(text: &str) -> bool {
    text.len() == 32 && is_hexadecimal(text)
}

fn is_identity(text: &str) -> bool {
    match text.split_once('-') {
        None => is_beginning(text),
        Some((beginning, number)) => {
            let number = number.parse::<u32>().ok().filter(|parsed| parsed.to_string() == number);
            is_beginning(beginning) && number.is_some_and(|number| (2..=MAX_ALIKE).contains(&number))
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, IngestError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| IngestError::Inside(error.to_string()))
}
