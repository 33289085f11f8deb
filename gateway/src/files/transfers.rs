//! How many uploads and downloads of one user run at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use alo_protocol::{ErrorBody, ErrorCode};

use crate::metrics::Metrics;

/// Counts them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transfers {
    /// By user; one without any has no entry.
    running: Arc<Mutex<HashMap<Arc<str>, usize>>>,
    /// 0 is no bound.
    max: usize,
    metrics: Arc<Metrics>,
}

/// One that runs, until dropped.
pub(crate) struct Transfer {
    transfers: Transfers,
    user: Arc<str>,
}

impl Transfers {
    pub(crate) fn new(max: usize, metrics: Arc<Metrics>) -> Self {
        Self {
            running: Arc::default(),
            max,
            metrics,
        }
    }

    /// Begins one more.
    ///
    /// # Errors
    /// `too-many-requests`.
    pub(crate) fn begin(&self, user: &Arc<str>) -> Result<Transfer, ErrorBody> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(user.clone()).or_default();
        if self.max > 0 && *count >= self.max {
            let message = format!("{} uploads and downloads of yours are running", self.max);
            return Err(ErrorBody::new(ErrorCode::TooManyRequests, message));
        }
        *count += 1;
        self.metrics.transfers.inc();
        Ok(Transfer {
            transfers: self.clone(),
            user: user.clone(),
        })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let Transfers {
            running, metrics, ..
        } = &self.transfers;
        metrics.transfers.dec();
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_so_many_and_may_begin_again() {
        let transfers = Transfers::new(2, Arc::default());
        let (ada, bob) = ("ada".into(), "bob".into());
        let first = transfers.begin(&ada).unwrap();
        let second = transfers.begin(&ada).unwrap();
        let refused = transfers.begin(&ada).err().unwrap();
        assert_eq!(refused.code, ErrorCode::TooManyRequests);
        let bobs = transfers.begin(&bob).unwrap();
        drop(first);
        drop((transfers.begin(&ada).unwrap(), second, bobs));
        assert!(transfers.running.lock().unwrap().is_empty());
    }
}
