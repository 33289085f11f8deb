//! Limits by rate: how often a user, or an address, may do what. Time is an argument, so that the simulation
//! runs them as they ship.

mod address;
mod buckets;
mod flags;
mod refusals;
mod seats;
mod visitor;

use std::{sync::Arc, time::Duration};

use alo_protocol::{ErrorBody, Rates};
use tokio::task::JoinHandle;

pub use address::{Address, Proxies, ProxyHeader};
pub use flags::{LimitFlags, MaybeRate};
pub use visitor::Visitor;

pub(crate) use seats::{Seat, Seats};

use crate::{audit, clock::Clock};
use buckets::Buckets;
use refusals::Refusals;

/// How often buckets that are full again are forgotten.
const SHRINK_EVERY: Duration = Duration::from_secs(30);

/// All limits by rate, shared by everything that a gateway serves.
pub struct Limiter {
    proxies: Proxies,
    announced: Rates,
    sends: Buckets<Arc<str>>,
    requests: Buckets<Arc<str>>,
    uploads: Buckets<Arc<str>>,
    user_connections: Buckets<Arc<str>>,
    user_open: Seats<Arc<str>>,
    address_connections: Buckets<Address>,
    address_open: Seats<Address>,
    refusals: Refusals,
}

impl Limiter {
    /// With the limits and proxies of these flags.
    pub fn new(flags: &LimitFlags) -> Self {
        let proxies = Proxies::new(flags.trusted_proxy.clone(), flags.proxy_header);
        if flags.unlimited {
            return Self::with(proxies, Rates::default(), None, 0, None);
        }
        let announced = Rates {
            sends: flags.user_sends.0,
            requests: flags.user_requests.0,
            uploads: flags.user_uploads.0,
            connections: flags.user_connections.0,
            open_connections: (flags.user_open > 0).then_some(flags.user_open),
        };
        Self::with(
            proxies,
            announced,
            flags.address_connections.0,
            flags.address_open,
            flags.address_refusals.0,
        )
    }

    /// Limits users only.
    pub fn of_users(rates: Rates) -> Self {
        Self::with(Proxies::default(), rates, None, 0, None)
    }

    fn with(
        proxies: Proxies,
        announced: Rates,
        address_connections: Option<alo_protocol::Rate>,
        address_open: u32,
        address_refusals: Option<alo_protocol::Rate>,
    ) -> Self {
        Self {
            proxies,
            announced,
            sends: Buckets::new(announced.sends),
            requests: Buckets::new(announced.requests),
            uploads: Buckets::new(announced.uploads),
            user_connections: Buckets::new(announced.connections),
            user_open: Seats::new(announced.open_connections.unwrap_or(0)),
            address_connections: Buckets::new(address_connections),
            address_open: Seats::new(address_open),
            refusals: Refusals::new(address_refusals),
        }
    }

    /// What clients learn of it.
    pub const fn announced(&self) -> Rates {
        self.announced
    }

    /// The proxies that are believed.
    pub const fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// A request of an upload.
    ///
    /// # Errors
    /// `too-many-requests`
    pub fn upload(&self, user: &Arc<str>, now_ms: u64) -> Result<(), ErrorBody> {
        let taken = self.uploads.take(user, 1, now_ms);
        taken.map_err(|wait_ms| {
            audit::limit_reached(None, Some(user), "uploads");
            exceeded("requests for uploads", wait_ms)
        })
    }

    /// Whether keys and tokens from this address are looked at.
    ///
    /// # Errors
    /// `too-many-requests` for a while after too many wrong ones, whatever the key.
    pub fn check(&self, address: Address, now_ms: u64) -> Result<(), ErrorBody> {
        let listened_to = self.refusals.check(address, now_ms);
        listened_to.map_err(|wait_ms| exceeded("wrong keys and tokens from this address", wait_ms))
    }

    /// A key or token from this address was wrong.
    pub fn refused(&self, address: Address, now_ms: u64) {
        if self.refusals.add(address, now_ms) {
            audit::limit_reached(address.ip(), None, "refusals");
            tracing::warn!(
                %address,
                "too many wrong keys or tokens; if this is a proxy, name it with --trusted-proxy"
            );
        }
    }

    /// Starts to forget at intervals what is no longer limited.
    pub fn spawn_sweeper(self: &Arc<Self>, clock: Clock) -> JoinHandle<()> {
        let limiter = self.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(SHRINK_EVERY);
            loop {
                ticks.tick().await;
                limiter.shrink(clock.steady_ms());
            }
        })
    }

    fn shrink(&self, now_ms: u64) {
        for users in [
            &self.sends,
            &self.requests,
            &self.uploads,
            &self.user_connections,
        ] {
            users.shrink(now_ms);
        }
        self.address_connections.shrink(now_ms);
        self.refusals.shrink(now_ms);
    }
}

/// The error of a rate that is exceeded.
pub(crate) fn exceeded(what: &str, wait_ms: u64) -> ErrorBody {
    let message = format!("too many {what}; try again in {wait_ms} ms");
    ErrorBody::rate_exceeded(message, wait_ms)
}
