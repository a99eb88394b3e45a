//! How many names that no target has are certified for strangers.
//!
//! Each new name costs a signature and an event, and anyone who reaches the port may ask for one. Names of targets are
//! not counted, so a flood of others never stands in anybody's way.

use std::sync::Mutex;
use std::time::Duration;

use event::Timestamp;

/// Names in a period.
const MOST: u32 = 60;
/// The period.
const PERIOD: Duration = Duration::from_secs(60);

/// What is left of the present period.
#[derive(Default)]
pub(super) struct Budget(Mutex<Period>);

#[derive(Default)]
struct Period {
    began: Timestamp,
    spent: u32,
}

impl Budget {
    /// Takes one name's worth, if there is any left.
    pub(super) fn spend(&self, now: Timestamp) -> bool {
        let mut period = self.0.lock().expect("no panic happens while the lock is held");
        if now.since(period.began) >= PERIOD || now < period.began {
            *period = Period { began: now, spent: 0 };
        }
        if period.spent >= MOST {
            return false;
        }
        period.spent += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_off_and_forgotten_after_a_while() {
        let budget = Budget::default();
        let now = Timestamp::from_micros(1_764_000_000_000_000);
        assert!((0..MOST).all(|_| budget.spend(now)));
        assert!(!budget.spend(now.plus(PERIOD / 2)));
        assert!(budget.spend(now.plus(PERIOD)));
    }
}
