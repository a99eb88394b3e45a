//! A file as it is read: plain, gzip or Zstandard by its first bytes, or standard input.
//!
//! Offsets and hashes are those of the content, so a file keeps its identity when it is compressed.

use std::fs::File;
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::progress::{Counted, Progress};

/// How much of the first line tells one file from another.
const BEGINNING: usize = 4096;

/// What is read.
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input, of which these bytes were read already.
    Standard(Vec<u8>),
    /// Standard input, kept in a file without a name because it has to be read twice.
    Kept(File),
}

/// How a file is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Gzip,
    Zstandard,
}

impl Input {
    /// Takes what was named; `-` is standard input.
    pub fn new(path: &Path) -> Input {
        if path.as_os_str() == "-" { Input::Standard(Vec::new()) } else { Input::File(path.to_owned()) }
    }

    /// Returns the name that is recorded.
    pub fn label(&self) -> Result<String> {
        match self {
            Input::File(path) => Ok(std::path::absolute(path)?.to_string_lossy().into_owned()),
            Input::Standard(_) | Input::Kept(_) => Ok("-".to_owned()),
        }
    }

    /// Says whether more may be written at its end later.
    pub fn may_grow(&self) -> Result<bool> {
        match self {
            Input::File(path) => Ok(form(path)? == Form::Plain),
            Input::Standard(_) | Input::Kept(_) => Ok(false),
        }
    }

    /// Says whether it can be read once more.
    pub fn can_be_read_again(&self) -> bool {
        !matches!(self, Input::Standard(_))
    }

    /// Reads the first line, as far as it tells files apart.
    pub fn beginning(&mut self, progress: &Progress) -> Result<Vec<u8>> {
        let mut first = Vec::with_capacity(BEGINNING);
        match self {
            Input::Standard(read) => {
                if read.is_empty() {
                    io::stdin().lock().take(BEGINNING as u64).read_until(b'\n', read)?;
                }
                first.clone_from(read);
            }
            Input::File(_) | Input::Kept(_) => {
                let reader = self.open(0, &progress.silent())?;
                io::BufReader::new(reader).take(BEGINNING as u64).read_until(b'\n', &mut first)?;
            }
        }
        Ok(first.trim_ascii_end().to_vec())
    }

    /// Keeps standard input in a file, so that it can be read twice.
    pub fn keep(&mut self) -> Result<()> {
        if let Input::Standard(read) = self {
            let mut file = tempfile::tempfile().context("cannot keep standard input in a temporary file")?;
            let mut all = Cursor::new(std::mem::take(read)).chain(io::stdin().lock());
            io::copy(&mut all, &mut file).context("cannot keep standard input in a temporary file")?;
            *self = Input::Kept(file);
        }
        Ok(())
    }

    /// Opens the content at a byte.
    pub fn open(&mut self, at: u64, progress: &Progress) -> Result<Box<dyn Read + '_>> {
        match self {
            Input::Standard(read) => {
                let all = Cursor::new(std::mem::take(read)).chain(io::stdin().lock());
                Ok(Box::new(Counted::new(all, progress)))
            }
            Input::Kept(file) => {
                file.seek(SeekFrom::Start(at))?;
                Ok(Box::new(Counted::new(&*file, progress)))
            }
            Input::File(path) => {
                open(path, at, progress).with_context(|| format!("cannot read {}", path.display()))
            }
        }
    }
}

fn open(path: &Path, at: u64, progress: &Progress) -> Result<Box<dyn Read>> {
    let mut file = File::open(path)?;
    let skip = |mut content: Box<dyn Read>| -> Result<Box<dyn Read>> {
        if io::copy(&mut content.by_ref().take(at), &mut io::sink())? < at {
            bail!("it ends before byte {at}");
        }
        Ok(content)
    };
    match form(path)? {
        Form::Plain => {
            progress.skip(file.seek(SeekFrom::Start(at))?);
            Ok(Box::new(Counted::new(file, progress)))
        }
        Form::Gzip => skip(Box::new(flate2::read::MultiGzDecoder::new(Counted::new(file, progress)))),
        Form::Zstandard => skip(Box::new(zstd::Decoder::new(Counted::new(file, progress))?)),
    }
}

fn form(path: &Path) -> Result<Form> {
    let mut first = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(4).read_to_end(&mut first).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(match first.as_slice() {
        [0x1f, 0x8b, ..] => Form::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Form::Zstandard,
        _ => Form::Plain,
    })
}
