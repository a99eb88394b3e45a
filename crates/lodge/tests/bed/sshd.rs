//! A stock OpenSSH server on loopback, in a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Run, free_port, wait_for};

/// A running `sshd`.
pub struct Sshd {
    child: Child,
    /// Where it listens.
    pub port: u16,
    /// Its public host key.
    pub host_key: String,
    /// Its folder.
    pub folder: PathBuf,
}

impl Sshd {
    /// Starts it; it lets in whoever shows a certificate of these authorities.
    pub fn start(folder: &Path, trusted: &str) -> Sshd {
        fs::create_dir_all(folder).expect("a folder can be made");
        let key = folder.join("host_key");
        Run::of(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key)).ok();
        fs::write(folder.join("trusted"), trusted).expect("a file can be written");
        // As root sshd wants the folder of its privilege separation; anyone else needs none.
        let _ = fs::create_dir_all("/run/sshd");
        let port = free_port().expect("there is a free port");
        let shown = folder.display();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {shown}/host_key\nHostCertificate {shown}/host_key-cert.pub\nPidFile none\nTrustedUserCAKeys {shown}/trusted\n\
             AuthorizedKeysFile {shown}/authorized_keys\n\
             UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n\
             AllowAgentForwarding yes\nAllowTcpForwarding yes\nAllowStreamLocalForwarding yes\nX11Forwarding yes\nAcceptEnv LANG LC_*\n\
             SetEnv XAUTHORITY={shown}/Xauthority\n\
             PermitRootLogin prohibit-password\nMaxStartups 1000\nMaxSessions 1000\nLogLevel VERBOSE\nPrintMotd no\n"
        );
        fs::write(folder.join("sshd_config"), config).expect("a file can be written");
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-E"]).arg(folder.join("sshd.log")).arg("-f").arg(folder.join("sshd_config"));
        let child = command.stdin(Stdio::null()).spawn().expect("sshd can be started");
        wait_for(|| banner(port));
        let host_key = fs::read_to_string(folder.join("host_key.pub")).expect("sshd has a public key");
        Sshd { child, port, host_key, folder: folder.to_owned() }
    }

    /// What sshd wrote into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("sshd.log")).unwrap_or_default()
    }

    /// Gives it a host certificate, and waits until it shows that one.
    pub fn certify(&self, certificate: &str) {
        fs::write(self.folder.join("host_key-cert.pub"), certificate).expect("a file can be written");
        Run::of(Command::new("kill").args(["-HUP", &self.id().to_string()])).ok();
        wait_for(|| (self.log().matches("Server listening").count() > 1).then_some(()));
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the greeting of an SSH server, when one is there.
pub fn banner(port: u16) -> Option<String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.starts_with("SSH-2.0-").then_some(line)
}
