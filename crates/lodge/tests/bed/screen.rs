//! A real X server without a monitor (`Xvfb`).

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running X server.
pub struct Screen {
    child: Child,
    display: String,
    cookies: PathBuf,
}

impl Screen {
    /// Starts it under a number of its own choice; `folder` takes the cookies of those who draw on it.
    pub fn start(folder: &Path) -> Screen {
        let mut command = Command::new("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            "640x480x24",
            "+extension",
            "SECURITY",
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("Xvfb can be started");
        let mut number = String::new();
        let mut said = BufReader::new(child.stdout.take().expect("standard output is piped"));
        said.read_line(&mut number).expect("Xvfb says its number");
        let display = format!(":{}", number.trim());
        Screen { child, display, cookies: folder.join("client-Xauthority") }
    }

    /// Lets a command's programs draw on it.
    pub fn show<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DISPLAY", &self.display).env("XAUTHORITY", &self.cookies)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
