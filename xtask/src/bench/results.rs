//! What a benchmark has measured, as tests/bench/run.mjs writes it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// All that one benchmark has measured.
#[derive(Debug, Deserialize, Serialize)]
pub struct Results {
    /// Which benchmark.
    pub name: String,
    /// The day, as `2026-01-31`.
    pub date: String,
    /// How long it took.
    pub seconds: u64,
    /// How often each series was measured.
    pub rounds: u32,
    /// Versions of browsers, Node and the other packages, by name.
    pub versions: BTreeMap<String, String>,
    /// Where it ran.
    pub machine: Machine,
    /// What was measured.
    pub measures: Vec<Measure>,
    /// Notes needed to read it.
    pub notes: Vec<String>,
}

/// The computer of a benchmark.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// The number of cores, as the system reports it.
    pub cores: u32,
    /// The model.
    pub cpu: String,
    /// All of it.
    pub memory_bytes: u64,
}

/// One quantity, of several programs.
#[derive(Debug, Deserialize, Serialize)]
pub struct Measure {
    /// What it is.
    pub title: String,
    /// What its values count.
    pub unit: String,
    /// The series that ratios are made with.
    pub base: String,
    /// The programs.
    pub series: Vec<Series>,
    /// The goals.
    #[serde(default)]
    pub goals: Vec<Goal>,
}

/// The values of one program, one for each round.
#[derive(Debug, Deserialize, Serialize)]
pub struct Series {
    /// The program.
    pub name: String,
    /// In the order they were measured.
    pub values: Vec<f64>,
}

/// A bound for the ratio of two series.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    /// The series that has the goal.
    pub series: String,
    /// The series it is compared with.
    pub against: String,
    /// The ratio must not be above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The ratio must not be below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

impl Results {
    /// Reads them from a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
    }
}

impl Measure {
    /// The values of a series, if it was measured.
    pub fn values(&self, name: &str) -> Option<&[f64]> {
        let series = self.series.iter().find(|series| series.name == name)?;
        Some(&series.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_as_they_are_written() {
        let text = r#"{"name": "events", "date": "2026-01-31", "seconds": 3, "rounds": 1,
            "versions": {"Node.js": "20.0.0"},
            "machine": {"cores": 2, "cpu": "one", "memoryBytes": 1024},
            "measures": [{"title": "t", "unit": "ms", "base": "a",
                "series": [{"name": "a", "values": [1.5]}],
                "goals": [{"series": "a", "against": "a", "atMost": 1.15}]}],
            "notes": []}"#;
        let results: Results = serde_json::from_str(text).unwrap();
        assert_eq!(results.measures[0].values("a"), Some(&[1.5][..]));
        assert_eq!(results.measures[0].values("b"), None);
        assert_eq!(results.measures[0].goals[0].at_most, Some(1.15));
        let again = serde_json::to_string(&results).unwrap();
        assert!(
            again.contains(r#""atMost":1.15"#) && !again.contains("atLeast"),
            "{again}"
        );
    }
}
