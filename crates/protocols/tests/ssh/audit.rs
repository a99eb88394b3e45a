//! What a stranger sees of the gate's cryptography.

use std::process::Command;

use crate::bed::{Bed, run, stdout};

/// Runs PyPI's `ssh-audit`; ignored where a suite cannot count on it: `cargo nextest run --run-ignored all`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs ssh-audit (PyPI) on the path"]
async fn ssh_audit_finds_no_failure() {
    let bed = Bed::new("{}").await;
    let mut audit = Command::new("ssh-audit");
    audit.args(["--no-colors", "--skip-rate-test", &bed.address]);
    let report = stdout(&run(audit).await);
    assert!(report.contains("(kex)"), "{report}");
    // It warns of curve25519, which clients before OpenSSH 9.9 need.
    assert!(!report.contains("[fail]"), "{report}");
}

/// The algorithms, without any tool: what `ssh -v` says was agreed.
#[tokio::test(flavor = "multi_thread")]
async fn stock_clients_agree_on_modern_algorithms_and_strict_key_exchange() {
    let bed = Bed::new("{}").await;
    let output = run(bed.ssh("web-1", &["-vv", "true"])).await;
    let log = crate::bed::stderr(&output);
    assert!(log.contains("kex-strict-s-v00@openssh.com"), "{log}");
    assert!(log.contains("kex: host key algorithm: ssh-ed25519-cert-v01@openssh.com"), "{log}");
    assert!(log.contains("compression: none"), "{log}");
    assert!(log.contains("Authentications that can continue: publickey\r\n"), "{log}");
}
