//! What rustfmt and clippy do not see: sizes, openings, stray marks, dead links.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::output;

const LONGEST_FILE: usize = 700;
const LONGEST_LINE: usize = 170;
const MARKS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX:"),
    concat!("unimplemented", "!"),
    concat!("to", "do!("),
];

/// Fails when a tracked file breaks one of the rules.
pub fn check() -> Result<()> {
    let listing = output(std::process::Command::new("git").args(["ls-files", "-co", "--exclude-standard"]))?;
    let mut faults = Vec::new();
    for path in
        listing.lines().map(PathBuf::from).filter(|path| path.is_file() && !path.starts_with("vendor"))
    {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => rust(&path, &read(&path)?, &mut faults),
            Some("md") => markdown(&path, &read(&path)?, &mut faults),
            _ => {}
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("not tidy:\n  {}", faults.join("\n  "));
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn rust(path: &Path, text: &str, faults: &mut Vec<String>) {
    let shown = path.display();
    let is_test = path.file_name().is_some_and(|name| name == "tests.rs")
        || path
            .components()
            .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "benches" | "fuzz")));
    let is_root = matches!(path.file_name().and_then(|name| name.to_str()), Some("lib.rs" | "main.rs"));
    if !text.starts_with("//!") && !is_test {
        faults.push(format!("{shown} does not open with what it is (`//!`)"));
    }
    if is_root && !is_test && !text.contains("#![forbid(unsafe_code)]") {
        faults.push(format!("{shown} does not forbid unsafe code"));
    }
    let code_lines = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text).lines().count();
    if code_lines > LONGEST_FILE && !is_test {
        faults.push(format!(
            "{shown} has {code_lines} lines before its tests; one idea a file, {LONGEST_FILE} at most"
        ));
    }
    for (index, line) in text.lines().enumerate() {
        let at = format!("{shown}:{}", index + 1);
        if index < code_lines && line.chars().count() > LONGEST_LINE && !is_test {
            faults.push(format!("{at} is longer than {LONGEST_LINE} characters"));
        }
        if let Some(mark) = MARKS.iter().find(|mark| line.contains(**mark)) {
            faults.push(format!("{at} holds `{mark}`: finish it, or take it out"));
        }
    }
}

fn markdown(path: &Path, text: &str, faults: &mut Vec<String>) {
    let folder = path.parent().unwrap_or(Path::new(""));
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let file = link.split('#').next().unwrap_or(link);
        let outside = file.is_empty() || file.contains("://") || file.starts_with("mailto:");
        if !outside && !folder.join(file).exists() {
            faults.push(format!("{} links to {file}, which is not there", path.display()));
        }
    }
}
