//! Functions that bring the filter language into SQL.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, StringArray, cast::AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use event::RecordView;
use event::filter::{FieldPath, Filter, FilterContext};

/// `matches(payload, 'filter')`
pub(crate) const MATCHES: &str = "matches";
/// `field(payload, 'detail.path')`
const FIELD: &str = "field";

/// Returns the functions; dates in filters are read in `context`.
pub(crate) fn functions(context: &FilterContext) -> Vec<ScalarUDF> {
    let signature = || Signature::string(2, Volatility::Immutable);
    let matches = Matches { signature: signature(), context: context.clone() };
    vec![ScalarUDF::new_from_impl(matches), ScalarUDF::new_from_impl(FieldOf { signature: signature() })]
}

/// Says whether a filter takes an event.
#[derive(Debug)]
struct Matches {
    signature: Signature,
    context: FilterContext,
}

impl PartialEq for Matches {
    fn eq(&self, other: &Matches) -> bool {
        self.context.now == other.context.now
    }
}

impl Eq for Matches {}

impl Hash for Matches {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.context.now.as_micros().hash(state);
    }
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &str {
        MATCHES
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let filter = literal(&args, "matches(payload, 'filter')")?;
        let filter = Filter::parse(&filter, &self.context).map_err(|error| {
            plan_datafusion_err!("the filter of matches() cannot be read:\n{}", error.render())
        })?;
        let payloads = texts(&args)?;
        let takes =
            |payload: &str| RecordView::parse(payload.as_bytes()).is_ok_and(|view| filter.matches(&view));
        let found: BooleanArray = payloads.as_string::<i32>().iter().map(|one| one.map(takes)).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// Takes the value of a field out of an event: the first, where it has several.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FieldOf {
    signature: Signature,
}

impl ScalarUDFImpl for FieldOf {
    fn name(&self) -> &str {
        FIELD
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let path = literal(&args, "field(payload, 'detail.path')")?;
        let path =
            FieldPath::parse(&path).map_err(|error| plan_datafusion_err!("the path of field(): {error}"))?;
        let value = |payload: &str| {
            let view = RecordView::parse(payload.as_bytes()).ok()?;
            let mut first = None;
            path.each_value(&view, &mut |value| {
                first.get_or_insert_with(|| value.to_owned());
            });
            first
        };
        let payloads = texts(&args)?;
        let found: StringArray = payloads.as_string::<i32>().iter().map(|one| one.and_then(value)).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// The second argument, which must be written out.
fn literal(args: &ScalarFunctionArgs, usage: &str) -> Result<String> {
    match &args.args[..] {
        [_, ColumnarValue::Scalar(value)] => match value {
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)) => Ok(text.clone()),
            _ => plan_err!("{usage} takes a text as its second argument"),
        },
        _ => plan_err!("{usage} takes a literal as its second argument"),
    }
}

/// The first argument as texts.
fn texts(args: &ScalarFunctionArgs) -> Result<ArrayRef> {
    let Some(first) = args.args.first() else { return exec_err!("an argument is missing") };
    Ok(cast(&first.to_array(args.number_rows)?, &DataType::Utf8)?)
}
