//! The gateway's time, in milliseconds: the wall clock as it is now, and one that never jumps.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Tokens, timestamps and the expiry of uploads are judged by the wall clock, so that one that was wrong at the
/// start does no lasting damage. Deadlines of connections follow the steady clock, so that correcting the wall
/// clock ends none.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_unix_ms: u64,
}

impl Clock {
    /// Starts the clock.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            started_unix_ms: unix_ms(),
        }
    }

    /// Milliseconds since 1970, as the system knows them now.
    pub fn now_ms(&self) -> u64 {
        unix_ms()
    }

    /// Milliseconds that never go back and never jump. They begin at what the system's clock showed at the start.
    pub fn steady_ms(&self) -> u64 {
        self.started_unix_ms
            .saturating_add(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// By how much the wall clock is ahead of the steady one.
    pub fn skew_ms(&self) -> i64 {
        let (wall, steady) = (self.now_ms(), self.steady_ms());
        wall.cast_signed().wrapping_sub(steady.cast_signed())
    }
}

fn unix_ms() -> u64 {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    // With room for the sums that deadlines are.
    u64::try_from(unix.as_millis()).map_or(i64::MAX as u64, |ms| ms.min(i64::MAX as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_wrong_at_the_start_does_not_stick() {
        let now = unix_ms();
        for started_unix_ms in [0, now + 3_600_000 * 24 * 365] {
            let clock = Clock {
                started: Instant::now(),
                started_unix_ms,
            };
            assert!(clock.now_ms().abs_diff(now) < 60_000);
            // Deadlines go on from where they were.
            assert!(clock.steady_ms().abs_diff(started_unix_ms) < 60_000);
            let corrected = clock.steady_ms().saturating_add_signed(clock.skew_ms());
            assert!(corrected.abs_diff(now) < 60_000);
        }
    }
}
