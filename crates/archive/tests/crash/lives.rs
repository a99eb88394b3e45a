//! Killing the victims of one kind of life until the time is over: at every system call, or at any moment.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::budget::{Budget, Deck, Dice};
use crate::kill::{self, Orders, Point, When};

/// What was done, by name.
#[derive(Clone, Debug, Default)]
pub struct Totals(BTreeMap<&'static str, u64>);

impl Totals {
    /// Counts more of something.
    pub fn count(&mut self, name: &'static str, more: u64) {
        *self.0.entry(name).or_default() += more;
    }

    /// Sets what is no sum of steps.
    pub fn set(&mut self, name: &'static str, number: u64) {
        self.0.insert(name, number);
    }

    fn add(&mut self, other: &Totals) {
        other.0.iter().for_each(|(name, number)| self.count(name, *number));
    }

    fn print(&self, what: &str, seed: u64) {
        let figures: Vec<String> = self.0.iter().map(|(name, number)| format!("{name}={number}")).collect();
        println!("crash totals: {} ({what}; LODGE_CRASH_SEED={seed})", figures.join(" "));
    }
}

/// One folder, crashed, opened and checked, again and again.
pub trait Life {
    /// Begins in a new folder.
    fn begin() -> Self;
    /// What the next victim is told.
    fn orders(&self) -> Orders;
    /// Runs a victim and kills it.
    fn crash(&mut self, when: When);
    /// Opens what it left, as the next server would, and holds it against what was promised.
    fn check(&mut self);
    /// Says whether to give the folder up for a new one.
    fn is_spent(&self) -> bool;
    /// What was done so far.
    fn totals(&self) -> &Totals;
}

/// Kills at system calls, in random order, each before any comes again.
pub fn kill_at_calls<L: Life>(what: &str, budget: &Budget) {
    if let Some(why) = kill::missing_strace() {
        return eprintln!("skipped: {why}");
    }
    let deck = Mutex::new(Deck::new(all_points::<L>(), budget.seed));
    let totals = Mutex::new(Totals::default());
    let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let _alarm = budget.end_on_panic();
                let next = || deck.lock().unwrap().deal().map(When::At);
                totals.lock().unwrap().add(&kill_on_and_on::<L>(budget, next));
            });
        }
    });
    let what = format!("{what}, {} system calls", deck.into_inner().unwrap().progress());
    totals.into_inner().unwrap().print(&what, budget.seed);
}

/// Kills after random times, of so many microseconds at most.
pub fn kill_at_moments<L: Life>(what: &str, budget: &Budget, most: u64) {
    let mut dice = Dice::new(budget.seed);
    let next = || Some(When::After(Duration::from_micros(dice.below(most))));
    kill_on_and_on::<L>(budget, next).print(&format!("{what}, killed after random times"), budget.seed);
}

fn kill_on_and_on<L: Life>(budget: &Budget, mut next: impl FnMut() -> Option<When>) -> Totals {
    let (mut totals, mut life) = (Totals::default(), L::begin());
    while let Some(when) = next().filter(|_| !budget.is_spent()) {
        life.crash(when);
        life.check();
        if life.is_spent() {
            totals.add(life.totals());
            life = L::begin();
        }
    }
    totals.add(life.totals());
    totals
}

/// Finds out at which calls a victim can be killed that has something to seal, to merge and to drop.
fn all_points<L: Life>() -> Vec<Point> {
    let mut life = L::begin();
    for _ in 0..4 {
        life.crash(When::After(Duration::from_secs(30)));
        life.check();
    }
    kill::points(&life.orders()).0
}
