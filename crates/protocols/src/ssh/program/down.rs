//! What the target says on a session channel: output, and how the program came out.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use gateway::Frame;
use russh::{ChannelMsg, ChannelReadHalf};

use super::super::forward::Window;
use super::{Shared, Stop, signal_name};

/// The half that takes what the target says.
pub(super) struct Down<'a> {
    shared: &'a Shared<'a>,
    window: Window,
    pub(super) stdout_bytes: u64,
    pub(super) stderr_bytes: u64,
    pub(super) exit_code: Option<u32>,
    pub(super) signal: Option<String>,
}

impl<'a> Down<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Down<'a> {
        Down {
            shared,
            window: Window::default(),
            stdout_bytes: 0,
            stderr_bytes: 0,
            exit_code: None,
            signal: None,
        }
    }
}

impl Down<'_> {
    pub(super) async fn run(&mut self, from: &mut ChannelReadHalf) -> Result<(), Stop> {
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } => self.output(data).await?,
                ChannelMsg::ExtendedData { data, ext } => self.error_output(data, ext).await?,
                ChannelMsg::Close => return Ok(()),
                message => self.tell(message).await?,
            }
        }
        Err(Stop::TargetGone)
    }

    /// Passes on what is not output.
    async fn tell(&mut self, message: ChannelMsg) -> Result<(), Stop> {
        let shared = self.shared;
        match message {
            ChannelMsg::Eof => shared.near.eof().await?,
            ChannelMsg::ExitStatus { exit_status } => {
                self.exit_code = Some(exit_status);
                shared.near.exit_status(exit_status).await?;
            }
            ChannelMsg::ExitSignal { signal_name: signal, core_dumped, error_message, lang_tag } => {
                self.signal = Some(signal_name(&signal).to_owned());
                shared.near.exit_signal(signal, core_dumped, error_message, lang_tag).await?;
            }
            ChannelMsg::XonXoff { client_can_do } => {
                // A client that is gone needs no flow control.
                let _ = shared.link.near.xon_xoff_request(shared.near.id(), client_can_do).await;
            }
            ChannelMsg::Success => shared.replies.answered(true, &shared.near).await,
            ChannelMsg::Failure => shared.replies.answered(false, &shared.near).await,
            ChannelMsg::UnknownRequest { name, .. } => {
                let why = "the gate passes on no request that it does not know";
                shared.link.refused_request(Some(shared.number), &name, "", why).await;
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes what is left of a program whose client has closed: a client that has read to the end closes
    /// before it is told the exit code, and waits for it.
    pub(super) async fn drain(&mut self, from: &mut ChannelReadHalf) -> Result<(), Stop> {
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => {
                    self.window.taken(data.len(), &self.shared.far).await?;
                }
                ChannelMsg::Close => return Ok(()),
                message => self.tell(message).await?,
            }
        }
        Err(Stop::TargetGone)
    }

    async fn output(&mut self, data: Bytes) -> Result<(), Stop> {
        let (shared, length) = (self.shared, data.len());
        self.stdout_bytes += length as u64;
        shared.session.count_out(length);
        match shared.target_steps(&data)? {
            Some(steps) => {
                for step in steps {
                    shared.near.data_bytes(shared.take(step).await?).await?;
                }
            }
            None => {
                if shared.recorded.load(Ordering::Relaxed) && shared.session.is_recorded() {
                    let frame = Frame::Output { channel: shared.number, bytes: data.clone() };
                    shared.session.record(frame).await?;
                }
                shared.near.data_bytes(data).await?;
            }
        }
        self.window.taken(length, &shared.far).await?;
        Ok(())
    }

    async fn error_output(&mut self, data: Bytes, ext: u32) -> Result<(), Stop> {
        let (shared, length) = (self.shared, data.len());
        self.stderr_bytes += length as u64;
        shared.session.count_out(length);
        // Also of file transfers: what `scp` complains about is in no file event.
        if shared.session.is_recorded() {
            let frame = Frame::ErrorOutput { channel: shared.number, bytes: data.clone() };
            shared.session.record(frame).await?;
        }
        shared.near.extended_data_bytes(ext, data).await?;
        self.window.taken(length, &shared.far).await?;
        Ok(())
    }
}
