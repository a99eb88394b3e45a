//! Sending batches: four under way at most, each sent again until the server has it or says that it must not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use api::wire::IngestReceipt;
use base16ct::lower::encode_string;

use super::batches::Piece;
use super::progress::Progress;
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::terminal::counted;

/// Batches under way.
const UNDER_WAY: usize = 4;
/// How often a pause looks whether it is still of any use, in milliseconds.
const LOOK: u64 = 100;
/// A pause of so many milliseconds or more is not kept silent.
const NOTICED: u64 = 1600;
/// Pauses before a batch is sent again, in milliseconds; their end is the end of patience.
const PAUSES: [u64; 12] = [100, 200, 400, 800, 1600, 3000, 5000, 5000, 10_000, 10_000, 10_000, 10_000];

/// Where batches go.
pub struct Destination<'a> {
    /// The server.
    pub client: &'a Client,
    /// Name of the source.
    pub source: &'a str,
    /// Name of the reporting system.
    pub name: &'a str,
    /// Identity of the file.
    pub identity: &'a str,
    /// The file's name where it lies.
    pub label: &'a str,
    /// Names this sending.
    pub run: &'a str,
    /// Byte at which this sending begins.
    pub from: u64,
}

/// What was taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// Events, those of rejections included.
    pub events: u64,
    /// Rejections.
    pub rejected: u64,
    /// Byte of the file up to which all was taken.
    pub taken: u64,
}

impl Sent {
    /// Says whether nothing was accepted of what there was.
    pub fn is_all_rejected(self) -> bool {
        self.rejected > 0 && self.rejected == self.events
    }
}

/// Says that nothing was accepted, and what that may come from.
pub fn nothing_accepted(to: &Destination<'_>, rejected: u64) -> String {
    let (records, source) = (counted(rejected, "record"), to.source);
    format!(
        "{}: not one of {records} could be taken as `{source}`; does --source say what the file holds?",
        to.label
    )
}

/// Sends all batches that `next` gives; returns once all are durable.
pub fn send(
    to: &Destination<'_>,
    earlier: u64,
    progress: &Progress,
    mut next: impl FnMut() -> Result<Option<Piece>>,
) -> (Sent, Result<()>) {
    let (sender, receiver) = sync_channel::<Piece>(1);
    let receiver = Mutex::new(receiver);
    let (sent, failure) = (Mutex::new(Sent::default()), Mutex::new(None));
    let stop = AtomicBool::new(false);
    // What a file holds shows at its beginning; a bad line or two later says nothing of the source.
    let warned = AtomicBool::new(to.from > 0);
    let work = || {
        while let Some(piece) = take(&receiver).filter(|_| !stop.load(Ordering::Relaxed)) {
            let send = || post(to, &piece);
            let given_up = || stop.load(Ordering::Relaxed);
            match persist(progress, given_up, send)
                .with_context(|| format!("the batch at byte {} was not taken", piece.offset))
            {
                Ok(receipt) => {
                    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                    sent.events += receipt.events;
                    sent.rejected += receipt.rejected;
                    sent.taken = sent.taken.max(receipt.taken);
                    if sent.is_all_rejected() && !warned.swap(true, Ordering::Relaxed) {
                        progress.say(&format!("{}; going on", nothing_accepted(to, sent.rejected)));
                    }
                    progress.events(earlier + sent.events);
                }
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        }
    };
    let read = thread::scope(|scope| {
        for _ in 0..UNDER_WAY {
            scope.spawn(work);
        }
        let mut feed = || -> Result<()> {
            while let Some(piece) = next()? {
                if stop.load(Ordering::Relaxed) || sender.send(piece).is_err() {
                    break;
                }
            }
            Ok(())
        };
        let read = feed();
        drop(sender);
        read
    });
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
    (sent, failure.map_or(read, Err))
}

fn take(receiver: &Mutex<Receiver<Piece>>) -> Option<Piece> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Asks until there is an answer, a refusal, or no patience left; says why when it takes long.
pub fn persist<T>(
    progress: &Progress,
    given_up: impl Fn() -> bool,
    ask: impl Fn() -> Result<T>,
) -> Result<T> {
    let mut pauses = PAUSES.iter();
    loop {
        let error = match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Some(pause) = pauses.next().filter(|_| may_pass(&error) && !given_up()) else {
            return Err(error);
        };
        if *pause == NOTICED {
            progress.say(&format!("{}; trying again for a minute", api::told(error.as_ref())));
        }
        wait(*pause, &given_up);
    }
}

/// Waits so many milliseconds, or until that is of no use any more.
fn wait(pause: u64, given_up: impl Fn() -> bool) {
    for _ in 0..pause.div_ceil(LOOK) {
        if given_up() {
            return;
        }
        thread::sleep(Duration::from_millis(LOOK));
    }
}

fn post(to: &Destination<'_>, piece: &Piece) -> Result<IngestReceipt> {
    let mut query = vec![
        ("name", to.name.to_owned()),
        ("identity", to.identity.to_owned()),
        ("file", to.label.to_owned()),
        ("run", to.run.to_owned()),
        ("offset", piece.offset.to_string()),
        ("end", piece.end.to_string()),
        ("line", piece.line.to_string()),
        ("before", piece.before.clone()),
        ("after", piece.after.clone()),
        ("last", piece.last.to_string()),
    ];
    query.extend(piece.cut.map(|bytes| ("cut", bytes.to_string())));
    to.client.post_bytes(&format!("/v1/ingest/{}", segment(to.source)), &query, &piece.body)
}

/// Says whether trying again may help: the server is away or busy, or this was too fast.
fn may_pass(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Failure>() {
        None => true,
        Some(Failure::Refused(problem)) => matches!(problem.status, 429 | 503),
        Some(_) => false,
    }
}

/// Says whether the log has no room for this, nor for anything that would be sent after it.
pub fn is_full(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<Failure>(), Some(Failure::Refused(problem)) if problem.code == "log_full")
}

/// Says whether the server holds the file at another place than this sending believes.
pub fn is_misplaced(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<Failure>(), Some(Failure::Refused(problem)) if problem.code == "ingest_place")
}

/// Makes a name for a sending that nobody else has.
pub fn new_run() -> Result<String> {
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .ok()
        .context("the system gives no random bytes")?;
    Ok(encode_string(&bytes))
}
