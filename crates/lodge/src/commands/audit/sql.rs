//! `lodge audit sql`

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use crate::commands::zone::Zone;
use crate::terminal::{Output, counted, print_table};

/// Asks the log in SQL, read-only. `lodge audit sql 'select kind, count(*) from events group by kind order by 2 desc'`
///
/// `show tables` and `describe events` say what there is; docs/sql.md explains the tables and functions. `--output parquet`
/// and `--output arrow` write a file's bytes to standard output.
#[derive(Args)]
pub struct Arguments {
    /// The statement; `-` reads it from standard input.
    statement: String,
    #[command(flatten)]
    zone: Zone,
    /// Seconds that it may take, 1 to 300 [default: 30].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=300))]
    timeout: Option<u32>,
}

/// An answer, as JSON.
#[derive(Deserialize)]
struct Answer {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let mut statement = arguments.statement.clone();
    if statement == "-" {
        statement.clear();
        std::io::stdin().read_to_string(&mut statement).context("cannot read the statement")?;
    }
    let question =
        json!({ "statement": statement, "zone": arguments.zone.asked(), "timeout": arguments.timeout });
    if context.output != Output::Table {
        return pass_on(&question, context);
    }
    let answer = context.client()?.post_for("/v1/sql", &question, media_type(context.output))?;
    let answer: Answer = serde_json::from_reader(answer).context("the answer broke off before its end")?;
    let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    print_table(&names, answer.rows.iter().map(|row| row.iter().map(cell).collect()))?;
    eprintln!("{}", counted(answer.rows.len() as u64, "row"));
    Ok(())
}

/// The form in which rows come.
fn media_type(output: Output) -> &'static str {
    match output {
        Output::Table | Output::Json => "application/json",
        Output::Ndjson => "application/x-ndjson",
        Output::Csv => "text/csv",
        Output::Parquet => "application/vnd.apache.parquet",
        Output::Arrow => "application/vnd.apache.arrow.stream",
    }
}

/// Asks, and writes the answer to standard output as it comes.
pub fn pass_on(question: &Value, context: &Context) -> Result<()> {
    let mut answer = context.client()?.post_for("/v1/sql", question, media_type(context.output))?;
    let mut out = std::io::stdout().lock();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = answer.read(&mut chunk).context("the answer broke off before its end")?;
        if count == 0 {
            break;
        }
        match out.write_all(&chunk[..count]) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("cannot write the answer")?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            bail!("cannot write the answer: {error}")
        }
        _ => Ok(()),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
