//! Recorders: the writing end of a recording, as a session holds it.
//!
//! `write` encodes a frame into a batch in memory and returns. A task that exists only while there is something
//! to write turns batches into chunks when they are full or old; a second one, only while there is something to
//! sync, makes them durable. An idle recorder therefore costs one open file, about a kibibyte, and no timer.
//!
//! Invariants: at most `QUEUE` bytes wait in memory, then `write` waits; frames reach the file in the order in
//! which they were written; the first failure is final and every later call repeats it.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use event::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use crate::chunk::{CHUNK_LIMIT, Content, Kind};
use crate::error::RecordingError;
use crate::folder::Shared;
use crate::frame::{Frame, Header};
use crate::seal::Seal;
use crate::writer::Writer;
use crate::{keyframes, words};

/// The most that waits in memory for one recording's disk.
pub(crate) const QUEUE: usize = 2 * 1024 * 1024;
/// How long a frame waits for its chunk to fill. With the sync that follows, a crash loses less than a second.
const CHUNK_AGE: Duration = Duration::from_millis(500);
/// The least time between two syncs of one file, so that a fast stream does not wait for the disk at each chunk.
const SYNC_EVERY: Duration = Duration::from_millis(400);

/// Writes one recording. Cheap to clone; memory is bounded, `write` waits when the disk is behind.
///
/// A recorder that is dropped without `seal` leaves its frames in a `.part` file, for
/// [`Recordings::recover`](crate::Recordings::recover) to seal as truncated.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    header: Header,
    room: Semaphore,
    wake: Notify,
    state: Mutex<State>,
    file: Arc<File>,
    /// Held while the file is synced. The system reports a failed sync once, so it is kept here: otherwise a
    /// later sync would succeed over data that is lost.
    synced: Mutex<Result<(), RecordingError>>,
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Progress {
    durable_frames: u64,
    outcome: Option<Result<Seal, RecordingError>>,
}

struct State {
    phase: Phase,
    /// Taken by the flushing task while it writes.
    writer: Option<Writer>,
    open: Option<Batch>,
    full: VecDeque<Batch>,
    last_us: u64,
    written_frames: u64,
    flushing: bool,
    syncing: bool,
    last_sync: Option<Instant>,
}

enum Phase {
    Open,
    Sealing,
    Ended(Option<RecordingError>),
}

/// Frames that will become one chunk.
struct Batch {
    raw: Vec<u8>,
    frames: u32,
    first_us: u64,
    last_us: u64,
    /// How much of the queue's room it holds.
    room: usize,
    born: Instant,
}

impl Recorder {
    pub(crate) fn new(shared: Arc<Shared>, header: Header, writer: Writer) -> Recorder {
        let file = writer.handle();
        let state = State {
            phase: Phase::Open,
            writer: Some(writer),
            open: None,
            full: VecDeque::new(),
            last_us: 0,
            written_frames: 0,
            flushing: false,
            syncing: false,
            last_sync: None,
        };
        Recorder(Arc::new(Inner {
            shared,
            header,
            room: Semaphore::new(QUEUE),
            wake: Notify::new(),
            state: Mutex::new(state),
            file,
            synced: Mutex::new(Ok(())),
            progress: watch::Sender::default(),
        }))
    }

    /// Takes a frame; its time is now, or that of the frame before where the clock went back.
    ///
    /// Bytes beyond 124 KiB are stored as several frames; text beyond that is cut off. Fails once the recording has failed (disk full, I/O
    /// error) or is sealed.
    pub async fn write(&self, frame: Frame) -> Result<(), RecordingError> {
        let now = self.0.shared.ambient.now();
        for piece in frame.pieces() {
            self.write_piece(now, piece).await?;
        }
        Ok(())
    }

    /// Waits until everything is durable and returns the root. Later writes fail; sealing again gives the same seal.
    ///
    /// Goes on to its end when the caller stops waiting.
    pub async fn seal(&self) -> Result<Seal, RecordingError> {
        let mut progress = self.0.progress.subscribe();
        self.begin_sealing();
        loop {
            if let Some(outcome) = progress.borrow_and_update().outcome.clone() {
                return outcome;
            }
            progress.changed().await.expect("the recorder holds the sender");
        }
    }

    /// Tells how many frames, as stored, are known to be on disk, and when that number grows.
    pub fn durable(&self) -> Durable {
        Durable { progress: self.0.progress.subscribe(), told: 0 }
    }

    async fn write_piece(&self, now: Timestamp, piece: Frame) -> Result<(), RecordingError> {
        let room = piece.bound();
        let wanted = u32::try_from(room).expect("a piece is at most 124 KiB and a little");
        let Ok(permit) = self.0.room.acquire_many(wanted).await else {
            return Err(self.0.state().refusal());
        };
        let mut state = self.0.state();
        if !matches!(state.phase, Phase::Open) {
            return Err(state.refusal());
        }
        permit.forget();
        state.push(now.since(self.0.header.started), &piece, room, &self.0.shared);
        let wake = !state.full.is_empty();
        let start = !std::mem::replace(&mut state.flushing, true);
        drop(state);
        if start {
            tokio::spawn(flush(Arc::clone(&self.0)));
        } else if wake {
            self.0.wake.notify_one();
        }
        Ok(())
    }

    fn begin_sealing(&self) {
        let mut state = self.0.state();
        if !matches!(state.phase, Phase::Open) {
            return;
        }
        state.phase = Phase::Sealing;
        self.0.room.close();
        if std::mem::replace(&mut state.flushing, true) {
            self.0.wake.notify_one();
        } else {
            tokio::spawn(flush(Arc::clone(&self.0)));
        }
    }
}

/// Follows how much of a recording is durable.
pub struct Durable {
    progress: watch::Receiver<Progress>,
    told: u64,
}

impl Durable {
    /// Returns how many frames are on disk now.
    pub fn frames(&self) -> u64 {
        self.progress.borrow().durable_frames
    }

    /// Waits for more than was told before, and tells it; `None` once the recording has ended and no more will come.
    pub async fn grown(&mut self) -> Option<u64> {
        loop {
            let (frames, ended) = {
                let progress = self.progress.borrow_and_update();
                (progress.durable_frames, progress.outcome.is_some())
            };
            if frames > self.told {
                self.told = frames;
                return Some(frames);
            }
            if ended {
                return None;
            }
            self.progress.changed().await.ok()?;
        }
    }
}

impl State {
    fn push(&mut self, offset: Duration, frame: &Frame, room: usize, shared: &Shared) {
        let offset_us = u64::try_from(offset.as_micros()).unwrap_or(u64::MAX).max(self.last_us);
        self.last_us = offset_us;
        let mut raw = Vec::new();
        if self.open.as_ref().is_some_and(|open| open.raw.len() + room > CHUNK_LIMIT) {
            self.full.extend(self.open.take());
            // The chunk filled before it was old: more will come just as fast, so take a big buffer at once.
            raw = shared.compression.buffer();
        }
        let open = self.open.get_or_insert_with(|| Batch {
            raw,
            frames: 0,
            first_us: offset_us,
            last_us: offset_us,
            room: 0,
            born: Instant::now(),
        });
        frame.encode(offset_us - open.last_us, &mut open.raw);
        open.frames += 1;
        open.last_us = offset_us;
        open.room += room;
    }

    fn refusal(&self) -> RecordingError {
        match &self.phase {
            Phase::Ended(Some(error)) => error.clone(),
            _ => RecordingError::Sealed,
        }
    }

    /// Returns when the next batch is to be written: `None` when nothing waits.
    fn due(&self) -> Option<Instant> {
        match (&self.phase, self.full.front(), &self.open) {
            (Phase::Sealing, ..) => Some(Instant::now()),
            (_, Some(batch), _) => Some(batch.born),
            (_, None, Some(open)) => Some(open.born + CHUNK_AGE),
            (_, None, None) => None,
        }
    }

    fn take_due(&mut self) -> VecDeque<Batch> {
        let mut batches = std::mem::take(&mut self.full);
        let sealing = matches!(self.phase, Phase::Sealing);
        if self.open.as_ref().is_some_and(|open| sealing || open.born + CHUNK_AGE <= Instant::now()) {
            batches.extend(self.open.take());
        }
        batches
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic happens while the lock is held")
    }

    fn fail(&self, error: RecordingError) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Ended(_)) {
            return;
        }
        state.phase = Phase::Ended(Some(error.clone()));
        state.writer = None;
        state.open = None;
        state.full = VecDeque::new();
        self.room.close();
        self.progress.send_modify(|progress| progress.outcome = Some(Err(error)));
    }

    /// Writes batches, giving their room back one by one so that the session can go on meanwhile.
    fn write_out(&self, writer: &mut Writer, batches: VecDeque<Batch>) -> Result<(), RecordingError> {
        for batch in batches {
            let Batch { raw, frames, first_us, last_us, room, .. } = batch;
            writer.append(&Content { kind: Kind::Frames, raw: &raw, frames, first_us, last_us })?;
            self.shared.compression.recycle(raw);
            self.state().written_frames += u64::from(frames);
            self.room.add_permits(room);
        }
        Ok(())
    }

    fn sync_file(&self) -> Result<(), RecordingError> {
        let mut synced = self.synced.lock().expect("no panic happens while the lock is held");
        synced.clone()?;
        let path = self.shared.part(self.header.session);
        *synced = self.file.sync_data().map_err(RecordingError::io("sync", &path));
        synced.clone()
    }

    fn seal_file(&self, writer: Writer) -> Result<Seal, RecordingError> {
        let synced = self.synced.lock().expect("no panic happens while the lock is held");
        synced.clone()?;
        writer.seal(false)
    }

    fn sealed(&self, seal: Seal) {
        self.state().phase = Phase::Ended(None);
        self.progress.send_modify(|progress| {
            progress.durable_frames = seal.frames;
            progress.outcome = Some(Ok(seal));
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.forget_live(self.header.session);
    }
}

/// Turns batches into chunks until none is left, then ends; seals when asked to.
async fn flush(inner: Arc<Inner>) {
    loop {
        let due = {
            let mut state = inner.state();
            let due = state.due();
            state.flushing = due.is_some() && !matches!(state.phase, Phase::Ended(_));
            if !state.flushing {
                return;
            }
            due
        };
        if let Some(due) = due.filter(|due| *due > Instant::now()) {
            let _ = tokio::time::timeout_at(due, inner.wake.notified()).await;
        }
        let (writer, batches, sealing) = {
            let mut state = inner.state();
            let Some(writer) = state.writer.take() else { return };
            (writer, state.take_due(), matches!(state.phase, Phase::Sealing))
        };
        match write_batches(&inner, writer, batches).await {
            Ok(writer) if sealing => return finish(&inner, writer).await,
            Ok(writer) => give_back(&inner, writer),
            Err(error) => return inner.fail(error),
        }
    }
}

async fn write_batches(
    inner: &Arc<Inner>,
    mut writer: Writer,
    batches: VecDeque<Batch>,
) -> Result<Writer, RecordingError> {
    if batches.is_empty() {
        return Ok(writer);
    }
    let task = Arc::clone(inner);
    inner.shared.write_blocking(move || task.write_out(&mut writer, batches).map(|()| writer)).await
}

/// Returns the writer to the state and sees to it that what it wrote is synced.
fn give_back(inner: &Arc<Inner>, writer: Writer) {
    let mut state = inner.state();
    if matches!(state.phase, Phase::Ended(_)) {
        return;
    }
    state.writer = Some(writer);
    let unsynced = state.written_frames > inner.progress.borrow().durable_frames;
    if unsynced && !std::mem::replace(&mut state.syncing, true) {
        tokio::spawn(sync(Arc::clone(inner)));
    }
}

/// Syncs, at most every `SYNC_EVERY`, until everything written is durable.
async fn sync(inner: Arc<Inner>) {
    loop {
        let last = inner.state().last_sync;
        if let Some(last) = last {
            tokio::time::sleep_until(last + SYNC_EVERY).await;
        }
        let frames = inner.state().written_frames;
        let task = Arc::clone(&inner);
        let synced = inner.shared.sync_blocking(move || task.sync_file()).await;
        if let Err(error) = synced {
            return inner.fail(error);
        }
        inner.progress.send_if_modified(|progress| {
            let grown = frames > progress.durable_frames;
            progress.durable_frames = progress.durable_frames.max(frames);
            grown
        });
        let mut state = inner.state();
        state.last_sync = Some(Instant::now());
        if state.written_frames == frames || !matches!(state.phase, Phase::Open) {
            state.syncing = false;
            return;
        }
    }
}

async fn finish(inner: &Arc<Inner>, writer: Writer) {
    let task = Arc::clone(inner);
    match inner.shared.sync_blocking(move || task.seal_file(writer)).await {
        Ok(seal) => {
            let worthwhile = keyframes::worthwhile(&seal);
            inner.sealed(seal);
            if worthwhile {
                keyframes::build_in_background(&inner.shared, inner.header.session);
            }
            words::build_in_background(&inner.shared, inner.header.session);
        }
        Err(error) => inner.fail(error),
    }
}

#[cfg(test)]
mod tests {
    use event::{Ambient, Timestamp};

    use super::*;
    use crate::Recordings;

    #[tokio::test]
    async fn an_idle_recorder_holds_no_buffer_no_task_and_little_memory() {
        let folder = tempfile::tempdir().unwrap();
        let (ambient, _) = Ambient::fixed(Timestamp::EPOCH, 1);
        let recordings = Recordings::open(folder.path(), ambient.clone()).unwrap();
        let header = Header {
            session: ambient.session_id(),
            started: ambient.now(),
            user: "alice".into(),
            login: "root".into(),
            target: "db".into(),
            protocol: "ssh".into(),
        };
        let recorder = recordings.start(header).await.unwrap();
        let mut durable = recorder.durable();
        recorder.write(Frame::Output { channel: 0, bytes: vec![b'x'; 1000].into() }).await.unwrap();
        assert_eq!(durable.grown().await, Some(1));
        while recorder.0.state().flushing || recorder.0.state().syncing {
            tokio::task::yield_now().await;
        }
        let state = recorder.0.state();
        assert!(state.open.is_none() && state.full.is_empty(), "nothing is buffered");
        assert_eq!(recorder.0.room.available_permits(), QUEUE);
        assert_eq!(Arc::strong_count(&recorder.0), 1, "no task holds the recorder");
        // 2,000 of them are then under 4 MiB, names and open files aside.
        assert!(size_of::<Inner>() <= 1024, "{}", size_of::<Inner>());
    }
}
