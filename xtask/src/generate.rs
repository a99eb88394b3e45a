//! `cargo xtask generate`: the files that are made from the Rust types, and the check that they are not stale.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::{cargo, output};

/// A generated file and the command that prints it.
struct Generated {
    path: &'static str,
    command: &'static [&'static str],
}

const GENERATED: &[Generated] = &[
    Generated {
        path: "docs/events.md",
        command: &["run", "-q", "-p", "event", "--example", "catalogue", "--", "markdown"],
    },
    Generated {
        path: "docs/events.schema.json",
        command: &["run", "-q", "-p", "event", "--example", "catalogue", "--", "schema"],
    },
    Generated { path: "docs/openapi.json", command: &["run", "-q", "-p", "api", "--example", "openapi"] },
    Generated { path: "docs/cli.md", command: &["run", "-q", "-p", "lodge", "--", "reference"] },
];

/// Writes every generated file.
pub fn run() -> Result<()> {
    for generated in GENERATED {
        let text = output(cargo().args(generated.command))?;
        fs::write(generated.path, text).with_context(|| format!("cannot write {}", generated.path))?;
        eprintln!("wrote {}", generated.path);
    }
    Ok(())
}

/// Fails when a committed file is not what the types would give now.
pub fn check() -> Result<()> {
    for generated in GENERATED {
        let committed = fs::read_to_string(generated.path).unwrap_or_default();
        if output(cargo().args(generated.command))? != committed {
            let path = Path::new(generated.path).display();
            bail!("{path} is stale. Run: cargo xtask generate");
        }
    }
    Ok(())
}
