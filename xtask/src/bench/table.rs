//! Results as tables: for a terminal and for Markdown.

use std::fmt::Write as _;

use super::{
    results::{Goal, Measure, Results},
    statistics::{Summary, ratio},
};

/// For a terminal.
pub fn text(results: &Results, commit: &str) -> String {
    let mut text = format!("{}\n", origin(results, commit));
    for measure in &results.measures {
        let rows = rows(measure);
        let widths = widths(&rows);
        let _ = writeln!(text, "\n{}", heading(measure));
        for row in &rows {
            let _ = write!(text, "  {:<width$}", row[0], width = widths[0]);
            for (cell, width) in row.iter().zip(widths).skip(1) {
                let _ = write!(text, "  {cell:>width$}");
            }
            text.push('\n');
        }
        for goal in goals(measure) {
            let _ = writeln!(text, "  {goal}");
        }
    }
    for note in &results.notes {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// For Markdown.
pub fn markdown(results: &Results, commit: &str) -> String {
    let mut text = format!("{}\n", origin(results, commit));
    for measure in &results.measures {
        let _ = writeln!(text, "\n**{}**\n", heading(measure));
        for (index, row) in rows(measure).iter().enumerate() {
            let _ = writeln!(text, "| {} |", row.join(" | "));
            if index == 0 {
                text.push_str("|---|--:|--:|--:|--:|\n");
            }
        }
        for goal in goals(measure) {
            let _ = writeln!(text, "\n{goal}");
        }
    }
    for note in &results.notes {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// When, where and of what.
fn origin(results: &Results, commit: &str) -> String {
    let machine = &results.machine;
    let versions: Vec<String> = results
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    format!(
        "{}, commit {commit}: median of {} runs in turns. {} cores of {}, {:.0} GiB. {}.",
        results.date,
        results.rounds,
        machine.cores,
        machine.cpu,
        machine.memory_bytes as f64 / f64::from(1 << 30),
        versions.join(", "),
    )
}

fn heading(measure: &Measure) -> String {
    format!("{} ({})", measure.title, measure.unit)
}

/// The head and one row for each series.
fn rows(measure: &Measure) -> Vec<[String; 5]> {
    let mut rows = vec![["", "median", "min", "max", "ratio"].map(str::to_owned)];
    let base = measure.values(&measure.base).unwrap_or_default();
    for series in &measure.series {
        let Some(summary) = Summary::of(&series.values) else {
            continue;
        };
        let ratio = ratio(&series.values, base);
        rows.push([
            series.name.clone(),
            number(summary.median),
            number(summary.min),
            number(summary.max),
            ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")),
        ]);
    }
    rows
}

fn widths(rows: &[[String; 5]]) -> [usize; 5] {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    std::array::from_fn(|column| width(column).unwrap_or(0))
}

/// A sentence for each goal whose series were measured.
fn goals(measure: &Measure) -> impl Iterator<Item = String> {
    measure.goals.iter().filter_map(|goal| {
        let verdict = goal.verdict(measure)?;
        let Goal {
            series, against, ..
        } = goal;
        let kind = if goal.at_most.is_some() {
            "most"
        } else {
            "least"
        };
        let how = if verdict.is_met {
            "met".to_owned()
        } else {
            let off = (verdict.ratio / verdict.bound - 1.0).abs() * 100.0;
            format!("missed by {off:.0}%")
        };
        Some(format!(
            "Goal: {series} at {kind} {} × {against}. It is {:.2}: {how}.",
            verdict.bound, verdict.ratio
        ))
    })
}

/// Three significant digits, with thousands separators.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if decimals > 0 {
        return text;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let mut grouped = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::bench::results::{Machine, Series};

    fn results() -> Results {
        let series = |name: &str, values: &[f64]| Series {
            name: name.to_owned(),
            values: values.to_vec(),
        };
        Results {
            name: "events".to_owned(),
            date: "2026-01-31".to_owned(),
            seconds: 1,
            rounds: 3,
            versions: BTreeMap::from([("ws".to_owned(), "8.0.0".to_owned())]),
            machine: Machine {
                cores: 2,
                cpu: "a CPU".to_owned(),
                memory_bytes: 3 << 30,
            },
            measures: vec![Measure {
                title: "Time".to_owned(),
                unit: "ms".to_owned(),
                base: "bare".to_owned(),
                series: vec![
                    series("bare", &[2.0, 1.0, 3.0]),
                    series("alo-chat", &[3.0, 3.0, 2500.0]),
                    series("absent", &[]),
                ],
                goals: vec![Goal {
                    series: "alo-chat".to_owned(),
                    against: "bare".to_owned(),
                    at_most: Some(1.2),
                    at_least: None,
                }],
            }],
            notes: vec!["A note.".to_owned()],
        }
    }

    #[test]
    fn the_terminal_sees_columns() {
        let text = text(&results(), "abc");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "2026-01-31, commit abc: median of 3 runs in turns. 2 cores of a CPU, 3 GiB. ws 8.0.0."
        );
        assert_eq!(lines[2], "Time (ms)");
        assert_eq!(lines[3], "            median   min    max  ratio");
        assert_eq!(lines[4], "  bare        2.00  1.00   3.00   1.00");
        assert_eq!(lines[5], "  alo-chat    3.00  3.00  2,500   1.50");
        assert_eq!(
            lines[6],
            "  Goal: alo-chat at most 1.2 × bare. It is 1.50: missed by 25%."
        );
        assert_eq!(lines[8], "A note.");
    }

    #[test]
    fn markdown_has_a_head_and_rows() {
        let text = markdown(&results(), "abc");
        assert!(text.contains("\n**Time (ms)**\n\n|  | median | min | max | ratio |\n|---|--:|"));
        assert!(
            text.contains("\n| alo-chat | 3.00 | 3.00 | 2,500 | 1.50 |\n"),
            "{text}"
        );
        assert!(text.contains("missed by 25%"));
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        let shown = [
            0.1234, 1.0, 12.345, 99.96, 123.4, 1234.5, 1234567.0, -4321.0,
        ]
        .map(number);
        assert_eq!(
            shown,
            [
                "0.123",
                "1.00",
                "12.3",
                "100",
                "123",
                "1,234",
                "1,234,567",
                "-4,321"
            ]
        );
    }
}
