//! A session channel: the requests that prepare and start a program, its streams, and its end.
//!
//! Two halves run side by side in one task: `Up` takes what the client says, `Down` what the target says.
//! Each takes its messages in order and one at a time, so whatever must come first (an event, a frame) has
//! come first. A half that waits holds up its own direction of its own channel only.

mod down;
mod steps;
mod up;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use event::kinds::session as kinds;
use event::{Detail, Timestamp};
use gateway::{Frame, Session, SessionError};
use russh::{Channel, ChannelReadHalf, ChannelWriteHalf, Sig, client, server};
use tokio::sync::watch;

use self::down::Down;
use self::steps::Steps;
use self::up::Up;
use super::channel::STDERR;
use super::file_tap::FileFact;
use super::file_tap::Step;
use super::files::{self, Tap, TapError};
use super::link::Link;
use super::replies::Replies;

/// Time for a client to take the last words.
const EXPLAINING: Duration = Duration::from_secs(1);

/// Why a half stopped before its side closed the channel.
#[derive(Debug, thiserror::Error)]
enum Stop {
    /// A connection is gone.
    #[error(transparent)]
    Gone(#[from] russh::Error),
    /// The client closed the channel; the target has yet to say how the program came out.
    #[error("the client closed the channel")]
    ClientClosed,
    /// The target's connection ended without closing the channel.
    #[error("the target closed the connection")]
    TargetGone,
    /// The program was refused, and the client told so.
    #[error("the program was refused")]
    Refused,
    /// The session is being cut.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A file protocol can no longer be followed.
    #[error("the file transfer cannot be followed: {0}")]
    Undecodable(#[from] TapError),
}

/// What both halves of a channel share.
struct Shared<'a> {
    link: &'a Link,
    session: &'a Session,
    /// Number of the channel in events and frames.
    number: u32,
    near: ChannelWriteHalf<server::Msg>,
    far: ChannelWriteHalf<client::Msg>,
    replies: Replies,
    /// Whether output goes into the recording: programs do, file transfers are decoded instead.
    recorded: AtomicBool,
    tap: Mutex<Option<Tap>>,
    /// What a half did not come to write down, for the end.
    unwritten: Mutex<Vec<FileFact>>,
    started: OnceLock<Timestamp>,
    /// Whether the program runs on a terminal.
    on_terminal: watch::Sender<bool>,
}

/// Serves a channel that is open on both sides until one of them closes it.
pub(super) async fn run(link: &Link, near: Channel<server::Msg>, far: Channel<client::Msg>) {
    let number = near.id().number();
    let (mut near_read, near) = near.split();
    let (mut far_read, far) = far.split();
    let shared = Shared {
        link,
        session: &link.session,
        number,
        near,
        far,
        replies: Replies::default(),
        recorded: AtomicBool::new(false),
        tap: Mutex::new(None),
        unwritten: Mutex::default(),
        started: OnceLock::new(),
        on_terminal: watch::Sender::new(false),
    };
    let mut up = Up::new(&shared);
    let mut down = Down::new(&shared);
    let mut stopped = tokio::select! {
        stopped = up.run(&mut near_read) => stopped,
        stopped = down.run(&mut far_read) => stopped,
        stopped = shared.tell_notices() => stopped,
    };
    if matches!(stopped, Err(Stop::ClientClosed)) {
        stopped = tokio::select! {
            stopped = down.drain(&mut far_read) => stopped,
            () = gone(&mut near_read) => Ok(()),
        };
    }
    let (up_bytes, outcome) = (up.bytes, Ended::of(down));
    shared.close(stopped, up_bytes, outcome).await;
}

/// Waits until a connection is gone, taking whatever it still says.
async fn gone(from: &mut ChannelReadHalf) {
    while from.wait().await.is_some() {}
}

/// How a program came out, as far as the target said.
struct Ended {
    stdout_bytes: u64,
    stderr_bytes: u64,
    exit_code: Option<u32>,
    signal: Option<String>,
}

impl Ended {
    fn of(down: Down<'_>) -> Ended {
        Ended {
            stdout_bytes: down.stdout_bytes,
            stderr_bytes: down.stderr_bytes,
            exit_code: down.exit_code,
            signal: down.signal,
        }
    }
}

impl Shared<'_> {
    /// Closes both sides and writes the end. What a file transfer still had under way is written before the
    /// client learns that it is over.
    async fn close(&self, stopped: Result<(), Stop>, stdin_bytes: u64, ended: Ended) {
        let tap = self.tap.lock().expect("no panic happens while the lock is held").take();
        if let Some(tap) = tap {
            if let Err(Stop::Undecodable(error)) = &stopped {
                self.explain_undecodable(&tap, error).await;
            }
            let mut facts =
                std::mem::take(&mut *self.unwritten.lock().expect("no panic happens while the lock is held"));
            facts.extend(tap.finish());
            let _ = files::write_down(self.session, facts).await;
        }
        // Errors mean that a side is gone, which is a close too.
        let _ = self.far.close().await;
        // A client that does not take it, for want of window, is closed without.
        let _ = tokio::time::timeout(EXPLAINING, self.explain(&stopped)).await;
        let _ = self.near.close().await;
        let Some(started) = self.started.get() else { return };
        if self.recorded.load(Ordering::Relaxed) {
            let _ =
                self.session.record(Frame::End { channel: self.number, exit_code: ended.exit_code }).await;
        }
        let duration = self.session.gateway().ambient().now().since(*started);
        let detail = Detail::SessionCommandEnd(kinds::CommandEnd {
            channel: self.number,
            exit_code: ended.exit_code,
            signal: ended.signal,
            stdin_bytes,
            stdout_bytes: ended.stdout_bytes,
            stderr_bytes: ended.stderr_bytes,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        });
        let _ = self.session.event(detail).await;
    }

    /// Says why the channel ends, where neither the client nor the program chose to end it.
    async fn explain(&self, stopped: &Result<(), Stop>) {
        let why = match (self.session.cut(), stopped) {
            (Some(cut), _) => format!("session ended: {}", cut.why),
            (None, Err(Stop::TargetGone)) => Stop::TargetGone.to_string(),
            _ => return,
        };
        let _ = self.near.extended_data_bytes(STDERR, format!("lodge: {why}\r\n")).await;
    }

    async fn explain_undecodable(&self, tap: &Tap, error: &TapError) {
        let why = format!("the {} transfer was stopped because it cannot be followed: {error}", tap.name());
        let detail = Detail::SessionRejected(kinds::Rejected {
            action: tap.name().to_owned(),
            value: error.to_string(),
            code: "undecodable".to_owned(),
        });
        let _ = self.session.event_denied(detail, why.clone()).await;
        let _ = self.near.extended_data_bytes(STDERR, format!("lodge: {why}\r\n")).await;
    }

    /// Tells the client's terminal, where there is one, what its person is to know; also in the recording, which shows what they
    /// saw.
    async fn tell_notices(&self) -> Result<(), Stop> {
        let mut on_terminal = self.on_terminal.subscribe();
        // The sender is `self`'s, so waiting cannot fail.
        let _ = on_terminal.wait_for(|on_terminal| *on_terminal).await;
        let mut notices = self.session.notices();
        loop {
            let line = Bytes::from(format!("\r\nlodge: {}\r\n", notices.next().await));
            if self.session.is_recorded() {
                let frame = Frame::Output { channel: self.number, bytes: line.clone() };
                self.session.record(frame).await?;
            }
            self.near.data_bytes(line).await?;
        }
    }

    /// Notes that the program is about to start, whether on a terminal, and what of it is kept.
    fn begin(&self, tap: Option<Tap>, on_terminal: bool) {
        self.on_terminal.send_replace(on_terminal && tap.is_none());
        self.recorded.store(tap.is_none(), Ordering::Relaxed);
        *self.tap.lock().expect("no panic happens while the lock is held") = tap;
        let _ = self.started.set(self.session.gateway().ambient().now());
    }

    /// Asks the decoder, when there is one, what to do with bytes of the client.
    fn client_steps(&self, bytes: &Bytes) -> Result<Option<Steps<'_>>, TapError> {
        let steps = self.ask_tap(|tap| tap.client(bytes.clone()))?;
        Ok(steps.map(|steps| Steps::of_client(steps, &self.unwritten)))
    }

    /// Asks the decoder, when there is one, what to do with bytes of the target.
    fn target_steps(&self, bytes: &Bytes) -> Result<Option<Steps<'_>>, TapError> {
        let steps = self.ask_tap(|tap| tap.server(bytes.clone()))?;
        Ok(steps.map(|steps| Steps::of_target(steps, &self.unwritten)))
    }

    fn ask_tap(
        &self,
        ask: impl FnOnce(&mut Tap) -> Result<Vec<Step>, TapError>,
    ) -> Result<Option<Vec<Step>>, TapError> {
        self.tap.lock().expect("no panic happens while the lock is held").as_mut().map(ask).transpose()
    }

    /// Does what a step says must be done before its bytes go on, and returns these.
    async fn take(&self, step: Step) -> Result<Bytes, SessionError> {
        match step {
            Step::Pass(bytes) => Ok(bytes),
            Step::Hold { facts, bytes } => {
                files::write_down(self.session, facts).await?;
                Ok(bytes)
            }
        }
    }
}

fn signal_name(signal: &Sig) -> &str {
    match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) => name,
    }
}
