//! Limits on what strangers may take up before they prove who they are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// Counts connections without proven identity.
#[derive(Clone)]
pub(super) struct Turnstile {
    inside: Arc<Mutex<Inside>>,
    most: usize,
    most_per_address: usize,
}

#[derive(Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A counted connection; dropped when it has proved itself or gone.
pub(super) struct Stranger {
    turnstile: Turnstile,
    address: IpAddr,
}

impl Turnstile {
    pub(super) fn new(most: usize, most_per_address: usize) -> Turnstile {
        Turnstile { inside: Arc::default(), most, most_per_address }
    }

    /// Lets a connection in, unless there are too many already.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Stranger> {
        // Mapped and plain IPv4 are one address; an IPv6 network of 64 bits is one host's.
        let address = network(address.to_canonical());
        let mut inside = self.inside.lock().expect("no panic happens while the lock is held");
        let here = inside.by_address.get(&address).copied().unwrap_or(0);
        if inside.all >= self.most || here >= self.most_per_address {
            return None;
        }
        inside.all += 1;
        inside.by_address.insert(address, here + 1);
        Some(Stranger { turnstile: self.clone(), address })
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let prefix = u128::from(six) & !u128::from(u64::MAX);
            IpAddr::V6(prefix.into())
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut inside = self.turnstile.inside.lock().expect("no panic happens while the lock is held");
        inside.all -= 1;
        if let Some(here) = inside.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place() {
        let turnstile = Turnstile::new(3, 2);
        let (one, two) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let first = turnstile.enter(one).unwrap();
        let _second = turnstile.enter(one).unwrap();
        assert!(turnstile.enter(one).is_none(), "a third from one address");
        let _third = turnstile.enter(two).unwrap();
        assert!(turnstile.enter(two).is_none(), "a fourth in all");
        drop(first);
        assert!(turnstile.enter(two).is_some(), "a place was given back");
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let turnstile = Turnstile::new(9, 1);
        let _first = turnstile.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert!(turnstile.enter("2001:db8::2".parse().unwrap()).is_none());
        assert!(turnstile.enter("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
