//! The events that say that an action inside a session was refused.

use access::{Action, ActionRefusal};
use event::Detail;
use event::kinds::{forward, session as kinds};
use event::limits::shorten;

/// The event that says that an action was refused.
pub(crate) fn of(action: &Action, refusal: &ActionRefusal) -> Detail {
    let denied = |direction: &str, host: &str, port: Option<u32>| {
        Detail::ForwardDenied(forward::Denied {
            direction: direction.to_owned(),
            host: host.to_owned(),
            port,
            code: refusal.code.to_owned(),
        })
    };
    let (action, value) = match action {
        Action::LocalForward { host, port } => return denied("local", host, Some(*port)),
        Action::RemoteForward { host, port } => return denied("remote", host, Some(*port)),
        Action::SocketForward { path } => return denied("local_socket", path, None),
        Action::RemoteSocketForward { path } => return denied("remote_socket", path, None),
        Action::AgentForward => return denied("agent", "", None),
        Action::X11Forward => return denied("x11", "", None),
        Action::Shell => ("shell", ""),
        Action::Exec { command } => ("exec", command.as_str()),
        Action::Sftp => ("subsystem", "sftp"),
        Action::Subsystem { name } => ("subsystem", name.as_str()),
        Action::Scp { upload: true } => ("scp", "upload"),
        Action::Scp { upload: false } => ("scp", "download"),
        Action::Environment { name } => ("env", name.as_str()),
    };
    Detail::SessionRejected(kinds::Rejected {
        action: action.to_owned(),
        value: shorten(value),
        code: refusal.code.to_owned(),
    })
}
