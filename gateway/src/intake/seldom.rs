//! Lines that must not fill a log.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const EVERY: Duration = Duration::from_secs(1);

/// Permits one line a second and counts the others.
#[derive(Default)]
pub struct Seldom(Mutex<Silence>);

#[derive(Default)]
struct Silence {
    until: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// Whether to log now; if so, how many were left out since the last time.
    pub fn permits(&self) -> Option<u64> {
        self.permits_at(Instant::now())
    }

    fn permits_at(&self, now: Instant) -> Option<u64> {
        let mut silence = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if silence.until.is_some_and(|until| now < until) {
            silence.left_out += 1;
            return None;
        }
        silence.until = Some(now + EVERY);
        Some(std::mem::take(&mut silence.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_says_how_many_were_left_out() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.permits_at(start), Some(0));
        assert_eq!(seldom.permits_at(start), None);
        assert_eq!(seldom.permits_at(start + EVERY / 2), None);
        assert_eq!(seldom.permits_at(start + EVERY), Some(2));
        assert_eq!(seldom.permits_at(start + EVERY * 2), Some(0));
    }
}
