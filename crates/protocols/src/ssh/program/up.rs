//! What the client says on a session channel: requests that prepare and start a program, and its input.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use event::Detail;
use event::kinds::session as kinds;
use gateway::{Action, ActionRefusal, Frame, SessionError};
use russh::{ChannelMsg, ChannelReadHalf};

use super::super::channel::{FAILED, STDERR};
use super::super::files::Tap;
use super::super::forward::Window;
use super::super::link::request_detail;
use super::super::scp::ScpCommand;
use super::{Shared, Stop, signal_name};

/// Why nothing can be prepared any more.
const STARTED: &str = "the program has started, and takes this before it starts only (RFC 4254, section 6)";
/// Environment variables that a client may set for one program.
const MOST_VARIABLES: usize = 64;

/// The terminal that was asked for.
struct Terminal {
    name: String,
    columns: u16,
    rows: u16,
}

/// The half that takes what the client says.
pub(super) struct Up<'a> {
    shared: &'a Shared<'a>,
    terminal: Option<Terminal>,
    /// What was let through for the program and must be durable before it starts.
    prepared: Vec<Detail>,
    window: Window,
    /// Bytes of input so far.
    pub(super) bytes: u64,
}

impl<'a> Up<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Up<'a> {
        Up { shared, terminal: None, prepared: Vec::new(), window: Window::default(), bytes: 0 }
    }
}

impl Up<'_> {
    pub(super) async fn run(&mut self, from: &mut ChannelReadHalf) -> Result<(), Stop> {
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } => self.data(data).await?,
                ChannelMsg::ExtendedData { data, .. } => {
                    self.window.taken(data.len(), &self.shared.near).await?;
                }
                ChannelMsg::Eof => self.shared.far.eof().await?,
                ChannelMsg::Close => {
                    self.shared.far.close().await?;
                    return Err(Stop::ClientClosed);
                }
                request => self.request(request).await?,
            }
        }
        Ok(())
    }

    async fn data(&mut self, data: Bytes) -> Result<(), Stop> {
        let (shared, length) = (self.shared, data.len());
        self.bytes += length as u64;
        shared.session.count_in(length);
        match shared.client_steps(&data)? {
            Some(steps) => {
                for step in steps {
                    shared.far.data_bytes(shared.take(step).await?).await?;
                }
            }
            None => {
                if shared.session.records_input() {
                    let frame = Frame::Input { channel: shared.number, bytes: data.clone() };
                    shared.session.record(frame).await?;
                }
                shared.far.data_bytes(data).await?;
            }
        }
        self.window.taken(length, &shared.near).await?;
        Ok(())
    }

    async fn request(&mut self, request: ChannelMsg) -> Result<(), Stop> {
        match request {
            ChannelMsg::RequestShell { want_reply } => self.shell(want_reply).await,
            ChannelMsg::Exec { want_reply, command } => self.exec(want_reply, command).await,
            ChannelMsg::RequestSubsystem { want_reply, name } => self.subsystem(want_reply, name).await,
            ChannelMsg::RequestPty { .. } => self.terminal(request).await,
            ChannelMsg::SetEnv { want_reply, variable_name, variable_value } => {
                self.environment(want_reply, variable_name, variable_value).await
            }
            ChannelMsg::WindowChange { col_width, row_height, pix_width, pix_height } => {
                self.resize(col_width, row_height).await?;
                self.shared.far.window_change(col_width, row_height, pix_width, pix_height).await?;
                Ok(())
            }
            ChannelMsg::Signal { signal } => {
                let detail = request_detail(Some(self.shared.number), "signal", signal_name(&signal), true);
                self.shared.session.event(detail).await?;
                Ok(self.shared.far.signal(signal).await?)
            }
            ChannelMsg::AgentForward { want_reply } => self.agent(want_reply).await,
            ChannelMsg::RequestX11 { .. } => self.x11(request).await,
            ChannelMsg::UnknownRequest { want_reply, name } => self.unknown(want_reply, &name).await,
            _ => Ok(()),
        }
    }

    async fn refuse(&self, want_reply: bool) {
        if want_reply {
            self.shared.replies.answer(false, &self.shared.near).await;
        }
    }

    /// Refuses a request that prepares a program, and writes it down.
    async fn refuse_request(
        &self,
        want_reply: bool,
        request: &str,
        value: &str,
        why: &str,
    ) -> Result<(), Stop> {
        self.shared.link.refused_request(Some(self.shared.number), request, value, why).await;
        self.refuse(want_reply).await;
        Ok(())
    }

    async fn expect(&self, want_reply: bool) {
        if want_reply {
            self.shared.replies.expect().await;
        }
    }

    /// Refuses a program by failing in its place: a client whose request is refused drops what it was told
    /// before, and its user would never read why.
    async fn fail_in_place(&self, want_reply: bool, refusal: &ActionRefusal) -> Result<(), Stop> {
        let near = &self.shared.near;
        if want_reply {
            self.shared.replies.answer(true, near).await;
        }
        near.extended_data_bytes(STDERR, format!("lodge: {}\r\n", refusal.why)).await?;
        near.exit_status(FAILED).await?;
        near.eof().await?;
        Err(Stop::Refused)
    }

    async fn shell(&mut self, want_reply: bool) -> Result<(), Stop> {
        let detail = Detail::SessionShell(kinds::Shell {
            channel: self.shared.number,
            terminal: self.terminal.as_ref().map(|terminal| terminal.name.clone()),
        });
        if self.start(want_reply, &[Action::Shell], detail, None, "").await? {
            self.shared.far.request_shell(want_reply).await?;
        }
        Ok(())
    }

    async fn exec(&mut self, want_reply: bool, command: Vec<u8>) -> Result<(), Stop> {
        let text = String::from_utf8_lossy(&command).into_owned();
        let scp = ScpCommand::parse(&command);
        let mut actions = vec![Action::Exec { command: text.clone() }];
        actions.extend(scp.as_ref().map(|scp| Action::Scp { upload: scp.is_upload() }));
        let detail = Detail::SessionCommand(kinds::Command {
            channel: self.shared.number,
            command: text.clone(),
            terminal: self.terminal.as_ref().map(|terminal| terminal.name.clone()),
        });
        if self.start(want_reply, &actions, detail, scp.map(Tap::scp), &text).await? {
            self.shared.far.exec(want_reply, command).await?;
        }
        Ok(())
    }

    async fn subsystem(&mut self, want_reply: bool, name: String) -> Result<(), Stop> {
        let detail =
            Detail::SessionSubsystem(kinds::Subsystem { channel: self.shared.number, name: name.clone() });
        let (action, tap) = match name.as_str() {
            "sftp" => (Action::Sftp, Some(Tap::sftp())),
            _ => (Action::Subsystem { name: name.clone() }, None),
        };
        if self.start(want_reply, &[action], detail, tap, &name).await? {
            self.shared.far.request_subsystem(want_reply, name).await?;
        }
        Ok(())
    }

    /// Decides on a program, writes it down and opens its part of the recording. Says whether it may start.
    async fn start(
        &mut self,
        want_reply: bool,
        actions: &[Action],
        detail: Detail,
        tap: Option<Tap>,
        command: &str,
    ) -> Result<bool, Stop> {
        let shared = self.shared;
        if shared.started.get().is_some() {
            let why = "a channel runs one program (RFC 4254, section 6.5)";
            shared.link.refused_request(Some(shared.number), detail.kind(), command, why).await;
            self.refuse(want_reply).await;
            return Ok(false);
        }
        for action in actions {
            if let Err(refusal) = shared.session.authorize(action).await {
                self.fail_in_place(want_reply, &refusal).await?;
            }
        }
        // Handed to the log together, so that they share one sync.
        self.prepared.push(detail);
        let events = self.prepared.drain(..).map(|detail| shared.session.event(detail));
        futures::future::try_join_all(events).await?;
        shared.begin(tap, self.terminal.is_some());
        if shared.recorded.load(Ordering::Relaxed) {
            self.first_frames(command).await?;
        }
        self.expect(want_reply).await;
        Ok(true)
    }

    async fn first_frames(&self, command: &str) -> Result<(), SessionError> {
        let (session, channel) = (self.shared.session, self.shared.number);
        if let Some(Terminal { name, columns, rows }) = &self.terminal {
            let frame = Frame::Terminal { channel, term: name.clone(), columns: *columns, rows: *rows };
            session.record(frame).await?;
        }
        if self.terminal.is_none() || !command.is_empty() {
            session.record(Frame::Command { channel, command: command.to_owned() }).await?;
        }
        Ok(())
    }

    async fn terminal(&mut self, request: ChannelMsg) -> Result<(), Stop> {
        let ChannelMsg::RequestPty {
            want_reply,
            term,
            col_width,
            row_height,
            pix_width,
            pix_height,
            terminal_modes,
        } = request
        else {
            return Ok(());
        };
        if self.shared.started.get().is_some() {
            return self.refuse_request(want_reply, "pty-req", &shorten_term(&term), STARTED).await;
        }
        self.terminal =
            Some(Terminal { name: shorten_term(&term), columns: cells(col_width), rows: cells(row_height) });
        self.expect(want_reply).await;
        self.shared
            .far
            .request_pty(want_reply, &term, col_width, row_height, pix_width, pix_height, &terminal_modes)
            .await?;
        Ok(())
    }

    async fn resize(&mut self, columns: u32, rows: u32) -> Result<(), Stop> {
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        (terminal.columns, terminal.rows) = (cells(columns), cells(rows));
        if self.shared.recorded.load(Ordering::Relaxed) {
            let channel = self.shared.number;
            let frame = Frame::Resize { channel, columns: terminal.columns, rows: terminal.rows };
            self.shared.session.record(frame).await?;
        }
        Ok(())
    }

    async fn environment(&mut self, want_reply: bool, name: String, value: String) -> Result<(), Stop> {
        let shared = self.shared;
        if shared.started.get().is_some() {
            return self.refuse_request(want_reply, "env", &format!("{name}={value}"), STARTED).await;
        }
        if self.prepared.len() >= MOST_VARIABLES {
            let why = "a program is given at most 64 environment variables";
            return self.refuse_request(want_reply, "env", &format!("{name}={value}"), why).await;
        }
        if shared.session.authorize(&Action::Environment { name: name.clone() }).await.is_err() {
            self.refuse(want_reply).await;
            return Ok(());
        }
        // It takes effect with the program only, so it need not be durable before that.
        self.prepared.push(request_detail(Some(shared.number), "env", &format!("{name}={value}"), true));
        self.expect(want_reply).await;
        Ok(shared.far.set_env(want_reply, name, value).await?)
    }

    async fn agent(&mut self, want_reply: bool) -> Result<(), Stop> {
        let shared = self.shared;
        if shared.session.authorize(&Action::AgentForward).await.is_err() {
            self.refuse(want_reply).await;
            return Ok(());
        }
        let detail = request_detail(Some(shared.number), "auth-agent-req@openssh.com", "", true);
        shared.session.event(detail).await?;
        shared.link.agent.store(true, Ordering::SeqCst);
        self.expect(want_reply).await;
        Ok(shared.far.agent_forward(want_reply).await?)
    }

    async fn x11(&mut self, request: ChannelMsg) -> Result<(), Stop> {
        let ChannelMsg::RequestX11 {
            want_reply,
            single_connection,
            x11_authentication_protocol: protocol,
            x11_authentication_cookie: cookie,
            x11_screen_number: screen,
        } = request
        else {
            return Ok(());
        };
        let shared = self.shared;
        if shared.session.authorize(&Action::X11Forward).await.is_err() {
            self.refuse(want_reply).await;
            return Ok(());
        }
        // The cookie is a secret and stays out of the event.
        let value = format!("{protocol}, screen {screen}");
        shared.session.event(request_detail(Some(shared.number), "x11-req", &value, true)).await?;
        shared.link.x11.store(true, Ordering::SeqCst);
        self.expect(want_reply).await;
        Ok(shared.far.request_x11(want_reply, single_connection, protocol, cookie, screen).await?)
    }

    async fn unknown(&mut self, want_reply: bool, name: &str) -> Result<(), Stop> {
        // Keep-alives say nothing and come without end.
        if !name.starts_with("keepalive@") {
            let why = "the gate passes on no request that it does not know";
            self.shared.link.refused_request(Some(self.shared.number), name, "", why).await;
        }
        self.refuse(want_reply).await;
        Ok(())
    }
}

/// A terminal has at most as many cells in a row as sixteen bits can count.
fn cells(count: u32) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// No terminal's name is longer; events and frames need not carry what a hostile client makes of it.
fn shorten_term(term: &str) -> String {
    term.chars().take(64).collect()
}
