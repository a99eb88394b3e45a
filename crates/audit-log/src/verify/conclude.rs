//! Says what the disagreements mean, once the signed root has told which side is the true one.
//!
//! If the entries hash to the signed root, tiles that differ are wrong. If the stored tiles do, the entries that
//! differ are, and the tiles say what stood there. If neither does, the range is named and no entry is accused.

use std::collections::{HashMap, HashSet};

use super::compare::{Difference, Mismatch, Outcome};
use super::damage::{DamageKind, DamageList};
use super::note::SignedCheckpoint;
use super::pass::{Suspect, Suspicion};
use super::shadow::Watch;
use crate::Hash;

/// What the pass brought back.
pub(crate) struct Findings<'a> {
    /// Where entries and tiles disagree; the watches are the checkpoint, if any, then the earlier ones.
    pub outcome: Outcome,
    /// Entries with which something is wrong.
    pub suspects: Vec<Suspect>,
    /// The log's checkpoint.
    pub signed: Option<&'a SignedCheckpoint>,
    /// Checkpoints kept elsewhere, smallest first.
    pub earlier: &'a [SignedCheckpoint],
    /// Position behind the last entry.
    pub end: u64,
    /// Segments by their first position.
    pub segments: Vec<(u64, String)>,
}

/// Which side has the signed root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    Entries,
    Tiles,
    Unknown,
}

fn truth_of(watch: Option<&Watch>) -> Truth {
    match watch.map(|watch| (watch.entries_agree, watch.tiles_agree)) {
        Some((Some(true), _)) => Truth::Entries,
        Some((_, Some(true))) => Truth::Tiles,
        _ => Truth::Unknown,
    }
}

/// Adds what follows from the findings.
pub(crate) fn conclude(findings: Findings<'_>, damage: &mut DamageList) {
    let watches = &findings.outcome.watches;
    let (own, earlier) = watches.split_at(usize::from(findings.signed.is_some()));
    // Without a checkpoint the largest remembered one speaks.
    let judge = own.first().or_else(|| earlier.iter().rfind(|watch| watch.entries_agree.is_some()));
    let truth = truth_of(judge);
    let judged = judge.map_or(0, |watch| watch.size);

    explain_suspects(&findings, truth, judged, damage);
    if truth == Truth::Tiles {
        let differences = findings.outcome.differences.iter().filter(|d| d.position < judged);
        explain_differences(&differences.collect::<Vec<_>>(), &findings.segments, damage);
        explain_order(damage);
    }
    for mismatch in &findings.outcome.mismatches {
        explain_mismatch(mismatch, truth, judged, damage);
    }
    let proved = |watch: &Watch| match truth {
        Truth::Entries => watch.entries_agree == Some(true),
        Truth::Tiles => watch.tiles_agree == Some(true),
        Truth::Unknown => watch.entries_agree == Some(true) || watch.tiles_agree == Some(true),
    };
    // The largest signed prefix that is sound narrows down where the first wrong entry is.
    let sound_below = |size: u64| {
        let sound = watches.iter().filter(|watch| watch.size < size && watch.entries_agree == Some(true));
        sound.map(|watch| watch.size).max().unwrap_or(0)
    };
    if let Some(watch) = own.first().filter(|watch| truth == Truth::Unknown && watch.entries_agree.is_some())
    {
        let from = sound_below(watch.size);
        damage.add(from, watch.size - from, "checkpoint", DamageKind::RootDiffers { size: watch.size });
    }
    for (watch, checkpoint) in earlier.iter().zip(findings.earlier) {
        let signed = findings.signed.map_or(findings.end, SignedCheckpoint::size);
        let size = checkpoint.size();
        if size > signed {
            damage.add(signed.min(findings.end), 1, "checkpoint", DamageKind::Rollback { signed: size });
        }
        if watch.entries_agree.is_some() && !proved(watch) {
            let from = sound_below(size);
            damage.add(from, size - from, "checkpoint", DamageKind::Fork { size });
        }
    }
}

fn explain_suspects(findings: &Findings<'_>, truth: Truth, judged: u64, damage: &mut DamageList) {
    let differ: HashMap<u64, Hash> =
        findings.outcome.differences.iter().map(|d| (d.position, d.tile)).collect();
    for suspect in &findings.suspects {
        let by_tiles =
            differ.get(&suspect.position).filter(|_| truth == Truth::Tiles && suspect.position < judged);
        let leaf_differs = by_tiles.is_some();
        let kind = match suspect.about {
            // The copy is the true one, and the segment's is not.
            Suspicion::Copy(hash) if by_tiles == Some(&hash) => continue,
            Suspicion::Copy(_) => DamageKind::ChangedLeaf,
            _ if leaf_differs => DamageKind::ChangedLeaf,
            Suspicion::Commitment => DamageKind::ChangedPayload,
            Suspicion::Checksum => DamageKind::Checksum,
        };
        damage.add(suspect.position, 1, &suspect.file, kind);
    }
}

/// Explains entries that the signed tree does not have at their place.
fn explain_differences(differences: &[&Difference], segments: &[(u64, String)], damage: &mut DamageList) {
    let in_entries: HashSet<[u8; 32]> = differences.iter().map(|d| d.entry.0).collect();
    let in_tiles: HashSet<[u8; 32]> = differences.iter().map(|d| d.tile.0).collect();
    let mut rest = differences;
    while let Some((first, behind)) = rest.split_first() {
        let position = first.position;
        let file = file_of(position, segments);
        let neighbour = behind.first().filter(|next| next.position == position + 1);
        if neighbour.is_some_and(|next| first.entry == next.tile && next.entry == first.tile) {
            damage.add(position, 2, file, DamageKind::Reordered);
            rest = &behind[1..];
        } else if first.tile_next == Some(first.entry) {
            let shifted = run(rest, |_, d| d.tile_next == Some(d.entry));
            replace_gap(position, position + shifted as u64, damage);
            damage.add(position, 1, file, DamageKind::Missing);
            rest = &rest[shifted..];
        } else if neighbour.is_some_and(|next| next.entry == first.tile) {
            let shifted = 1 + run(behind, |at, d| d.entry == rest[at].tile);
            replace_gap(position, position + shifted as u64, damage);
            damage.add(position, 1, file, DamageKind::Inserted);
            rest = &rest[shifted..];
        } else {
            let moved = in_entries.contains(&first.tile.0) && in_tiles.contains(&first.entry.0);
            let kind = if moved { DamageKind::Reordered } else { DamageKind::ChangedLeaf };
            if !is_explained(position, damage) {
                damage.add(position, 1, file, kind);
            }
            rest = behind;
        }
    }
}

/// What a changed leaf says of time and sequence is no damage of its own, nor that the next one does not follow on it.
fn explain_order(damage: &mut DamageList) {
    let changed = damage.iter().filter(|known| known.kind == DamageKind::ChangedLeaf);
    let changed: HashSet<u64> =
        changed.flat_map(|known| [known.position, known.position.saturating_add(known.count)]).collect();
    damage.remove(|known| {
        let order = matches!(known.kind, DamageKind::TimeBackwards | DamageKind::SequenceNotRising);
        order && known.count == 1 && changed.contains(&known.position)
    });
}

/// Tells whether something that is known already accounts for another leaf at this position.
fn is_explained(position: u64, damage: &DamageList) -> bool {
    damage.any(|known| {
        known.position == position
            && matches!(
                known.kind,
                DamageKind::MalformedEntry
                    | DamageKind::ChangedLeaf
                    | DamageKind::Inserted
                    | DamageKind::Missing
            )
    })
}

/// Counts neighbouring differences for which `holds`.
fn run(differences: &[&Difference], holds: impl Fn(usize, &Difference) -> bool) -> usize {
    let start = differences.first().map_or(0, |first| first.position);
    let same_run = |(at, d): &(usize, &&Difference)| d.position == start + *at as u64 && holds(*at, d);
    differences.iter().enumerate().take_while(same_run).count()
}

/// The entries behind a dropped or inserted one are shifted up to where their batch ends, and there the pass saw
/// a gap or an overlap. It is the same damage, and its true place is known now.
fn replace_gap(from: u64, to: u64, damage: &mut DamageList) {
    damage.remove(|known| {
        let gap = matches!(known.kind, DamageKind::Missing | DamageKind::Inserted);
        gap && known.count == 1 && known.position > from && known.position <= to
    });
}

fn explain_mismatch(mismatch: &Mismatch, truth: Truth, judged: u64, damage: &mut DamageList) {
    let behind_judged = mismatch.against_entries.filter(|position| *position >= judged);
    let position = match truth {
        Truth::Tiles => mismatch.against_tiles.or(behind_judged),
        Truth::Entries | Truth::Unknown => mismatch.against_entries.or(mismatch.against_tiles),
    };
    if let Some(position) = position {
        damage.add(position, mismatch.count, &mismatch.file, DamageKind::TileDiffers);
    }
}

fn file_of(position: u64, segments: &[(u64, String)]) -> &str {
    let at = segments.partition_point(|(first, _)| *first <= position);
    at.checked_sub(1).map_or("wal", |at| segments[at].1.as_str())
}
