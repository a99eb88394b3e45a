//! Runs a scan as a leaf of a physical plan.
//!
//! Rows outside the reader's scope never leave the scan, so nothing above can be made to tell of them; and it says nothing of
//! how many it passed over.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use archive::Span;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, IsNullExpr, Literal};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_expr_common::physical_expr::{snapshot_generation, snapshot_physical_expr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use query::{Question, Scan, Snapshot};

use crate::batch::{Batches, shown};
use crate::tables::{Source, TableColumn, schema_of};

/// Batches that wait for the engine, for each thread.
const WAITING: usize = 2;

/// A scan to be.
#[derive(Clone)]
pub(crate) struct EventsExec {
    snapshot: Snapshot,
    question: Question,
    columns: Vec<TableColumn>,
    schema: SchemaRef,
    counts: bool,
    limit: Option<usize>,
    /// Conditions that become narrower while the plan runs.
    dynamic: Vec<Arc<dyn PhysicalExpr>>,
    running: Arc<OnceLock<Arc<Running>>>,
    properties: Arc<PlanProperties>,
}

/// The scan that all partitions work at.
struct Running {
    scan: Scan,
    /// Rows that were given so far.
    given: AtomicUsize,
}

impl EventsExec {
    pub(crate) fn new(
        snapshot: Snapshot,
        question: Question,
        columns: Vec<TableColumn>,
        counts: bool,
        threads: usize,
        limit: Option<usize>,
    ) -> EventsExec {
        let schema = schema_of(&columns);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(threads),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        EventsExec {
            snapshot,
            question,
            columns,
            schema,
            counts,
            limit,
            dynamic: Vec::new(),
            running: Arc::default(),
            properties: Arc::new(properties),
        }
    }

    fn begin(&self) -> Running {
        let (question, shown) = (self.question.clone(), shown(&self.columns));
        let scan = match self.counts {
            true => self.snapshot.counts(question, shown),
            false => self.snapshot.scan(question, shown),
        };
        Running { scan, given: AtomicUsize::new(0) }
    }
}

impl fmt::Debug for EventsExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsExec").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl DisplayAs for EventsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        write!(f, "EventsExec: columns=[{}]", names.join(", "))?;
        if self.counts {
            f.write_str(", counted")?;
        }
        let filter = self.question.filter.to_string();
        if !filter.is_empty() {
            write!(f, ", filter=[{filter}]")?;
        }
        if let Some(since) = self.question.since {
            write!(f, ", since={since}")?;
        }
        if let Some(until) = self.question.until {
            write!(f, ", until={until}")?;
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
        if phase != FilterPushdownPhase::Post || self.counts || filters.is_empty() {
            return Ok(answer);
        }
        let mut exec = self.clone();
        exec.dynamic.extend(filters);
        Ok(answer.with_updated_node(Arc::new(exec)))
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut stream = RecordBatchReceiverStream::builder(self.schema.clone(), WAITING);
        let out = stream.tx();
        let exec = self.clone();
        stream.spawn_blocking(move || {
            let running = exec.running.get_or_init(|| Arc::new(exec.begin())).clone();
            let mut batches = Batches::new(exec.columns.clone(), exec.schema.clone());
            let passes = Passes::new(exec.dynamic.clone(), &exec.columns);
            let worked = running.scan.work(&|span| !passes.may_take(span), &mut |stripe| {
                let rows = stripe.rows();
                if out.blocking_send(batches.batch(&stripe)).is_err() {
                    return ControlFlow::Break(());
                }
                let given = running.given.fetch_add(rows, Ordering::Relaxed) + rows;
                match exec.limit.is_some_and(|limit| given >= limit) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            worked.map_err(|error| DataFusionError::External(Box::new(error)))
        });
        Ok(stream.build())
    }
}

/// Conditions as they were at a generation.
type Known = (u64, Vec<Arc<dyn PhysicalExpr>>);

/// Conditions that become narrower: a sort that keeps the latest few soon knows that older rows are none of them.
struct Passes {
    dynamic: Vec<Arc<dyn PhysicalExpr>>,
    time: Option<usize>,
    known: std::cell::RefCell<Option<Known>>,
}

impl Passes {
    fn new(dynamic: Vec<Arc<dyn PhysicalExpr>>, columns: &[TableColumn]) -> Passes {
        let time = columns.iter().position(|column| column.source == Source::Time);
        Passes { dynamic, time, known: std::cell::RefCell::default() }
    }

    /// Says whether rows of these times may pass.
    fn may_take(&self, span: Span) -> bool {
        let Some(time) = self.time.filter(|_| !self.dynamic.is_empty()) else { return true };
        let generation = self.dynamic.iter().map(snapshot_generation).fold(0, u64::wrapping_add);
        let mut known = self.known.borrow_mut();
        if known.as_ref().is_none_or(|(at, _)| *at != generation) {
            let now: Result<Vec<_>> = self.dynamic.iter().cloned().map(snapshot_physical_expr).collect();
            *known = now.ok().map(|now| (generation, now));
        }
        let conditions = known.as_ref().map(|(_, conditions)| conditions.as_slice()).unwrap_or_default();
        conditions.iter().all(|condition| may_be(condition, time, span))
    }
}

/// Says whether a condition may be true of a row with such a time.
fn may_be(condition: &Arc<dyn PhysicalExpr>, time: usize, span: Span) -> bool {
    if let Some(literal) = condition.downcast_ref::<Literal>() {
        return *literal.value() != ScalarValue::Boolean(Some(false));
    }
    let is_time = |expr: &Arc<dyn PhysicalExpr>| {
        expr.downcast_ref::<Column>().is_some_and(|column| column.index() == time)
    };
    if let Some(null) = condition.downcast_ref::<IsNullExpr>() {
        return !is_time(null.arg());
    }
    let Some(binary) = condition.downcast_ref::<BinaryExpr>() else { return true };
    let at = |expr: &Arc<dyn PhysicalExpr>| match expr.downcast_ref::<Literal>()?.value() {
        ScalarValue::TimestampMicrosecond(at, _) => *at,
        _ => None,
    };
    match binary.op() {
        Operator::And => may_be(binary.left(), time, span) && may_be(binary.right(), time, span),
        Operator::Or => may_be(binary.left(), time, span) || may_be(binary.right(), time, span),
        op if is_time(binary.left()) => match (op, at(binary.right())) {
            (Operator::Gt, Some(at)) => span.last.as_micros() > at,
            (Operator::GtEq, Some(at)) => span.last.as_micros() >= at,
            (Operator::Lt, Some(at)) => span.first.as_micros() < at,
            (Operator::LtEq, Some(at)) => span.first.as_micros() <= at,
            (Operator::Eq, Some(at)) => (span.first.as_micros()..=span.last.as_micros()).contains(&at),
            _ => true,
        },
        _ => true,
    }
}
