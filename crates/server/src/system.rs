//! The system's clock and randomness: the one place where Lodge reads either.

use std::sync::Arc;

use event::{Ambient, Clock, Entropy, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};

/// Reads the system's real-time clock.
#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now();
        let since_epoch = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Reads the operating system's generator.
#[derive(Debug)]
struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // A system that cannot give randomness cannot make keys: going on would be worse than stopping.
        self.0.fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Joins the system's clock and randomness.
pub fn ambient() -> Ambient {
    Ambient::new(Arc::new(SystemClock), Arc::new(SystemEntropy(SystemRandom::new())))
}
