//! Plain text: for a terminal the lines that its screen showed, for a command its output.
//!
//! A line is written when it leaves the screen at the top, when the screen is cleared, when a full-screen program
//! ends, and at the end: so what was shown and then cleared is there, and what was overwritten in place is there
//! as it last stood. The output of a command is written as it came, with control characters made visible.

use std::collections::BTreeMap;
use std::io::Write;

use super::write_error;
use crate::error::RecordingError;
use crate::frame::{Frame, Timed};
use crate::reader::Reader;
use crate::terminal::Terminal;

/// More channels with terminals than this at once are written as commands are.
const MOST_TERMINALS: usize = 64;

pub(super) fn export(
    reader: &mut Reader,
    channel: Option<u32>,
    out: &mut dyn Write,
) -> Result<(), RecordingError> {
    let header = reader.header();
    let about = format!(
        "# session {} of {} as {} on {} ({}), {}",
        header.session, header.user, header.login, header.target, header.protocol, header.started
    );
    writeln!(out, "{}", visible(&about)).map_err(write_error)?;
    let mut text = Text { out, channels: Channels::default(), shown: None, drawn: Vec::new() };
    while let Some(Timed { frame, .. }) = reader.next_frame()? {
        if channel.is_none_or(|channel| channel == frame.channel()) {
            text.take(frame).map_err(write_error)?;
        }
    }
    for (channel, ended) in std::mem::take(&mut text.channels.shown) {
        text.finish(channel, ended).map_err(write_error)?;
    }
    Ok(())
}

struct Text<'a> {
    out: &'a mut dyn Write,
    channels: Channels,
    /// The channel whose lines were written last.
    shown: Option<u32>,
    drawn: Vec<u8>,
}

/// The open channels. Counts those with terminals as they come and go: a recording may open any number of channels, and
/// looking through all of them at each would take a time that grows with the square of the recording.
#[derive(Default)]
struct Channels {
    shown: BTreeMap<u32, Shown>,
    terminals: usize,
}

impl Channels {
    /// Puts a terminal on a channel, unless there are too many; returns what the channel showed before.
    fn put_terminal(&mut self, channel: u32, columns: u16, rows: u16) -> Option<Shown> {
        if self.terminals >= MOST_TERMINALS {
            return None;
        }
        let mut terminal = Terminal::new(columns, rows);
        terminal.keep_lines();
        let before = self.remove(channel);
        self.terminals += 1;
        self.shown.insert(channel, Shown::Terminal(Box::new(terminal)));
        before
    }

    fn remove(&mut self, channel: u32) -> Option<Shown> {
        let removed = self.shown.remove(&channel)?;
        self.terminals -= usize::from(matches!(removed, Shown::Terminal(_)));
        Some(removed)
    }

    /// Returns what a channel shows; one that nothing is known of shows lines.
    fn of(&mut self, channel: u32) -> &mut Shown {
        self.shown.entry(channel).or_insert_with(|| Shown::Lines(Vec::new()))
    }
}

/// How a channel is shown.
enum Shown {
    Terminal(Box<Terminal>),
    /// The last line, as far as it has come.
    Lines(Vec<u8>),
}

/// The longest line of a command's output that is held back for its end.
const LINE_LIMIT: usize = 64 * 1024;

impl Text<'_> {
    fn take(&mut self, frame: Frame) -> std::io::Result<()> {
        match frame {
            Frame::Terminal { channel, term, columns, rows } => {
                if let Some(before) = self.channels.put_terminal(channel, columns, rows) {
                    self.finish(channel, before)?;
                }
                self.note(channel, &format!("terminal {term}, {columns}x{rows}"))
            }
            Frame::Command { channel, command } => self.note(channel, &format!("command: {command}")),
            Frame::Output { channel, bytes } | Frame::ErrorOutput { channel, bytes } => {
                self.output(channel, &bytes)
            }
            Frame::Input { .. } => Ok(()),
            Frame::Resize { channel, columns, rows } => {
                if let Some(Shown::Terminal(terminal)) = self.channels.shown.get_mut(&channel) {
                    terminal.resize(columns, rows);
                }
                Ok(())
            }
            Frame::End { channel, exit_code } => {
                if let Some(ended) = self.channels.remove(channel) {
                    self.finish(channel, ended)?;
                }
                match exit_code {
                    Some(code) => self.note(channel, &format!("ended with exit code {code}")),
                    None => self.note(channel, "ended"),
                }
            }
        }
    }

    fn output(&mut self, channel: u32, bytes: &[u8]) -> std::io::Result<()> {
        let lines = match self.channels.of(channel) {
            Shown::Terminal(terminal) => {
                self.drawn.clear();
                terminal.sanitise(bytes, &mut self.drawn);
                draw(terminal, &self.drawn)
            }
            Shown::Lines(partial) => {
                // What is held back has no line end in it, so only what is new is looked through.
                let held = partial.len();
                partial.extend_from_slice(bytes);
                let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
                    Some(end) => partial.drain(..=held + end).collect(),
                    None if partial.len() > LINE_LIMIT => std::mem::take(partial),
                    None => Vec::new(),
                };
                readable(&whole)
            }
        };
        self.lines(channel, &lines)
    }

    fn finish(&mut self, channel: u32, ended: Shown) -> std::io::Result<()> {
        let lines = match ended {
            Shown::Terminal(mut terminal) => screen_lines(&mut terminal),
            Shown::Lines(partial) => readable(&partial),
        };
        self.lines(channel, &lines)
    }

    fn lines(&mut self, channel: u32, lines: &[String]) -> std::io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if self.shown != Some(channel) {
            writeln!(self.out, "# channel {channel}")?;
            self.shown = Some(channel);
        }
        lines.iter().try_for_each(|line| writeln!(self.out, "{line}"))
    }

    fn note(&mut self, channel: u32, text: &str) -> std::io::Result<()> {
        self.shown = Some(channel);
        writeln!(self.out, "# channel {channel}: {}", visible(text))
    }
}

/// Draws a sanitised piece; returns the lines that left the screen, and those of a screen about to be cleared.
fn draw(terminal: &mut Terminal, drawn: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = drawn;
    while let Some(at) = next_clearing(rest) {
        let (before, clearing) = rest.split_at(at);
        terminal.draw(before);
        lines.extend(terminal.take_lines());
        if clears(terminal, clearing) {
            lines.extend(screen_lines(terminal));
        }
        // The rest of the sequence is drawn with what follows, so that the search goes on behind its beginning.
        let (escape, after) = clearing.split_at(1);
        terminal.draw(escape);
        rest = after;
    }
    terminal.draw(rest);
    lines.extend(terminal.take_lines());
    lines
}

/// Returns what the screen shows, without blank lines at the end.
fn screen_lines(terminal: &mut Terminal) -> Vec<String> {
    let mut lines = terminal.take_screen();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

const ERASE_ALL: &[u8] = b"\x1b[2J";
const ERASE_BELOW: [&[u8]; 2] = [b"\x1b[0J", b"\x1b[J"];
const LEAVE: [&[u8]; 2] = [b"\x1b[?1049l", b"\x1b[?47l"];

/// Finds the next sequence that may take what is shown off the screen.
fn next_clearing(drawn: &[u8]) -> Option<usize> {
    let found = |at: &usize| {
        let rest = &drawn[*at..];
        let mut sequences = ERASE_BELOW.iter().chain(&LEAVE).chain(std::iter::once(&ERASE_ALL));
        rest[0] == 0x1b && sequences.any(|sequence| rest.starts_with(sequence))
    };
    (0..drawn.len()).find(found)
}

/// Whether this sequence does so on this screen.
fn clears(terminal: &Terminal, sequence: &[u8]) -> bool {
    let screen = terminal.screen();
    if LEAVE.iter().any(|leave| sequence.starts_with(leave)) {
        return screen.alternate_screen();
    }
    let home = screen.cursor_position() == (0, 0);
    (sequence.starts_with(ERASE_ALL) || home) && !screen.contents().is_empty()
}

/// Splits output into lines and makes its control characters visible.
fn readable(output: &[u8]) -> Vec<String> {
    let text = output.utf8_chunks().flat_map(|chunk| {
        let invalid: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")).collect();
        [chunk.valid().to_owned(), invalid]
    });
    let text: String = text.collect();
    text.lines().map(visible).collect()
}

/// Writes control characters so that they can be seen and do nothing: `^[` for ESC, `\u{9b}` for others.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for read in text.chars() {
        match read {
            '\t' => out.push(read),
            '\0'..='\x1f' => out.extend(['^', char::from(read as u8 + 0x40)]),
            '\x7f' => out.push_str("^?"),
            _ if read.is_control() => out.extend(read.escape_unicode()),
            _ => out.push(read),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_terminals_are_counted_and_never_searched_for() {
        let mut channels = Channels::default();
        let counted = |channels: &Channels| {
            let open = channels.shown.values().filter(|shown| matches!(shown, Shown::Terminal(_))).count();
            assert_eq!(channels.terminals, open);
            open
        };
        for channel in 0..200 {
            channels.of(channel);
            assert_eq!(channels.put_terminal(channel, 4, 3).is_some(), counted(&channels) > channel as usize);
        }
        assert_eq!(counted(&channels), MOST_TERMINALS);
        assert!(channels.put_terminal(7, 4, 3).is_none(), "one too many");
        for channel in (0..200).rev() {
            channels.remove(channel);
            counted(&channels);
            assert!(channels.remove(channel).is_none());
        }
        assert_eq!(channels.terminals, 0);
        channels.put_terminal(7, 4, 3);
        assert!(channels.put_terminal(7, 9, 9).is_some(), "what it showed before is not lost");
        assert_eq!(counted(&channels), 1);
    }
}
