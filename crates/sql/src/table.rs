//! The tables, as the engine sees them.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use event::filter::FilterContext;
use event::interval::has_whole_hours;

use crate::exec::EventsExec;
use crate::gate::Gate;
use crate::narrow::{Narrow, narrow};
use crate::tables::{Source, TableColumn, TableShape, schema_of};
use crate::wire::Opening;

/// Events of one moment, which the server shows.
#[derive(Clone)]
pub(crate) struct EventsTable {
    gate: Arc<Gate>,
    name: String,
    context: FilterContext,
    zone: String,
    pub(crate) columns: Arc<Vec<TableColumn>>,
    /// What narrows all that is asked of it.
    narrow: Narrow,
    schema: SchemaRef,
}

impl EventsTable {
    pub(crate) fn new(
        gate: &Arc<Gate>,
        shape: &TableShape,
        context: &FilterContext,
        zone: &str,
    ) -> EventsTable {
        EventsTable {
            gate: gate.clone(),
            name: shape.name.clone(),
            context: context.clone(),
            zone: zone.to_owned(),
            columns: shape.columns.clone(),
            narrow: Narrow::default(),
            schema: schema_of(&shape.columns, zone),
        }
    }

    /// Makes the table of some columns that counts rows, as far as `narrow` takes them.
    pub(crate) fn counting(&self, columns: Vec<TableColumn>, narrow: Narrow) -> EventsTable {
        EventsTable {
            schema: schema_of(&columns, &self.zone),
            columns: Arc::new(columns),
            narrow,
            ..self.clone()
        }
    }

    /// Says whether its rows are counts.
    pub(crate) fn counts(&self) -> bool {
        self.columns.iter().any(|column| column.source == Source::Count)
    }

    /// Says whether days of its reader are made of the hours by which rows are counted.
    pub(crate) fn has_whole_hours(&self) -> bool {
        has_whole_hours(&self.context.zone)
    }

    /// Reads a condition, as far as the server can take it.
    pub(crate) fn narrow(&self, condition: &Expr) -> Option<Narrow> {
        narrow(condition, &self.columns, &self.context)
    }
}

impl std::fmt::Debug for EventsTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventsTable").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for EventsTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns: Vec<TableColumn> = match projection {
            Some(places) => places.iter().map(|place| self.columns[*place].clone()).collect(),
            None => self.columns.to_vec(),
        };
        let said = filters.iter().filter_map(|filter| self.narrow(filter));
        let opening = Opening {
            table: self.name.clone(),
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            narrow: said.fold(self.narrow.clone(), Narrow::and),
            counts: self.counts(),
            limit,
        };
        let (threads, schema) = (state.config().target_partitions(), schema_of(&columns, &self.zone));
        let time = columns.iter().position(|column| column.source == Source::Time);
        Ok(Arc::new(EventsExec::new(self.gate.clone(), opening, schema, time, threads)))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match self.narrow(filter) {
            // Where rows are counted their times are begins of hours; and no condition is left to this table then.
            _ if self.counts() => TableProviderFilterPushDown::Unsupported,
            None => TableProviderFilterPushDown::Unsupported,
            Some(narrow) if narrow.exact => TableProviderFilterPushDown::Exact,
            Some(_) => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(support).collect())
    }
}
