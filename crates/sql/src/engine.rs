//! Runs statements on threads of their own, few at a time, with a limit of memory and time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use event::filter::{Filter, FilterContext};
use futures::StreamExt as _;
use query::{Query, Question, Scope, Snapshot};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::counting::CountFirst;
use crate::functions::functions;
use crate::rows::{Item, Rows};
use crate::table::EventsTable;
use crate::tables::tables;
use crate::{SqlError, rules};

/// Bytes that a statement may use unless it is said otherwise.
pub const DEFAULT_MEMORY: usize = 128 << 20;
/// Statements that run at once; more wait.
const AT_ONCE: usize = 2;
/// Threads on which they run.
const THREADS: usize = 2;
/// Batches that wait for whoever takes them.
const WAITING: usize = 2;
/// Functions that make gigabytes of a few letters, which no limit of memory is asked about. As tables, `generate_series` and
/// `range` give rows as they are taken.
const BOUNDLESS: &[&str] = &[
    "array_repeat",
    "array_resize",
    "generate_series",
    "list_repeat",
    "list_resize",
    "lpad",
    "range",
    "repeat",
    "rpad",
];

/// A statement, and whose it is.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The statement.
    pub text: String,
    /// What the reader may see.
    pub scope: Scope,
    /// In which dates are read: of filters, and of times without a zone.
    pub context: FilterContext,
    /// How long it may take until its last row is taken.
    pub budget: Duration,
}

/// Answers statements over one log.
pub struct Engine {
    query: Query,
    runtime: Option<Runtime>,
    room: Arc<Semaphore>,
    memory: usize,
}

impl Engine {
    /// Starts the engine's threads. `memory` is what each statement may use, in bytes.
    pub fn new(query: Query, memory: usize) -> Result<Engine, SqlError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("sql")
            .enable_time()
            .build()
            .map_err(|error| SqlError::Engine(format!("its threads do not start: {error}")))?;
        Ok(Engine { query, runtime: Some(runtime), room: Arc::new(Semaphore::new(AT_ONCE)), memory })
    }

    /// Runs a statement; its rows come as they are taken. It ends early when they are dropped.
    pub async fn run(&self, statement: Statement) -> Result<Rows, SqlError> {
        rules::check_text(&statement.text)?;
        let gone = || SqlError::Engine("it is shutting down".to_owned());
        let room = self.room.clone().acquire_owned().await.map_err(|_| gone())?;
        let runtime = self.runtime.as_ref().ok_or_else(gone)?.handle().clone();
        let (seconds, deadline) = (statement.budget.as_secs(), Instant::now() + statement.budget);
        let (out, items) = mpsc::channel(WAITING);
        let (query, memory) = (self.query.clone(), self.memory);
        let task = runtime.spawn(async move {
            let _room = room;
            if let Err(error) = answer(&query, &statement, memory, &out).await {
                let _ = out.send(Err(error)).await;
            }
        });
        Rows::begin(items, task.abort_handle(), runtime, deadline, seconds).await
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Whoever drops it may be on a thread that must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(
    query: &Query,
    statement: &Statement,
    memory: usize,
    out: &mpsc::Sender<Result<Item, SqlError>>,
) -> Result<(), SqlError> {
    let query = query.clone();
    let snapshot = tokio::task::spawn_blocking(move || query.snapshot()).await;
    let snapshot = snapshot.map_err(|error| SqlError::Engine(error.to_string()))?.map_err(SqlError::Query)?;
    let mut rows = begin(snapshot, statement, memory).await?;
    if out.send(Ok(Item::Schema(rows.schema()))).await.is_err() {
        return Ok(());
    }
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| SqlError::of(error, memory))?;
        if out.send(Ok(Item::Batch(batch))).await.is_err() {
            return Ok(());
        }
    }
    // Whoever takes the rows knows by this that they were all.
    let _ = out.send(Ok(Item::End)).await;
    Ok(())
}

async fn begin(
    snapshot: Snapshot,
    statement: &Statement,
    memory: usize,
) -> Result<SendableRecordBatchStream, SqlError> {
    let fault = |error: DataFusionError| SqlError::of(error, memory);
    let context = session(snapshot, statement, memory).map_err(fault)?;
    let plan = context.state().create_logical_plan(&statement.text).await.map_err(fault)?;
    rules::check_plan(&plan, &statement.scope)?;
    let frame = context.execute_logical_plan(plan).await.map_err(fault)?;
    frame.execute_stream().await.map_err(fault)
}

/// Makes what one statement sees: the tables of one moment, and no files, stores or settings.
fn session(
    snapshot: Snapshot,
    statement: &Statement,
    memory: usize,
) -> Result<SessionContext, DataFusionError> {
    let zone = statement.context.zone.iana_name().unwrap_or("UTC").to_owned();
    let mut config = SessionConfig::new()
        .with_target_partitions(THREADS)
        .with_information_schema(true)
        .with_default_catalog_and_schema("lodge", "log");
    config.options_mut().set("datafusion.execution.time_zone", &zone)?;
    let pool = TrackConsumersPool::new(GreedyMemoryPool::new(memory), NonZeroUsize::MIN);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build()?;
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(Arc::new(runtime))
        .with_optimizer_rule(Arc::new(CountFirst))
        .build();
    let context = SessionContext::new_with_state(state);
    BOUNDLESS.iter().for_each(|name| context.deregister_udf(name));
    for function in functions(&statement.context) {
        context.register_udf(function);
    }
    for shape in tables() {
        let filter = Filter::parse(&shape.filter, &statement.context)
            .map_err(|error| DataFusionError::Internal(error.render()))?;
        let question = Question { filter, ..Question::new(statement.scope.clone()) };
        let table = EventsTable::new(snapshot.clone(), question, statement.context.clone(), shape.columns);
        context.register_table(shape.name, Arc::new(table))?;
    }
    Ok(context)
}
