//! asciicast v2 and v3, as <https://docs.asciinema.org/manual/asciicast/v3/> and its v2 neighbour describe them.
//!
//! Output is sanitised, so an asciicast is safe in any player. Version 2 counts time from the beginning, version 3
//! from the event before; version 3 also tells the exit code.

use std::io::Write;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::write_error;
use crate::error::RecordingError;
use crate::frame::{Frame, Header, Timed};
use crate::reader::Reader;
use crate::sanitise::Sanitiser;
use crate::wire;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

/// What a player without a terminal of its own is told.
const PLAIN: (u16, u16) = (80, 24);

pub(super) fn export(
    reader: &mut Reader,
    version: Version,
    channel: Option<u32>,
    out: &mut dyn Write,
) -> Result<(), RecordingError> {
    let channel = match channel {
        Some(channel) => Some(channel),
        None => reader.default_channel()?,
    };
    let mut cast = Cast {
        out,
        version,
        sanitiser: Sanitiser::new(),
        header: reader.header().clone(),
        about: About::default(),
        begun: false,
        last: Duration::ZERO,
        partial_input: Vec::new(),
    };
    while let Some(timed) = reader.next_frame()? {
        if Some(timed.frame.channel()) == channel {
            cast.take(timed).map_err(write_error)?;
        }
    }
    cast.begin().map_err(write_error)
}

#[derive(Default)]
struct About {
    terminal: Option<(String, u16, u16)>,
    command: Option<String>,
}

struct Cast<'a> {
    out: &'a mut dyn Write,
    version: Version,
    sanitiser: Sanitiser,
    header: Header,
    about: About,
    begun: bool,
    last: Duration,
    /// The beginning of a character that the client's next bytes complete.
    partial_input: Vec<u8>,
}

impl Cast<'_> {
    fn take(&mut self, Timed { offset, frame }: Timed) -> std::io::Result<()> {
        match frame {
            // What the channel is comes before what it shows, so it still fits into the header.
            Frame::Terminal { term, columns, rows, .. } if !self.begun => {
                self.about.terminal = Some((term, columns, rows));
                Ok(())
            }
            Frame::Command { command, .. } if !self.begun => {
                self.about.command = Some(command);
                Ok(())
            }
            Frame::Terminal { columns, rows, .. } | Frame::Resize { columns, rows, .. } => {
                self.event(offset, "r", &format!("{columns}x{rows}"))
            }
            Frame::Output { bytes, .. } | Frame::ErrorOutput { bytes, .. } => {
                let mut drawn = Vec::new();
                // A command's output was never on a terminal, which would have turned its line ends into these.
                match self.about.terminal {
                    Some(_) => self.sanitiser.feed(&bytes, &mut drawn),
                    None => self.sanitiser.feed(&with_carriage_returns(&bytes), &mut drawn),
                }
                match drawn.is_empty() {
                    true => Ok(()),
                    false => self.event(offset, "o", &String::from_utf8_lossy(&drawn)),
                }
            }
            Frame::Input { bytes, .. } => {
                let text = whole_characters(&mut self.partial_input, &bytes);
                match text.is_empty() {
                    true => Ok(()),
                    false => self.event(offset, "i", &text),
                }
            }
            Frame::End { exit_code: Some(code), .. } if self.version == Version::Three => {
                self.event(offset, "x", &code.to_string())
            }
            Frame::End { .. } | Frame::Command { .. } => Ok(()),
        }
    }

    fn event(&mut self, offset: Duration, code: &str, text: &str) -> std::io::Result<()> {
        self.begin()?;
        let time = match self.version {
            Version::Two => offset,
            Version::Three => offset.saturating_sub(self.last),
        };
        self.last = offset;
        let text = Value::from(text);
        writeln!(self.out, "[{}.{:06}, \"{code}\", {text}]", time.as_secs(), time.subsec_micros())
    }

    fn begin(&mut self) -> std::io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let line = match self.version {
            Version::Two => self.header_two(),
            Version::Three => self.header_three(),
        };
        writeln!(self.out, "{line}")
    }

    fn header_two(&self) -> String {
        let (width, height) = self.size();
        let env = self.about.terminal.as_ref().map(|(term, ..)| Env { term });
        let (timestamp, title, command) = self.common();
        encode(&HeaderTwo { version: 2, width, height, timestamp, title, command, env })
    }

    fn header_three(&self) -> String {
        let (cols, rows) = self.size();
        let kind = self.about.terminal.as_ref().map(|(term, ..)| term.as_str());
        let (timestamp, title, command) = self.common();
        encode(&HeaderThree { version: 3, term: Term { cols, rows, kind }, timestamp, title, command })
    }

    fn common(&self) -> (u64, String, Option<&str>) {
        let Header { user, login, target, started, .. } = &self.header;
        (started.as_unix_seconds(), format!("{user}: {login}@{target}"), self.about.command.as_deref())
    }

    fn size(&self) -> (u16, u16) {
        self.about.terminal.as_ref().map_or(PLAIN, |(_, columns, rows)| (*columns, *rows))
    }
}

/// The first line of version 2. Readers that look for the version find it first.
#[derive(Serialize)]
struct HeaderTwo<'a> {
    version: u8,
    width: u16,
    height: u16,
    timestamp: u64,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<Env<'a>>,
}

#[derive(Serialize)]
struct Env<'a> {
    #[serde(rename = "TERM")]
    term: &'a str,
}

/// The first line of version 3.
#[derive(Serialize)]
struct HeaderThree<'a> {
    version: u8,
    term: Term<'a>,
    timestamp: u64,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
}

#[derive(Serialize)]
struct Term<'a> {
    cols: u16,
    rows: u16,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
}

fn encode(header: &impl Serialize) -> String {
    serde_json::to_string(header).expect("a header is plain data")
}

fn with_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    for byte in bytes {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

/// Takes the whole characters of a stream and keeps back one that is cut at the end.
fn whole_characters(kept: &mut Vec<u8>, bytes: &[u8]) -> String {
    kept.extend_from_slice(bytes);
    let cut = wire::whole_characters_end(kept);
    let rest = kept.split_off(cut);
    let text = String::from_utf8_lossy(kept).into_owned();
    *kept = rest;
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_comes_out_whole() {
        let mut kept = Vec::new();
        assert_eq!(whole_characters(&mut kept, b"a\xc3"), "a");
        assert_eq!(whole_characters(&mut kept, b"\xa9b\xff\xe4\xb8"), "éb\u{fffd}");
        assert_eq!(whole_characters(&mut kept, b"\x96"), "世");
        assert!(kept.is_empty());
    }
}
