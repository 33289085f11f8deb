//! The least that a client must transfer. A client that transfers a byte now and then would hold a socket and
//! memory for ever.

use std::{fmt, time::Duration};

/// In each window of time that is spent waiting for the client it must transfer so many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Only what is spent waiting counts: a slow disk is not the client's fault.
    pub window: Duration,
    /// Bytes; 0 is taken for 1.
    pub least: u64,
}

/// Measures one client.
#[derive(Debug)]
pub(crate) struct Progress {
    pace: Pace,
    waited: Duration,
    bytes: u64,
}

/// A client was below the pace.
#[derive(Debug)]
pub(crate) struct TooSlow {
    pace: Pace,
    bytes: u64,
}

impl Progress {
    pub(crate) const fn new(pace: Pace) -> Self {
        Self {
            pace,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// How much longer the client may be waited for before it is judged.
    pub(crate) const fn left(&self) -> Duration {
        self.pace.window.saturating_sub(self.waited)
    }

    /// So many bytes were transferred, after waiting for the client for so long.
    pub(crate) fn took(&mut self, waited: Duration, bytes: u64) -> Result<(), TooSlow> {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < self.pace.window {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.waited = Duration::ZERO;
        if bytes < self.pace.least.max(1) {
            let pace = self.pace;
            Err(TooSlow { pace, bytes })
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for TooSlow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} bytes were transferred in {:?}; at least {} are required",
            self.bytes,
            self.pace.window,
            self.pace.least.max(1)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        window: Duration::from_secs(60),
        least: 61_440,
    };

    /// So many bytes every so many seconds, for ten minutes.
    fn client(pace: Pace, bytes: u64, every: u64) -> Result<(), TooSlow> {
        let mut progress = Progress::new(pace);
        (0..600 / every).try_for_each(|_| progress.took(Duration::from_secs(every), bytes))
    }

    #[test]
    fn a_slow_line_passes_and_a_trickle_does_not() {
        assert!(client(PACE, 10_000, 1).is_ok(), "10 KB/s");
        assert!(client(PACE, 131_072, 55).is_ok());
        assert!(client(PACE, 1, 55).is_err());
        assert!(client(PACE, 1_000, 1).is_err());
        let any = Pace { least: 0, ..PACE };
        assert!(client(any, 1, 55).is_ok());
        assert!(client(any, 0, 60).is_err());
    }

    #[test]
    fn time_that_is_not_spent_waiting_does_not_count() {
        let mut progress = Progress::new(PACE);
        for _ in 0..1_000 {
            progress.took(Duration::ZERO, 1).unwrap();
        }
        assert_eq!(progress.left(), PACE.window);
    }
}
