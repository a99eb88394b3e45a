//! How long a crash test may go on, where, and in which order it does things.
//!
//! `LODGE_CRASH_SECONDS` is the budget of all crash tests of a crate together; each takes its share. `LODGE_CRASH_SEED`
//! repeats an order; threads and processes still interleave as they like.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Bytes that all folders of all tests fit into.
const ENOUGH: u64 = 1 << 30;

/// Time that a test may take, shared by its threads.
pub struct Budget {
    end: Instant,
    over: AtomicBool,
    /// What the order of things follows from.
    pub seed: u64,
}

impl Budget {
    /// Takes `percent` of the seconds that the environment grants, or else of `seconds`.
    pub fn share(percent: u64, seconds: u64) -> Budget {
        let granted = number("LODGE_CRASH_SECONDS").unwrap_or(seconds);
        let seed = number("LODGE_CRASH_SEED").unwrap_or_else(|| {
            // Whatever differs between two runs is good enough to cover other points.
            let name = tempfile::tempdir().expect("a temporary folder");
            name.path().as_os_str().as_encoded_bytes().iter().fold(7, |seed, byte| {
                u64::wrapping_add(u64::wrapping_mul(seed, 0x0100_0000_01B3), u64::from(*byte))
            })
        });
        let end = Instant::now() + Duration::from_millis(granted * 10 * percent);
        Budget { end, over: AtomicBool::new(false), seed }
    }

    /// Tells whether to begin nothing more.
    pub fn is_spent(&self) -> bool {
        self.over.load(Ordering::Relaxed) || Instant::now() >= self.end
    }

    /// Makes all threads of a test end when one of them fails, where this is dropped.
    pub fn end_on_panic(&self) -> impl Drop {
        Alarm(&self.over)
    }
}

struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// A folder in memory where there is enough: a kill leaves the page cache, so a slow disk would only cost time.
pub fn fast_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |figures| figures.f_bavail * figures.f_frsize);
    if free >= ENOUGH { memory.to_owned() } else { std::env::temp_dir() }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text:?}")))
}

/// Dice that fall the same way for the same seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in `sides` times.
    pub fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            things.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

/// Cards that are dealt in random order, all of them before any comes again.
pub struct Deck<T> {
    cards: Vec<T>,
    dealt: usize,
    dice: Dice,
}

impl<T: Copy> Deck<T> {
    pub fn new(cards: Vec<T>, seed: u64) -> Deck<T> {
        Deck { cards, dealt: 0, dice: Dice::new(seed) }
    }

    /// Deals a card; none where there are none at all.
    pub fn deal(&mut self) -> Option<T> {
        let at = self.dealt.checked_rem(self.cards.len())?;
        if at == 0 {
            self.dice.shuffle(&mut self.cards);
        }
        self.dealt += 1;
        Some(self.cards[at])
    }

    /// Says how many of the cards were dealt.
    pub fn progress(&self) -> String {
        format!("{} times at one of {}", self.dealt, self.cards.len())
    }
}
