//! The `lodge` program: the server and every client verb, one file each in `commands/`.
#![forbid(unsafe_code)]

mod client;
mod commands;
mod failure;
mod profile;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Lodge;

fn main() -> ExitCode {
    let lodge = Lodge::parse();
    match commands::run(lodge) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = failure::exit_code(&error);
            eprintln!("lodge: {}", api::told(error.as_ref()));
            ExitCode::from(code)
        }
    }
}
