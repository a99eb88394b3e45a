//! `lodge audit histogram`

use anyhow::Result;
use api::wire::{Histogram, HistogramBar};
use clap::Args;
use event::interval::TimeZone;
use event::{Interval, Timestamp};

use super::Context;
use super::asking::{Asking, NARROW, whole};
use crate::commands::zone::Zone;
use crate::terminal::{Output, columns, counted, print_line, print_one, print_rows, printable};

/// Lines after which empty intervals are left out.
const MOST_LINES: usize = 400;
const BLOCKS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Counts events over time. `lodge audit histogram 'outcome: denied' --since now-7d --interval hour --split actor.user`
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    asking: Asking,
    /// Length of the intervals: `minute`, `hour`, `day`, `week`, `month`, `year`, like `5m` or `3h`, or about how many.
    #[arg(long, short, default_value = "40")]
    interval: String,
    /// Field by whose values each interval is split.
    #[arg(long, value_name = "FIELD")]
    split: Option<String>,
    /// How many values of it are told apart, 10,000 at most.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    series: u32,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    arguments.asking.note();
    let mut query = arguments.asking.query();
    query.push(("interval", arguments.interval.clone()));
    query.push(("series", arguments.series.to_string()));
    query.extend(arguments.split.clone().map(|split| ("split", split)));
    let histogram: Histogram = context.client()?.get("/v1/events/histogram", &query)?;
    let split = arguments.split.is_some();
    let printed = match context.output {
        Output::Json => print_one(context.output, &histogram, |_| String::new()),
        Output::Table if !split => print_bars(&histogram, &arguments.asking.zone),
        output => {
            let zone = &arguments.asking.zone;
            let from = match output {
                Output::Table => format!("FROM ({})", zone.name()),
                _ => "FROM".to_owned(),
            };
            let headings = headings(from, &histogram, split);
            let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
            let start = |bar: &HistogramBar| match output {
                Output::Table => label(bar.start, &histogram.interval, &zone.zone()),
                _ => zone.show(bar.start),
            };
            let cells = |bar: &HistogramBar| {
                let mut cells = vec![start(bar), bar.events.to_string()];
                if split {
                    let others = [bar.other, bar.without];
                    cells.extend(bar.split.iter().chain(&others).map(u64::to_string));
                }
                cells
            };
            print_rows(output, &histogram.bars, &headings, cells)
        }
    };
    printed.and_then(|()| whole(&histogram.coverage, NARROW))
}

fn headings(from: String, histogram: &Histogram, split: bool) -> Vec<String> {
    let mut headings = vec![from, "EVENTS".to_owned()];
    if split {
        headings.extend(histogram.series.iter().map(|value| printable(value)));
        headings.extend(["OTHER".to_owned(), "WITHOUT".to_owned()]);
    }
    headings
}

fn print_bars(histogram: &Histogram, asked: &Zone) -> Result<()> {
    let zone = &asked.zone();
    let lines = lines(histogram, zone);
    let most = lines.iter().map(|(_, events)| *events).max().unwrap_or(0);
    let digits = most.to_string().len();
    let labels = lines.iter().map(|(start, _)| label(*start, &histogram.interval, zone));
    let labels: Vec<String> = labels.collect();
    let width = labels.iter().map(String::len).max().unwrap_or(0);
    let room = columns().saturating_sub(width + digits + 4).clamp(8, 100);
    for ((_, events), label) in lines.iter().zip(&labels) {
        print_line(format!("{label:width$}  {events:>digits$}  {}", bar(*events, most, room)).trim_end())?;
    }
    let events = counted(histogram.events, "event");
    eprintln!("{events}, a line for each {}; times of {}", histogram.interval, asked.name());
    eprintln!("{}", spark(&lines.iter().map(|(_, events)| *events).collect::<Vec<_>>(), columns()));
    Ok(())
}

/// Lists the intervals from the first to the last, the empty ones too unless they are too many.
fn lines(histogram: &Histogram, zone: &TimeZone) -> Vec<(Timestamp, u64)> {
    let known = |bar: &HistogramBar| (bar.start, bar.events);
    let Ok(interval) = histogram.interval.parse::<Interval>() else {
        return histogram.bars.iter().map(known).collect();
    };
    let mut lines: Vec<(Timestamp, u64)> = Vec::new();
    let mut next: Option<Timestamp> = None;
    for bar in &histogram.bars {
        while let Some(empty) = next.filter(|next| *next < bar.start) {
            if lines.len() > MOST_LINES {
                return histogram.bars.iter().map(known).collect();
            }
            lines.push((empty, 0));
            next = Some(interval.around(empty, zone).end.max(Timestamp::from_micros(empty.as_micros() + 1)));
        }
        lines.push(known(bar));
        next = Some(bar.end);
    }
    lines
}

/// Draws a bar in eighths of a character; whatever happened at all is seen.
fn bar(events: u64, most: u64, room: usize) -> String {
    let eighths = u128::from(events) * room as u128 * 8 / u128::from(most.max(1));
    let eighths = usize::try_from(eighths).unwrap_or(0).max(usize::from(events > 0));
    let mut bar = BLOCKS[7].to_string().repeat(eighths / 8);
    bar.extend((eighths % 8 > 0).then(|| BLOCKS[eighths % 8 - 1]));
    bar
}

/// Draws all of it in one line, neighbours taken together where there is not room for each.
fn spark(events: &[u64], room: usize) -> String {
    let together = events.len().div_ceil(room.max(1)).max(1);
    let sums: Vec<u64> = events.chunks(together).map(|some| some.iter().sum()).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let mark = |sum: &u64| match sum {
        0 => ' ',
        sum => SPARKS[usize::try_from((u128::from(*sum) * 8).div_ceil(u128::from(most)) - 1).unwrap_or(7)],
    };
    sums.iter().map(mark).collect()
}

/// Writes where an interval begins, as exactly as it needs.
fn label(start: Timestamp, interval: &str, zone: &TimeZone) -> String {
    let form = match interval {
        "year" => "%Y",
        "month" => "%Y-%m",
        "week" | "day" => "%Y-%m-%d",
        _ if interval.ends_with('s') || interval == "second" => "%Y-%m-%d %H:%M:%S",
        _ => "%Y-%m-%d %H:%M",
    };
    let instant = jiff::Timestamp::from_microsecond(start.as_micros()).unwrap_or_default();
    instant.to_zoned(zone.clone()).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use api::wire::Coverage;

    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share() {
        let drawn: Vec<String> = [0, 1, 5, 50, 100].iter().map(|events| bar(*events, 100, 10)).collect();
        assert_eq!(drawn, ["", "▏", "▌", "█████", "██████████"]);
        assert_eq!(bar(1, u64::MAX, 10), "▏", "whatever happened is seen");
    }

    #[test]
    fn a_spark_line_fits_its_room() {
        assert_eq!(spark(&[0, 1, 4, 8], 10), " ▁▄█");
        assert_eq!(spark(&[1, 1, 2, 2, 0, 0], 3), "▄█ ");
        assert_eq!(spark(&[], 3), "");
    }

    #[test]
    fn empty_intervals_are_shown_between_others() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let one = |start: &str, end: &str| HistogramBar {
            start: at(start),
            end: at(end),
            events: 2,
            split: vec![],
            other: 0,
            without: 0,
        };
        let bars = vec![
            one("2026-03-14T10:00:00Z", "2026-03-14T11:00:00Z"),
            one("2026-03-14T13:00:00Z", "2026-03-14T14:00:00Z"),
        ];
        let coverage = Coverage { from: 0, to: 4, size: 4, complete: true, unreadable: 0 };
        let mut histogram = Histogram {
            interval: "hour".to_owned(),
            series: vec![],
            bars,
            events: 4,
            since: None,
            until: None,
            coverage,
        };
        let shown = |histogram: &Histogram| -> Vec<String> {
            let lines = lines(histogram, &TimeZone::UTC);
            lines.iter().map(|(start, n)| format!("{} {n}", label(*start, "hour", &TimeZone::UTC))).collect()
        };
        assert_eq!(
            shown(&histogram),
            ["2026-03-14 10:00 2", "2026-03-14 11:00 0", "2026-03-14 12:00 0", "2026-03-14 13:00 2"]
        );
        histogram.bars.push(one("2027-03-14T13:00:00Z", "2027-03-14T14:00:00Z"));
        assert_eq!(shown(&histogram).len(), 3, "a year of empty hours is left out");
    }
}
