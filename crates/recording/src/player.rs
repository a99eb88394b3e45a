//! Players: what to write to a viewer's terminal, and how long to wait before.
//!
//! A player waits for nothing and writes nothing itself.

use std::time::Duration;

use crate::error::RecordingError;
use crate::frame::{Frame, Timed};
use crate::reader::Reader;
use crate::sanitise::Sanitiser;

/// How to play.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayOptions {
    /// Which channel; where absent, the recording's default channel.
    pub channel: Option<u32>,
    /// Twice as fast is 2; held between 0.01 and 1000.
    pub speed: f64,
    /// The longest wait within the session, before speed; longer ones are shortened to it.
    pub idle_limit: Option<Duration>,
    /// Where to begin.
    pub start: Duration,
}

impl Default for PlayOptions {
    fn default() -> PlayOptions {
        PlayOptions { channel: None, speed: 1.0, idle_limit: None, start: Duration::ZERO }
    }
}

/// One step of playback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long to wait before it.
    pub delay: Duration,
    /// When it happened in the session.
    pub at: Duration,
    /// What to write to the terminal: sanitised, so it only draws.
    pub bytes: Vec<u8>,
    /// The size that the recorded terminal has from here on, columns and rows, where it changed.
    pub size: Option<(u16, u16)>,
}

/// Plays one channel of a recording.
pub struct Player {
    reader: Reader,
    channel: Option<u32>,
    speed: f64,
    idle_limit: Option<Duration>,
    sanitiser: Sanitiser,
    last: Duration,
    opening: Option<Step>,
}

impl Player {
    /// Goes to the start; a channel that there is none of is refused. Where that is inside the session, the first step draws the screen as it stood then.
    pub fn new(mut reader: Reader, options: &PlayOptions) -> Result<Player, RecordingError> {
        let channel = match options.channel {
            Some(channel) => reader.require_channel(channel).map(|()| Some(channel))?,
            None => reader.default_channel()?,
        };
        let mut sanitiser = Sanitiser::new();
        let mut opening = None;
        if options.start > Duration::ZERO {
            let mut terminals = reader.seek(options.start)?;
            if let Some(terminal) = channel.and_then(|channel| terminals.remove(&channel)) {
                let (bytes, size) = (terminal.drawing(), Some(terminal.size()));
                opening = Some(Step { delay: Duration::ZERO, at: options.start, bytes, size });
                sanitiser = terminal.into_sanitiser();
            }
        }
        let speed = if options.speed.is_finite() { options.speed.clamp(0.01, 1000.0) } else { 1.0 };
        let (idle_limit, last) = (options.idle_limit, options.start);
        Ok(Player { reader, channel, speed, idle_limit, sanitiser, last, opening })
    }

    /// Returns the channel that is played; `None` where nothing was recorded yet.
    pub fn channel(&self) -> Option<u32> {
        self.channel
    }

    /// Returns the next step; `None` at the end.
    pub fn next_step(&mut self) -> Result<Option<Step>, RecordingError> {
        if let Some(step) = self.opening.take() {
            return Ok(Some(step));
        }
        while let Some(Timed { offset, frame }) = self.reader.next_frame()? {
            if Some(frame.channel()) != self.channel {
                continue;
            }
            let mut bytes = Vec::new();
            let size = match frame {
                Frame::Output { bytes: output, .. } | Frame::ErrorOutput { bytes: output, .. } => {
                    self.sanitiser.feed(&output, &mut bytes);
                    None
                }
                Frame::Terminal { columns, rows, .. } | Frame::Resize { columns, rows, .. } => {
                    Some((columns, rows))
                }
                Frame::Command { .. } | Frame::Input { .. } | Frame::End { .. } => None,
            };
            if size.is_some() || !bytes.is_empty() {
                return Ok(Some(Step { delay: self.delay_until(offset), at: offset, bytes, size }));
            }
        }
        Ok(None)
    }

    fn delay_until(&mut self, at: Duration) -> Duration {
        let waited = at.saturating_sub(self.last);
        self.last = self.last.max(at);
        let waited = self.idle_limit.map_or(waited, |limit| waited.min(limit));
        waited.div_f64(self.speed)
    }
}

impl Iterator for Player {
    type Item = Result<Step, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_step().transpose()
    }
}
