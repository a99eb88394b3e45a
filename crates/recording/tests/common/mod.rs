//! What the tests share: a folder of recordings with a clock that the test moves, and ready-made sessions.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use event::{Ambient, ManualClock, SessionId, Timestamp};
use recording::{Frame, Header, Recorder, Recordings, Seal, Timed};

pub struct Place {
    pub folder: tempfile::TempDir,
    pub recordings: Recordings,
    pub ambient: Ambient,
    pub clock: Arc<ManualClock>,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let (ambient, clock) = Ambient::fixed(Timestamp::from_micros(1_764_000_000_000_000), 7);
        let recordings = Recordings::open(folder.path(), ambient.clone()).unwrap();
        Place { folder, recordings, ambient, clock }
    }

    pub fn header(&self) -> Header {
        Header {
            session: self.ambient.session_id(),
            started: self.ambient.now(),
            user: "alice".into(),
            login: "root".into(),
            target: "db-1".into(),
            protocol: "ssh".into(),
        }
    }

    pub async fn start(&self) -> (SessionId, Recorder) {
        let header = self.header();
        let session = header.session;
        (session, self.recordings.start(header).await.unwrap())
    }

    /// Records these frames, each so many milliseconds after the one before, and seals.
    pub async fn record(&self, frames: &[(u64, Frame)]) -> (SessionId, Seal) {
        let (session, recorder) = self.start().await;
        for (wait_ms, frame) in frames {
            self.clock.advance(Duration::from_millis(*wait_ms));
            recorder.write(frame.clone()).await.unwrap();
        }
        (session, recorder.seal().await.unwrap())
    }

    pub fn file(&self, session: SessionId, extension: &str) -> PathBuf {
        self.folder.path().join(format!("{session}.{extension}"))
    }

    pub fn frames(&self, session: SessionId) -> Vec<Timed> {
        self.recordings.read(session).unwrap().map(Result::unwrap).collect()
    }
}

pub fn output(channel: u32, text: &str) -> Frame {
    Frame::Output { channel, bytes: text.as_bytes().to_vec().into() }
}

pub fn terminal(channel: u32) -> Frame {
    Frame::Terminal { channel, term: "xterm-256color".into(), columns: 40, rows: 10 }
}

/// A session with a shell and a command.
pub fn session() -> Vec<(u64, Frame)> {
    vec![
        (0, terminal(0)),
        (100, output(0, "\x1b]0;root@db-1: ~\x07root@db-1:~# ")),
        (1500, output(0, "ls\r\n")),
        (10, output(0, "\x1b[0m\x1b[01;34mbackups\x1b[0m  caf\u{e9}.txt\r\nroot@db-1:~# ")),
        (700, Frame::Resize { channel: 0, columns: 60, rows: 12 }),
        (5000, Frame::Command { channel: 1, command: "id; echo \x1b oops >&2".into() }),
        (20, output(1, "uid=0(root)\n")),
        (0, Frame::ErrorOutput { channel: 1, bytes: b"\x1b oops \xff\n".to_vec().into() }),
        (1, Frame::End { channel: 1, exit_code: Some(3) }),
        (60, Frame::Input { channel: 0, bytes: b"exit\r".to_vec().into() }),
        (50, output(0, "exit\r\n")),
        (2, Frame::End { channel: 0, exit_code: Some(0) }),
    ]
}
