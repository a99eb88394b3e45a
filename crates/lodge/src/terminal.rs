//! What people see: tables, colours only on a terminal, questions with hidden answers.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table};
use indicatif::HumanCount;
use serde::Serialize;

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// A table or sentences, for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values (RFC 4180), for lists: the columns of the table.
    Csv,
    /// Apache Parquet, for `audit search` and `audit sql`.
    Parquet,
    /// A stream of Apache Arrow, for `audit search` and `audit sql`.
    Arrow,
}

/// Prints rows: a table with `headings`, or the rows themselves as JSON.
pub fn print_rows<T: Serialize>(
    output: Output,
    rows: &[T],
    headings: &[&str],
    cells: impl Fn(&T) -> Vec<String>,
) -> Result<()> {
    match output {
        Output::Json => print_line(&serde_json::to_string_pretty(rows)?),
        Output::Ndjson => rows.iter().try_for_each(|row| print_line(&serde_json::to_string(row)?)),
        Output::Csv => {
            print_line(&csv(headings))?;
            rows.iter().try_for_each(|row| print_line(&csv(&cells(row))))
        }
        Output::Table => print_table(headings, rows.iter().map(cells)),
        Output::Parquet | Output::Arrow => columnar_only(),
    }
}

/// Prints a table for people.
pub fn print_table(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width() {
        table.set_width(width);
    }
    table.set_header(headings.iter().map(|heading| strong(heading)));
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    print_line(&table.trim_fmt())
}

/// Says where columnar forms are printed.
pub fn columnar_only() -> Result<()> {
    bail!("only `lodge audit search` and `lodge audit sql` print parquet and arrow; use --output json")
}

/// Prints one thing: as JSON, or by `text` for people.
pub fn print_one<T: Serialize>(output: Output, thing: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
    match output {
        Output::Json => print_line(&serde_json::to_string_pretty(thing)?),
        Output::Ndjson => print_line(&serde_json::to_string(thing)?),
        Output::Table => print_line(&text(thing)),
        Output::Csv => bail!("this is no list that could be printed as csv; use --output json"),
        Output::Parquet | Output::Arrow => columnar_only(),
    }
}

/// Writes a line of comma-separated values. What a spreadsheet would take for a formula gets an apostrophe before it: an
/// event's text may be an attacker's.
pub fn csv(cells: &[impl AsRef<str>]) -> String {
    let cell = |cell: &str| {
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
        let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    cells.iter().map(|one| cell(one.as_ref())).collect::<Vec<_>>().join(",")
}

/// Prints a line, and ends quietly when the reader has gone (`| head`).
pub fn print_line(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.context("cannot write to standard output"),
    }
}

/// Writes how many there are of something, whose name takes an `s` where there are several: `1 event`, `2,500 events`.
pub fn counted(count: u64, name: &str) -> String {
    format!("{} {name}{}", HumanCount(count), if count == 1 { "" } else { "s" })
}

/// Replaces control characters, so that no event can steer the reader's terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{FFFD}' } else { character }).collect()
}

/// Asks a question on the terminal.
pub fn ask(question: &str) -> Result<String> {
    eprint!("{question}: ");
    std::io::stderr().flush().ok();
    let mut answer = String::new();
    if std::io::stdin().lock().read_line(&mut answer)? == 0 {
        bail!("no answer: standard input is at its end");
    }
    Ok(answer.trim().to_owned())
}

/// Asks for a secret without showing it; from a pipe it reads one line.
pub fn ask_secret(question: &str) -> Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{question}: ")).context("cannot read from the terminal");
    }
    ask(question)
}

/// Says whether standard output takes colours.
pub fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Makes a word bold where colours are taken.
pub fn strong(text: &str) -> String {
    paint(text, "1")
}

/// Makes a word green where colours are taken.
pub fn good(text: &str) -> String {
    paint(text, "32")
}

/// Makes a word red where colours are taken.
pub fn bad(text: &str) -> String {
    paint(text, "31")
}

fn paint(text: &str, code: &str) -> String {
    if colours() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Returns how many columns the terminal has; 80 where there is none.
pub fn columns() -> usize {
    width().unwrap_or(80).into()
}

fn width() -> Option<u16> {
    let out = std::io::stdout();
    rustix::termios::tcgetwinsize(&out).ok().map(|size| size.ws_col).filter(|columns| *columns > 20)
}

#[cfg(test)]
mod tests {
    use super::{counted, csv};

    #[test]
    fn one_is_no_plural() {
        let shown: Vec<String> = [0, 1, 2, 2500].map(|count| counted(count, "event")).into();
        assert_eq!(shown, ["0 events", "1 event", "2 events", "2,500 events"]);
    }

    #[test]
    fn values_survive_a_spreadsheet() {
        assert_eq!(
            csv(&["a", "b,c", "say \"x\"", "two\nlines", "-3"]),
            "a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\",-3"
        );
        assert_eq!(csv(&["=cmd()", "@x", "+1+1", "-1.5"]), "'=cmd(),'@x,'+1+1,-1.5");
    }
}
