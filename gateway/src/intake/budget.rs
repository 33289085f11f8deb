//! The bytes that may be buffered, of all connections together.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::gauge::Gauge;

/// One holder may have this part of what is free. So the largest are refused first, and there is always something
/// left for the small.
const SHARE: usize = 8;

/// A shared number of bytes.
#[derive(Clone)]
pub struct Budget {
    limit: usize,
    used: Gauge,
}

impl Budget {
    /// This many bytes; `used` shows how many are taken.
    pub const fn new(limit: usize, used: Gauge) -> Self {
        Self { limit, used }
    }

    /// An empty part of it, to grow.
    pub fn reservation(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            bytes: 0,
        }
    }

    /// Takes bytes for someone who has taken `holds` already. False if that is too much.
    fn take(&self, holds: usize, more: usize) -> bool {
        let (limit, holds, more) = (as_gauge(self.limit), as_gauge(holds), as_gauge(more));
        let update = |used: i64| {
            let free = (limit - used).max(0);
            (holds + more <= free / SHARE as i64).then_some(used + more)
        };
        let used = self.used.inner();
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update)
            .is_ok()
    }
}

/// Bytes of a budget, returned when dropped.
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Reservation {
    /// Grows to this many bytes, if it is smaller. False if that is too much.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let taken = more == 0 || self.budget.take(self.bytes, more);
        if taken {
            self.bytes += more;
        }
        taken
    }

    /// Returns everything.
    pub fn clear(&mut self) {
        if self.bytes > 0 {
            self.budget.used.dec_by(as_gauge(self.bytes));
            self.bytes = 0;
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.clear();
    }
}

fn as_gauge(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_refused_first_and_nothing_leaks() {
        let used = Gauge::default();
        let budget = Budget::new(1_000, used.clone());
        let mut held: Vec<_> = (0..20).map(|_| budget.reservation()).collect();
        let large = held
            .iter_mut()
            .filter_map(|one| one.grow(50).then_some(()))
            .count();
        assert!(large < 20, "not all large ones fit");
        assert!(used.get() <= 1_000);
        let mut small = budget.reservation();
        assert!(small.grow(10), "a small one fits still");
        assert!(
            small.grow(5) && used.get() % 50 == 10,
            "a growth downwards is none"
        );
        drop(small);
        drop(held);
        assert_eq!(used.get(), 0);
    }
}
