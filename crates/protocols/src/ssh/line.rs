//! What a connection runs over: TCP, or a pair of sockets inside this process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use tokio::net::{TcpStream, UnixStream};

/// A connection to the gate or to a target.
pub(super) enum Line {
    /// Over the network.
    Tcp(TcpStream),
    /// Within the process: what the gate's own clients speak over.
    Inside(UnixStream),
}

impl Line {
    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Line::Tcp(tcp) => tcp.poll_read_ready(cx),
            Line::Inside(socket) => socket.poll_read_ready(cx),
        }
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Line::Tcp(tcp) => tcp.poll_write_ready(cx),
            Line::Inside(socket) => socket.poll_write_ready(cx),
        }
    }

    /// Waits until there is something to read, or the other side is gone.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Line::Tcp(tcp) => tcp.readable().await,
            Line::Inside(socket) => socket.readable().await,
        }
    }

    pub(super) fn try_read(&self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Line::Tcp(tcp) => tcp.try_read(to),
            Line::Inside(socket) => socket.try_read(to),
        }
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Line::Tcp(tcp) => tcp.try_write(bytes),
            Line::Inside(socket) => socket.try_write(bytes),
        }
    }

    /// Lets small packets go at once; a failure costs latency, not correctness.
    pub(super) fn hurry(&self) {
        if let Line::Tcp(tcp) = self {
            let _ = tcp.set_nodelay(true);
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Line::Tcp(tcp) => tcp.as_fd(),
            Line::Inside(socket) => socket.as_fd(),
        }
    }
}
