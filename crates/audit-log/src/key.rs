//! The log's signing key: made once, sealed by the vault, never written in the clear.

use std::fs;
use std::io;
use std::path::Path;

use event::Ambient;
use store::vault::{Vault, VaultError};
use zeroize::Zeroizing;

use crate::error::OpenError;
use crate::note::{NoteSigner, VerifierKey};

/// Name that binds the sealed key to its use.
const SEAL: &str = "audit-log/signing-key";

/// Opens the signing key; makes one where the log is new.
pub(crate) fn load(
    folder: &Path,
    origin: &str,
    vault: &Vault,
    ambient: &Ambient,
    is_new: bool,
) -> Result<NoteSigner, OpenError> {
    let path = folder.join("key.sealed");
    let fault = |verb, source| OpenError::Io { verb, path: path.clone(), source };
    let seed: Zeroizing<Vec<u8>> = match fs::read(&path) {
        Ok(sealed) => {
            vault.unseal(SEAL, &sealed).map_err(|source| OpenError::Key { path: path.clone(), source })?
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault("read", error)),
        Err(_) if !is_new => return Err(OpenError::KeyMissing { path }),
        Err(_) => {
            let seed = Zeroizing::new(ambient.random::<32>().to_vec());
            store::durable::replace(&path, &vault.seal(SEAL, &seed))
                .map_err(|error| fault("write", error))?;
            seed
        }
    };
    let unfit =
        || OpenError::Key { path: path.clone(), source: VaultError::Damaged { name: SEAL.to_owned() } };
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.as_slice().try_into().map_err(|_| unfit())?);
    NoteSigner::new(origin, &seed)
        .map_err(|error| OpenError::Config(format!("the origin {origin:?}: {error}")))
}

/// Writes the verifier key for whoever looks into the folder.
pub(crate) fn show(folder: &Path, key: &VerifierKey) -> Result<(), OpenError> {
    let path = folder.join("log.vkey");
    let text = format!("{key}\n");
    if fs::read_to_string(&path).ok().as_deref() == Some(&text) {
        return Ok(());
    }
    let written = store::durable::replace(&path, text.as_bytes());
    written.map_err(|source| OpenError::Io { verb: "write", path, source })
}
