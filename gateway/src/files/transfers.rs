//! How many uploads and downloads of one user run at once.

use std::sync::Arc;

use alo_protocol::{ErrorBody, ErrorCode};

use crate::{
    limits::{Seat, Seats},
    metrics::Metrics,
};

/// Counts them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transfers {
    running: Seats<Arc<str>>,
    metrics: Arc<Metrics>,
}

/// One that runs, until dropped.
pub(crate) struct Transfer {
    _seat: Seat<Arc<str>>,
    metrics: Arc<Metrics>,
}

impl Transfers {
    /// With so many of a user at most; 0 is no bound.
    pub(crate) fn new(max: u32, metrics: Arc<Metrics>) -> Self {
        Self {
            running: Seats::new(max),
            metrics,
        }
    }

    /// Begins one more.
    ///
    /// # Errors
    /// `too-many-requests`.
    pub(crate) fn begin(&self, user: &Arc<str>) -> Result<Transfer, ErrorBody> {
        let Some(seat) = self.running.take(user) else {
            let max = self.running.most();
            let message = format!("{max} uploads and downloads of yours are running");
            return Err(ErrorBody::new(ErrorCode::TooManyRequests, message));
        };
        self.metrics.transfers.inc();
        Ok(Transfer {
            _seat: seat,
            metrics: self.metrics.clone(),
        })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.metrics.transfers.dec();
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
        assert!(transfers.running.is_empty());
    }
}
