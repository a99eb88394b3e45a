//! Shows a statement's process the rows of its scans: those that its reader's scope takes, and no others.
//!
//! The process says which table, columns and conditions it wants; the scope is added here, where nothing of a statement runs.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use archive::Span;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use event::filter::Filter;
use query::{QueryError, Question, Scan, Snapshot};
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::spawn_blocking;

use crate::batch::{Batches, shown};
use crate::engine::Asked;
use crate::tables::{Source, TableColumn, tables};
use crate::wire::{Opening, Times};

/// Threads that work at one scan.
pub(crate) const THREADS: usize = 2;
/// Batches that wait to be asked for.
const WAITING: usize = 2;
/// Scans of one statement that work at once; others wait until these are read or closed. A join reads one side before it
/// begins with the other, and a union takes its sides as they come, so none waits for one that waits.
const AT_ONCE: usize = 4;

/// The scans of one statement.
pub(crate) struct Serving {
    snapshot: Snapshot,
    asked: Arc<Asked>,
    room: Arc<Semaphore>,
    /// The statement's place; scans may take a moment longer to end than the statement itself.
    place: Arc<OwnedSemaphorePermit>,
    scans: HashMap<u64, Arc<Served>>,
    /// Why events could not be read.
    pub fault: Arc<Mutex<Option<QueryError>>>,
}

/// What a scan gives next.
type Given = Result<Vec<u8>, Unread>;

/// The events could not be read, or a process asks for what there is not.
#[derive(Debug)]
pub(crate) struct Unread;

/// A scan.
pub(crate) struct Served {
    batches: Turn<mpsc::Receiver<Given>>,
    task: Arc<Task>,
}

/// What threads of a scan share.
struct Task {
    scan: OnceLock<Scan>,
    /// Times that rows may have by now.
    first: AtomicI64,
    last: AtomicI64,
    /// Rows that were given so far.
    given: AtomicUsize,
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(scan) = self.task.scan.get() {
            scan.stop();
        }
    }
}

impl Served {
    /// Returns the next rows; those that come may have been on their way before `span` was known.
    pub(crate) async fn next(&self, span: Times) -> Option<Given> {
        self.task.first.fetch_max(span.first, Ordering::Relaxed);
        self.task.last.fetch_min(span.last, Ordering::Relaxed);
        self.batches.lock().await.recv().await
    }
}

impl Serving {
    pub(crate) fn new(snapshot: Snapshot, asked: Arc<Asked>, place: Arc<OwnedSemaphorePermit>) -> Serving {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        Serving { snapshot, asked, room, place, scans: HashMap::new(), fault: Arc::default() }
    }

    pub(crate) fn close(&mut self, scan: u64) {
        self.scans.remove(&scan);
    }

    pub(crate) fn scan(&self, scan: u64) -> io::Result<Arc<Served>> {
        self.scans
            .get(&scan)
            .cloned()
            .ok_or_else(|| io::Error::other("its process asked for a scan that is not open"))
    }

    /// Begins a scan, as soon as there is room for it.
    pub(crate) fn open(&mut self, scan: u64, opening: Opening) -> io::Result<()> {
        let wanted = Wanted::of(&opening, &self.asked)
            .ok_or_else(|| io::Error::other("its process asked for what there is not"))?;
        let (out, batches) = mpsc::channel(WAITING);
        let task = Arc::new(Task {
            scan: OnceLock::new(),
            first: AtomicI64::new(i64::MIN),
            last: AtomicI64::new(i64::MAX),
            given: AtomicUsize::new(0),
        });
        let served = Served { batches: Turn::new(batches), task: task.clone() };
        self.scans.insert(scan, Arc::new(served));
        let (room, snapshot, fault) = (self.room.clone(), self.snapshot.clone(), self.fault.clone());
        let (wanted, place) = (Arc::new(wanted), self.place.clone());
        tokio::spawn(async move {
            let room = tokio::select! {
                room = room.acquire_owned() => room.map(Arc::new).ok(),
                () = out.closed() => None,
            };
            for _ in 0..THREADS {
                let (snapshot, wanted, task, out) =
                    (snapshot.clone(), wanted.clone(), task.clone(), out.clone());
                let (fault, held) = (fault.clone(), (room.clone(), place.clone()));
                spawn_blocking(move || {
                    let _held = held;
                    if let Err(error) = wanted.show(&snapshot, &task, &out) {
                        fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        let _ = out.blocking_send(Err(Unread));
                    }
                });
            }
        });
        Ok(())
    }
}

/// What a scan shall show.
struct Wanted {
    question: Question,
    columns: Vec<TableColumn>,
    zone: String,
    counts: bool,
    limit: Option<usize>,
}

impl Wanted {
    /// `None` where there is no such table or column.
    fn of(opening: &Opening, asked: &Asked) -> Option<Wanted> {
        let table = tables().iter().find(|table| table.name == opening.table)?;
        let column = |name: &String| match table.columns.iter().find(|column| column.name == *name) {
            Some(column) => Some(column.clone()),
            None if opening.counts => Some(TableColumn { name: name.clone(), source: Source::Count }),
            None => None,
        };
        let columns = opening.columns.iter().map(column).collect::<Option<Vec<TableColumn>>>()?;
        let filter = Filter::parse(&table.filter, &asked.context).ok()?;
        let question = Question { filter, ..Question::new(asked.scope.clone()) };
        let question = opening.narrow.apply(question, &asked.context)?;
        Some(Wanted {
            question,
            columns,
            zone: asked.zone.clone(),
            counts: opening.counts,
            limit: opening.limit,
        })
    }

    fn begin(&self, snapshot: &Snapshot) -> Scan {
        let (question, shown) = (self.question.clone(), shown(&self.columns));
        match self.counts {
            true => snapshot.counts(question, shown),
            false => snapshot.scan(question, shown),
        }
    }

    /// Works at the scan until it is at its end, or nobody wants more of it.
    fn show(&self, snapshot: &Snapshot, task: &Task, out: &mpsc::Sender<Given>) -> Result<(), QueryError> {
        if out.is_closed() {
            return Ok(());
        }
        let scan = task.scan.get_or_init(|| self.begin(snapshot));
        if out.is_closed() {
            // It was closed before there was anything to stop.
            return Ok(());
        }
        let mut batches = Batches::new(self.columns.clone(), &self.zone);
        let has_enough = |rows: usize| {
            let given = task.given.fetch_add(rows, Ordering::Relaxed) + rows;
            self.limit.is_some_and(|limit| given >= limit)
        };
        let skip = |span: Span| {
            span.last.as_micros() < task.first.load(Ordering::Relaxed)
                || span.first.as_micros() > task.last.load(Ordering::Relaxed)
        };
        scan.work(&skip, &mut |stripe| {
            let rows = stripe.rows();
            let sent = batches
                .batch(&stripe)
                .map_err(|_| Unread)
                .and_then(|batch| packed(&batch).map_err(|_| Unread));
            match out.blocking_send(sent) {
                Ok(()) if !has_enough(rows) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        })
    }
}

/// Writes a batch, alone with what its columns are.
fn packed(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    writer.into_inner()
}
