//! How many connections are open at the same time, by key.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

type Counts<K> = Arc<Mutex<HashMap<K, u32>>>;

/// Counts what is open. What is closed takes no memory. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Seats<K> {
    /// 0 is no limit.
    most: u32,
    counts: Counts<K>,
}

/// One of the open, until it is dropped.
pub(crate) struct Seat<K: Hash + Eq> {
    key: K,
    counts: Counts<K>,
}

impl<K: Hash + Eq + Clone> Seats<K> {
    /// With so many at most; 0 is no limit.
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most,
            counts: Arc::default(),
        }
    }

    /// How many at most; 0 is no limit.
    pub(crate) const fn most(&self) -> u32 {
        self.most
    }

    /// Whether none is open.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.is_empty()
    }

    /// Another one, unless there are too many.
    pub(crate) fn take(&self, key: &K) -> Option<Seat<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key.clone()).or_default();
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Seat {
            key: key.clone(),
            counts: self.counts.clone(),
        })
    }
}

impl<K: Hash + Eq> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_it_is_left() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take(&"ada"), seats.take(&"ada"));
        assert!(first.is_some() && second.is_some());
        assert!(seats.take(&"ada").is_none());
        assert!(seats.take(&"bob").is_some());
        drop(first);
        assert!(seats.take(&"ada").is_some());
        drop(second);
        assert!(seats.is_empty());
    }

    #[test]
    fn zero_is_no_limit() {
        let seats = Seats::new(0);
        let taken: Vec<_> = (0..1_000).map(|_| seats.take(&"ada")).collect();
        assert!(taken.iter().all(Option::is_some));
    }
}
