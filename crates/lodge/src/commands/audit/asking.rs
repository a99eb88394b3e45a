//! What every question to the log has, and what its answer covers.

use anyhow::Result;
use api::wire::Coverage;
use clap::Args;
use event::{Filter, FilterContext};

use crate::commands::zone::Zone;
use crate::failure::Failure;
use crate::terminal::printable;

/// Rows of a file that are sorted, at most.
const MOST_SORTED: u32 = 10_000;

/// A question to the log.
#[derive(Args)]
pub struct Asking {
    /// Filter; everything when left out.
    #[arg(default_value = "")]
    filter: String,
    /// Only events from this time on, by their own time: RFC 3339, a date, or like `now-24h`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only events before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// In which zone.
    #[command(flatten)]
    pub zone: Zone,
    /// Seconds that may be searched, 1 to 300 [default: 30].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=300))]
    timeout: Option<u32>,
}

impl Asking {
    /// Writes the question as the API takes it.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("filter", self.filter.clone()), ("zone", self.zone.asked())];
        query.extend(self.since.clone().map(|since| ("since", since)));
        query.extend(self.until.clone().map(|until| ("until", until)));
        query.extend(self.timeout.map(|seconds| ("timeout", seconds.to_string())));
        query
    }

    /// Writes the question as a statement in SQL and what belongs to it, as the API takes it. Many rows are not sorted: then
    /// only their positions must be kept until all are found.
    pub fn statement(&self, order: &str, limit: u32) -> serde_json::Value {
        let bounds = [(">=", &self.since), ("<", &self.until)];
        let bounds = bounds.iter().filter_map(|(side, time)| {
            Some(format!("time {side} \"{}\"", time.as_ref()?.replace('\\', "\\\\").replace('"', "\\\"")))
        });
        let filter = Some(format!("({})", self.filter)).filter(|_| !self.filter.trim().is_empty());
        let filter: Vec<String> = filter.into_iter().chain(bounds).collect();
        let condition = match filter.is_empty() {
            true => String::new(),
            false => format!("where matches(payload, '{}')", filter.join(" and ").replace('\'', "''")),
        };
        let sorted = match limit <= MOST_SORTED {
            true => format!("order by e.time {order}, e.position {order}"),
            false => String::new(),
        };
        serde_json::json!({
            "statement": format!(
                "with found as (select position from events {condition} order by time {order}, position {order} limit {limit}) \
                 select e.* from found join events e on e.position = found.position {condition} {sorted}"
            ),
            "zone": self.zone.asked(),
            "timeout": self.timeout,
        })
    }

    /// Says what in the filter may be meant otherwise than it is read.
    pub fn note(&self) {
        note(&self.filter, &self.zone);
    }

    /// Returns from when on, as it was written.
    pub fn since(&self) -> Option<&str> {
        self.since.as_deref()
    }
}

/// Says, on standard error, what in a filter may be meant otherwise than it is read.
pub fn note(filter: &str, zone: &Zone) {
    let context = FilterContext { now: server::system::ambient().now(), zone: zone.zone() };
    for note in Filter::notes(filter, &context) {
        eprintln!("note: {}", printable(&note));
    }
}

/// What to do when time ran out.
pub const NARROW: &str = "narrow the question (--since, --until), or raise --timeout";

/// Ends a command whose rows were printed with a failure when they are not all there are: also whoever takes them by a
/// program must see that.
pub fn whole(coverage: &Coverage, what_to_do: &str) -> Result<()> {
    if coverage.complete {
        return Ok(());
    }
    let (to, size) = (coverage.to, coverage.size);
    let text = format!(
        "the answer is not the whole one: time ran out, and all is certain up to position {to} of {size}; {what_to_do}"
    );
    Err(Failure::Incomplete(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{EXIT_CODES, exit_code};

    #[test]
    fn an_answer_that_is_not_whole_has_an_exit_code_of_its_own() {
        let whole_one = Coverage { from: 0, to: 9, size: 9, complete: true, unreadable: 0 };
        whole(&whole_one, NARROW).unwrap();
        let part = Coverage { to: 5, complete: false, ..whole_one };
        let error = whole(&part, NARROW).unwrap_err();
        assert_eq!(exit_code(&error), 6);
        assert!(EXIT_CODES.iter().any(|(code, _)| *code == 6));
        let said = error.to_string();
        assert!(said.contains("up to position 5 of 9") && said.contains("--timeout"), "{said}");
    }
}
