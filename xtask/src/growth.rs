//! Draws how the figures of `cargo xtask bench search` grow with the number of events: a small chart for each, with both axes
//! logarithmic, from the lines that `--json` printed.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

/// Where the lines lie, one file a run.
const FOLDER: &str = "docs/performance";
/// What is drawn.
pub const PATH: &str = "docs/performance-growth.svg";

const COLUMNS: usize = 3;
const WIDTH: f64 = 330.0;
const HEIGHT: f64 = 210.0;
/// Room around the plot of a chart: left, right, top, bottom.
const ROOM: [f64; 4] = [46.0, 70.0, 34.0, 26.0];
/// Who is drawn, and in which colour.
const SERIES: &[(&str, &str)] =
    &[("Lodge", "#0a6e3b"), ("Lodge, SQL", "#6cb98b"), ("duckdb", "#c77700"), ("clickhouse", "#a33ea1")];
/// Figures beside the questions that are drawn.
const OTHERS: &[&str] = &[
    "ingest by the clock",
    "ingest per processor second",
    "bytes per event in all",
    "memory while ingesting",
];

/// One chart.
struct Chart {
    name: String,
    unit: String,
    /// Events and value, by [`SERIES`].
    points: Vec<Vec<(f64, f64)>>,
}

/// Draws the runs that are committed.
pub fn drawn() -> Result<String> {
    let mut runs = Vec::new();
    for entry in fs::read_dir(FOLDER).with_context(|| format!("cannot read {FOLDER}"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let run: Value =
            serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
        runs.push(run);
    }
    runs.sort_by_key(|run| run["events"].as_u64());
    Ok(draw(&charts(&runs)))
}

fn charts(runs: &[Value]) -> Vec<Chart> {
    let mut charts: Vec<Chart> = Vec::new();
    for run in runs {
        let events = run["events"].as_f64().unwrap_or_default();
        for figure in run["figures"].as_array().into_iter().flatten() {
            let name = figure["name"].as_str().unwrap_or_default();
            let question = name.strip_suffix(", warm");
            let Some(name) = question.or_else(|| OTHERS.contains(&name).then_some(name)) else { continue };
            let (plain, own) = match name.strip_suffix(", SQL") {
                Some(plain) => (plain, "Lodge, SQL"),
                None => (name, "Lodge"),
            };
            let chart = match charts.iter_mut().find(|chart| chart.name == plain) {
                Some(chart) => chart,
                None => {
                    let unit = figure["unit"].as_str().unwrap_or_default().to_owned();
                    charts.push(Chart {
                        name: plain.to_owned(),
                        unit,
                        points: vec![Vec::new(); SERIES.len()],
                    });
                    charts.last_mut().expect("it was added just now")
                }
            };
            for ((series, _), points) in SERIES.iter().zip(&mut chart.points) {
                let value = match *series {
                    series if series == own => &figure["lodge"],
                    _ if own != "Lodge" => continue,
                    series => &figure["rivals"][series],
                };
                points.extend(value.as_f64().filter(|value| *value > 0.0).map(|value| (events, value)));
            }
        }
    }
    charts
}

fn draw(charts: &[Chart]) -> String {
    let rows = charts.len().div_ceil(COLUMNS);
    let (width, height) = (COLUMNS as f64 * WIDTH, rows as f64 * HEIGHT + 30.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (at, (name, colour)) in SERIES.iter().enumerate() {
        let x = 46.0 + 110.0 * at as f64;
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"10\" width=\"18\" height=\"4\" fill=\"{colour}\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"16\">{name}</text>", x + 24.0);
    }
    for (at, chart) in charts.iter().enumerate() {
        let (x, y) = ((at % COLUMNS) as f64 * WIDTH, (at / COLUMNS) as f64 * HEIGHT + 26.0);
        let _ = writeln!(out, "<g transform=\"translate({x},{y})\">");
        draw_chart(&mut out, chart);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// The decades that hold some numbers.
fn decades(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let least = numbers.clone().fold(f64::INFINITY, f64::min).log10().floor();
    let most = numbers.fold(0.0, f64::max).log10().ceil();
    (least, most.max(least + 1.0))
}

fn draw_chart(out: &mut String, chart: &Chart) {
    let all = || chart.points.iter().flatten();
    if all().next().is_none() {
        return;
    }
    let [left, right, top, bottom] = ROOM;
    let (from, to) =
        all().fold((f64::INFINITY, 0.0_f64), |(from, to), (events, _)| (from.min(*events), to.max(*events)));
    let (low, high) = decades(all().map(|(_, value)| *value));
    let x = |events: f64| {
        let span = (to / from).log10();
        let share = if span > 0.0 { (events / from).log10() / span } else { 0.5 };
        left + share * (WIDTH - left - right)
    };
    let y = |value: f64| HEIGHT - bottom - (value.log10() - low) / (high - low) * (HEIGHT - top - bottom);
    let _ = writeln!(
        out,
        "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{} ({})</text>",
        top - 12.0,
        chart.name,
        chart.unit
    );
    for decade in low as i32..=high as i32 {
        let at = y(10_f64.powi(decade));
        let (end, label) = (WIDTH - right, short(10_f64.powi(decade)));
        let _ = writeln!(out, "<path d=\"M{left:.1} {at:.1}H{end:.1}\" stroke=\"#ddd\"/>");
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{label}</text>",
            left - 5.0,
            at + 4.0
        );
    }
    let mut ticks: Vec<f64> = all().map(|(events, _)| *events).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    for events in ticks {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{}</text>",
            x(events),
            HEIGHT - bottom + 16.0,
            short(events)
        );
    }
    for ((_, colour), points) in SERIES.iter().zip(&chart.points) {
        let Some((events, value)) = points.last() else { continue };
        let line: Vec<String> =
            points.iter().map(|(events, value)| format!("{:.1} {:.1}", x(*events), y(*value))).collect();
        let line = line.join("L");
        let _ = writeln!(out, "<path d=\"M{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        for (events, value) in points {
            let _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\" fill=\"{colour}\"/>",
                x(*events),
                y(*value)
            );
        }
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
            x(*events) + 6.0,
            y(*value) + 4.0,
            short(*value)
        );
    }
}

/// Writes a number with two or three digits that matter.
fn short(number: f64) -> String {
    let (number, unit) = match number {
        number if number >= 1e6 => (number / 1e6, "M"),
        number if number >= 1e4 => (number / 1e3, "k"),
        number => (number, ""),
    };
    let digits = if number >= 10.0 || number.fract() == 0.0 {
        0
    } else if number >= 1.0 {
        1
    } else {
        2
    };
    format!("{number:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sql_is_drawn_beside_the_question_that_it_asks() {
        let run = |events: u64, ms: f64| {
            json!({ "events": events, "figures": [
                { "name": "top 10, warm", "unit": "ms", "lodge": ms, "rivals": { "duckdb": 9.0 } },
                { "name": "top 10, SQL, warm", "unit": "ms", "lodge": 2.0 * ms, "rivals": { "duckdb": 9.0 } },
                { "name": "top 10, cold", "unit": "ms", "lodge": 50.0, "rivals": {} },
                { "name": "bytes per event: log", "unit": "bytes", "lodge": 5.0, "rivals": {} },
            ]})
        };
        let charts = charts(&[run(1000, 1.0), run(10_000, 3.0)]);
        assert_eq!(charts.len(), 1);
        assert_eq!(charts[0].points[0], [(1000.0, 1.0), (10_000.0, 3.0)]);
        assert_eq!(charts[0].points[1], [(1000.0, 2.0), (10_000.0, 6.0)]);
        assert_eq!(charts[0].points[2].len(), 2);
        assert!(charts[0].points[3].is_empty());
        let svg = draw(&charts);
        assert_eq!((svg.matches("<g ").count(), svg.matches("top 10 (ms)").count()), (1, 1));
    }

    #[test]
    fn numbers_are_short() {
        let shown: Vec<String> = [0.05, 0.5, 1.0, 2.54, 54.2, 999.0, 73_080.0, 5e6].map(short).to_vec();
        assert_eq!(shown, ["0.05", "0.50", "1", "2.5", "54", "999", "73k", "5M"]);
    }
}
