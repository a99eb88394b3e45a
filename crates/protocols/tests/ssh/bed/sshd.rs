//! A stock OpenSSH server on a port of its own, which trusts the gate authority.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use event::Actor;
use identity::{AuthorityKind, Identity};
use russh::keys::ssh_key::LineEnding;

use super::person::{key_of, write_private};

/// A running `sshd`; stopped when dropped.
pub struct Sshd {
    pub address: String,
    child: Child,
}

impl Sshd {
    /// Starts a server whose host certificate names `principal`.
    pub async fn start(identity: &Identity, folder: &Path, principal: &str) -> Sshd {
        std::fs::create_dir_all(folder).unwrap();
        let key = key_of(principal);
        let public = key.public_key().to_openssh().unwrap();
        let life = Duration::from_secs(3600);
        let boss = event::Author::of(Actor::human("boss"), None);
        let certificate =
            identity.target_host_certificate(&boss, &public, &[principal.to_owned()], life).await.unwrap();
        let authorities = identity.trusted_keys(AuthorityKind::Gate);
        let authorities: String = authorities.iter().map(|key| key.to_openssh().unwrap() + "\n").collect();
        write_private(&folder.join("host_key"), &key.to_openssh(LineEnding::LF).unwrap());
        std::fs::write(folder.join("host_key.pub"), public).unwrap();
        std::fs::write(folder.join("host_key-cert.pub"), certificate.to_openssh().unwrap()).unwrap();
        std::fs::write(folder.join("authorities"), authorities).unwrap();
        // Free a moment ago; the suite runs on loopback, where nobody else takes it meanwhile.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        write_private(&folder.join("sshd_config"), &config(folder, port));
        Sshd { address: format!("127.0.0.1:{port}"), child: spawn(folder, port) }
    }

    /// The public half of the host key.
    pub fn public_key(principal: &str) -> String {
        key_of(principal).public_key().to_openssh().unwrap()
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn config(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "ListenAddress 127.0.0.1\nPort {port}\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n\
         HostKey {folder}/host_key\nHostCertificate {folder}/host_key-cert.pub\n\
         TrustedUserCAKeys {folder}/authorities\nAuthorizedKeysFile none\nPasswordAuthentication no\n\
         AllowAgentForwarding yes\nAllowTcpForwarding yes\nAllowStreamLocalForwarding yes\nX11Forwarding yes\n\
         AcceptEnv LANG LC_*\nMaxStartups 100\nMaxSessions 100\nSubsystem sftp internal-sftp\n"
    )
}

fn spawn(folder: &Path, port: u16) -> Child {
    // Debian's sshd wants this folder for its unprivileged child; without rights it is not used.
    let _ = std::fs::create_dir_all("/run/sshd");
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let child = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("sshd is installed (Debian: openssh-server)");
    let up = (0..500).any(|_| {
        let up = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        if !up {
            std::thread::sleep(Duration::from_millis(20));
        }
        up
    });
    assert!(up, "{}", std::fs::read_to_string(folder.join("log")).unwrap());
    child
}
