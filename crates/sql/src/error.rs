//! What can go wrong with a statement.

use datafusion::error::DataFusionError;
use query::QueryError;

/// Why a statement has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It is no statement, or one that is not answered here.
    #[error("{0}")]
    Refused(String),
    /// It failed over its own data: a cast, a division by zero.
    #[error("the statement failed: {0}")]
    Failed(String),
    /// It wanted more memory than statements may have.
    #[error(
        "the statement needs more than the {limit} MiB that statements may use; group by fewer values, select fewer columns, or \
         narrow its time range"
    )]
    OutOfMemory {
        /// In mebibytes.
        limit: usize,
    },
    /// Its time is over.
    #[error("the statement took longer than {seconds} s; narrow its time range, or allow it more time")]
    OutOfTime {
        /// How long it was given.
        seconds: u64,
    },
    /// The log or the archive could not be read.
    #[error("cannot read the events")]
    Query(#[source] QueryError),
    /// The engine did not start, or a thread of it ended.
    #[error("the SQL engine failed: {0}")]
    Engine(String),
}

impl SqlError {
    /// Tells what a failure of the engine means to whoever wrote the statement.
    pub(crate) fn of(error: DataFusionError, limit: usize) -> SqlError {
        match error {
            DataFusionError::Context(_, inner) => SqlError::of(*inner, limit),
            DataFusionError::Diagnostic(_, inner) => SqlError::of(*inner, limit),
            DataFusionError::Collection(errors) => match errors.into_iter().next() {
                Some(first) => SqlError::of(first, limit),
                None => SqlError::Engine("it failed without a reason".to_owned()),
            },
            DataFusionError::Shared(shared) => SqlError::of_shared(&shared, limit),
            DataFusionError::ResourcesExhausted(_) => SqlError::OutOfMemory { limit: limit >> 20 },
            DataFusionError::External(source) => match source.downcast::<QueryError>() {
                Ok(source) => SqlError::Query(*source),
                Err(other) => SqlError::Failed(other.to_string()),
            },
            DataFusionError::SQL(source, _) => SqlError::Refused(source.to_string()),
            DataFusionError::Plan(why) if why.starts_with("table '") && why.ends_with("not found") => {
                SqlError::Refused(format!("{why}; `show tables` lists those that there are"))
            }
            DataFusionError::Plan(why) | DataFusionError::NotImplemented(why) => SqlError::Refused(why),
            DataFusionError::SchemaError(source, _) => SqlError::Refused(source.to_string()),
            DataFusionError::Configuration(why) => SqlError::Refused(why),
            DataFusionError::Internal(why) => SqlError::Engine(why),
            other => SqlError::Failed(other.strip_backtrace()),
        }
    }

    fn of_shared(error: &DataFusionError, limit: usize) -> SqlError {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => SqlError::OutOfMemory { limit: limit >> 20 },
            root => SqlError::Failed(root.strip_backtrace()),
        }
    }
}
