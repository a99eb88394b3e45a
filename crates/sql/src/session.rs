//! What one statement sees: the tables of one moment, and no files, stores or settings.

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use event::filter::FilterContext;

use crate::counting::CountFirst;
use crate::functions::functions;
use crate::gate::Gate;
use crate::serving::THREADS;
use crate::table::EventsTable;
use crate::tables::tables;

/// Makes a statement's session for a reader in a zone; `memory` is what the engine may count for it, in bytes.
pub(crate) fn session(
    gate: &Arc<Gate>,
    context: &FilterContext,
    zone: &str,
    memory: usize,
) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_target_partitions(THREADS)
        .with_information_schema(true)
        .with_default_catalog_and_schema("lodge", "log");
    config.options_mut().set("datafusion.execution.time_zone", zone)?;
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
    let session = SessionContext::new_with_state(state);
    for function in functions(context) {
        session.register_udf(function);
    }
    for shape in tables() {
        session.register_table(&shape.name, Arc::new(EventsTable::new(gate, shape, context, zone)))?;
    }
    Ok(session)
}
