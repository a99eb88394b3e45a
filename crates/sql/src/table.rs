//! The tables, as the engine sees them.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use event::filter::FilterContext;
use query::{Question, Snapshot};

use crate::exec::EventsExec;
use crate::narrow::narrow;
use crate::tables::{Source, TableColumn, schema_of};

/// Events of one moment that pass a question.
#[derive(Clone)]
pub(crate) struct EventsTable {
    pub(crate) snapshot: Snapshot,
    /// The reader's scope, and what makes the table what it is.
    pub(crate) question: Question,
    pub(crate) context: FilterContext,
    pub(crate) columns: Arc<Vec<TableColumn>>,
    schema: SchemaRef,
}

impl EventsTable {
    pub(crate) fn new(
        snapshot: Snapshot,
        question: Question,
        context: FilterContext,
        columns: Arc<Vec<TableColumn>>,
    ) -> EventsTable {
        let schema = schema_of(&columns);
        EventsTable { snapshot, question, context, columns, schema }
    }

    /// Says whether its rows are counts.
    fn counts(&self) -> bool {
        self.columns.iter().any(|column| column.source == Source::Count)
    }
}

impl std::fmt::Debug for EventsTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventsTable").finish_non_exhaustive()
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
        let columns = match projection {
            Some(places) => places.iter().map(|place| self.columns[*place].clone()).collect(),
            None => self.columns.to_vec(),
        };
        let said = filters.iter().filter_map(|filter| narrow(filter, &self.columns));
        let question = said.fold(self.question.clone(), |question, one| one.apply(question, &self.context));
        let threads = state.config().target_partitions();
        Ok(Arc::new(EventsExec::new(self.snapshot.clone(), question, columns, self.counts(), threads, limit)))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match narrow(filter, &self.columns) {
            // Where rows are counted their times are begins of hours; and no condition is left to this table then.
            _ if self.counts() => TableProviderFilterPushDown::Unsupported,
            None => TableProviderFilterPushDown::Unsupported,
            Some(narrow) if narrow.exact => TableProviderFilterPushDown::Exact,
            Some(_) => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(support).collect())
    }
}
