//! Token buckets, one for each key, on a clock that is an argument.

use std::{
    hash::Hash,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alo_protocol::Rate;
use governor::{
    Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::DefaultKeyedStateStore,
};

const MINUTE_NS: u64 = 60_000_000_000;

/// A bucket for each user, or each address. A full bucket takes no memory after [`Buckets::shrink`].
pub(super) struct Buckets<K: Hash + Eq + Clone>(Option<Limited<K>>);

struct Limited<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, LastSeen, NoOpMiddleware<Nanos>>,
    now: LastSeen,
    burst: NonZeroU32,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// With this rate; without one nothing is limited.
    pub(super) fn new(rate: Option<Rate>) -> Self {
        Self(rate.map(|rate| {
            let (burst, now) = (at_least_one(rate.burst), LastSeen::default());
            let period = MINUTE_NS / u64::from(at_least_one(rate.per_minute).get());
            let quota = Quota::with_period(Duration::from_nanos(period))
                // A minute has more nanoseconds than a u32 counts.
                .expect("the period is not zero")
                .allow_burst(burst);
            let state = DefaultKeyedStateStore::default();
            Limited {
                limiter: RateLimiter::new(quota, state, now.clone()),
                now,
                burst,
            }
        }))
    }

    /// Takes so many tokens, at most a full bucket.
    ///
    /// # Errors
    /// After how many milliseconds there will be enough.
    pub(super) fn take(&self, key: &K, count: u32, now_ms: u64) -> Result<(), u64> {
        let Some(Limited {
            limiter,
            now,
            burst,
        }) = &self.0
        else {
            return Ok(());
        };
        now.set(now_ms);
        let count = at_least_one(count).min(*burst);
        match limiter.check_key_n(key, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(now.now()).as_nanos();
                Err(u64::try_from(wait.div_ceil(1_000_000)).unwrap_or(u64::MAX))
            }
            // It is at most the burst.
            Err(_) => Ok(()),
        }
    }

    /// Forgets the buckets that are full again.
    pub(super) fn shrink(&self, now_ms: u64) {
        if let Some(Limited { limiter, now, .. }) = &self.0 {
            now.set(now_ms);
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |limited| limited.limiter.len())
    }
}

/// The time of the latest call: it never goes back.
#[derive(Clone, Debug, Default)]
struct LastSeen(Arc<AtomicU64>);

impl LastSeen {
    fn set(&self, now_ms: u64) {
        self.0.fetch_max(now_ms, Ordering::Relaxed);
    }
}

impl Clock for LastSeen {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Duration::from_millis(self.0.load(Ordering::Relaxed)).into()
    }
}

const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;

    fn buckets(per_minute: u32, burst: u32) -> Buckets<&'static str> {
        Buckets::new(Some(Rate { per_minute, burst }))
    }

    #[test]
    fn a_burst_is_followed_by_the_rate() {
        let buckets = buckets(120, 3);
        for _ in 0..3 {
            assert_eq!(buckets.take(&"ada", 1, START), Ok(()));
        }
        assert_eq!(buckets.take(&"ada", 1, START), Err(500));
        assert_eq!(buckets.take(&"bob", 1, START), Ok(()));
        assert_eq!(buckets.take(&"ada", 1, START + 499), Err(1));
        assert_eq!(buckets.take(&"ada", 1, START + 500), Ok(()));
        assert_eq!(buckets.take(&"ada", 1, START + 500), Err(500));
    }

    #[test]
    fn many_tokens_wait_longer_and_never_for_ever() {
        let buckets = buckets(60, 10);
        assert_eq!(buckets.take(&"ada", 4, START), Ok(()));
        assert_eq!(buckets.take(&"ada", 8, START), Err(2_000));
        assert_eq!(buckets.take(&"ada", 1_000, START), Err(4_000));
        assert_eq!(buckets.take(&"ada", 1_000, START + 4_000), Ok(()));
    }

    #[test]
    fn full_buckets_take_no_memory() {
        let buckets = buckets(60, 10);
        let _ = buckets.take(&"ada", 1, START);
        let _ = buckets.take(&"bob", 10, START);
        buckets.shrink(START + 5_000);
        assert_eq!(buckets.len(), 1);
        buckets.shrink(START + 20_000);
        assert_eq!(buckets.len(), 0);
    }

    #[test]
    fn without_a_rate_nothing_is_limited() {
        let buckets = Buckets::new(None);
        assert!((0..10_000).all(|_| buckets.take(&"ada", 1_000, START).is_ok()));
    }
}
