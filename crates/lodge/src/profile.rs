//! Where a person's short-lived certificates lie: a folder that only that person can read.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
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

    /// Reads the profile of whoever is, or was, signed in here; `None` where nobody was. A folder that cannot be read may
    /// hold one, so that is an error.
    pub fn find_profile(&self) -> Result<Option<Profile>> {
        let path = self.path("profile.json");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| {
                format!("cannot read {}; is it yours, and the right folder (--home)?", path.display())
            })?,
        };
        let profile = serde_json::from_str(&text);
        profile.map(Some).context("profile.json is damaged; run `lodge login --server ADDRESS` again")
    }

    /// Reads the profile of whoever is signed in.
    pub fn profile(&self) -> Result<Profile> {
        let nobody = || Failure::NotSignedIn("nobody is signed in; run `lodge login`".to_owned());
        self.find_profile()?.ok_or_else(|| nobody().into())
    }

    /// Removes keys and certificates; what is not there is no error.
    pub fn clear(&self) -> Result<()> {
        for name in ["profile.json", "id", "id.pub", "id-cert.pub", "tls.key", "tls.crt"] {
            match fs::remove_file(self.path(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(home: &Path) -> (String, bool) {
        let error = Folder::new(Some(home.to_owned())).unwrap().profile().unwrap_err();
        let nobody = matches!(error.downcast_ref::<Failure>(), Some(Failure::NotSignedIn(_)));
        (api::told(error.as_ref()), nobody)
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(said(folder.path()).1 && said(&folder.path().join("nothing")).1);
        // Root may read everything, so what cannot be read here is a file in the folder's place.
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let (told, nobody) = said(&file);
        assert!(!nobody && told.contains("cannot read") && told.contains("Not a directory"), "{told}");
    }
}
