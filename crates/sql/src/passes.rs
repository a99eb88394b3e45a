//! Conditions that become narrower while a plan runs: a sort that keeps the latest few soon knows that older rows are none of
//! them. What they say of times goes to the server, which then passes over blocks.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, IsNullExpr, Literal};
use datafusion::physical_expr_common::physical_expr::{snapshot_generation, snapshot_physical_expr};

use crate::wire::Times;

/// Conditions over a scan's columns.
pub(crate) struct Passes {
    dynamic: Vec<Arc<dyn PhysicalExpr>>,
    time: Option<usize>,
    /// At which generation they said what.
    known: Option<(u64, Times)>,
}

impl Passes {
    /// Takes conditions; `time` is the column that has the times of rows.
    pub(crate) fn new(dynamic: Vec<Arc<dyn PhysicalExpr>>, time: Option<usize>) -> Passes {
        Passes { dynamic, time, known: None }
    }

    /// Returns times outside which no row passes by now.
    pub(crate) fn times(&mut self) -> Times {
        let Some(time) = self.time.filter(|_| !self.dynamic.is_empty()) else { return Times::ALL };
        let generation = self.dynamic.iter().map(snapshot_generation).fold(0, u64::wrapping_add);
        match self.known {
            Some((at, times)) if at == generation => times,
            _ => {
                let said =
                    self.dynamic.iter().cloned().map(|condition| match snapshot_physical_expr(condition) {
                        Ok(condition) => times_of(&condition, time),
                        Err(_) => Times::ALL,
                    });
                let times = said.fold(Times::ALL, Times::and);
                self.known = Some((generation, times));
                times
            }
        }
    }
}

/// Returns times outside which a condition is true of no row.
fn times_of(condition: &Arc<dyn PhysicalExpr>, time: usize) -> Times {
    if let Some(literal) = condition.downcast_ref::<Literal>() {
        let is_false = *literal.value() == ScalarValue::Boolean(Some(false));
        return if is_false { Times::NONE } else { Times::ALL };
    }
    let is_time = |expr: &Arc<dyn PhysicalExpr>| {
        expr.downcast_ref::<Column>().is_some_and(|column| column.index() == time)
    };
    if let Some(null) = condition.downcast_ref::<IsNullExpr>() {
        // Every row has a time.
        return if is_time(null.arg()) { Times::NONE } else { Times::ALL };
    }
    let Some(binary) = condition.downcast_ref::<BinaryExpr>() else { return Times::ALL };
    let at = |expr: &Arc<dyn PhysicalExpr>| match expr.downcast_ref::<Literal>()?.value() {
        ScalarValue::TimestampMicrosecond(at, _) => *at,
        _ => None,
    };
    match (binary.op(), at(binary.right())) {
        (Operator::And, _) => times_of(binary.left(), time).and(times_of(binary.right(), time)),
        (Operator::Or, _) => times_of(binary.left(), time).or(times_of(binary.right(), time)),
        (op, Some(at)) if is_time(binary.left()) => match op {
            Operator::Gt => Times::of(at.saturating_add(1), i64::MAX),
            Operator::GtEq => Times::of(at, i64::MAX),
            Operator::Lt => Times::of(i64::MIN, at.saturating_sub(1)),
            Operator::LtEq => Times::of(i64::MIN, at),
            Operator::Eq => Times::of(at, at),
            _ => Times::ALL,
        },
        _ => Times::ALL,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use datafusion::physical_expr::expressions::{binary, col, is_null, lit};

    use super::*;

    fn compared(op: Operator, at: i64) -> Arc<dyn PhysicalExpr> {
        let at = lit(ScalarValue::TimestampMicrosecond(Some(at), Some("UTC".into())));
        binary(col("time", &schema()).unwrap(), op, at, &schema()).unwrap()
    }

    fn schema() -> Schema {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Schema::new(vec![Field::new("other", DataType::Boolean, true), Field::new("time", time, false)])
    }

    fn joined(left: Arc<dyn PhysicalExpr>, op: Operator, right: Arc<dyn PhysicalExpr>) -> Times {
        times_of(&binary(left, op, right, &schema()).unwrap(), 1)
    }

    #[test]
    fn what_a_condition_says_of_times_is_never_less_than_it_takes() {
        assert_eq!(times_of(&compared(Operator::Gt, 10), 1), Times::of(11, i64::MAX));
        assert_eq!(times_of(&compared(Operator::LtEq, 10), 1), Times::of(i64::MIN, 10));
        assert_eq!(times_of(&compared(Operator::NotEq, 10), 1), Times::ALL);
        let both = joined(compared(Operator::GtEq, 3), Operator::And, compared(Operator::Lt, 9));
        assert_eq!(both, Times::of(3, 8));
        // A sort that puts nulls first asks whether there are any.
        let null = is_null(col("time", &schema()).unwrap()).unwrap();
        assert_eq!(joined(null, Operator::Or, compared(Operator::Gt, 7)), Times::of(8, i64::MAX));
        let other = col("other", &schema()).unwrap();
        assert_eq!(joined(other.clone(), Operator::Or, compared(Operator::Gt, 7)), Times::ALL);
        assert_eq!(joined(other, Operator::And, compared(Operator::Gt, 7)), Times::of(8, i64::MAX));
        assert_eq!(times_of(&lit(false), 1), Times::NONE);
    }
}
