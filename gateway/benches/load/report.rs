//! Results: a table for people, JSON for programs.

use std::fmt;

use serde::Serialize;

use crate::Result;

/// What was measured, in the order it was.
#[derive(Default)]
pub struct Report {
    series: Vec<Series>,
}

/// One figure, once for each run.
#[derive(Serialize)]
struct Series {
    name: String,
    unit: &'static str,
    note: String,
    values: Vec<f64>,
}

/// A figure as people read it.
struct Row<'a> {
    name: &'a str,
    unit: &'a str,
    /// The median of the runs.
    value: f64,
    note: String,
}

impl Report {
    /// Adds a figure and prints it.
    pub fn add(&mut self, name: impl Into<String>, unit: &'static str, value: f64, note: &str) {
        let name = name.into();
        eprintln!("{name}: {} {unit}", readable(value));
        match self.series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.values.push(value),
            None => self.series.push(Series {
                name,
                unit,
                note: note.to_owned(),
                values: vec![value],
            }),
        }
    }

    /// An array of `{name, unit, note, values}`.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&self.series)?)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for series in &self.series {
            let Row {
                name,
                unit,
                value,
                note,
            } = series.row();
            writeln!(out, "{name:<44} {:>12} {unit:<14} {note}", readable(value))?;
        }
        Ok(())
    }
}

impl Series {
    fn row(&self) -> Row<'_> {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values[0], values[values.len() - 1]);
        let note = if values.len() == 1 {
            self.note.clone()
        } else {
            let spread = format!(
                "median of {}, {} to {}",
                values.len(),
                readable(low),
                readable(high)
            );
            match self.note.as_str() {
                "" => spread,
                note => format!("{note}; {spread}"),
            }
        };
        Row {
            name: &self.name,
            unit: self.unit,
            value: values[values.len() / 2],
            note,
        }
    }
}

fn readable(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
