//! Counts before the engine does: `count(*)` by typed columns and hours is asked of the scan, which answers it by roll-ups and
//! by codes, rather than row by row.
//!
//! `group by g` over rows becomes a sum over counted rows of the same columns, under the same names; conditions on those
//! columns stay where they are. Only what cannot tell the two apart is rewritten.

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::{Column as Typed, RollupKey, TimesApart};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::sum::sum;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::logical_plan::TableScanBuilder;
use datafusion::logical_expr::{
    Aggregate, Expr, Filter, LogicalPlan, Projection, SubqueryAlias, TableScan, lit,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::narrow::Narrow;
use crate::table::EventsTable;
use crate::tables::{Source, TableColumn};

/// What the counts are called inside a plan.
const COUNT: &str = "lodge_count";
/// Units that begin where an hour begins.
const UNITS: &[&str] = &["hour", "day", "week", "month", "quarter", "year"];

/// The rule.
#[derive(Debug)]
pub(crate) struct CountFirst;

impl OptimizerRule for CountFirst {
    fn name(&self) -> &str {
        "count_first"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        Ok(match counted(aggregate)? {
            Some(counted) => Transformed::yes(counted),
            None => Transformed::no(plan),
        })
    }
}

/// Writes an aggregate as one over counts; `None` where that is not the same.
fn counted(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    if !aggregate.aggr_expr.iter().all(counts_rows) {
        return Ok(None);
    }
    let mut needed = Needed::default();
    let Some(scan) = scan_below(&aggregate.input) else { return Ok(None) };
    let provider = source_as_provider(&scan.source)?;
    let Some(table) = provider.downcast_ref::<EventsTable>() else { return Ok(None) };
    if table.counts() || scan.fetch.is_some() {
        return Ok(None);
    }
    let exprs = aggregate.group_expr.iter().chain(conditions(&aggregate.input));
    for expr in exprs {
        if !needed.take(expr, table)? {
            return Ok(None);
        }
    }
    let input = rebuilt(&aggregate.input, &needed.counts(scan, table)?)?;
    let qualifier =
        input.schema().iter().find(|(_, field)| field.name() == COUNT).and_then(|(of, _)| of.cloned());
    let count = Expr::Column(Column::new(qualifier, COUNT));
    let sums = (0..aggregate.aggr_expr.len()).map(|at| sum(count.clone()).alias(format!("{COUNT}_{at}")));
    let summed = Aggregate::try_new(Arc::new(input), aggregate.group_expr.clone(), sums.collect())?;
    let groups = aggregate.group_expr.len();
    let shown = aggregate.schema.iter().enumerate().map(|(at, (of, field))| match at.checked_sub(groups) {
        None => Expr::Column(Column::new(of.cloned(), field.name())),
        Some(at) => {
            let sum = Expr::Column(Column::new_unqualified(format!("{COUNT}_{at}")));
            coalesce(vec![sum, lit(0_i64)]).alias_qualified(of.cloned(), field.name())
        }
    });
    let shown = shown.collect();
    Ok(Some(LogicalPlan::Projection(Projection::try_new(shown, Arc::new(LogicalPlan::Aggregate(summed)))?)))
}

/// Says whether an expression is `count(*)`, or the count of something that is never null.
fn counts_rows(expr: &Expr) -> bool {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = expr.clone().unalias() else {
        return false;
    };
    let is_plain = !params.distinct && params.filter.is_none() && params.order_by.is_empty();
    let counts = |arg: &Expr| matches!(arg, Expr::Literal(value, _) if !value.is_null());
    func.name() == "count" && is_plain && matches!(&params.args[..], [arg] if counts(arg))
}

fn scan_below(plan: &LogicalPlan) -> Option<&TableScan> {
    match plan {
        LogicalPlan::TableScan(scan) => Some(scan),
        LogicalPlan::Filter(filter) => scan_below(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => scan_below(&alias.input),
        LogicalPlan::Projection(projection) if only_drops(projection) => scan_below(&projection.input),
        _ => None,
    }
}

/// Says whether a projection does no more than leave columns out.
fn only_drops(projection: &Projection) -> bool {
    projection.expr.iter().all(|expr| matches!(expr, Expr::Column(_)))
}

fn conditions(plan: &LogicalPlan) -> Vec<&Expr> {
    match plan {
        LogicalPlan::Filter(filter) => {
            let mut all = conditions(&filter.input);
            all.push(&filter.predicate);
            all
        }
        LogicalPlan::SubqueryAlias(alias) => conditions(&alias.input),
        LogicalPlan::Projection(projection) => conditions(&projection.input),
        _ => Vec::new(),
    }
}

/// Puts another scan in the place of the one below.
fn rebuilt(plan: &LogicalPlan, scan: &LogicalPlan) -> Result<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Filter(filter) => {
            let input = Arc::new(rebuilt(&filter.input, scan)?);
            LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), input)?)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let input = Arc::new(rebuilt(&alias.input, scan)?);
            LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(input, alias.alias.clone())?)
        }
        LogicalPlan::Projection(projection) => rebuilt(&projection.input, scan)?,
        _ => scan.clone(),
    })
}

/// The columns that counted rows must have.
#[derive(Default)]
struct Needed {
    typed: BTreeSet<Typed>,
    hours: bool,
}

impl Needed {
    /// Notes what an expression looks at; says whether counted rows have all of it.
    fn take(&mut self, expr: &Expr, table: &EventsTable) -> Result<bool> {
        let source =
            |column: &Column| table.columns.iter().find(|one| one.name == column.name).map(|one| &one.source);
        let mut fits = true;
        expr.apply(|expr| {
            Ok(match expr {
                Expr::ScalarFunction(function) if truncates(function) => {
                    let [_, Expr::Column(column)] = &function.args[..] else {
                        return Ok(TreeNodeRecursion::Continue);
                    };
                    match source(column) {
                        Some(Source::Time) if table.has_whole_hours() => {
                            self.hours = true;
                            TreeNodeRecursion::Jump
                        }
                        _ => TreeNodeRecursion::Continue,
                    }
                }
                Expr::Column(column) => match source(column) {
                    Some(Source::Typed(typed)) => {
                        self.typed.insert(*typed);
                        TreeNodeRecursion::Continue
                    }
                    _ => {
                        fits = false;
                        TreeNodeRecursion::Stop
                    }
                },
                Expr::GroupingSet(_) | Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => {
                    fits = false;
                    TreeNodeRecursion::Stop
                }
                // What is different for each row must be asked for each row.
                Expr::ScalarFunction(function) if is_volatile(function) => {
                    fits = false;
                    TreeNodeRecursion::Stop
                }
                _ => TreeNodeRecursion::Continue,
            })
        })?;
        Ok(fits)
    }

    /// Says whether a roll-up has all of it.
    fn is_rolled_up(&self) -> bool {
        let apart = if self.hours { TimesApart::ByHour } else { TimesApart::Never };
        RollupKey::holding(&self.typed, apart).is_some()
    }

    /// Makes the scan that counts.
    fn counts(&self, scan: &TableScan, table: &EventsTable) -> Result<LogicalPlan> {
        let wanted = |column: &&TableColumn| match &column.source {
            Source::Typed(typed) => self.typed.contains(typed),
            Source::Time => self.hours,
            _ => false,
        };
        let mut columns: Vec<TableColumn> = table.columns.iter().filter(wanted).cloned().collect();
        columns.push(TableColumn { name: COUNT.to_owned(), source: Source::Count });
        let said = scan.filters.iter().filter_map(|filter| table.narrow(filter));
        // What is not exact is asked again above; it is only worth the index where no roll-up answers.
        let said = said.filter(|said| said.exact || !self.is_rolled_up());
        let counts = table.counting(columns, said.fold(Narrow::default(), Narrow::and));
        let source = provider_as_source(Arc::new(counts));
        Ok(LogicalPlan::TableScan(TableScanBuilder::new(scan.table_name.clone(), source).build()?))
    }
}

/// Says whether a function cuts its second argument to a unit that is made of whole hours.
fn truncates(function: &ScalarFunction) -> bool {
    let unit = match &function.args[..] {
        [Expr::Literal(ScalarValue::Utf8(Some(unit)) | ScalarValue::Utf8View(Some(unit)), _), _] => unit,
        _ => return false,
    };
    function.func.name() == "date_trunc" && UNITS.contains(&unit.to_ascii_lowercase().as_str())
}

fn is_volatile(function: &ScalarFunction) -> bool {
    function.func.signature().volatility == datafusion::logical_expr::Volatility::Volatile
}
