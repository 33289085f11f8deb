//! Wrong keys and tokens: an address from which too many come is not listened to for a while.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use alo_protocol::Rate;

use super::{address::Address, buckets::Buckets};

/// For how long at least even right keys are refused, milliseconds.
const LOCK_MS: u64 = 10_000;

/// See the module.
pub(super) struct Refusals {
    buckets: Buckets<Address>,
    /// Until when.
    locked: Mutex<HashMap<Address, u64>>,
}

impl Refusals {
    /// With so many wrong ones from an address.
    pub(super) fn new(rate: Option<Rate>) -> Self {
        Self {
            buckets: Buckets::new(rate),
            locked: Mutex::default(),
        }
    }

    /// Whether the address is listened to.
    ///
    /// # Errors
    /// After how many milliseconds it will be.
    pub(super) fn check(&self, address: Address, now_ms: u64) -> Result<(), u64> {
        let locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        match locked.get(&address) {
            Some(until) if *until > now_ms => Err(until - now_ms),
            Some(_) | None => Ok(()),
        }
    }

    /// A key or token from this address was wrong. True if the address is not listened to from now on.
    pub(super) fn add(&self, address: Address, now_ms: u64) -> bool {
        if address == Address::Unknown {
            return false;
        }
        let Err(wait_ms) = self.buckets.take(&address, 1, now_ms) else {
            return false;
        };
        let mut locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        locked.insert(address, now_ms + wait_ms.max(LOCK_MS));
        true
    }

    /// Forgets addresses that are listened to again.
    pub(super) fn shrink(&self, now_ms: u64) {
        self.buckets.shrink(now_ms);
        let mut locked = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        locked.retain(|_, until| *until > now_ms);
        locked.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_too_many_wrong_keys_is_not_listened_to_for_a_while() {
        let refusals = Refusals::new(Some(Rate {
            per_minute: 60,
            burst: 2,
        }));
        let address = |ip: &str| Address::of(ip.parse().unwrap());
        let (mallory, ada) = (address("192.0.2.1"), address("192.0.2.2"));
        assert!(!refusals.add(mallory, 0));
        assert!(!refusals.add(mallory, 0));
        assert_eq!(refusals.check(mallory, 0), Ok(()));
        assert!(refusals.add(mallory, 0));
        assert_eq!(refusals.check(mallory, 1), Err(LOCK_MS - 1));
        assert_eq!(refusals.check(ada, 1), Ok(()));
        assert_eq!(refusals.check(mallory, LOCK_MS), Ok(()));
        refusals.shrink(LOCK_MS);
        assert!(refusals.locked.lock().unwrap().is_empty());
        // Clients behind a proxy that was not named are not one.
        assert!((0..100).all(|_| !refusals.add(Address::Unknown, 0)));
    }
}
