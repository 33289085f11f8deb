//! Time and percentiles.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

/// Nanoseconds since this process first asked.
pub fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The part of time in which things count: what comes before warms up.
#[derive(Clone, Copy)]
pub struct Window {
    /// From here on, by [`now`].
    pub from: u64,
    /// Until here.
    pub until: u64,
}

impl Window {
    /// A window of this length that opens after a fifth of it.
    pub fn opening_soon(span: Duration) -> Self {
        let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 4);
        let from = now() + span / 5;
        Self {
            from,
            until: from + span,
        }
    }

    /// Whether this time counts.
    pub const fn contains(&self, time: u64) -> bool {
        self.from <= time && time < self.until
    }

    /// Seconds it is open.
    pub const fn seconds(&self) -> f64 {
        (self.until - self.from) as f64 / 1e9
    }

    /// Waits until it opens.
    pub async fn opens(&self) {
        sleep_until(self.from).await;
    }

    /// Waits until it closes.
    pub async fn closes(&self) {
        sleep_until(self.until).await;
    }
}

async fn sleep_until(time: u64) {
    tokio::time::sleep(Duration::from_nanos(time.saturating_sub(now()))).await;
}

/// Nanoseconds, many times over.
#[derive(Default)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    /// One more.
    pub fn add(&mut self, nanoseconds: u64) {
        self.0.push(nanoseconds);
    }

    /// One more, from its start to its end, if that counts.
    pub fn add_in(&mut self, window: Window, started: u64, done: u64) {
        if window.contains(done) {
            self.add(done - started);
        }
    }

    /// How many there are in a second, one after the other.
    pub fn rate(&self) -> f64 {
        self.0.len() as f64 * 1e9 / self.0.iter().sum::<u64>() as f64
    }

    /// All of another.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// How many.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Percentiles in microseconds, by nearest rank; not a number when there is nothing.
    pub fn percentiles<const N: usize>(&mut self, of: [f64; N]) -> [f64; N] {
        self.0.sort_unstable();
        of.map(|percent| {
            let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
            self.0
                .get(rank.saturating_sub(1))
                .map_or(f64::NAN, |nanoseconds| *nanoseconds as f64 / 1e3)
        })
    }
}
