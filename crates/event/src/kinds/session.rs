//! Sessions and what happens inside them.

details! {
    /// A session's beginning.
    Start {
        /// `ssh`.
        protocol: String,
        /// Account on the target.
        login: String,
        /// `required`, `best_effort` or `off`.
        recording: String,
        /// Whether what is typed is recorded too.
        record_input: bool,
        /// The `access.granted` event that allowed it.
        granted_by: crate::EventId,
        /// Position of that event in the log.
        granted_at: u64,
    }
    /// A session's end.
    End {
        /// How long it lasted, in milliseconds.
        duration_ms: u64,
        /// Bytes from the client to the target.
        bytes_in: u64,
        /// Bytes from the target to the client.
        bytes_out: u64,
        /// Root hash of the recording, in hexadecimal; absent when nothing was recorded.
        recording_root: Option<String>,
        /// What ended it: `client`, `target`, `idle`, `expired`, `locked`, `terminated`, `shutdown`, `error`.
        ended_by: String,
    }
    /// An interactive shell.
    Shell {
        /// Channel number within the session.
        channel: u32,
        /// Terminal type, when a terminal was asked for.
        terminal: Option<String>,
    }
    /// A command.
    Command {
        /// Channel number within the session.
        channel: u32,
        /// The command line, as it was sent; bytes that are not UTF-8 are replaced.
        command: String,
        /// Terminal type, when a terminal was asked for.
        terminal: Option<String>,
    }
    /// The end of a command, shell or subsystem.
    CommandEnd {
        /// Channel number within the session.
        channel: u32,
        /// Exit code.
        exit_code: Option<u32>,
        /// Signal that ended it, without the `SIG`.
        signal: Option<String>,
        /// Bytes sent to its standard input.
        stdin_bytes: u64,
        /// Bytes that it wrote to standard output.
        stdout_bytes: u64,
        /// Bytes that it wrote to standard error.
        stderr_bytes: u64,
        /// How long it ran, in milliseconds.
        duration_ms: u64,
    }
    /// A subsystem.
    Subsystem {
        /// Channel number within the session.
        channel: u32,
        /// Its name.
        name: String,
    }
    /// A request of another kind.
    Request {
        /// Channel number within the session; absent for a global request.
        channel: Option<u32>,
        /// Its type, as SSH names it: `env`, `auth-agent-req@openssh.com`, …
        request: String,
        /// What it asked for, shortened to 4 KiB.
        value: String,
        /// Whether it was passed on.
        accepted: bool,
    }
    /// An action that was refused.
    Rejected {
        /// What was tried: `shell`, `exec`, `subsystem`, `env`, …
        action: String,
        /// What it asked for, shortened to 4 KiB.
        value: String,
        /// Stable word for the reason.
        code: String,
    }
    /// A session that was cut.
    Terminated {
        /// `person`; `lock`, `login` (ended, or its user is gone), `access` (no rule grants it any more, or the target changed);
        /// `expired`, `idle`, `recording`, `log`.
        cause: String,
    }
    /// Somebody who looks on while a session runs.
    Watched {
        /// Whether the person whose session it is was told, on a terminal of theirs.
        told: bool,
    }
    /// A session that a crash left open.
    Abandoned {
        /// The `session.start` event.
        started_at: crate::Timestamp,
        /// Whether a recording was saved, up to the crash.
        recording_saved: bool,
    }
}
