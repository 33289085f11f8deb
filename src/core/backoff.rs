//! Exponential backoff with full jitter, so that many clients do not reconnect at once.
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>

use fastrand::Rng;

/// Longest wait, milliseconds.
const CAP_MS: u64 = 30_000;
/// Longest first wait, milliseconds.
const BASE_MS: u64 = 500;

/// Counts failures in a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    pub(super) const NEW: Self = Self { failures: 0 };

    /// Counts a failure and returns how long to wait, in milliseconds: anything from 0 to a ceiling
    /// that doubles from half a second to thirty.
    pub(super) fn next(&mut self, rng: &mut Rng) -> u64 {
        let ceiling = BASE_MS
            .saturating_mul(1 << self.failures.min(6))
            .min(CAP_MS);
        self.failures = self.failures.saturating_add(1);
        at_most(rng, ceiling)
    }

    /// How many failures there were in a row.
    pub(super) const fn failures(self) -> u32 {
        self.failures
    }

    /// Success: forgets the failures.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A time that a gateway has named, so much later at random that not all clients come at once.
pub(super) fn not_before(rng: &mut Rng, ms: u32) -> u64 {
    let ms = u64::from(ms);
    ms + at_most(rng, ms / 8)
}

// Once in the module, for all who wait.
#[inline(never)]
fn at_most(rng: &mut Rng, ms: u64) -> u64 {
    rng.u64(0..=ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_under_a_ceiling_that_doubles_to_thirty_seconds() {
        let mut rng = Rng::with_seed(1);
        let mut longest = [0; 12];
        for _ in 0..2_000 {
            let mut backoff = Backoff::NEW;
            for longest in &mut longest {
                *longest = backoff.next(&mut rng).max(*longest);
            }
        }
        let mut ceiling = 500;
        for longest in longest {
            assert!(longest <= ceiling, "{longest} > {ceiling}");
            assert!(
                longest > ceiling * 9 / 10,
                "{longest} never comes near {ceiling}"
            );
            ceiling = (ceiling * 2).min(CAP_MS);
        }
    }
}
