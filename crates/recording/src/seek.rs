//! Seeking: the terminals of a recording as they stood at a moment, from the nearest keyframe or the beginning.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::RecordingError;
use crate::frame::{Frame, Timed};
use crate::keyframes;
use crate::reader::Reader;
use crate::terminal::{Snapshot, Terminal};

/// More terminals than this at once are not followed, so that a recording cannot exhaust its reader.
const MOST_TERMINALS: usize = 64;

/// The terminals of a recording, replayed up to some moment.
#[derive(Default)]
pub(crate) struct Screens {
    terminals: BTreeMap<u32, Terminal>,
    drawn: Vec<u8>,
}

impl Reader {
    /// Goes to the moment after the last frame at or before `at`; returns the terminals as they stood then.
    ///
    /// Makes the keyframes file where a long recording has none, so the first seek may take as long as a replay.
    pub fn seek(&mut self, at: Duration) -> Result<BTreeMap<u32, Terminal>, RecordingError> {
        let mut screens = match self.nearest_keyframe(at)? {
            Some(keyframe) => {
                self.jump(keyframe.place);
                Screens { terminals: keyframe.terminals, drawn: Vec::new() }
            }
            None => {
                self.rewind()?;
                Screens::default()
            }
        };
        while let Some(timed) = self.next_frame_until(at)? {
            screens.take(&timed.frame);
        }
        Ok(screens.terminals)
    }

    fn nearest_keyframe(&self, at: Duration) -> Result<Option<keyframes::Keyframe>, RecordingError> {
        let Some(seal) = self.seal()?.filter(|seal| self.trust_keyframes && keyframes::worthwhile(seal))
        else {
            return Ok(None);
        };
        if let Ok(found) = keyframes::find(self.keys_path(), &seal.root, at) {
            return Ok(found);
        }
        // Where the folder cannot be written, a straight replay gives the same.
        let built = keyframes::build(self);
        Ok(built.ok().and_then(|()| keyframes::find(self.keys_path(), &seal.root, at).ok().flatten()))
    }
}

impl Screens {
    /// Takes one frame.
    pub(crate) fn take(&mut self, frame: &Frame) {
        match frame {
            Frame::Terminal { channel, columns, rows, .. } => {
                if self.terminals.len() < MOST_TERMINALS || self.terminals.contains_key(channel) {
                    self.terminals.insert(*channel, Terminal::new(*columns, *rows));
                }
            }
            Frame::Output { channel, bytes } | Frame::ErrorOutput { channel, bytes } => {
                if let Some(terminal) = self.terminals.get_mut(channel) {
                    self.drawn.clear();
                    terminal.feed(bytes, &mut self.drawn);
                }
            }
            Frame::Resize { channel, columns, rows } => {
                if let Some(terminal) = self.terminals.get_mut(channel) {
                    terminal.resize(*columns, *rows);
                }
            }
            Frame::Command { .. } | Frame::Input { .. } | Frame::End { .. } => {}
        }
    }

    /// Takes the frames of the next chunk; false at the end.
    pub(crate) fn take_chunk(&mut self, reader: &mut Reader) -> Result<bool, RecordingError> {
        if !reader.next_chunk()? {
            return Ok(false);
        }
        while let Some(Timed { frame, .. }) = reader.next_in_chunk()? {
            self.take(&frame);
        }
        Ok(true)
    }

    /// Returns snapshots of all terminals, or `None` when one cannot be restored exactly just now.
    pub(crate) fn snapshots(&self) -> Option<BTreeMap<u32, Snapshot>> {
        self.terminals.iter().map(|(channel, terminal)| Some((*channel, terminal.snapshot()?))).collect()
    }
}
