//! `lodge reference`: the command reference, made from the help texts.

use std::fmt::Write;

use anyhow::Result;
use clap::{Args, Command, CommandFactory};

use super::Lodge;
use crate::failure::EXIT_CODES;
use crate::terminal::print_line;

/// Prints the reference of all commands as Markdown.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments) -> Result<()> {
    let mut text =
        String::from("# Command reference\n\nGenerated from the help texts by `cargo xtask generate`.\n");
    let mut command = Lodge::command().term_width(100);
    command.build();
    section(&mut command, "", &mut text)?;
    text.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (code, meaning) in EXIT_CODES {
        writeln!(text, "| {code} | {meaning} |")?;
    }
    print_line(text.trim_end())
}

fn section(command: &mut Command, parents: &str, text: &mut String) -> Result<()> {
    let name = format!("{parents}{}", command.get_name());
    let help = command.render_long_help().to_string();
    let help: String = help.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    write!(text, "\n## `{name}`\n\n```text\n{}\n```\n", help.trim_end())?;
    let visible =
        command.get_subcommands_mut().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    for inner in visible {
        section(inner, &format!("{name} "), text)?;
    }
    Ok(())
}
