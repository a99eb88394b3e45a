//! Holds the arrow table of ARCHITECTURE.md against the crates' manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Fails when a crate uses another of ours that the table does not allow, or the table names what nobody uses.
pub fn check() -> Result<()> {
    let allowed = table(&fs::read_to_string("ARCHITECTURE.md").context("cannot read ARCHITECTURE.md")?)?;
    let used = manifests()?;
    let mut faults = Vec::new();
    for (package, uses) in &used {
        let Some(may) = allowed.get(package) else {
            faults.push(format!("crate {package} has no row in the arrow table"));
            continue;
        };
        faults.extend(
            uses.difference(may)
                .map(|other| format!("{package} uses {other}, which the table does not allow")),
        );
        faults.extend(
            may.difference(uses)
                .map(|other| format!("the table lets {package} use {other}, but it does not")),
        );
    }
    let absent = allowed.keys().filter(|package| !used.contains_key(*package));
    faults.extend(absent.map(|package| format!("the table has a row for {package}, which is no crate here")));
    if faults.is_empty() {
        return Ok(());
    }
    bail!("arrows between crates differ from ARCHITECTURE.md:\n  {}", faults.join("\n  "));
}

/// Reads the table that follows the heading `## Arrows`: `| crate | uses |`, names in backticks.
fn table(text: &str) -> Result<Arrows> {
    let section = text.split("\n## Arrows").nth(1).context("ARCHITECTURE.md has no section `## Arrows`")?;
    let section = section.split("\n## ").next().unwrap_or(section);
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut arrows = Arrows::new();
    for row in rows {
        let mut cells = row.trim_matches('|').split('|').map(names);
        let (Some(packages), Some(uses)) = (cells.next(), cells.next()) else { continue };
        for package in packages {
            arrows.insert(package, uses.clone());
        }
    }
    Ok(arrows)
}

fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Reads which of our crates each crate depends on, tests not counted.
fn manifests() -> Result<Arrows> {
    let mut manifests = BTreeMap::new();
    for folder in fs::read_dir("crates")? {
        let path = folder?.path().join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let manifest: toml::Table =
            text.parse().with_context(|| format!("cannot parse {}", path.display()))?;
        let name = manifest["package"]["name"].as_str().context("a package has no name")?.to_owned();
        let dependencies =
            manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        manifests.insert(name, dependencies.keys().cloned().collect::<BTreeSet<_>>());
    }
    let ours: BTreeSet<String> = manifests.keys().cloned().collect();
    Ok(manifests
        .into_iter()
        .map(|(name, uses)| (name, uses.intersection(&ours).cloned().collect()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_table() {
        let text = "# A\n\n## Arrows\n\n| crate | may use |\n|---|---|\n| `a`, `b` | nothing |\n| `c` | `a`, `b` |\n\n## Next\n| `d` | `a` |\n";
        let arrows = table(text).unwrap();
        assert_eq!(arrows.len(), 3);
        assert!(arrows["a"].is_empty());
        assert_eq!(arrows["c"].iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
