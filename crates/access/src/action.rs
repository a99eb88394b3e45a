//! Actions inside a session, each decided on its own by the session's options.
//!
//! Refusing file transfer keeps honest tools out and the record clear; it is no wall, since whoever may run commands can
//! move bytes through one. What they do is recorded either way.

use crate::options::SessionOptions;

/// What is tried inside a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// An interactive shell.
    Shell,
    /// A command.
    Exec {
        /// The command line.
        command: String,
    },
    /// The SFTP subsystem.
    Sftp,
    /// Another subsystem.
    Subsystem {
        /// Its name.
        name: String,
    },
    /// A copy by the SCP protocol.
    Scp {
        /// Whether files go to the target.
        upload: bool,
    },
    /// A TCP connection from the client through the target.
    LocalForward {
        /// Host to connect to.
        host: String,
        /// Its port.
        port: u32,
    },
    /// A listener on the target, whose connections come to the client.
    RemoteForward {
        /// Address to listen on.
        host: String,
        /// Port to listen on; 0 lets the target choose.
        port: u32,
    },
    /// A connection from the client to a Unix socket on the target.
    SocketForward {
        /// Its path.
        path: String,
    },
    /// A Unix socket on the target that listens, and whose connections come to the client.
    RemoteSocketForward {
        /// Its path.
        path: String,
    },
    /// The client's SSH agent on the target.
    AgentForward,
    /// The client's X11 display on the target.
    X11Forward,
    /// An environment variable.
    Environment {
        /// Its name.
        name: String,
    },
}

/// Why an action inside a session was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ActionRefusal {
    /// Stable word.
    pub code: &'static str,
    /// One sentence for the person.
    pub why: String,
}

/// Environment variables that clients may set: language and colour, and the version of git's protocol. All others can
/// change what programs on the target load or run.
const ENVIRONMENT: [&str; 6] = ["LANG", "LANGUAGE", "TERM", "COLORTERM", "NO_COLOR", "GIT_PROTOCOL"];

/// Programs that only move files; started by a command, they are file transfer.
const TRANSFER_PROGRAMS: [&str; 4] = ["scp", "rsync", "sftp-server", "internal-sftp"];

/// Decides one action by the options.
pub(crate) fn allowed(options: &SessionOptions, action: &Action) -> Result<(), ActionRefusal> {
    match action {
        Action::Shell => Ok(()),
        Action::Exec { command } if is_transfer(command) => file_transfer(options),
        Action::Subsystem { name } if name == "sftp" => file_transfer(options),
        Action::Exec { .. } | Action::Subsystem { .. } => Ok(()),
        Action::Sftp | Action::Scp { .. } => file_transfer(options),
        Action::LocalForward { port, .. } => valid_port(*port, 1).and_then(|()| port_forwarding(options)),
        Action::RemoteForward { port, .. } => valid_port(*port, 0).and_then(|()| port_forwarding(options)),
        Action::SocketForward { .. } | Action::RemoteSocketForward { .. } => port_forwarding(options),
        Action::AgentForward => permitted(options.agent_forwarding, "agent_forwarding", "agent forwarding"),
        Action::X11Forward => permitted(options.x11_forwarding, "x11_forwarding", "X11 forwarding"),
        Action::Environment { name } => environment(name),
    }
}

fn permitted(given: bool, code: &'static str, what: &str) -> Result<(), ActionRefusal> {
    let why = || format!("{what} is not allowed by every role that grants this session");
    if given { Ok(()) } else { Err(ActionRefusal { code, why: why() }) }
}

fn file_transfer(options: &SessionOptions) -> Result<(), ActionRefusal> {
    permitted(options.file_transfer, "file_transfer", "file transfer")
}

fn port_forwarding(options: &SessionOptions) -> Result<(), ActionRefusal> {
    permitted(options.port_forwarding, "port_forwarding", "port forwarding")
}

fn valid_port(port: u32, least: u32) -> Result<(), ActionRefusal> {
    if (least..=u32::from(u16::MAX)).contains(&port) {
        return Ok(());
    }
    Err(ActionRefusal { code: "port", why: format!("{port} is not a port") })
}

fn environment(name: &str) -> Result<(), ActionRefusal> {
    let language = name.strip_prefix("LC_").is_some_and(|rest| {
        !rest.is_empty()
            && rest.len() <= 32
            && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    });
    if language || ENVIRONMENT.contains(&name) {
        return Ok(());
    }
    let why = format!("the environment variable {:?} is not passed on", crate::names::shorten(name));
    Err(ActionRefusal { code: "environment", why })
}

fn is_transfer(command: &str) -> bool {
    let program = command.split_ascii_whitespace().next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    TRANSFER_PROGRAMS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RoleOptions;

    fn actions() -> Vec<(Action, Option<&'static str>)> {
        let text = str::to_owned;
        vec![
            (Action::Shell, None),
            (Action::Exec { command: text("ls -l") }, None),
            (Action::Exec { command: text("/usr/bin/rsync --server . /tmp") }, Some("file_transfer")),
            (Action::Exec { command: text("/usr/lib/openssh/sftp-server") }, Some("file_transfer")),
            (Action::Sftp, Some("file_transfer")),
            (Action::Subsystem { name: text("sftp") }, Some("file_transfer")),
            (Action::Subsystem { name: text("netconf") }, None),
            (Action::Scp { upload: true }, Some("file_transfer")),
            (Action::Scp { upload: false }, Some("file_transfer")),
            (Action::LocalForward { host: text("db"), port: 5432 }, Some("port_forwarding")),
            (Action::RemoteForward { host: text(""), port: 0 }, Some("port_forwarding")),
            (Action::SocketForward { path: text("/run/docker.sock") }, Some("port_forwarding")),
            (Action::RemoteSocketForward { path: text("/run/mine.sock") }, Some("port_forwarding")),
            (Action::AgentForward, Some("agent_forwarding")),
            (Action::X11Forward, Some("x11_forwarding")),
            (Action::Environment { name: text("LC_ALL") }, None),
        ]
    }

    fn given(option: &str) -> SessionOptions {
        let mut options = RoleOptions::default().complete();
        options.file_transfer = option == "file_transfer";
        options.port_forwarding = option == "port_forwarding";
        options.agent_forwarding = option == "agent_forwarding";
        options.x11_forwarding = option == "x11_forwarding";
        options
    }

    #[test]
    fn each_action_needs_exactly_its_own_option() {
        for option in ["none", "file_transfer", "port_forwarding", "agent_forwarding", "x11_forwarding"] {
            for (action, needs) in actions() {
                let refused = allowed(&given(option), &action).err().map(|refusal| refusal.code);
                let expected = needs.filter(|needed| *needed != option);
                assert_eq!(refused, expected, "{action:?} with only {option}");
            }
        }
    }

    #[test]
    fn ports_that_do_not_exist_are_refused_whatever_the_options() {
        let host = String::new;
        for action in [
            Action::LocalForward { host: host(), port: 0 },
            Action::LocalForward { host: host(), port: 65536 },
            Action::RemoteForward { host: host(), port: u32::MAX },
        ] {
            assert_eq!(allowed(&given("port_forwarding"), &action).unwrap_err().code, "port", "{action:?}");
        }
    }

    #[test]
    fn variables_that_change_what_programs_load_are_refused() {
        for name in [
            "LD_PRELOAD",
            "BASH_ENV",
            "PATH",
            "LC_",
            "LC_ALL\0",
            "lang",
            "",
            "SSH_AUTH_SOCK",
            "GIT_SSH_COMMAND",
        ] {
            let action = Action::Environment { name: name.to_owned() };
            assert_eq!(allowed(&given("none"), &action).unwrap_err().code, "environment", "{name:?}");
        }
        for name in ["LANG", "TERM", "LC_TIME", "GIT_PROTOCOL"] {
            assert!(
                allowed(&given("none"), &Action::Environment { name: name.to_owned() }).is_ok(),
                "{name}"
            );
        }
    }
}
