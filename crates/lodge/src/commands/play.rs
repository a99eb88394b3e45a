//! `lodge play`

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base16ct::lower::encode_string;
use clap::{Args, ValueEnum};
use recording::{Format, PlayOptions, Player, Reader, Sanitiser};

use super::Context;
use crate::client::segment;
use crate::failure::Failure;
use crate::terminal::print_line;

/// Plays a session's recording in this terminal, or exports it.
///
/// Whatever the recording holds, playback passes on only what draws. Watching is an event of its own. A recording that was
/// saved with `--save` is played and checked offline with `--file`.
#[derive(Args)]
pub struct Arguments {
    /// Session id.
    #[arg(required_unless_present = "file")]
    session: Option<String>,
    /// Plays a saved recording instead, without any server.
    #[arg(long, value_name = "FILE", conflicts_with = "session")]
    file: Option<PathBuf>,
    /// Twice as fast is 2.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Starts at this second.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    seek: f64,
    /// Shortens pauses to this many seconds.
    #[arg(long, value_name = "SECONDS")]
    idle_skip: Option<f64>,
    /// Prints in another form instead of playing.
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// Channel, where a session has several.
    #[arg(long)]
    channel: Option<u32>,
    /// Checks every chunk, and against this root hash where one is given, instead of playing.
    #[arg(long, value_name = "ROOT", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    verify: Option<String>,
    /// Saves the recording to a file instead of playing it.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// What the terminal showed, as text.
    Text,
    /// Every frame as a line of JSON.
    Json,
    /// asciicast v3.
    Asciicast,
    /// asciicast v2.
    AsciicastV2,
}

impl Form {
    fn format(self) -> Format {
        match self {
            Form::Text => Format::Text,
            Form::Json => Format::Json,
            Form::Asciicast => Format::AsciicastV3,
            Form::AsciicastV2 => Format::AsciicastV2,
        }
    }
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let fetched = Fetched::new(arguments, context)?;
    if let Some(root) = &arguments.verify {
        return verify(&fetched.reader()?, root);
    }
    if let Some(file) = &arguments.save {
        std::fs::copy(&fetched.path, file).with_context(|| format!("cannot write {}", file.display()))?;
        return print_line(&format!("saved to {}", file.display()));
    }
    if let Some(form) = arguments.format {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        recording::export(&mut fetched.reader()?, form.format(), arguments.channel, &mut out)?;
        return out.flush().context("cannot write to standard output");
    }
    play(fetched.reader()?, arguments)
}

/// A recording on this machine: the file that was named, or a copy that goes away afterwards.
struct Fetched {
    path: PathBuf,
    is_copy: bool,
    /// Whether the session still runs, so that the recording has no seal yet.
    is_live: bool,
}

impl Fetched {
    fn new(arguments: &Arguments, context: &Context) -> Result<Fetched> {
        if let Some(path) = &arguments.file {
            return Ok(Fetched { path: path.clone(), is_copy: false, is_live: false });
        }
        let session = arguments.session.as_deref().context("name a session")?;
        let form = arguments.format.map_or("terminal".to_owned(), |form| form.format().to_string());
        let from_ms = seconds(arguments.seek)?.as_millis().to_string();
        let query = [("format", form), ("from_ms", from_ms)];
        let path = format!("/v1/recordings/{}/file", segment(session));
        let (mut body, live) = context.client()?.stream_with(&path, &query, "lodge-live")?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut body, &mut bytes).context("the recording broke off")?;
        let name = format!("recording.{}", std::process::id());
        context.folder.write(&name, &bytes)?;
        Ok(Fetched {
            path: context.folder.path(&name),
            is_copy: true,
            is_live: live.as_deref() == Some("true"),
        })
    }

    fn reader(&self) -> Result<Reader> {
        let opened =
            if self.is_live { Reader::open_unfinished(&self.path) } else { Reader::open_file(&self.path) };
        opened.with_context(|| format!("cannot open the recording {}", self.path.display()))
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        if self.is_copy {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn verify(reader: &Reader, root: &str) -> Result<()> {
    let checked = match parse_root(root)? {
        Some(root) => reader.verify_against(&root),
        None => reader.verify(),
    };
    let seal = checked.map_err(|damage| Failure::Damaged(damage.to_string()))?;
    let root: String = encode_string(&seal.root);
    print_line(&format!(
        "{} chunks, {} bytes, root {root}: every chunk is as it was recorded",
        seal.chunks, seal.bytes
    ))
}

fn parse_root(text: &str) -> Result<Option<[u8; 32]>> {
    if text.is_empty() {
        return Ok(None);
    }
    let pair = |at: usize| text.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..32).map(pair).collect();
    let root = bytes.filter(|_| text.len() == 64).and_then(|bytes| bytes.try_into().ok());
    root.map(Some).context("a root hash has 64 hexadecimal digits")
}

fn play(reader: Reader, arguments: &Arguments) -> Result<()> {
    if !arguments.speed.is_finite() || arguments.speed <= 0.0 {
        bail!("--speed must be a number above 0");
    }
    let options = PlayOptions {
        channel: arguments.channel,
        speed: arguments.speed,
        idle_limit: arguments.idle_skip.map(seconds).transpose()?,
        start: seconds(arguments.seek)?,
    };
    let mut player = Player::new(reader, &options).context("cannot play the recording")?;
    let mut out = std::io::stdout().lock();
    while let Some(step) = player.next_step().context("the recording cannot be played further")? {
        std::thread::sleep(step.delay);
        out.write_all(&step.bytes)?;
        out.flush()?;
    }
    if out.is_terminal() {
        out.write_all(Sanitiser::reset_sequence())?;
    }
    Ok(())
}

fn seconds(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).with_context(|| format!("{seconds} is no number of seconds"))
}
