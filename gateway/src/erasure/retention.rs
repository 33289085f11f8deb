//! What is older than it may be kept is removed.

use std::time::Duration;

use alo_protocol::ErrorBody;
use tokio::{task::JoinHandle, time::interval};

use super::Eraser;
use crate::store::Upto;

/// How often the logs are looked through, unless messages are kept for less than a multiple of it.
const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Messages are kept for at most this part longer than they may.
const PART: u32 = 20;

impl Eraser {
    /// Removes at intervals what is older than `age`, and once what an erasure that was interrupted has left.
    /// Until aborted.
    pub fn spawn_retention(self, age: Option<Duration>) -> JoinHandle<()> {
        tokio::spawn(async move {
            self.pass(0).await;
            let Some(age) = age else { return };
            let mut ticks = interval(INTERVAL.min(age / PART).max(Duration::from_millis(100)));
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            loop {
                ticks.tick().await;
                self.pass(self.clock.now_ms().saturating_sub(age_ms)).await;
            }
        })
    }

    /// Removes what was sent before a time. What fails is tried again with the next pass.
    async fn pass(&self, before_ms: u64) {
        let done = async {
            let mut any = false;
            while self.steps(before_ms).await? {
                any = true;
            }
            if any { self.clean().await } else { Ok(()) }
        };
        if let Err(error) = done.await {
            tracing::warn!(error = error.message, "old messages could not be removed");
        }
    }

    /// A step in each channel that has something to remove; false if none has.
    async fn steps(&self, before_ms: u64) -> Result<bool, ErrorBody> {
        let (mut after, mut any) = (None, false);
        loop {
            let found = self
                .with_rows(move |rows| rows.due(before_ms, after.as_ref()))
                .await?;
            for channel in &found.found {
                any = true;
                self.cut(channel, Upto::OlderThan(before_ms)).await?;
            }
            after = found.next;
            if after.is_none() {
                return Ok(any);
            }
        }
    }
}
