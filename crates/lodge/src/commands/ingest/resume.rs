//! Which file it is, and where it goes on.
//!
//! A file is known by its first line, which does not change when the file grows, is renamed or compressed. Where several
//! files begin with the same line they are told apart by their content as far as it was taken, and numbered. A file is
//! the one that was begun only if all that was taken of it is still there.

use std::io::Read;

use anyhow::{Result, bail};
use api::wire::{IngestFile, IngestFiles};
use base16ct::lower::encode_string;
use sha2::{Digest, Sha256};

use super::batches::Start;
use super::input::Input;
use super::progress::Progress;
use super::send::persist;
use crate::client::{Client, segment};

/// What to do with a file that is no longer the one that was begun under its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Refuse it.
    Refuse,
    /// Take it as another file.
    TakeAnew,
}

/// A file and where it goes on.
pub struct Resumed {
    /// Its identity.
    pub identity: String,
    /// Where it goes on.
    pub start: Start,
}

/// Asks the server and compares contents; `None` for a file without any content.
pub fn resume(
    client: &Client,
    source: &str,
    name: &str,
    input: &mut Input,
    changed: Changed,
    progress: &Progress,
) -> Result<Option<Resumed>> {
    let first = input.beginning(progress)?;
    if first.is_empty() && input.open(0, &progress.silent())?.read(&mut [0])? == 0 {
        return Ok(None);
    }
    let beginning = encode_string(&Sha256::digest(&first)[..16]);
    let path = format!("/v1/ingest/{}/{beginning}", segment(source));
    let ask = || client.get(&path, &[("name", name.to_owned())]);
    let IngestFiles { files } = persist(progress, || false, ask)?;
    if files.is_empty() {
        return Ok(Some(Resumed { identity: beginning, start: Start::of_file() }));
    }
    input.keep()?;
    let marks = marks(input, &files, progress)?;
    let same = files.iter().filter(|file| is_same(file, &marks)).max_by_key(|file| file.taken);
    if let Some(file) = same {
        let Some(start) = find(&marks, file.taken) else {
            bail!("it ends before byte {}, up to which it was taken: it was cut short", file.taken);
        };
        return Ok(Some(Resumed { identity: file.identity.clone(), start: start.clone() }));
    }
    let label = input.label()?;
    let was = files.iter().find(|file| file.content.as_ref().is_some_and(|content| content.file == label));
    if let (Some(was), Changed::Refuse) = (was, changed) {
        bail!(
            "it was taken up to byte {}, and what stands there now differs: the file was cut short, changed or replaced; \
             nothing was sent. If it is another file, take it with --anew",
            was.taken
        );
    }
    let identity = format!("{beginning}-{}", files.len() + 1);
    Ok(Some(Resumed { identity, start: Start::of_file() }))
}

/// Reads the content once, as far as anything is known of it, and marks every place that matters.
fn marks(input: &mut Input, files: &[IngestFile], progress: &Progress) -> Result<Vec<Start>> {
    let offsets = |file: &IngestFile| [Some(file.taken), file.content.as_ref().map(|content| content.offset)];
    let mut stops: Vec<u64> = files.iter().flat_map(offsets).flatten().collect();
    stops.sort_unstable();
    stops.dedup();
    let mut reader = input.open(0, &progress.silent())?;
    let (mut at, mut marks) = (Start::of_file(), Vec::new());
    let mut buffer = vec![0; 256 << 10];
    for stop in stops {
        while at.offset < stop {
            let most = usize::try_from(stop - at.offset).unwrap_or(usize::MAX).min(buffer.len());
            match reader.read(&mut buffer[..most])? {
                0 => return Ok(marks),
                count => at.pass(&buffer[..count]),
            }
        }
        marks.push(at.clone());
    }
    Ok(marks)
}

fn find(marks: &[Start], offset: u64) -> Option<&Start> {
    marks.iter().find(|mark| mark.offset == offset)
}

/// Says whether all that is known of a file is so. Of one whose content nobody noted, the first line has to do.
fn is_same(file: &IngestFile, marks: &[Start]) -> bool {
    match &file.content {
        None => true,
        Some(content) => find(marks, content.offset).is_some_and(|mark| mark.sha256() == content.sha256),
    }
}
