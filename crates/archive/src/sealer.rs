//! The sealer: follows the log, feeds the growing part, and hands what is full to be sealed.
//!
//! Two threads: one follows, so that what was just logged can be searched at once; one seals, merges and drops. When sealing
//! falls behind, the first waits, and then only the log keeps what comes, so memory stays bounded. Nothing here slows a
//! writer, and nothing is lost when either thread ends: the next start follows from where the catalog ends.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use audit_log::{AuditLog, Entry, Follower, ReadError, Sealed};
use tokio::sync::watch;

use crate::archive::Archive;
use crate::catalog::locked;
use crate::digest::Digests;
use crate::error::ArchiveError;
use crate::growing::Growing;
use crate::name::SegmentName;

/// Entries that are taken in before others may look at the growing part.
const BATCH: usize = 256;
/// Entries that are asked of the log at once.
const ASKED: usize = 2048;
/// How often the growing part's age is looked at while nothing comes.
const LOOK: Duration = Duration::from_secs(30);
/// How often merging, dropping and removing are thought of while nothing is sealed.
const MAINTAIN: Duration = Duration::from_secs(60);
/// How long to wait before what failed is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The running threads; they end when this is dropped.
pub struct Sealer {
    archive: Arc<Archive>,
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

/// Tells both threads to end.
struct Stop {
    told: watch::Sender<bool>,
    flag: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn is_told(&self) -> bool {
        *self.told.borrow()
    }

    /// Waits for the word to end; says whether it came in time.
    fn wait(&self, limit: Duration) -> bool {
        let flag = self.flag.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(flag, limit, |told| !*told);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn tell(&self) {
        self.told.send_replace(true);
        *self.flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

impl Archive {
    /// Starts following a log that was opened with this archive's catalog.
    pub fn start(self: &Arc<Archive>, log: &AuditLog) -> Result<Sealer, ArchiveError> {
        self.settle(log)?;
        self.release(log)?;
        self.stopping.store(false, Ordering::Relaxed);
        let stop = Arc::new(Stop {
            told: watch::Sender::new(false),
            flag: Mutex::new(false),
            changed: Condvar::new(),
        });
        // No room in the channel: whoever cuts a part waits until the one before is sealed.
        let (jobs, taken) = sync_channel(0);
        let follow = Follow { archive: self.clone(), log: log.clone(), jobs };
        let (following, sealing) = (stop.clone(), stop.clone());
        let (archive, log) = (self.clone(), log.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| ArchiveError::System(error.to_string()))?;
        let threads = vec![
            spawn("archive-follow", move || runtime.block_on(follow.run(&following)))?,
            spawn("archive-seal", move || archive.work_through(&log, &taken, &sealing))?,
        ];
        Ok(Sealer { archive: self.clone(), stop, threads })
    }

    fn work_through(&self, log: &AuditLog, jobs: &Receiver<Job>, stop: &Stop) {
        while !stop.is_told() {
            match jobs.recv_timeout(MAINTAIN) {
                Ok(job) => {
                    while self.note("seal", self.seal_or_release(log, &job)).is_none() {
                        if stop.wait(RETRY) {
                            return;
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.note("maintain", self.maintain(log));
        }
    }

    /// Seals a range, unless an earlier try got as far as publishing it.
    fn seal_or_release(&self, log: &AuditLog, job: &Job) -> Result<(), ArchiveError> {
        if self.catalog().end() >= job.name.end() {
            return self.release(log);
        }
        self.seal(log, job.name, Some(job.digests.clone()))
    }

    /// Drops what is too old, merges what is small, removes what nobody reads any more.
    pub fn maintain(&self, log: &AuditLog) -> Result<(), ArchiveError> {
        // One that fails must not keep the others from their work for ever.
        let pruned = self.prune(log);
        let merged = self.merge_all();
        let swept = self.sweep();
        pruned.map(drop).and(merged).and(swept)
    }

    fn merge_all(&self) -> Result<(), ArchiveError> {
        while self.merge()? {}
        Ok(())
    }

    /// Seals what the log holds up to a position, here and now; for tests, tools, and whoever runs no [`Sealer`].
    pub fn seal_up_to(&self, log: &AuditLog, end: u64) -> Result<(), ArchiveError> {
        self.settle(log)?;
        while let Some(name) = self.next_name(log, end)? {
            self.seal(log, name, None)?;
        }
        Ok(())
    }

    /// The next segment below `end`, cut where the limits say.
    fn next_name(&self, log: &AuditLog, end: u64) -> Result<Option<SegmentName>, ArchiveError> {
        let first = self.catalog().end();
        let (mut at, mut bytes) = (first, 0);
        while at < end {
            for entry in log.read(at..end)? {
                at = entry.position + 1;
                bytes += entry.payload.len() as u64;
                if self.config.is_enough(at - first, bytes) {
                    return Ok(SegmentName::new(first..at));
                }
            }
        }
        Ok(SegmentName::new(first..end.max(first)))
    }
}

/// A part that is to be sealed.
struct Job {
    name: SegmentName,
    digests: Digests,
}

/// The thread that follows.
struct Follow {
    archive: Arc<Archive>,
    log: AuditLog,
    jobs: SyncSender<Job>,
}

impl Follow {
    async fn run(self, stop: &Stop) {
        let first = self.archive.catalog().end();
        let mut follower = self.log.follow(first);
        let mut growing = self.begin(first);
        let mut told = stop.told.subscribe();
        loop {
            let next = tokio::select! {
                biased;
                _ = told.wait_for(|told| *told) => break,
                next = tokio::time::timeout(LOOK, follower.next(ASKED)) => next,
            };
            let went_on = match next {
                Ok(Ok(entries)) => self.take(&mut growing, &entries),
                Ok(Err(ReadError::Closed)) => break,
                Ok(Err(error)) => {
                    self.archive.note::<()>("follow", Err(error.into()));
                    follower = self.again(&follower, &mut told).await;
                    true
                }
                Err(_) => true,
            };
            let is_old = self.is_old(&locked(&growing));
            if !went_on || (is_old && !self.cut(&mut growing)) {
                break;
            }
        }
        self.archive.catalog().stop_growing();
    }

    /// Waits a little and follows from the same place again.
    async fn again(&self, follower: &Follower, told: &mut watch::Receiver<bool>) -> Follower {
        let _ = tokio::time::timeout(RETRY, told.wait_for(|told| *told)).await;
        self.log.follow(follower.position())
    }

    fn begin(&self, first: u64) -> Arc<Mutex<Growing>> {
        let growing = Arc::new(Mutex::new(Growing::new(first, Arc::new(self.log.clone()))));
        self.archive.catalog().grow(growing.clone());
        growing
    }

    /// Takes entries in; says whether to go on.
    fn take(&self, growing: &mut Arc<Mutex<Growing>>, entries: &[Entry]) -> bool {
        let mut rest = entries;
        while !rest.is_empty() {
            let mut taken = 0;
            let is_full = {
                let mut growing = locked(growing);
                while taken < rest.len().min(BATCH) && !self.is_full(&growing) {
                    growing.push(&rest[taken]);
                    taken += 1;
                }
                self.is_full(&growing)
            };
            rest = &rest[taken..];
            if is_full && !self.cut(growing) {
                return false;
            }
        }
        true
    }

    fn is_full(&self, growing: &Growing) -> bool {
        self.archive.config.is_enough(growing.rows() as u64, growing.payload_bytes())
    }

    fn is_old(&self, growing: &Growing) -> bool {
        let now = self.archive.ambient.now();
        growing.first_log_time().is_some_and(|first| now.since(first) >= self.archive.config.segment_age)
    }

    /// Begins a new part and hands the old one over; says whether there is anybody to take it.
    fn cut(&self, growing: &mut Arc<Mutex<Growing>>) -> bool {
        let (range, digests) = {
            let mut growing = locked(growing);
            (growing.first()..growing.end(), growing.close())
        };
        let end = range.end;
        let Some(name) = SegmentName::new(range) else { return true };
        *growing = self.begin(end);
        self.jobs.send(Job { name, digests }).is_ok()
    }
}

impl Sealer {
    /// Ends both threads: what is being written is given up, and begun again at the next start.
    pub fn stop(&mut self) {
        self.archive.stopping.store(true, Ordering::Relaxed);
        self.stop.tell();
        // A thread that panicked has said so; the log keeps what it did not seal.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, ArchiveError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(|error| ArchiveError::System(format!("the thread {name} does not start: {error}")))
}
