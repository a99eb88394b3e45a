//! Turns what a scan shows into record batches.

use std::sync::Arc;

use archive::{Keys, Logged};
use datafusion::arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, StringViewArray, TimestampMicrosecondArray, UInt32Array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use event::RecordView;
use event::tables::Holds;
use event::view::{Node, Number};
use query::{Shown, Stripe};

use crate::tables::{Source, TableColumn, schema_of};

/// Makes batches of some columns.
pub(crate) struct Batches {
    columns: Vec<TableColumn>,
    /// In which its times are shown.
    zone: Arc<str>,
    schema: SchemaRef,
    shown: Shown,
    /// For each typed column the texts that came last, as an array: they are the same for a whole part.
    texts: Vec<Option<(Arc<Vec<String>>, ArrayRef)>>,
}

/// Says what a scan must show so that these columns can be filled.
pub(crate) fn shown(columns: &[TableColumn]) -> Shown {
    let mut shown = Shown::default();
    for column in columns {
        match &column.source {
            Source::Position | Source::Count => {}
            Source::Time => shown.times = true,
            Source::Typed(typed) => shown.columns.push(*typed),
            Source::LogTime | Source::Path(..) | Source::Payload => shown.events = true,
        }
    }
    shown
}

impl Batches {
    /// Makes batches for readers in a zone.
    pub(crate) fn new(columns: Vec<TableColumn>, zone: &str) -> Batches {
        let (shown, schema) = (shown(&columns), schema_of(&columns, zone));
        Batches { texts: vec![None; shown.columns.len()], columns, zone: zone.into(), schema, shown }
    }

    /// Makes the batch of a stripe.
    pub(crate) fn batch(&mut self, stripe: &Stripe) -> Result<RecordBatch> {
        let parses = self.columns.iter().any(|column| matches!(column.source, Source::Path(..)));
        let views: Vec<Option<RecordView<'_>>> = match parses {
            true => stripe.events.iter().map(|logged| RecordView::parse(&logged.payload).ok()).collect(),
            false => Vec::new(),
        };
        let columns = self.columns.clone();
        let arrays = columns.iter().map(|column| self.array(&column.source, stripe, &views));
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(stripe.rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }

    fn array(
        &mut self,
        source: &Source,
        stripe: &Stripe,
        views: &[Option<RecordView<'_>>],
    ) -> Result<ArrayRef> {
        let log_time = |logged: &Logged| Some(logged.log_time.as_micros());
        Ok(match source {
            Source::Position => Arc::new(whole(stripe.positions.iter().map(|one| one.cast_signed()))),
            Source::Count => Arc::new(whole(stripe.counts.iter().map(|one| one.cast_signed()))),
            Source::Time => {
                Arc::new(instants(stripe.times.iter().map(|time| Some(time.as_micros())), &self.zone))
            }
            Source::LogTime => Arc::new(instants(stripe.events.iter().map(log_time), &self.zone)),
            Source::Typed(column) => {
                let at = self.shown.columns.iter().position(|one| one == column).unwrap_or_default();
                self.typed(at, stripe)?
            }
            Source::Payload => {
                let texts = stripe.events.iter().map(|logged| String::from_utf8_lossy(&logged.payload));
                Arc::new(StringArray::from_iter_values(texts))
            }
            Source::Path(path, holds) => {
                let found =
                    views.iter().map(|view| view.as_ref()?.root().at(path.iter().map(String::as_str)));
                path_array(*holds, found.collect(), &self.zone)
            }
        })
    }

    fn typed(&mut self, at: usize, stripe: &Stripe) -> Result<ArrayRef> {
        let Some((texts, codes)) = stripe.columns.get(at) else {
            return Ok(Arc::new(StringViewArray::new_null(stripe.rows())));
        };
        let known = self.texts[at].as_ref().filter(|(known, _)| Arc::ptr_eq(known, texts));
        let values = match known {
            Some((_, values)) => values.clone(),
            None => {
                let values: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts.iter()));
                self.texts[at] = Some((texts.clone(), values.clone()));
                values
            }
        };
        let codes = codes.iter().map(|code| Some(*code).filter(|code| *code != Keys::ABSENT));
        let taken = take(&values, &UInt32Array::from_iter(codes), None)?;
        // The texts are those of a whole part, and views of some of them would carry all along: into an answer's bytes, too.
        Ok(Arc::new(taken.as_string_view().gc()))
    }
}

fn whole(values: impl Iterator<Item = i64>) -> Int64Array {
    Int64Array::from_iter_values(values)
}

fn instants(values: impl Iterator<Item = Option<i64>>, zone: &Arc<str>) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from_iter(values).with_timezone(zone.clone())
}

fn path_array(holds: Holds, found: Vec<Option<&Node<'_>>>, zone: &Arc<str>) -> ArrayRef {
    let found = found.into_iter();
    match holds {
        Holds::Text => Arc::new(StringArray::from_iter(found.map(|node| node?.to_text()))),
        Holds::Json => Arc::new(StringArray::from_iter(found.map(|node| match node? {
            Node::Null => None,
            node => Some(node.to_json()),
        }))),
        Holds::Time => {
            let times = found.map(|node| match node? {
                Node::Text(text) => text.parse::<event::Timestamp>().ok().map(|time| time.as_micros()),
                _ => None,
            });
            Arc::new(instants(times, zone))
        }
        Holds::Whole => Arc::new(Int64Array::from_iter(found.map(|node| match node? {
            Node::Number(Number::Int(whole)) => i64::try_from(*whole).ok(),
            _ => None,
        }))),
        Holds::Number => Arc::new(Float64Array::from_iter(found.map(|node| match node? {
            #[expect(clippy::cast_precision_loss, reason = "the column holds doubles")]
            Node::Number(Number::Int(whole)) => Some(*whole as f64),
            Node::Number(Number::Float(float)) => Some(*float),
            _ => None,
        }))),
        Holds::Truth => Arc::new(BooleanArray::from_iter(found.map(|node| match node? {
            Node::Bool(truth) => Some(*truth),
            _ => None,
        }))),
    }
}
