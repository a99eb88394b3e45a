//! Verifies a log's folder: what to read, in which order, and what to say when something is not there.

use std::io;
use std::path::{Path, PathBuf};

use super::archive::ARCHIVE;
use super::border::Border;
use super::conclude::{Findings, conclude};
use super::damage::{DamageKind, DamageList};
use super::key::VerifierKey;
use super::note::{self, MAX_NOTE_BYTES, NoteError, SignedCheckpoint};
use super::pass::Pass;
use super::report::{Level, Progress, Report};
use super::tiles::{Series, TileFolder, parse_path, read_bounded};
use crate::Sealed;

/// What to check a log against, beside its own checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Checks<'a> {
    /// Signed checkpoints of this log that were kept elsewhere; each must be a prefix of it.
    pub earlier: Vec<Vec<u8>>,
    /// Whether somebody may be writing the log meanwhile.
    pub tail: Tail,
    /// The archive that holds what left the write-ahead log; its entries are checked as those in the segments are.
    pub sealed: Option<&'a dyn Sealed>,
}

/// In which state the end of the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// Nobody writes: whatever stands behind the last entry is damage, an unfinished write too.
    #[default]
    AtRest,
    /// A writer may be at work: what it has not finished behind the checkpoint is no damage.
    BeingWritten,
}

/// Why a log cannot be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Neither segments nor a checkpoint.
    #[error("there is no audit log in {}: neither `wal` nor `checkpoint` is there", .0.display())]
    NotALog(PathBuf),
    /// The key is that of another log.
    #[error(
        "this is not the key of this log: its checkpoint is signed with {log}, and the key that was given is {key}. Give the key of \
         this log; where you know that the key is right, the log was put there in place of the one that you expect"
    )]
    OtherLog {
        /// Name and id of the key that signed the log's checkpoint.
        log: String,
        /// Name and id of the key that was given.
        key: String,
    },
    /// A remembered checkpoint is none of this key.
    #[error("the remembered checkpoint number {number} cannot be used")]
    Earlier {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        source: NoteError,
    },
    /// The folder of segments cannot be listed.
    #[error("cannot list {}", folder.display())]
    List {
        /// Which folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Verifies a log that nobody is writing against its own checkpoint.
pub fn verify_log(
    folder: &Path,
    key: &VerifierKey,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, VerifyError> {
    verify_log_with(folder, key, &Checks::default(), progress)
}

/// Verifies a log against its own checkpoint and what else is known of it.
///
/// The whole log is read once; memory does not grow with it. What is wrong is in the report; an error means that
/// nothing could be said.
pub fn verify_log_with(
    folder: &Path,
    key: &VerifierKey,
    checks: &Checks<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, VerifyError> {
    let earlier = open_earlier(&checks.earlier, key)?;
    let wal = folder.join("wal");
    if !wal.is_dir() && !folder.join("checkpoint").exists() {
        return Err(VerifyError::NotALog(folder.to_owned()));
    }
    let mut damage = DamageList::default();
    // The checkpoint comes first: of a log that grows meanwhile, all that it covers is then there.
    let signed = read_checkpoint(folder, key, &mut damage)?;
    let segments = if wal.is_dir() { list_segments(&wal, &mut damage)? } else { Vec::new() };

    // Asked after the segments were listed: what is released from now on, it holds.
    let sealed_end = checks.sealed.map_or(0, |sealed| sealed.end());
    let begin = segments.first().map_or(sealed_end, |(first, _)| *first);
    let border = Border::new(&wal, begin, checks.tail);
    let mut pass = Pass::new(folder, signed.as_ref(), &earlier, border, checks.tail, damage);
    if let Some(sealed) = checks.sealed {
        pass.sealed(sealed, begin.min(sealed_end), progress);
        pass.expect_copies(sealed, sealed_end);
    }
    for (at, (first, file)) in segments.iter().enumerate() {
        let next = segments.get(at + 1).map(|(next, _)| *next);
        if let Err(error) = pass.segment(*first, file, next.is_none(), progress) {
            match (checks.sealed, next) {
                (Some(sealed), Some(next)) if checks.tail == Tail::BeingWritten && next <= sealed.end() => {
                    pass.sealed(sealed, next, progress);
                }
                _ => pass.unreadable(file, &error),
            }
        }
    }
    let (read, mut damage) = pass.finish();
    let archive = checks.sealed.map(|_| (0, ARCHIVE.to_owned())).filter(|_| begin > 0);
    let segments = archive.into_iter().chain(segments).collect();
    if checks.tail == Tail::AtRest {
        find_stray_tiles(folder, read.outcome.size, &mut damage);
    }
    let checkpoint = signed.as_ref().map(Into::into);
    let signed_size = signed.as_ref().map_or(0, SignedCheckpoint::size);
    let findings = Findings {
        outcome: read.outcome,
        suspects: read.suspects,
        signed: signed.as_ref(),
        earlier: &earlier,
        end: read.end,
        segments,
    };
    conclude(findings, &mut damage);
    let (damage, damage_total) = damage.finish();
    Ok(Report {
        origin: key.name().to_owned(),
        first: 0,
        entries: read.entries,
        pruned: read.pruned,
        payload_bytes: read.payload_bytes,
        checkpoint,
        beyond_checkpoint: read.end.saturating_sub(signed_size),
        unfinished_bytes: read.unfinished_bytes,
        level: if earlier.is_empty() { Level::Detecting } else { Level::Evident },
        damage,
        damage_total,
    })
}

fn open_earlier(notes: &[Vec<u8>], key: &VerifierKey) -> Result<Vec<SignedCheckpoint>, VerifyError> {
    let opened = notes.iter().enumerate().map(|(at, bytes)| {
        note::open(bytes, key).map_err(|source| VerifyError::Earlier { number: at + 1, source })
    });
    let mut earlier = opened.collect::<Result<Vec<_>, _>>()?;
    earlier.sort_by_key(SignedCheckpoint::size);
    Ok(earlier)
}

fn read_checkpoint(
    folder: &Path,
    key: &VerifierKey,
    damage: &mut DamageList,
) -> Result<Option<SignedCheckpoint>, VerifyError> {
    let bytes = match read_bounded(&folder.join("checkpoint"), MAX_NOTE_BYTES as u64) {
        Ok(bytes) => bytes,
        Err(error) => {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let unreadable = || DamageKind::Unreadable { error: error.to_string() };
            let kind = if missing { DamageKind::CheckpointMissing } else { unreadable() };
            damage.add(0, 1, "checkpoint", kind);
            return Ok(None);
        }
    };
    match note::open(&bytes, key) {
        Ok(signed) => Ok(Some(signed)),
        Err(NoteError::OtherLog { log, key }) => Err(VerifyError::OtherLog { log, key }),
        Err(error) => {
            damage.add(0, 1, "checkpoint", DamageKind::CheckpointSignature { reason: error.to_string() });
            Ok(None)
        }
    }
}

/// Lists the segments by their first position; every other file there that is no index of one of them is stray.
fn list_segments(wal: &Path, damage: &mut DamageList) -> Result<Vec<(u64, String)>, VerifyError> {
    let failed = |source| VerifyError::List { folder: wal.to_owned(), source };
    let (mut segments, mut others) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(wal).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        match position_in_name(&name, ".wal") {
            Some(first) => segments.push((first, format!("wal/{name}"))),
            None => others.push(name),
        }
    }
    segments.sort_unstable();
    for name in others {
        let index = position_in_name(&name, ".idx");
        let has_segment = |first| segments.binary_search_by_key(&first, |(first, _)| *first).is_ok();
        // That of a segment which a running log has just released is gone as well.
        if !index.is_some_and(has_segment) && wal.join(&name).exists() {
            damage.add(0, 1, &format!("wal/{name}"), DamageKind::StrayFile);
        }
    }
    Ok(segments)
}

/// Position at which the first segment begins now.
pub(crate) fn first_segment(wal: &Path) -> Option<u64> {
    let names = std::fs::read_dir(wal).ok()?.flatten().map(|entry| entry.file_name());
    names.filter_map(|name| position_in_name(name.to_str()?, ".wal")).min()
}

fn position_in_name(name: &str, end: &str) -> Option<u64> {
    let digits = name.strip_suffix(end).filter(|digits| digits.len() == 20)?;
    let first: u64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?;
    (first <= super::segment::MAX_POSITION).then_some(first)
}

/// Reports every file below `tile/` that a log of `size` entries does not have.
fn find_stray_tiles(folder: &Path, size: u64, damage: &mut DamageList) {
    TileFolder::new(folder).walk(&mut |file, error| {
        if let Some(error) = error {
            return damage.add(0, 1, file, DamageKind::Unreadable { error: error.to_string() });
        }
        let belongs = parse_path(file).is_some_and(|(series, index, width)| {
            let hashes = match series {
                Series::Entries => size,
                Series::Level(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
            };
            u128::from(index) * 256 + width as u128 <= u128::from(hashes)
        });
        if !belongs {
            damage.add(size, 1, file, DamageKind::StrayFile);
        }
    });
}
