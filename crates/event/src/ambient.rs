//! The two things a program takes from the world without asking: the time and chance. Both are passed in.

use std::sync::{Arc, Mutex};

use crate::{Clock, EventId, ManualClock, SessionId, Timestamp};

/// Gives random bytes. Only `server` implements it on the operating system's generator.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with bytes that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// A repeatable stream of bytes for tests (SplitMix64); never for keys.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// Makes the stream that belongs to `seed`.
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("no panic happens while the lock is held");
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Carries the clock and the source of randomness to whoever needs them.
#[derive(Clone)]
pub struct Ambient {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Ambient {
    /// Joins a clock and a source of randomness.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Ambient {
        Ambient { clock, entropy }
    }

    /// Makes a repeatable pair for tests; the clock is returned so that the test can move it.
    pub fn fixed(start: Timestamp, seed: u64) -> (Ambient, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(start));
        (Ambient::new(clock.clone(), Arc::new(SeededEntropy::new(seed))), clock)
    }

    /// Returns the present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// Fills `bytes` with random bytes.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    /// Makes a new event id.
    pub fn event_id(&self) -> EventId {
        EventId::new(self.now(), self.random())
    }

    /// Makes a new session id.
    pub fn session_id(&self) -> SessionId {
        SessionId::new(self.now(), self.random())
    }
}
