//! A connection that can be severed from outside, and reads ahead.
//!
//! The SSH library reads a packet in two small steps; reading ahead makes that one system call for many
//! packets. The buffer is given back whenever the connection falls quiet, so an idle session holds none.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::net::Shutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::line::Line;

const READ_AHEAD: usize = 64 * 1024;

/// One end of the gate's work: a connection.
pub(super) struct Wire {
    line: Arc<Line>,
    ahead: Vec<u8>,
    taken: usize,
}

/// Cuts a [`Wire`], whatever it is waiting for.
#[derive(Clone)]
pub(super) struct Scissors {
    line: Arc<Line>,
}

impl Wire {
    /// Wraps a connection from which `ahead` was read already.
    pub(super) fn new(line: Line, ahead: Vec<u8>) -> Wire {
        Wire { line: Arc::new(line), ahead, taken: 0 }
    }

    pub(super) fn scissors(&self) -> Scissors {
        Scissors { line: self.line.clone() }
    }

    /// Gives what was read ahead; empties the buffer when that was all.
    fn give(&mut self, to: &mut ReadBuf<'_>) {
        let rest = &self.ahead[self.taken..];
        let count = rest.len().min(to.remaining());
        to.put_slice(&rest[..count]);
        self.taken += count;
        if self.taken == self.ahead.len() {
            self.ahead.clear();
            self.taken = 0;
        }
    }

    /// Reads into the free part of `to`, or says that there is nothing yet.
    fn poll_direct(&self, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.line.poll_read_ready(cx))?;
            match self.line.try_read(to.initialize_unfilled()) {
                Ok(count) => {
                    to.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.line.poll_read_ready(cx)?.is_pending() {
                self.ahead = Vec::new();
                return Poll::Pending;
            }
            self.ahead.resize(READ_AHEAD, 0);
            let read = self.line.try_read(&mut self.ahead);
            self.ahead.truncate(*read.as_ref().unwrap_or(&0));
            match read {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Scissors {
    /// Shuts the connection in both directions. What was on its way is lost.
    pub(super) fn cut(&self) {
        // It may be gone already, which is as good.
        let _ = rustix::net::shutdown(&*self.line, Shutdown::Both);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if wire.ahead.is_empty() {
            if to.remaining() >= READ_AHEAD {
                return wire.poll_direct(cx, to);
            }
            ready!(wire.poll_ahead(cx))?;
        }
        wire.give(to);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.line.poll_write_ready(cx))?;
            match self.line.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(rustix::net::shutdown(&*self.line, Shutdown::Write).map_err(io::Error::from))
    }
}
