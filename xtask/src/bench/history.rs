//! Pages of history: those of the gateway by the load tool, the first one in a browser by tests/bench/.

use anyhow::{Context, Result};

use super::{
    load::{Load, Rows},
    results::{Goal, Measure, Results, Series},
    table::number,
};

/// The name of the benchmark.
pub const NAME: &str = "history";

/// A page among ten million messages, beside one among ten thousand.
const GROWTH: f64 = 1.25;

const QUERY: &str = "SQLite query";
const LOG: &str = "gateway's log";

/// Measures pages in channels of up to so many messages; `browser` measures the part in a browser.
pub fn measure(
    load: &Load<'_>,
    messages: u64,
    browser: impl FnOnce() -> Result<Results>,
) -> Result<Results> {
    let arguments = [NAME, "--messages", &messages.to_string()].map(str::to_owned);
    let mut results = load.run(NAME, &arguments, |rows| Ok((measures(rows)?, notes(rows)?)))?;
    let browser = browser()?;
    results.seconds += browser.seconds;
    results.versions.extend(browser.versions);
    results.measures.extend(browser.measures);
    results.notes.extend(browser.notes);
    Ok(results)
}

fn measures(rows: &Rows) -> Result<Vec<Measure>> {
    let sizes = sizes(rows, "database");
    let largest = *sizes.last().context("no channel was filled")?;
    let mut measures = Vec::new();
    for &size in &sizes {
        measures.push(rates(rows, size, "random", "at random places")?);
    }
    measures.push(rates(rows, largest, "newest", "at the newest end")?);
    for (kind, place) in [
        ("random", "at a random place"),
        ("newest", "at the newest end"),
    ] {
        measures.push(growth(rows, &sizes, kind, place)?);
    }
    Ok(measures)
}

/// How the time of a page grows with the channel.
fn growth(rows: &Rows, sizes: &[u64], kind: &str, place: &str) -> Result<Measure> {
    let label = |who: &str, size: u64| format!("{who}: {} messages", count(size));
    let all = |who: &'static str, key: &str| -> Result<Vec<Series>> {
        let one = |size: &u64| {
            let name = format!("history/{size}/{kind}/{key}/p50");
            rows.series(label(who, *size), &name)
        };
        sizes.iter().map(one).collect()
    };
    let mut series = all(LOG, "log")?;
    series.extend(all(QUERY, "query")?);
    let ends = sizes.first().zip(sizes.last());
    let (&smallest, &largest) = ends.context("no channel was filled")?;
    let base = label(LOG, smallest);
    Ok(Measure {
        title: format!("Time of a page of 100 messages {place}, p50"),
        unit: "µs".to_owned(),
        series,
        goals: vec![Goal {
            series: label(LOG, largest),
            against: base.clone(),
            at_most: Some(GROWTH),
            at_least: None,
        }],
        base,
    })
}

/// Pages a second, one after the other, in a channel of one size.
fn rates(rows: &Rows, size: u64, kind: &str, place: &str) -> Result<Measure> {
    let mut series = Vec::new();
    for (label, key) in [
        (QUERY, "query"),
        (LOG, "log"),
        ("gateway over a socket", "gateway"),
        ("bare server with a page ready", "bare-answer"),
    ] {
        series.push(rows.series(label, &format!("history/{size}/{kind}/{key}/rate"))?);
    }
    Ok(Measure {
        title: format!(
            "Pages of 100 messages {place}, one at a time, of {} messages",
            count(size)
        ),
        unit: "per second".to_owned(),
        base: QUERY.to_owned(),
        series,
        goals: Vec::new(),
    })
}

fn notes(rows: &Rows) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for size in sizes(rows, "left-out") {
        let missing = rows.values(&format!("history/{size}/left-out"))?;
        notes.push(format!(
            "{} messages were left out: the disk had {:.1} GiB too little room.",
            count(size),
            missing.first().copied().unwrap_or_default(),
        ));
    }
    let filled: Vec<String> = sizes(rows, "database")
        .into_iter()
        .map(|size| {
            let mib = rows.values(&format!("history/{size}/database"))?;
            let mib = mib.first().copied().unwrap_or_default();
            Ok(format!("{} messages in {mib:.0} MiB", count(size)))
        })
        .collect::<Result<_>>()?;
    notes.push(format!("The databases: {}.", filled.join(", ")));
    Ok(notes)
}

/// The sizes of channels that have this figure, from the smallest on.
fn sizes(rows: &Rows, figure: &str) -> Vec<u64> {
    let mut sizes: Vec<u64> = rows
        .names()
        .filter_map(|name| {
            let (size, rest) = name.strip_prefix("history/")?.split_once('/')?;
            (rest == figure).then(|| size.parse().ok()).flatten()
        })
        .collect();
    sizes.sort_unstable();
    sizes
}

fn count(messages: u64) -> String {
    number(messages as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::load::Row;

    fn rows(sizes: &[u64]) -> Rows {
        let row = |name: String, value| Row {
            name,
            values: vec![value],
        };
        let mut rows = vec![row("history/10000000/left-out".to_owned(), 2.0)];
        for (index, size) in sizes.iter().enumerate() {
            rows.push(row(format!("history/{size}/database"), 3.0));
            for kind in ["random", "newest"] {
                for key in ["log", "query", "gateway", "bare-answer"] {
                    let name = format!("history/{size}/{kind}/{key}");
                    rows.push(row(format!("{name}/rate"), 1_000.0));
                    rows.push(row(format!("{name}/p50"), 100.0 + index as f64 * 30.0));
                }
            }
        }
        Rows::new(rows)
    }

    #[test]
    fn growth_is_judged_from_the_smallest_channel_to_the_largest() {
        let measures = measures(&rows(&[10_000, 100_000])).unwrap();
        assert_eq!(measures.len(), 2 + 1 + 2);
        let growth = &measures[3];
        assert_eq!(growth.base, "gateway's log: 10,000 messages");
        assert_eq!(growth.goals[0].series, "gateway's log: 100,000 messages");
        let verdict = growth.goals[0].verdict(growth).unwrap();
        assert!(!verdict.is_met && (verdict.ratio - 1.3).abs() < 1e-9);
    }

    #[test]
    fn what_was_left_out_is_in_the_notes() {
        let notes = notes(&rows(&[10_000])).unwrap();
        assert!(
            notes[0].starts_with("10,000,000 messages were left out: the disk had 2.0 GiB"),
            "{notes:?}"
        );
        assert_eq!(notes[1], "The databases: 10,000 messages in 3 MiB.");
    }

    #[test]
    fn without_a_channel_there_is_no_result() {
        assert!(measures(&rows(&[])).is_err());
    }
}
