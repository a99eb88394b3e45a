//! `lodge archive status`

use anyhow::Result;
use api::wire::ArchiveStatus;
use clap::Args;

use crate::commands::Context;
use crate::terminal::{bad, counted, good, print_one, printable};

/// Shows how much of the log is sealed, how large it is, and whether anything is wrong.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments, context: &Context) -> Result<()> {
    let status: ArchiveStatus = context.client()?.get("/v1/archive", &[])?;
    print_one(context.output, &status, text)
}

fn text(status: &ArchiveStatus) -> String {
    let newest = status.newest.map_or_else(String::new, |time| format!(", the newest of {time}"));
    let mut lines = vec![
        format!("log         {} entries, {} of them searchable", status.log_entries, status.searchable),
        format!("sealed      {}{newest}", status.sealed),
        format!(
            "kept        {} entries in {} segments: {} MiB of data, {} MiB of indexes",
            status.entries,
            status.segments,
            status.data_bytes >> 20,
            status.index_bytes >> 20
        ),
    ];
    if status.pruned_entries > 0 {
        let leaves = status.leaves_bytes >> 20;
        lines.push(format!(
            "dropped     {} entries by retention; {leaves} MiB of leaves stay",
            status.pruned_entries
        ));
    }
    if status.without_index > 0 {
        let segments = counted(status.without_index, "segment");
        lines.push(bad(&format!(
            "the index of {segments} is missing or damaged: run `lodge archive rebuild`"
        )));
    }
    lines.extend(status.damaged.iter().map(|line| bad(&printable(line))));
    match (&status.failure, status.failing_since) {
        (Some(why), since) => {
            let since = since.map_or_else(String::new, |time| format!(" since {time}"));
            lines.push(bad(&printable(&format!("failing{since}: {why}"))));
        }
        (None, _) if status.damaged.is_empty() && status.without_index == 0 => {
            lines.push(good("nothing is wrong"))
        }
        (None, _) => {}
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wrong_only_where_nothing_is() {
        let sound = ArchiveStatus {
            log_entries: 9,
            sealed: 5,
            searchable: 9,
            segments: 1,
            entries: 5,
            data_bytes: 1,
            index_bytes: 1,
            without_index: 0,
            pruned_entries: 0,
            leaves_bytes: 0,
            newest: None,
            damaged: Vec::new(),
            failure: None,
            failing_since: None,
        };
        assert!(text(&sound).ends_with("nothing is wrong"));
        let lost = text(&ArchiveStatus { without_index: 1, ..sound.clone() });
        assert!(lost.contains("1 segment is missing") && lost.contains("archive rebuild"), "{lost}");
        let damaged = text(&ArchiveStatus { damaged: vec!["x: gone".to_owned()], ..sound.clone() });
        let failing = text(&ArchiveStatus { failure: Some("no disk".to_owned()), ..sound });
        for said in [lost, damaged, failing] {
            assert!(!said.contains("nothing is wrong"), "{said}");
        }
    }
}
