//! Forwarded connections.

details! {
    /// A forwarded connection.
    Opened {
        /// Channel number within the session.
        channel: u32,
        /// `local`, `remote`, `agent`, `x11`, `local_socket`, `remote_socket`.
        direction: String,
        /// Host or socket path that is reached.
        host: String,
        /// Port that is reached.
        port: Option<u32>,
        /// Where the connection came from, as the opener says.
        originator: Option<String>,
    }
    /// A forwarded connection's end.
    Closed {
        /// Channel number within the session.
        channel: u32,
        /// As in `forward.open`.
        direction: String,
        /// Host or socket path that was reached.
        host: String,
        /// Port that was reached.
        port: Option<u32>,
        /// Bytes from the client's side.
        bytes_in: u64,
        /// Bytes from the target's side.
        bytes_out: u64,
    }
    /// A remote listener.
    Listen {
        /// Address or socket path to listen on.
        host: String,
        /// Port to listen on; 0 lets the target choose.
        port: Option<u32>,
        /// Whether the listener was withdrawn.
        cancelled: bool,
    }
    /// A forward that was refused.
    Denied {
        /// As in `forward.open`.
        direction: String,
        /// Host or socket path that was asked for.
        host: String,
        /// Port that was asked for.
        port: Option<u32>,
        /// Stable word for the reason.
        code: String,
    }
}
