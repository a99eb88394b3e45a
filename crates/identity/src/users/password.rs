//! Passwords: what is taken, and how it is kept (Argon2id, RFC 9106, with OWASP's parameters for servers).
//!
//! Hashing is slow on purpose, so it runs beside the async workers, a few at a time; beyond a short queue it is refused.

use argon2::{Algorithm, Argon2, Params, Version};
use event::Ambient;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::change::settle;
use crate::names::UserName;
use crate::rows::base64_bytes;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_BYTES: usize = 32;

const MIN_CHARACTERS: usize = 12;
const MAX_BYTES: usize = 1024;

/// Hashes that are computed at once; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// Tries that are checked or wait to be.
const QUEUE: usize = 256;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("a password needs at least {MIN_CHARACTERS} characters")]
    Short,
    /// Too many bytes.
    #[error("a password has at most {MAX_BYTES} bytes")]
    Long,
    /// It is the user's name.
    #[error("a password must not be the user's name")]
    IsName,
}

/// Checks a new password.
pub(crate) fn check(password: &SecretString, user: &UserName) -> Result<(), PasswordError> {
    let password = password.expose_secret();
    if password.len() > MAX_BYTES {
        return Err(PasswordError::Long);
    }
    if password.chars().count() < MIN_CHARACTERS {
        return Err(PasswordError::Short);
    }
    if password.trim().eq_ignore_ascii_case(user.as_str()) {
        return Err(PasswordError::IsName);
    }
    Ok(())
}

/// A password's hash and how it was made, so that the parameters may change without locking anyone out.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    #[serde(with = "base64_bytes")]
    salt: Vec<u8>,
    #[serde(with = "base64_bytes")]
    hash: Vec<u8>,
}

impl PasswordHash {
    /// The hash of nobody's password: verifying against it costs what verifying costs, and fails.
    pub fn decoy() -> PasswordHash {
        PasswordHash {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: vec![0; 16],
            hash: Vec::new(),
        }
    }

    fn make(password: &SecretString, salt: [u8; 16]) -> PasswordHash {
        let mut hash = PasswordHash { salt: salt.to_vec(), ..PasswordHash::decoy() };
        hash.hash =
            hash.compute(password).expect("the parameters and the salt's length are constants").to_vec();
        hash
    }

    fn matches(&self, password: &SecretString) -> bool {
        self.compute(password).is_some_and(|computed| computed.ct_eq(&self.hash).into())
    }

    fn compute(&self, password: &SecretString) -> Option<[u8; HASH_BYTES]> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH_BYTES)).ok()?;
        let mut hash = [0; HASH_BYTES];
        let password = password.expose_secret().as_bytes();
        // Longer ones were never set, and hashing them would be work for nothing.
        let password = &password[..password.len().min(MAX_BYTES + 1)];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password, &self.salt, &mut hash)
            .ok()?;
        Some(hash)
    }
}

/// More hashes are asked for than can be waited for.
#[derive(Debug)]
pub(crate) struct Busy;

/// Computes hashes beside the async workers, a few at a time.
pub(crate) struct Hashing {
    queue: Semaphore,
    running: Semaphore,
}

impl Default for Hashing {
    fn default() -> Hashing {
        Hashing { queue: Semaphore::new(QUEUE), running: Semaphore::new(AT_ONCE) }
    }
}

/// A place in the queue.
pub(crate) struct Place<'a>(#[expect(dead_code, reason = "held, not read")] SemaphorePermit<'a>);

impl Hashing {
    /// Takes a place in the queue, before anything else is waited for.
    pub fn place(&self) -> Result<Place<'_>, Busy> {
        self.queue.try_acquire().map(Place).map_err(|_| Busy)
    }

    /// Hashes a new password.
    pub async fn hash(&self, _place: &Place<'_>, password: SecretString, ambient: &Ambient) -> PasswordHash {
        let salt = ambient.random();
        self.run(move || PasswordHash::make(&password, salt)).await
    }

    /// Says whether a password is the one that was hashed.
    pub async fn verify(&self, _place: &Place<'_>, password: SecretString, hash: PasswordHash) -> bool {
        self.run(move || hash.matches(&password)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _running = self.running.acquire().await.expect("nobody closes the semaphore");
        settle(tokio::task::spawn_blocking(work)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(password: &str) -> Result<(), PasswordError> {
        check(&password.into(), &"alice-of-accounting".parse().unwrap())
    }

    #[test]
    fn length_is_the_rule_and_the_user_name_is_no_password() {
        assert_eq!(checked("elevenchars"), Err(PasswordError::Short));
        assert_eq!(checked("éééééééééééé"), Ok(()));
        assert_eq!(checked(&"x".repeat(1024)), Ok(()));
        assert_eq!(checked(&"x".repeat(1025)), Err(PasswordError::Long));
        assert_eq!(checked(" Alice-of-Accounting "), Err(PasswordError::IsName));
        assert_eq!(checked("correct horse battery staple"), Ok(()));
    }

    #[test]
    fn only_the_password_that_was_hashed_matches() {
        let hash = PasswordHash::make(&"correct horse battery".into(), [7; 16]);
        assert!(hash.matches(&"correct horse battery".into()));
        assert!(!hash.matches(&"correct horse batterY".into()));
        assert!(!PasswordHash::decoy().matches(&"".into()));
    }

    #[test]
    fn kept_hashes_say_how_they_were_made_and_still_match() {
        let json =
            serde_json::to_string(&PasswordHash::make(&"correct horse battery".into(), [7; 16])).unwrap();
        assert!(json.contains("\"memory_kib\":19456") && !json.contains("horse"));
        assert!(
            serde_json::from_str::<PasswordHash>(&json).unwrap().matches(&"correct horse battery".into())
        );
    }

    #[test]
    fn beyond_the_queue_tries_are_refused_instead_of_piling_up() {
        let hashing = Hashing { queue: Semaphore::new(1), running: Semaphore::new(1) };
        let place = hashing.place().unwrap();
        assert!(hashing.place().is_err());
        drop(place);
        assert!(hashing.place().is_ok());
    }
}
