//! Which statements are answered: questions, and nothing that writes, reads files, or changes settings.

use crate::SqlError;
use crate::wire::Fault;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SQLOptions;

/// Bytes of a statement, at most.
pub(crate) const MOST_BYTES: usize = 64 << 10;
/// How often a statement may read the events, at most: each time holds threads and memory.
const MOST_SCANS: usize = 16;

/// Refuses a text before it is read.
pub(crate) fn check_text(text: &str) -> Result<(), SqlError> {
    if text.trim().is_empty() {
        return Err(SqlError::Refused(
            "the statement is empty; write for example `select kind, count(*) from events group by kind`"
                .to_owned(),
        ));
    }
    if text.len() > MOST_BYTES {
        let why = format!("the statement has {} bytes, and {MOST_BYTES} are the most", text.len());
        return Err(SqlError::Refused(why));
    }
    Ok(())
}

/// Refuses a plan that does anything but answer, or that would tell its reader of what is hidden.
pub(crate) fn check_plan(plan: &LogicalPlan, sees_all: bool) -> Result<(), Fault> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    if options.verify_plan(plan).is_err() {
        return Err(Fault::Refused(
            "this only answers questions: SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW TABLES; it changes nothing".to_owned(),
        ));
    }
    let mut scans = 0;
    let mut analyses = false;
    plan.apply_with_subqueries(|node| {
        scans += usize::from(matches!(node, LogicalPlan::TableScan(_)));
        analyses |= matches!(node, LogicalPlan::Analyze(_));
        Ok(TreeNodeRecursion::Continue)
    })
    .map_err(|error| Fault::Engine(error.to_string()))?;
    if scans > MOST_SCANS {
        let why = format!("the statement reads tables {scans} times, and {MOST_SCANS} are the most");
        return Err(Fault::Refused(why));
    }
    // It would tell how long was read, also over what the reader may not see.
    if analyses && !sees_all {
        let why = "EXPLAIN ANALYZE is only for readers of the whole log; EXPLAIN shows the plan".to_owned();
        return Err(Fault::Refused(why));
    }
    Ok(())
}
