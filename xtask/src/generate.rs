//! `cargo xtask generate`: the files that are made from the Rust types and from what was measured, and the check that they are
//! not stale.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::growth;
use crate::run::{cargo, output};

/// A generated file and where its text comes from.
struct Generated {
    path: &'static str,
    from: Source,
}

enum Source {
    /// A cargo command that prints it.
    Command(&'static [&'static str]),
    /// A function here.
    Here(fn() -> Result<String>),
}

impl Generated {
    fn text(&self) -> Result<String> {
        match self.from {
            Source::Command(command) => output(cargo().args(command)),
            Source::Here(text) => text(),
        }
    }
}

const GENERATED: &[Generated] = &[
    Generated {
        path: "docs/events.md",
        from: Source::Command(&["run", "-q", "-p", "event", "--example", "catalogue", "--", "markdown"]),
    },
    Generated {
        path: "docs/events.schema.json",
        from: Source::Command(&["run", "-q", "-p", "event", "--example", "catalogue", "--", "schema"]),
    },
    Generated {
        path: "docs/openapi.json",
        from: Source::Command(&["run", "-q", "-p", "api", "--example", "openapi"]),
    },
    Generated {
        path: "docs/cli.md",
        from: Source::Command(&["run", "-q", "-p", "lodge", "--", "reference"]),
    },
    Generated { path: growth::PATH, from: Source::Here(growth::drawn) },
];

/// Writes every generated file.
pub fn run() -> Result<()> {
    for generated in GENERATED {
        let text = generated.text()?;
        fs::write(generated.path, text).with_context(|| format!("cannot write {}", generated.path))?;
        eprintln!("wrote {}", generated.path);
    }
    Ok(())
}

/// Fails when a committed file is not what the types would give now.
pub fn check() -> Result<()> {
    for generated in GENERATED {
        let committed = fs::read_to_string(generated.path).unwrap_or_default();
        if generated.text()? != committed {
            let path = Path::new(generated.path).display();
            bail!("{path} is stale. Run: cargo xtask generate");
        }
    }
    Ok(())
}
