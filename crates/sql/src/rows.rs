//! The rows of an answer, as they come.

use std::collections::VecDeque;
use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::SqlError;
use crate::format::{Format, Writer};

/// What a statement gives.
pub(crate) enum Item {
    /// What its rows look like; comes first.
    Schema(SchemaRef),
    /// Some rows.
    Batch(RecordBatch),
    /// There are no more.
    End,
}

/// The rows of an answer. The statement ends when they are dropped.
pub struct Rows {
    schema: SchemaRef,
    items: Receiver<Result<Item, SqlError>>,
    /// Rows that were taken ahead.
    ahead: VecDeque<RecordBatch>,
    ended: bool,
    task: AbortHandle,
    runtime: Handle,
    deadline: Instant,
    seconds: u64,
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Rows {
    pub(crate) async fn begin(
        items: Receiver<Result<Item, SqlError>>,
        task: AbortHandle,
        runtime: Handle,
        deadline: Instant,
        seconds: u64,
    ) -> Result<Rows, SqlError> {
        let schema = SchemaRef::new(datafusion::arrow::datatypes::Schema::empty());
        let ahead = VecDeque::new();
        let mut rows = Rows { schema, items, ahead, ended: false, task, runtime, deadline, seconds };
        match rows.item().await? {
            Item::Schema(schema) => rows.schema = schema,
            Item::Batch(_) | Item::End => {
                return Err(SqlError::Engine("rows came without their schema".to_owned()));
            }
        }
        Ok(rows)
    }

    async fn item(&mut self) -> Result<Item, SqlError> {
        match timeout_at(self.deadline, self.items.recv()).await {
            Ok(Some(item)) => item,
            Ok(None) => Err(SqlError::Engine("a thread of it ended".to_owned())),
            Err(_) => Err(SqlError::OutOfTime { seconds: self.seconds }),
        }
    }

    async fn more(&mut self) -> Result<Option<RecordBatch>, SqlError> {
        while !self.ended {
            match self.item().await? {
                Item::Batch(batch) if batch.num_rows() > 0 => return Ok(Some(batch)),
                Item::Batch(_) | Item::Schema(_) => {}
                Item::End => self.ended = true,
            }
        }
        Ok(None)
    }

    /// What the rows look like.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the next rows; `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, SqlError> {
        match self.ahead.pop_front() {
            Some(batch) => Ok(Some(batch)),
            None => self.more().await,
        }
    }

    /// Takes rows ahead, about `most` bytes of them; returns how many there are when these are all.
    pub async fn gather(&mut self, most: usize) -> Result<Option<u64>, SqlError> {
        let (mut bytes, mut rows) = (0, 0);
        while let Some(batch) = self.more().await? {
            bytes += batch.get_array_memory_size();
            rows += batch.num_rows() as u64;
            self.ahead.push_back(batch);
            if bytes > most {
                return Ok(None);
            }
        }
        Ok(Some(rows))
    }

    /// Writes the rows, and counts them in `shown`. Must be called where a thread may wait.
    pub fn write(mut self, format: Format, out: &mut dyn Write, shown: &mut u64) -> io::Result<()> {
        let runtime = self.runtime.clone();
        let mut writer = Writer::new(format, &self.schema, out)?;
        while let Some(batch) = runtime.block_on(self.next()).map_err(io::Error::other)? {
            *shown += batch.num_rows() as u64;
            writer.write(&batch)?;
        }
        writer.finish()
    }
}
