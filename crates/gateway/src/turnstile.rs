//! Limits on what one host may take up of a port, and on how often it may come to nothing.
//!
//! A host is an IPv4 address or an IPv6 network of 64 bits, see [`one_host`]. The invariant: what is kept is bounded by
//! the connections that are open and by those that came to nothing since the last [`Turnstile::turn_over`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

/// Counts the connections to a port. Clones count together.
#[derive(Clone)]
pub struct Turnstile {
    inside: Arc<Mutex<Inside>>,
    most: usize,
    most_per_host: usize,
    most_failures: u32,
}

#[derive(Default)]
struct Inside {
    all: usize,
    by_host: HashMap<IpAddr, Host>,
}

/// What is known of one host in the present period.
#[derive(Default)]
struct Host {
    open: usize,
    failures: u32,
    turned_away: u32,
}

/// A counted connection, until it is dropped.
pub struct Entered {
    turnstile: Turnstile,
    host: IpAddr,
    proved: bool,
}

/// Why a connection is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// Too many are open.
    #[error("too many connections are open")]
    Full,
    /// Too many of this host came to nothing lately.
    #[error("too many connections of this host came to nothing lately")]
    TooOften,
}

impl Turnstile {
    /// Lets in `most` connections at once, `most_per_host` of them from one host.
    pub fn new(most: usize, most_per_host: usize) -> Turnstile {
        Turnstile { inside: Arc::default(), most, most_per_host, most_failures: u32::MAX }
    }

    /// Lets a host's connections come to nothing so many times a period; further ones are turned away.
    pub fn failing_at_most(self, most_failures: u32) -> Turnstile {
        Turnstile { most_failures, ..self }
    }

    /// Lets a connection in, unless there are too many.
    pub fn enter(&self, address: IpAddr) -> Result<Entered, TurnedAway> {
        let address = one_host(address);
        let mut inside = self.inside();
        let all = inside.all;
        let host = inside.by_host.entry(address).or_default();
        if host.failures >= self.most_failures {
            host.turned_away = host.turned_away.saturating_add(1);
            return Err(TurnedAway::TooOften);
        }
        if all >= self.most || host.open >= self.most_per_host {
            inside.forget_if_idle(address);
            return Err(TurnedAway::Full);
        }
        host.open += 1;
        inside.all += 1;
        Ok(Entered { turnstile: self.clone(), host: address, proved: false })
    }

    /// Begins a new period. Returns the hosts that were turned away in the one before for coming to nothing too often, and
    /// how many times.
    pub fn turn_over(&self) -> Vec<(IpAddr, u32)> {
        let mut turned_away = Vec::new();
        self.inside().by_host.retain(|address, host| {
            if host.turned_away > 0 {
                turned_away.push((*address, host.turned_away));
            }
            (host.failures, host.turned_away) = (0, 0);
            host.open > 0
        });
        turned_away
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("no panic happens while the lock is held")
    }
}

impl Inside {
    fn forget_if_idle(&mut self, address: IpAddr) {
        let idle = |host: &Host| host.open == 0 && host.failures == 0;
        if self.by_host.get(&address).is_some_and(idle) {
            self.by_host.remove(&address);
        }
    }
}

impl Entered {
    /// Gives the place back: whoever is there is known, and did not come for nothing.
    pub fn prove(mut self) {
        self.proved = true;
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut inside = self.turnstile.inside();
        inside.all -= 1;
        let Some(host) = inside.by_host.get_mut(&self.host) else { return };
        host.open -= 1;
        if !self.proved && self.turnstile.most_failures < u32::MAX {
            host.failures = host.failures.saturating_add(1);
        }
        inside.forget_if_idle(self.host);
    }
}

/// Returns what counts as one host: mapped and plain IPv4 are one address, and an IPv6 network of 64 bits is one host's.
pub fn one_host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let turnstile = Turnstile::new(3, 2);
        let (one, two) = (address("10.0.0.1"), address("10.0.0.2"));
        let first = turnstile.enter(one).unwrap();
        let _second = turnstile.enter(one).unwrap();
        assert!(turnstile.enter(one).is_err(), "a third from one address");
        let _third = turnstile.enter(two).unwrap();
        assert!(turnstile.enter(two).is_err(), "a fourth in all");
        drop(first);
        assert!(turnstile.enter(two).is_ok(), "a place was given back");
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let turnstile = Turnstile::new(9, 1);
        let _first = turnstile.enter(address("2001:db8::1")).unwrap();
        assert!(turnstile.enter(address("2001:db8::2")).is_err());
        assert!(turnstile.enter(address("2001:db8:0:1::1")).is_ok());
        let _four = turnstile.enter(address("192.0.2.1")).unwrap();
        assert!(turnstile.enter(address("::ffff:192.0.2.1")).is_err());
    }

    #[test]
    fn who_comes_to_nothing_too_often_is_turned_away_for_a_while_and_counted_once() {
        let turnstile = Turnstile::new(9, 9).failing_at_most(2);
        let (one, two) = (address("10.0.0.1"), address("10.0.0.2"));
        for _ in 0..9 {
            turnstile.enter(one).unwrap().prove();
        }
        for _ in 0..2 {
            drop(turnstile.enter(one).unwrap());
        }
        for _ in 0..3 {
            assert_eq!(turnstile.enter(one).err(), Some(TurnedAway::TooOften));
        }
        assert!(turnstile.enter(two).is_ok(), "others are not held up");
        assert_eq!(turnstile.turn_over(), [(one, 3)]);
        assert!(turnstile.enter(one).is_ok());
        assert_eq!(turnstile.turn_over(), []);
    }

    #[test]
    fn nothing_is_kept_of_hosts_that_are_gone() {
        let turnstile = Turnstile::new(9, 9).failing_at_most(2);
        for last in 0..9 {
            drop(turnstile.enter(address(&format!("10.0.0.{last}"))).unwrap());
        }
        turnstile.turn_over();
        assert!(turnstile.inside().by_host.is_empty());
        let unlimited = Turnstile::new(9, 9);
        drop(unlimited.enter(address("10.0.0.1")).unwrap());
        assert!(unlimited.inside().by_host.is_empty());
    }
}
