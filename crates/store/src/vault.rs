//! Encryption at rest: XChaCha20-Poly1305 under a master key that lies apart from what it protects.
//!
//! Not a place where things are kept: it turns bytes into bytes, and `tables` keeps them. A sealed value opens only
//! under the name that it was sealed for, so whoever can write to the database cannot swap one secret for another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// Length of the master key, in bytes.
pub const MASTER_KEY_BYTES: usize = 32;

/// Opens every sealed value: three letters and the version of the layout that follows. This one ends in a CRC32C of all
/// before it, which is no secret and no seal: it only tells a damaged value from a wrong master key.
const HEADER: [u8; 4] = *b"LDV\x02";
/// The first layout, without the checksum.
const HEADER_PLAIN: [u8; 4] = *b"LDV\x01";
const NONCE_BYTES: usize = 24;
/// Length of the authentication tag.
const TAG_BYTES: usize = 16;

/// Why the vault could not be opened, or a value not be decrypted.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The master key could not be read or made.
    #[error("cannot read or make the master key {path}")]
    MasterKey {
        /// Path of the master key.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may use the master key file.
    #[error(
        "master key {path} has mode {mode:04o}, so others may read it; run `chmod 0600` on it, or replace the key if it may have been read"
    )]
    Exposed {
        /// Path of the master key.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a master key.
    #[error("master key {path} is not a file of exactly {MASTER_KEY_BYTES} bytes; restore it from a backup")]
    NotAKey {
        /// Path of the master key.
        path: String,
    },
    /// The value was sealed by a newer release.
    #[error(
        "sealed value {name} has a layout that this release does not know; start the newer release again"
    )]
    Layout {
        /// Name that the value was asked for under.
        name: String,
    },
    /// The value is not whole: it is cut short, altered, or no sealed value at all.
    #[error("sealed value {name} is damaged; restore it from a backup (the master key may be right)")]
    Damaged {
        /// Name that the value was asked for under.
        name: String,
    },
    /// The value is whole and was sealed under another master key, or for another name.
    #[error("sealed value {name} was sealed under another master key; give the one that sealed it")]
    Open {
        /// Name that the value was asked for under.
        name: String,
    },
    /// The value has the first layout, in which nothing tells the two apart.
    #[error(
        "sealed value {name} is damaged, or was sealed under another master key; give that key, or restore the value"
    )]
    Unclear {
        /// Name that the value was asked for under.
        name: String,
    },
}

/// Fills a buffer with bytes that nobody can predict. (`store` knows no `event`, so it takes a function.)
pub type RandomFill = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// Seals and opens values; each is bound to a name so that values cannot be swapped.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    random: RandomFill,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(<secret>)")
    }
}

impl Vault {
    /// Opens the master key file (32 bytes, refused when others may read it); makes it, 0600, from `random` where it is missing.
    ///
    /// A new key is synced to disk before this returns: nothing may be sealed under a key that a crash could lose.
    pub fn open(master_key: &Path, random: &RandomFill) -> Result<Vault, VaultError> {
        let refuse = |source| VaultError::MasterKey { path: master_key.display().to_string(), source };
        let key = match read_key(master_key) {
            Err(VaultError::MasterKey { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                make_key(master_key, random).map_err(refuse)?;
                read_key(master_key)?
            }
            read => read?,
        };
        Ok(Vault { cipher: XChaCha20Poly1305::new(&Key::from(*key)), random: random.clone() })
    }

    /// Encrypts `secret` under `name`.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        (self.random)(&mut nonce);
        let aad = associated(name);
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad })
            .expect("XChaCha20-Poly1305 seals everything below 256 GiB");
        let mut value = [&HEADER[..], &nonce, &sealed].concat();
        value.extend(crc32c::crc32c(&value).to_le_bytes());
        value
    }

    /// Decrypts what [`Vault::seal`] made for `name`.
    pub fn unseal(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let name = || name.to_owned();
        let damaged = || VaultError::Damaged { name: name() };
        let (header, rest) = sealed.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (rest, refusal) = match *header {
            HEADER => (checked(sealed).ok_or_else(damaged)?, VaultError::Open { name: name() }),
            HEADER_PLAIN => (rest, VaultError::Unclear { name: name() }),
            [b'L', b'D', b'V', _] => return Err(VaultError::Layout { name: name() }),
            _ => return Err(damaged()),
        };
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
        if ciphertext.len() < TAG_BYTES {
            return Err(damaged());
        }
        let aad = [&header[..], name().as_bytes()].concat();
        let opened = self.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &aad });
        opened.map(Zeroizing::new).map_err(|_| refusal)
    }
}

/// Takes header and checksum off a value whose checksum is right.
fn checked(sealed: &[u8]) -> Option<&[u8]> {
    let (value, checksum) = sealed.split_last_chunk::<4>()?;
    (crc32c::crc32c(value) == u32::from_le_bytes(*checksum)).then(|| value.get(HEADER.len()..))?
}

/// Binds a value to its layout and its name.
fn associated(name: &str) -> Vec<u8> {
    [&HEADER[..], name.as_bytes()].concat()
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; MASTER_KEY_BYTES]>, VaultError> {
    let shown = || path.display().to_string();
    let refuse = |source| VaultError::MasterKey { path: shown(), source };
    let mut file = File::open(path).map_err(refuse)?;
    // Asked of the open file, not of the path, so that what is checked is what is read.
    let metadata = file.metadata().map_err(refuse)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(VaultError::Exposed { path: shown(), mode });
    }
    if !metadata.is_file() || metadata.len() != MASTER_KEY_BYTES as u64 {
        return Err(VaultError::NotAKey { path: shown() });
    }
    let mut key = Zeroizing::new([0; MASTER_KEY_BYTES]);
    file.read_exact(&mut key[..]).map_err(refuse)?;
    Ok(key)
}

/// Writes a new key beside its place and links it there whole, so that a crash never leaves half a key and a
/// second process never overwrites the first one's.
fn make_key(path: &Path, random: &RandomFill) -> io::Result<()> {
    let mut key = Zeroizing::new([0; MASTER_KEY_BYTES]);
    random(&mut key[..]);
    let draft = draft_path(path);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(&key[..])?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder_of(path)
}

fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    fn counting() -> RandomFill {
        let next = AtomicU8::new(1);
        Arc::new(move |bytes| bytes.fill_with(|| next.fetch_add(1, Ordering::Relaxed)))
    }

    fn vault_in(folder: &Path) -> Vault {
        Vault::open(&folder.join("master.key"), &counting()).unwrap()
    }

    #[test]
    fn sealed_values_open_again_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = vault_in(folder.path()).seal("authority/user/1", b"a signing key");
        let reopened = vault_in(folder.path());
        assert_eq!(*reopened.unseal("authority/user/1", &sealed).unwrap(), b"a signing key");
        assert!(!sealed.windows(7).any(|window| window == b"signing"));
    }

    #[test]
    fn a_new_master_key_is_private_and_leaves_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        vault_in(folder.path());
        let files: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["master.key"]);
        let mode = fs::metadata(folder.path().join("master.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn values_cannot_be_swapped_between_names() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault_in(folder.path());
        let sealed = vault.seal("alice/totp", b"secret");
        assert!(matches!(vault.unseal("bob/totp", &sealed), Err(VaultError::Open { .. })));
    }

    #[test]
    fn equal_secrets_are_sealed_differently() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault_in(folder.path());
        assert_ne!(vault.seal("a", b"same"), vault.seal("a", b"same"));
    }

    #[test]
    fn another_master_key_opens_nothing() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealed = vault_in(one.path()).seal("a", b"x");
        let random = counting();
        random(&mut [0; 7]);
        let other = Vault::open(&two.path().join("master.key"), &random).unwrap();
        assert!(matches!(other.unseal("a", &sealed), Err(VaultError::Open { .. })));
    }

    #[test]
    fn a_master_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        vault_in(folder.path());
        let path = folder.path().join("master.key");
        for mode in [0o640, 0o604, 0o660, 0o622, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Vault::open(&path, &counting()), Err(VaultError::Exposed { .. })), "{mode:o}");
        }
    }

    #[test]
    fn a_short_or_long_master_key_is_refused_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for length in [0, 31, 33] {
            fs::write(&path, vec![7; length]).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(Vault::open(&path, &counting()), Err(VaultError::NotAKey { .. })));
            assert_eq!(fs::read(&path).unwrap().len(), length);
        }
    }

    #[test]
    fn a_draft_left_by_a_crash_does_not_stop_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("master.key.new"), b"half").unwrap();
        vault_in(folder.path());
        assert!(!folder.path().join("master.key.new").exists());
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault_in(folder.path());
        let sealed = vault.seal("a", b"some secret");
        for position in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            assert!(vault.unseal("a", &altered).is_err(), "byte {position}");
            assert!(vault.unseal("a", &sealed[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn a_damaged_value_is_told_from_a_wrong_master_key() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let vault = vault_in(one.path());
        let sealed = vault.seal("a", b"some secret");
        for position in 4..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            let damaged = |value: &[u8]| matches!(vault.unseal("a", value), Err(VaultError::Damaged { .. }));
            assert!(damaged(&altered), "byte {position}");
            assert!(damaged(&sealed[..position]), "cut at {position}");
        }
        let random = counting();
        random(&mut [0; 7]);
        let other = Vault::open(&two.path().join("master.key"), &random).unwrap();
        assert!(matches!(other.unseal("a", &sealed), Err(VaultError::Open { .. })));
    }

    #[test]
    fn values_of_the_first_layout_still_open() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault_in(folder.path());
        let nonce = [3; NONCE_BYTES];
        let aad = [&HEADER_PLAIN[..], b"a"].concat();
        let sealed = vault.cipher.encrypt(&XNonce::from(nonce), Payload { msg: b"old", aad: &aad }).unwrap();
        let mut value = [&HEADER_PLAIN[..], &nonce, &sealed].concat();
        assert_eq!(*vault.unseal("a", &value).unwrap(), b"old");
        *value.last_mut().unwrap() ^= 1;
        assert!(matches!(vault.unseal("a", &value), Err(VaultError::Unclear { .. })));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_open_or_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let folder = tempfile::tempdir().unwrap();
            let vault = vault_in(folder.path());
            prop_assert!(vault.unseal("a", &bytes).is_err());
            let headed = [&HEADER[..], &bytes].concat();
            prop_assert!(vault.unseal("a", &headed).is_err());
        }
    }
}
