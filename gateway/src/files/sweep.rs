//! Removes uploads that have expired or were cancelled.

use std::time::Duration;

use super::Files;
use crate::{clock::Clock, error::internal};

const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Sweeps at once and then at intervals.
pub(crate) async fn run(files: Files, clock: Clock) {
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        files.sweep(clock.now_ms()).await;
    }
}

impl Files {
    /// Removes what has expired, and the rest of cancelled uploads. Failures are retried at the next sweep.
    pub(crate) async fn sweep(&self, now_ms: u64) {
        let ended = self.records.expire(now_ms).await;
        for id in ended.unwrap_or_default() {
            self.remove_ended(id).await;
        }
    }

    /// Removes the bytes of an upload that has been marked as ended, then its record.
    pub(crate) async fn remove_ended(&self, id: alo_protocol::Uuid) {
        // The bytes first: without the record they could not be found.
        if self.blobs.remove(id).await.is_ok()
            && let Err(error) = self.records.remove(id).await
        {
            internal(error.message);
        }
    }
}
