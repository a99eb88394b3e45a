//! A scan as a leaf of a physical plan: the server works at it, and what it shows comes in here.
//!
//! Rows outside the reader's scope never leave the server's scan, so nothing above can be made to tell of them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use event::Timestamp;
use futures::stream;

use crate::gate::{Gate, RemoteScan};
use crate::passes::Passes;
use crate::wire::Opening;

/// A scan to be.
#[derive(Clone)]
pub(crate) struct EventsExec {
    gate: Arc<Gate>,
    opening: Opening,
    schema: SchemaRef,
    /// Which column has the rows' times.
    time: Option<usize>,
    /// Conditions that become narrower while the plan runs.
    dynamic: Vec<Arc<dyn PhysicalExpr>>,
    /// The scan that all partitions read.
    running: Arc<OnceLock<Arc<RemoteScan>>>,
    properties: Arc<PlanProperties>,
}

impl EventsExec {
    pub(crate) fn new(
        gate: Arc<Gate>,
        opening: Opening,
        schema: SchemaRef,
        time: Option<usize>,
        threads: usize,
    ) -> EventsExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(threads),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let properties = Arc::new(properties);
        EventsExec { gate, opening, schema, time, dynamic: Vec::new(), running: Arc::default(), properties }
    }

    fn scan(&self) -> Result<Arc<RemoteScan>> {
        if let Some(scan) = self.running.get() {
            return Ok(scan.clone());
        }
        // Where two begin at once, one of both is not read and closed again.
        let opened = Arc::new(self.gate.open(self.opening.clone()).map_err(DataFusionError::from)?);
        Ok(self.running.get_or_init(|| opened).clone())
    }
}

impl fmt::Debug for EventsExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsExec").field("opening", &self.opening).finish_non_exhaustive()
    }
}

impl DisplayAs for EventsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Opening { table, columns, narrow, counts, .. } = &self.opening;
        write!(f, "EventsExec: table={table}, columns=[{}]", columns.join(", "))?;
        if *counts {
            f.write_str(", counted")?;
        }
        if let Some(filter) = &narrow.filter {
            write!(f, ", filter=[{filter}]")?;
        }
        if let Some(since) = narrow.since {
            write!(f, ", since={}", Timestamp::from_micros(since))?;
        }
        if let Some(until) = narrow.until {
            write!(f, ", until={}", Timestamp::from_micros(until))?;
        }
        if !self.dynamic.is_empty() {
            f.write_str(", stops early")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for EventsExec {
    fn name(&self) -> &str {
        "EventsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for expr in &self.dynamic {
            if visit(expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan has no children") }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan has no children") }
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(EventsExec { running: Arc::default(), ..(*self).clone() }))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        pushed: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters: Vec<Arc<dyn PhysicalExpr>> =
            pushed.parent_filters.into_iter().map(|filter| filter.filter).collect();
        // Whoever asks asks again: rows are passed over only by blocks.
        let answer =
            FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; filters.len()]);
        if phase != FilterPushdownPhase::Post || self.opening.counts || filters.is_empty() {
            return Ok(answer);
        }
        let mut exec = self.clone();
        exec.dynamic.extend(filters);
        Ok(answer.with_updated_node(Arc::new(exec)))
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let passes = Passes::new(self.dynamic.clone(), self.time);
        let begin = (self.clone(), None, passes);
        let rows = stream::try_unfold(begin, async |(exec, scan, mut passes)| {
            let scan = match scan {
                Some(scan) => scan,
                None => exec.scan()?,
            };
            let batch = scan.next(passes.times()).await?;
            Ok(batch.map(|batch| (batch, (exec, Some(scan), passes))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows)))
    }
}
