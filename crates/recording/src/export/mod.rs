//! Exports: a recording as asciicast, as text, or as JSON lines, written while it is read.
//!
//! Asciicasts and text hold what was drawn, so that they are safe to show; JSON lines hold every recorded byte.

mod asciicast;
mod json;
mod text;

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use crate::error::RecordingError;
use crate::reader::Reader;

/// A form to export to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// asciicast v2, newline-delimited JSON with absolute times.
    AsciicastV2,
    /// asciicast v3, newline-delimited JSON with intervals.
    AsciicastV3,
    /// Plain text: the lines of each terminal and the output of each command.
    Text,
    /// One JSON object for each frame.
    Json,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::AsciicastV2 => "asciicast-v2",
            Format::AsciicastV3 => "asciicast-v3",
            Format::Text => "text",
            Format::Json => "json",
        })
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        match text {
            "asciicast-v2" => Ok(Format::AsciicastV2),
            "asciicast" | "asciicast-v3" => Ok(Format::AsciicastV3),
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            _ => Err(format!("unknown format {text:?}; use asciicast-v2, asciicast-v3, text or json")),
        }
    }
}

/// Writes the rest of a recording, from where the reader stands, in another format.
///
/// An asciicast holds one channel: `channel`, or else the recording's default channel. Text and JSON hold all
/// channels unless one is named. A channel that there is none of is refused before anything is written.
pub fn export(
    reader: &mut Reader,
    format: Format,
    channel: Option<u32>,
    out: &mut dyn Write,
) -> Result<(), RecordingError> {
    if let Some(channel) = channel {
        reader.require_channel(channel)?;
    }
    match format {
        Format::AsciicastV2 => asciicast::export(reader, asciicast::Version::Two, channel, out),
        Format::AsciicastV3 => asciicast::export(reader, asciicast::Version::Three, channel, out),
        Format::Text => text::export(reader, channel, out),
        Format::Json => json::export(reader, channel, out),
    }
}

/// Names the export in an error of whoever takes it.
fn write_error(source: std::io::Error) -> RecordingError {
    RecordingError::io("write", std::path::Path::new("the export"))(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named_as_events_name_them() {
        for format in [Format::AsciicastV2, Format::AsciicastV3, Format::Text, Format::Json] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("gif".parse::<Format>().is_err());
    }
}
