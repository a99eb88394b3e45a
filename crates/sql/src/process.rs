//! The process that a statement runs in.
//!
//! Whatever a statement makes the engine do, only that process does it: it opens no files, gets rows through one socket
//! from the server, has a limit of memory that the system holds, and is killed when its time is over or its handle dropped.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use tokio::net::UnixStream;
use tokio::task::spawn_blocking;

use crate::SqlError;

/// How such a process is started. It calls [`crate::work`] and does nothing else.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
}

impl Launch {
    /// Starts the running program once more with one argument; also after its file was replaced by a newer one.
    pub fn own(verb: &str) -> Launch {
        let program = PathBuf::from("/proc/self/exe");
        Launch { program, arguments: vec![verb.to_owned()], environment: Vec::new() }
    }
}

/// A process; killed when dropped.
pub(crate) struct Worker {
    pub socket: UnixStream,
    handle: Handle,
}

/// Kills the process when dropped.
pub(crate) struct Handle(Option<Child>);

impl Worker {
    pub(crate) fn start(launch: &Launch) -> Result<Worker, SqlError> {
        let started = || -> io::Result<Worker> {
            let (ours, theirs) = Socket::pair()?;
            ours.set_nonblocking(true)?;
            let child = Command::new(&launch.program)
                .args(&launch.arguments)
                .env_clear()
                .envs(launch.environment.iter().map(|(name, value)| (name, value)))
                .current_dir("/")
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            Ok(Worker { handle: Handle(Some(child)), socket: UnixStream::from_std(ours)? })
        };
        started().map_err(|error| SqlError::Engine(format!("its process does not start: {error}")))
    }

    /// Parts the socket from the handle.
    pub(crate) fn split(self) -> (UnixStream, Handle) {
        (self.socket, self.handle)
    }
}

impl Handle {
    /// Waits for a process that closed its socket, and tells what that means.
    pub(crate) async fn ended(mut self, limit: usize) -> SqlError {
        let Some(mut child) = self.0.take() else { return SqlError::Engine("it has ended".to_owned()) };
        match spawn_blocking(move || child.wait()).await.map_err(io::Error::other).flatten() {
            Ok(status) => cause(status, limit),
            Err(error) => SqlError::Engine(format!("its process cannot be waited for: {error}")),
        }
    }
}

/// A process that runs out of memory or stack aborts; the system kills the one that needs most when there is none left.
fn cause(status: ExitStatus, limit: usize) -> SqlError {
    match status.signal() {
        Some(_) => SqlError::TooLarge { limit: limit >> 20 },
        None => SqlError::Engine(format!("its process ended ({status})")),
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        let _ = child.kill();
        // It has much to give back; nobody waits for that.
        std::thread::spawn(move || child.wait());
    }
}
