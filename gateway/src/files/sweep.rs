//! Removes uploads that have expired or were cancelled, and what a process that was killed has left on the disk.

use std::time::Duration;

use alo_protocol::{ErrorBody, Uuid};

use super::Files;
use crate::{clock::Clock, error::internal};

const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Every file's folder is looked into once in so many sweeps.
const ORPHANS_EVERY: u64 = 6;

/// Sweeps at once and then at intervals.
pub(crate) async fn run(files: Files, clock: Clock, orphan_age: Duration) {
    let mut interval = tokio::time::interval(INTERVAL);
    for sweep in 0_u64.. {
        interval.tick().await;
        files.sweep(clock.now_ms()).await;
        if sweep % ORPHANS_EVERY == 0 {
            match files.sweep_orphans(orphan_age).await {
                Ok(0) => {}
                Ok(objects) => tracing::info!(objects, "removed objects that no record counts"),
                Err(error) => tracing::warn!(error = error.message, "orphans stay"),
            }
        }
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

    /// Removes all that has ended, also what is still being written of it.
    ///
    /// # Errors
    /// When something is left.
    pub(crate) async fn remove_all_ended(&self, now_ms: u64) -> Result<(), ErrorBody> {
        for id in self.records.expire(now_ms).await? {
            let _guard = self.lock(id).await?;
            self.blobs.remove(id).await?;
            let unfinished = self.blobs.found(id).await?;
            if !unfinished.is_empty() {
                self.blobs.discard(id, unfinished).await?;
            }
            self.records.remove(id).await?;
        }
        Ok(())
    }

    /// Removes the bytes of an upload that has been marked as ended, then its record.
    pub(crate) async fn remove_ended(&self, id: Uuid) {
        // The bytes first: without the record they could not be found.
        if self.blobs.remove(id).await.is_ok()
            && let Err(error) = self.records.remove(id).await
        {
            internal(error.message);
        }
    }

    /// Removes objects that no record counts and nothing has written to for a while; returns how many.
    pub(crate) async fn sweep_orphans(&self, age: Duration) -> Result<usize, ErrorBody> {
        let mut known = false;
        let mut unknown = Vec::new();
        let mut removed = 0;
        for id in self.blobs.files().await? {
            if self.records.find(id).await?.is_some() {
                known = true;
                removed += self.sweep_file(id, age).await;
            } else {
                unknown.push(id);
            }
        }
        if !known && !unknown.is_empty() {
            let files = unknown.len();
            tracing::warn!(
                files,
                "the database knows none of the files on the disk: they are kept"
            );
            return Ok(removed);
        }
        for id in unknown {
            removed += self.sweep_file(id, age).await;
        }
        Ok(removed)
    }

    async fn sweep_file(&self, id: Uuid, age: Duration) -> usize {
        match self.try_sweep_file(id, age).await {
            Ok(removed) => removed,
            Err(error) => {
                tracing::warn!(%id, error = error.message, "the folder of a file cannot be swept");
                0
            }
        }
    }

    async fn try_sweep_file(&self, id: Uuid, age: Duration) -> Result<usize, ErrorBody> {
        // A request that writes may be about to count what it has written.
        let Some(_guard) = self.locks.take_free(id) else {
            return Ok(0);
        };
        let mut found = self.blobs.found(id).await?;
        let counted = self.records.parts(id, 0, u64::MAX).await?;
        found.retain(|object| {
            let counts = counted
                .iter()
                .any(|part| object.offset == Some(part.offset));
            object.age >= age && !counts
        });
        let removed = found.len();
        if removed > 0 {
            self.blobs.discard(id, found).await?;
        }
        Ok(removed)
    }
}
