//! What a condition of SQL says in the words of a question: bounds of time, and a filter that tokens and columns decide.
//!
//! The invariant: a question never takes fewer events than the condition. Where it may take more, the engine asks the
//! condition once more.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use event::Timestamp;
use event::filter::{Filter, FilterContext};
use event::tables::Holds;
use query::Question;
use serde::{Deserialize, Serialize};

use crate::functions::MATCHES;
use crate::tables::{Source, TableColumn};

/// Values of a list that are worth asking the index for.
const MOST_VALUES: usize = 64;

/// A condition, as far as a question can say it. Its filter is text, since it goes from one process to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Narrow {
    pub since: Option<i64>,
    pub until: Option<i64>,
    pub filter: Option<String>,
    /// Whether it says exactly the same.
    pub exact: bool,
}

/// Reads a condition over a table's columns; `None` where a question cannot say anything of it.
pub(crate) fn narrow(condition: &Expr, columns: &[TableColumn], context: &FilterContext) -> Option<Narrow> {
    said(condition, columns).filter(|narrow| narrow.filter(context).is_some())
}

fn said(condition: &Expr, columns: &[TableColumn]) -> Option<Narrow> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            both(said(left, columns), said(right, columns))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (left, right) = (said(left, columns)?, said(right, columns)?);
            let is_free = [&left, &right].iter().all(|one| one.since.is_none() && one.until.is_none());
            let filter = format!("({}) or ({})", left.filter?, right.filter?);
            is_free.then_some(Narrow {
                filter: Some(filter),
                exact: left.exact && right.exact,
                ..Narrow::default()
            })
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
            (Expr::Column(column), Expr::Literal(value, _)) => {
                compare(source(&column.name, columns)?, *op, value)
            }
            (Expr::Literal(value, _), Expr::Column(column)) => {
                compare(source(&column.name, columns)?, op.swap()?, value)
            }
            _ => None,
        },
        Expr::InList(InList { expr, list, negated: false }) if list.len() <= MOST_VALUES => {
            let Expr::Column(column) = &**expr else { return None };
            let source = source(&column.name, columns)?;
            let one = |item: &Expr| match item {
                Expr::Literal(value, _) => compare(source, Operator::Eq, value)?.filter,
                _ => None,
            };
            let all = list.iter().map(one).collect::<Option<Vec<String>>>()?;
            (!all.is_empty()).then(|| Narrow { filter: Some(all.join(" or ")), ..Narrow::default() })
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == MATCHES => {
            let [Expr::Column(column), Expr::Literal(value, _)] = &args[..] else { return None };
            if *source(&column.name, columns)? != Source::Payload {
                return None;
            }
            let filter = value.try_as_str().flatten()?.to_owned();
            Some(Narrow { filter: Some(filter), exact: true, ..Narrow::default() })
        }
        _ => None,
    }
}

fn source<'c>(name: &str, columns: &'c [TableColumn]) -> Option<&'c Source> {
    columns.iter().find(|column| column.name == name).map(|column| &column.source)
}

fn both(left: Option<Narrow>, right: Option<Narrow>) -> Option<Narrow> {
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (one, other) => return one.or(other).map(|one| Narrow { exact: false, ..one }),
    };
    let filter = match (left.filter, right.filter) {
        (Some(left), Some(right)) => Some(format!("({left}) and ({right})")),
        (one, other) => one.or(other),
    };
    Some(Narrow {
        since: left.since.max(right.since),
        until: left.until.into_iter().chain(right.until).min(),
        filter,
        exact: left.exact && right.exact,
    })
}

fn compare(source: &Source, op: Operator, value: &ScalarValue) -> Option<Narrow> {
    match source {
        Source::Time => {
            let at = micros(value)?;
            let (since, until) = match op {
                Operator::GtEq => (Some(at), None),
                Operator::Gt => (Some(at.checked_add(1)?), None),
                Operator::Lt => (None, Some(at)),
                Operator::LtEq => (None, Some(at.checked_add(1)?)),
                Operator::Eq => (Some(at), Some(at.checked_add(1)?)),
                _ => return None,
            };
            Some(Narrow { since, until, filter: None, exact: true })
        }
        Source::Typed(column) if op == Operator::Eq => equals(column.field(), value),
        Source::Path(path, Holds::Text) if op == Operator::Eq => equals(&path.join("."), value),
        _ => None,
    }
}

/// Microseconds since 1970 of an instant that has no finer parts.
fn micros(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::TimestampSecond(at, _) => (*at)?.checked_mul(1_000_000),
        ScalarValue::TimestampMillisecond(at, _) => (*at)?.checked_mul(1000),
        ScalarValue::TimestampMicrosecond(at, _) => *at,
        ScalarValue::TimestampNanosecond(at, _) => at.filter(|at| at % 1000 == 0).map(|at| at / 1000),
        _ => None,
    }
}

/// Equal text is equal in a filter too. What a filter would read as something else than text is left to the engine.
fn equals(field: &str, value: &ScalarValue) -> Option<Narrow> {
    let text = value.try_as_str().flatten()?;
    let is_plain = text.chars().any(char::is_alphanumeric)
        && !text.chars().any(char::is_control)
        && !matches!(text, "true" | "false" | "null")
        && !text.starts_with(['{', '[']);
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let filter = Some(format!("{field}: \"{quoted}\""));
    is_plain.then_some(Narrow { filter, ..Narrow::default() })
}

impl Narrow {
    /// Says both.
    pub(crate) fn and(self, other: Narrow) -> Narrow {
        both(Some(self), Some(other)).unwrap_or_default()
    }

    /// Reads the filter; `None` where it is none, also because its dates are none in this context.
    fn filter(&self, context: &FilterContext) -> Option<Filter> {
        match &self.filter {
            Some(text) => Filter::parse(text, context).ok(),
            None => Some(Filter::everything()),
        }
    }

    /// Narrows a question; `None` where the filter cannot be read.
    pub(crate) fn apply(&self, question: Question, context: &FilterContext) -> Option<Question> {
        let since = self.since.map(Timestamp::from_micros);
        let until = self.until.map(Timestamp::from_micros);
        Some(Question {
            since: question.since.max(since),
            until: question.until.into_iter().chain(until).min(),
            filter: question.filter.and(self.filter(context)?),
            ..question
        })
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;
    use crate::tables::tables;

    fn narrowed(condition: Expr) -> Option<Narrow> {
        narrow(&condition, &tables()[0].columns, &FilterContext::utc(Timestamp::EPOCH))
    }

    fn at(micros: i64) -> Expr {
        Expr::Literal(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())), None)
    }

    #[test]
    fn bounds_of_time_are_said_exactly() {
        let found = narrowed(col("time").gt(at(10)).and(col("time").lt_eq(at(20)))).unwrap();
        assert_eq!((found.since, found.until, found.exact), (Some(11), Some(21), true));
        assert!(narrowed(col("time").not_eq(at(10))).is_none());
        assert!(narrowed(col("time").lt(at(1)).or(col("time").gt(at(5)))).is_none());
    }

    #[test]
    fn texts_become_filters_that_take_no_fewer() {
        let found =
            narrowed(col("actor_user").eq(lit("al\"ice")).and(col("payload").like(lit("%x%")))).unwrap();
        assert_eq!(found.filter.as_deref(), Some(r#"actor.user: "al\"ice""#));
        assert!(!found.exact);
        let found = narrowed(lit("a").eq(col("kind")).or(col("session").eq(lit("b")))).unwrap();
        assert_eq!(found.filter.as_deref(), Some(r#"(kind: "a") or (session: "b")"#));
        for left in [lit("*"), lit(""), lit("true"), lit("{\"a\":1}"), lit("a\nb"), lit(5)] {
            assert!(narrowed(col("reason").eq(left)).is_none());
        }
        assert!(narrowed(col("kind").not_eq(lit("a"))).is_none());
    }

    #[test]
    fn a_filter_that_cannot_be_read_leaves_the_condition_to_the_engine() {
        let matches = |filter: &str| {
            let [function, _] = &crate::functions::functions(&FilterContext::utc(Timestamp::EPOCH))[..]
            else {
                panic!("there are two functions")
            };
            function.call(vec![col("payload"), lit(filter)])
        };
        assert!(narrowed(matches("kind: a")).unwrap().exact);
        for filter in ["kind: (", "time > now+9000000d"] {
            assert!(narrowed(matches(filter)).is_none(), "{filter}");
            assert_eq!(narrowed(matches(filter).and(col("time").gt(at(1)))), None, "{filter}");
        }
    }
}
