//! Frames: what a recording holds, and how a frame is written inside a chunk.
//!
//! A frame's time is stored as the microseconds since the frame before it, so that times never go backwards.

use std::time::Duration;

use bytes::Bytes;
use event::{SessionId, Timestamp};

use crate::error::Flaw;
use crate::wire;

/// The longest byte string that one frame holds; a longer output is stored as several frames. Two fit a chunk.
pub(crate) const PIECE_LIMIT: usize = 124 * 1024;

/// What a recording says about itself in its first chunk.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Header {
    /// The recorded session.
    pub session: SessionId,
    /// When it began; offsets count from here.
    pub started: Timestamp,
    /// Who was recorded.
    pub user: String,
    /// The account on the target.
    pub login: String,
    /// The target.
    pub target: String,
    /// `ssh`, …
    pub protocol: String,
}

/// What happened, on which channel. Offsets in time are taken when the frame is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A channel with a terminal began.
    Terminal {
        /// Number of the channel within the session.
        channel: u32,
        /// Terminal type: `xterm-256color`, …
        term: String,
        /// Width in characters.
        columns: u16,
        /// Height in characters.
        rows: u16,
    },
    /// A channel without a terminal began to run a command, or a terminal was given a command to run.
    Command {
        /// Number of the channel within the session.
        channel: u32,
        /// The command line.
        command: String,
    },
    /// The target wrote to standard output.
    Output {
        /// Number of the channel within the session.
        channel: u32,
        /// What it wrote.
        bytes: Bytes,
    },
    /// The target wrote to standard error.
    ErrorOutput {
        /// Number of the channel within the session.
        channel: u32,
        /// What it wrote.
        bytes: Bytes,
    },
    /// The client wrote; only where the role asks.
    Input {
        /// Number of the channel within the session.
        channel: u32,
        /// What it wrote.
        bytes: Bytes,
    },
    /// The terminal changed size.
    Resize {
        /// Number of the channel within the session.
        channel: u32,
        /// Width in characters.
        columns: u16,
        /// Height in characters.
        rows: u16,
    },
    /// The channel ended.
    End {
        /// Number of the channel within the session.
        channel: u32,
        /// Exit code, where the target told one.
        exit_code: Option<u32>,
    },
}

/// A frame and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// Time since the session's beginning, to the microsecond.
    pub offset: Duration,
    /// What happened.
    pub frame: Frame,
}

const TERMINAL: u8 = 1;
const COMMAND: u8 = 2;
const OUTPUT: u8 = 3;
const ERROR_OUTPUT: u8 = 4;
const INPUT: u8 = 5;
const RESIZE: u8 = 6;
const END: u8 = 7;

impl Frame {
    /// Returns the channel that the frame belongs to.
    pub fn channel(&self) -> u32 {
        match *self {
            Frame::Terminal { channel, .. }
            | Frame::Command { channel, .. }
            | Frame::Output { channel, .. }
            | Frame::ErrorOutput { channel, .. }
            | Frame::Input { channel, .. }
            | Frame::Resize { channel, .. }
            | Frame::End { channel, .. } => channel,
        }
    }

    /// Cuts a frame whose bytes are too many for one into several. Text that is too long is cut off: nobody may end
    /// their own recording by what they type.
    pub(crate) fn pieces(self) -> Vec<Frame> {
        match self {
            Frame::Output { channel, bytes } => cut(bytes, |bytes| Frame::Output { channel, bytes }),
            Frame::ErrorOutput { channel, bytes } => {
                cut(bytes, |bytes| Frame::ErrorOutput { channel, bytes })
            }
            Frame::Input { channel, bytes } => cut(bytes, |bytes| Frame::Input { channel, bytes }),
            Frame::Terminal { channel, term, columns, rows } => {
                vec![Frame::Terminal { channel, term: cut_off(term), columns, rows }]
            }
            Frame::Command { channel, command } => {
                vec![Frame::Command { channel, command: cut_off(command) }]
            }
            Frame::Resize { .. } | Frame::End { .. } => vec![self],
        }
    }

    /// Returns a length that the encoded frame never exceeds.
    pub(crate) fn bound(&self) -> usize {
        let variable = match self {
            Frame::Terminal { term, .. } => term.len(),
            Frame::Command { command, .. } => command.len(),
            Frame::Output { bytes, .. } | Frame::ErrorOutput { bytes, .. } | Frame::Input { bytes, .. } => {
                bytes.len()
            }
            Frame::Resize { .. } | Frame::End { .. } => 0,
        };
        // Tag, time (10), channel (5), and two numbers of at most 10 bytes together.
        variable + 26
    }

    /// Appends the frame, `delta_us` after the one before it.
    pub(crate) fn encode(&self, delta_us: u64, out: &mut Vec<u8>) {
        out.push(self.tag());
        wire::put_number(out, delta_us);
        wire::put_number(out, self.channel().into());
        match self {
            Frame::Terminal { term, columns, rows, .. } => {
                wire::put_bytes(out, term.as_bytes());
                wire::put_number(out, (*columns).into());
                wire::put_number(out, (*rows).into());
            }
            Frame::Command { command, .. } => wire::put_bytes(out, command.as_bytes()),
            Frame::Output { bytes, .. } | Frame::ErrorOutput { bytes, .. } | Frame::Input { bytes, .. } => {
                wire::put_bytes(out, bytes);
            }
            Frame::Resize { columns, rows, .. } => {
                wire::put_number(out, (*columns).into());
                wire::put_number(out, (*rows).into());
            }
            // An exit code is stored plus one, so that 0 can say "none".
            Frame::End { exit_code, .. } => {
                wire::put_number(out, exit_code.map_or(0, |code| u64::from(code) + 1))
            }
        }
    }

    /// Takes one frame and the microseconds since the one before it.
    pub(crate) fn decode(input: &mut Bytes) -> Result<(u64, Frame), Flaw> {
        let tag = wire::take_byte(input).ok_or(Flaw::Frame("it ends too early"))?;
        let delta_us = wire::take_number(input).ok_or(Flaw::Frame("its time"))?;
        let channel = wire::take(input).ok_or(Flaw::Frame("its channel"))?;
        let frame = Frame::decode_body(tag, channel, input).ok_or(Flaw::Frame("its content"))?;
        Ok((delta_us, frame))
    }

    fn decode_body(tag: u8, channel: u32, input: &mut Bytes) -> Option<Frame> {
        Some(match tag {
            TERMINAL => Frame::Terminal {
                channel,
                term: wire::take_text(input)?,
                columns: wire::take(input)?,
                rows: wire::take(input)?,
            },
            COMMAND => Frame::Command { channel, command: wire::take_text(input)? },
            OUTPUT => Frame::Output { channel, bytes: wire::take_bytes(input)? },
            ERROR_OUTPUT => Frame::ErrorOutput { channel, bytes: wire::take_bytes(input)? },
            INPUT => Frame::Input { channel, bytes: wire::take_bytes(input)? },
            RESIZE => Frame::Resize { channel, columns: wire::take(input)?, rows: wire::take(input)? },
            END => {
                let code = wire::take_number(input)?;
                let exit_code = code.checked_sub(1).map(u32::try_from).transpose().ok()?;
                Frame::End { channel, exit_code }
            }
            _ => return None,
        })
    }

    fn tag(&self) -> u8 {
        match self {
            Frame::Terminal { .. } => TERMINAL,
            Frame::Command { .. } => COMMAND,
            Frame::Output { .. } => OUTPUT,
            Frame::ErrorOutput { .. } => ERROR_OUTPUT,
            Frame::Input { .. } => INPUT,
            Frame::Resize { .. } => RESIZE,
            Frame::End { .. } => END,
        }
    }
}

fn cut(mut bytes: Bytes, make: impl Fn(Bytes) -> Frame) -> Vec<Frame> {
    let mut pieces = Vec::with_capacity(bytes.len() / PIECE_LIMIT + 1);
    while bytes.len() > PIECE_LIMIT {
        pieces.push(make(bytes.split_to(PIECE_LIMIT)));
    }
    pieces.push(make(bytes));
    pieces
}

/// Cuts text off at the last character that fits.
fn cut_off(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(PIECE_LIMIT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_frame_comes_back() {
        let bytes = Bytes::from_static(b"\xff\x00hello");
        let frames = [
            Frame::Terminal { channel: 0, term: "xterm".into(), columns: 80, rows: u16::MAX },
            Frame::Command { channel: u32::MAX, command: "ls -l".into() },
            Frame::Output { channel: 1, bytes: bytes.clone() },
            Frame::ErrorOutput { channel: 1, bytes: bytes.clone() },
            Frame::Input { channel: 1, bytes },
            Frame::Resize { channel: 1, columns: 0, rows: 1 },
            Frame::End { channel: 1, exit_code: None },
            Frame::End { channel: 1, exit_code: Some(u32::MAX) },
        ];
        for frame in frames {
            let mut out = Vec::new();
            frame.encode(u64::MAX, &mut out);
            assert!(out.len() <= frame.bound());
            let mut input = Bytes::from(out);
            assert_eq!(Frame::decode(&mut input), Ok((u64::MAX, frame)));
            assert!(input.is_empty());
        }
    }

    #[test]
    fn long_output_is_stored_in_pieces_and_a_long_command_is_cut_off() {
        let bytes = Bytes::from(vec![7; PIECE_LIMIT * 2 + 1]);
        let pieces = Frame::Output { channel: 0, bytes: bytes.clone() }.pieces();
        let lengths: Vec<usize> = pieces.iter().map(Frame::bound).collect();
        assert_eq!(lengths, [PIECE_LIMIT + 26, PIECE_LIMIT + 26, 27]);
        for (long, kept) in [("x", PIECE_LIMIT), ("\u{20ac}", PIECE_LIMIT - PIECE_LIMIT % 3)] {
            let command = long.repeat(PIECE_LIMIT);
            let frame = Frame::Command { channel: 0, command: command.clone() };
            assert_eq!(frame.pieces(), [Frame::Command { channel: 0, command: command[..kept].to_owned() }]);
        }
    }
}
