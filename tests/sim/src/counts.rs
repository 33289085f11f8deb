//! What a run has done, in numbers.

use std::{collections::BTreeMap, fmt};

/// Faults and facts counted over episodes.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Inputs given to a client, a session or the store.
    pub steps: u64,
    /// Episodes run.
    pub episodes: u64,
    /// Simulated time, milliseconds, of all episodes.
    pub simulated_ms: u64,
    named: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// One more of this kind.
    pub fn add(&mut self, name: &'static str) {
        *self.named.entry(name).or_default() += 1;
    }

    /// How many of this kind there were.
    pub fn get(&self, name: &str) -> u64 {
        self.named.get(name).copied().unwrap_or(0)
    }

    /// Adds another run's numbers.
    pub fn merge(&mut self, other: &Self) {
        self.steps += other.steps;
        self.episodes += other.episodes;
        self.simulated_ms += other.simulated_ms;
        for (name, count) in &other.named {
            *self.named.entry(name).or_default() += count;
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>14}  steps", self.steps)?;
        writeln!(f, "{:>14}  episodes", self.episodes)?;
        writeln!(
            f,
            "{:>14.1}  simulated hours",
            self.simulated_ms as f64 / 3_600_000.0
        )?;
        for (name, count) in &self.named {
            writeln!(f, "{count:>14}  {name}")?;
        }
        Ok(())
    }
}
