//! Runs the load tool of gateway/benches/ and reads what it writes.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::results::{Machine, Measure, Results, Series};
use crate::{process, workspace};

/// How the tool is run.
pub struct Load<'a> {
    /// How often everything is measured.
    pub rounds: u32,
    /// The gateway's program.
    pub gateway: &'a Path,
    /// tests/bench/.
    pub bench: &'a Path,
}

/// The figures of the tool.
pub struct Rows(Vec<Row>);

/// A figure, a value for each run.
#[derive(Deserialize)]
pub struct Row {
    /// Its parts are divided by slashes.
    pub name: String,
    /// In the order they were measured.
    pub values: Vec<f64>,
}

#[derive(Deserialize)]
struct Origin {
    date: String,
    machine: Machine,
}

impl Load<'_> {
    /// Takes these measurements, with further arguments; `made` makes measures and notes of them.
    pub fn run(
        &self,
        name: &str,
        arguments: &[String],
        made: impl FnOnce(&Rows) -> Result<(Vec<Measure>, Vec<String>)>,
    ) -> Result<Results> {
        let work = tempfile::tempdir()?;
        let json = work.path().join("load.json");
        let started = Instant::now();
        process::run(
            workspace::cargo()?
                .args(["bench", "--package", "alo-gateway", "--bench", "load", "--"])
                .args(arguments)
                .args(["--runs", &self.rounds.to_string()])
                .arg("--gateway")
                .arg(self.gateway)
                .arg("--json")
                .arg(&json),
        )?;
        let rows: Vec<Row> = serde_json::from_slice(&fs::read(&json)?)
            .with_context(|| format!("reading {}", json.display()))?;
        let (measures, notes) = made(&Rows(rows))?;
        let origin =
            process::capture(Command::new("node").arg(self.bench.join("support/origin.mjs")))?;
        let origin: Origin = serde_json::from_str(&origin).context("reading the origin")?;
        let rust = process::capture(Command::new("rustc").arg("--version"))?;
        let rust = rust.split(' ').nth(1).unwrap_or_default();
        Ok(Results {
            name: name.to_owned(),
            date: origin.date,
            seconds: started.elapsed().as_secs(),
            rounds: self.rounds,
            versions: BTreeMap::from([("rustc".to_owned(), rust.to_owned())]),
            machine: origin.machine,
            measures,
            notes,
        })
    }
}

impl Rows {
    /// What tests make up.
    #[cfg(test)]
    pub const fn new(rows: Vec<Row>) -> Self {
        Self(rows)
    }

    /// The names of all figures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|row| row.name.as_str())
    }

    /// A figure.
    ///
    /// # Errors
    /// When it was not measured.
    pub fn values(&self, name: &str) -> Result<&[f64]> {
        let row = self.0.iter().find(|row| row.name == name);
        let row = row.with_context(|| format!("the load tool has not measured {name}"))?;
        Ok(&row.values)
    }

    /// A figure as a series with this label.
    ///
    /// # Errors
    /// When it was not measured.
    pub fn series(&self, label: impl Into<String>, name: &str) -> Result<Series> {
        Ok(Series {
            name: label.into(),
            values: self.values(name)?.to_vec(),
        })
    }
}
