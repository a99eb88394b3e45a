//! Where a person's short-lived certificates lie: a folder that only that person can read.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use event::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The folder of one person's login.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// What a login leaves beside its keys and certificates.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// Address of the API, `https://host:port`.
    pub server: String,
    /// Host of the SSH gate.
    pub ssh_host: String,
    /// Port of the SSH gate.
    pub ssh_port: u16,
    /// Who is signed in.
    pub user: String,
    /// Id of the login.
    pub login: String,
    /// When its certificates end.
    pub expires: Timestamp,
}

impl Folder {
    /// Takes the folder that was named, or `lodge` below the user's data folder.
    pub fn new(named: Option<PathBuf>) -> Result<Folder> {
        if let Some(folder) = named {
            return Ok(Folder(std::path::absolute(&folder)?));
        }
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
        let base =
            data.or(home).context("neither XDG_DATA_HOME nor HOME is set; name a folder with --home")?;
        Ok(Folder(base.join("lodge")))
    }

    /// Returns the path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file that only its owner can read (0600), replacing an older one at once.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .with_context(|| format!("cannot make the folder {}", self.0.display()))?;
        let path = self.path(name);
        let unfinished = self.path(&format!(".{name}.{}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file =
            options.open(&unfinished).with_context(|| format!("cannot write {}", unfinished.display()))?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .with_context(|| format!("cannot write {}", path.display()))?;
        fs::rename(&unfinished, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads a file of the folder.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Says whether anybody is, or was, signed in here.
    pub fn has_profile(&self) -> bool {
        self.path("profile.json").exists()
    }

    /// Reads the profile of whoever is signed in.
    pub fn profile(&self) -> Result<Profile> {
        if !self.has_profile() {
            return Err(Failure::NotSignedIn("nobody is signed in; run `lodge login`".to_owned()).into());
        }
        let text = self.read("profile.json")?;
        serde_json::from_str(&text)
            .context("profile.json is damaged; run `lodge login --server ADDRESS` again")
    }

    /// Removes keys and certificates; what is not there is no error.
    pub fn clear(&self) -> Result<()> {
        for name in ["profile.json", "id", "id.pub", "id-cert.pub", "tls.key", "tls.crt"] {
            match fs::remove_file(self.path(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error)
                        .with_context(|| format!("cannot remove {}", self.path(name).display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the folder itself.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}
