//! What can go wrong with a statement.

use datafusion::error::DataFusionError;
use query::QueryError;

use crate::gate::Unread;
use crate::wire::Fault;

/// Bytes of what the engine says, at most: it likes to quote values of events.
const MOST_WORDS: usize = 400;

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
    /// Its process ended: it had no memory or stack left.
    #[error(
        "the statement is nested too deeply, or needs more than the {limit} MiB that statements may use; write it simpler, or \
         narrow its time range"
    )]
    TooLarge {
        /// In mebibytes.
        limit: usize,
    },
    /// Its time was over before its turn came.
    #[error(
        "{running} statements are running, which is the most, and none ended within {seconds} s; try again in a minute"
    )]
    Busy {
        /// How long it was given.
        seconds: u64,
        /// How many run.
        running: usize,
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
    /// One word for how the statement ended, as the event of it says.
    pub fn code(&self) -> &'static str {
        match self {
            SqlError::Refused(_) => "refused",
            SqlError::Failed(_) => "failed",
            SqlError::OutOfMemory { .. } | SqlError::TooLarge { .. } => "out_of_memory",
            SqlError::OutOfTime { .. } | SqlError::Busy { .. } => "out_of_time",
            SqlError::Query(_) => "unread",
            SqlError::Engine(_) => "engine",
        }
    }
}

impl Fault {
    /// Tells what a failure of the engine means to whoever wrote the statement.
    pub(crate) fn of(error: DataFusionError) -> Fault {
        match error {
            DataFusionError::Context(_, inner) => Fault::of(*inner),
            DataFusionError::Diagnostic(_, inner) => Fault::of(*inner),
            DataFusionError::Collection(errors) => match errors.into_iter().next() {
                Some(first) => Fault::of(first),
                None => Fault::Engine("it failed without a reason".to_owned()),
            },
            DataFusionError::Shared(shared) => Fault::of_root(shared.find_root()),
            DataFusionError::SQL(source, _) => Fault::Refused(cut(source.to_string())),
            DataFusionError::Plan(why) if why.starts_with("table '") && why.ends_with("not found") => {
                Fault::Refused(format!("{}; `show tables` lists those that there are", cut(why)))
            }
            DataFusionError::Plan(why) | DataFusionError::NotImplemented(why) => Fault::Refused(cut(why)),
            DataFusionError::SchemaError(source, _) => Fault::Refused(cut(source.to_string())),
            DataFusionError::Configuration(why) => Fault::Refused(cut(why)),
            DataFusionError::Internal(why) => Fault::Engine(cut(why)),
            other => Fault::of_root(other.find_root()),
        }
    }

    fn of_root(error: &DataFusionError) -> Fault {
        match error {
            DataFusionError::ResourcesExhausted(_) => Fault::OutOfMemory,
            DataFusionError::External(source) if source.is::<Unread>() => Fault::Unread,
            other => Fault::Failed(cut(other.strip_backtrace())),
        }
    }
}

fn cut(mut words: String) -> String {
    if words.len() > MOST_WORDS {
        words.truncate(words.floor_char_boundary(MOST_WORDS));
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_that_an_error_quotes_are_cut() {
        let quoted = DataFusionError::Execution(format!("cannot cast '{}'", "é".repeat(5000)));
        let Fault::Failed(words) = Fault::of(quoted) else { panic!("it is a failure") };
        assert!(words.ends_with('…') && words.len() <= MOST_WORDS + 3, "{words}");
    }
}
