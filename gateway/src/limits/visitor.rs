//! A connection as its limits see it: who opened it, and from where.

use std::sync::Arc;

use alo_protocol::Rates;

use super::{Address, Limiter, Seat};
use crate::audit;

/// See the module. Its places among the open connections are free again when it is dropped.
pub struct Visitor {
    limiter: Arc<Limiter>,
    address: Address,
    _place: Option<Seat<Address>>,
    user: Option<(Arc<str>, Seat<Arc<str>>)>,
}

impl Visitor {
    /// A connection from this address; `None` if there are too many.
    pub fn enter(limiter: Arc<Limiter>, address: Address, now_ms: u64) -> Option<Self> {
        let place = match address {
            Address::Unknown => None,
            Address::Host(_) => {
                let in_time = limiter.check(address, now_ms).is_ok()
                    && limiter
                        .address_connections
                        .take(&address, 1, now_ms)
                        .is_ok();
                let place = in_time.then(|| limiter.address_open.take(&address));
                let Some(Some(place)) = place else {
                    audit::limit_reached(address.ip(), None, "connections");
                    return None;
                };
                Some(place)
            }
        };
        Some(Self {
            limiter,
            address,
            _place: place,
            user: None,
        })
    }

    /// A connection without limits by address.
    pub const fn unlimited(limiter: Arc<Limiter>) -> Self {
        Self {
            limiter,
            address: Address::Unknown,
            _place: None,
            user: None,
        }
    }

    /// The token named the user; false if the user has too many connections, or opens them too often.
    #[must_use]
    pub fn greet(&mut self, user: &Arc<str>, now_ms: u64) -> bool {
        let limiter = &self.limiter;
        if limiter.user_connections.take(user, 1, now_ms).is_ok() {
            let place = limiter.user_open.take(user);
            self.user = place.map(|place| (user.clone(), place));
        }
        if self.user.is_none() {
            audit::limit_reached(self.address.ip(), Some(user), "connections");
        }
        self.user.is_some()
    }

    /// A request was refused.
    pub fn limit_reached(&self, limit: &str) {
        let user = self.user.as_ref().map(|(user, _)| &**user);
        audit::limit_reached(self.address.ip(), user, limit);
    }

    /// Its token was wrong.
    pub fn refused(&self, now_ms: u64, reason: &str) {
        audit::token_refused(self.address.ip(), reason);
        self.limiter.refused(self.address, now_ms);
    }

    /// What is announced to the client.
    pub fn announced(&self) -> Rates {
        self.limiter.announced()
    }

    /// A message is sent.
    ///
    /// # Errors
    /// After how many milliseconds it may be.
    pub fn send(&self, now_ms: u64) -> Result<(), u64> {
        self.user
            .as_ref()
            .map_or(Ok(()), |(user, _)| self.limiter.sends.take(user, 1, now_ms))
    }

    /// Any other request, with the work of so many.
    ///
    /// # Errors
    /// After how many milliseconds it may be made.
    pub fn request(&self, work: u32, now_ms: u64) -> Result<(), u64> {
        self.user.as_ref().map_or(Ok(()), |(user, _)| {
            self.limiter.requests.take(user, work, now_ms)
        })
    }
}
