//! The gateway under load: runs the tool of gateway/benches/, and makes results of what it writes.

use anyhow::Result;

use super::{
    load::{Load, Rows},
    results::{Goal, Measure, Results, Series},
};

/// The name of the benchmark.
pub const NAME: &str = "gateway";

/// What is measured; deflate is not, as docs/decisions/0005 has decided it.
const MEASUREMENTS: [&str; 5] = ["idle-delay", "sends", "fan-out", "half-load", "idle"];
/// Connections × messages that each has in flight.
const SENDERS: [(u32, u32); 6] = [(1, 1), (1, 64), (10, 1), (10, 64), (100, 1), (100, 64)];
const SUBSCRIBERS: [u32; 3] = [1, 100, 1_000];
/// Of process memory for an idle socket, bytes.
const SOCKET_BYTES: f64 = 12.0 * 1_024.0;

/// Puts load on a gateway.
pub fn measure(load: &Load<'_>) -> Result<Results> {
    load.run(NAME, &MEASUREMENTS.map(str::to_owned), |rows| {
        Ok((measures(rows)?, Vec::new()))
    })
}

fn measures(rows: &Rows) -> Result<Vec<Measure>> {
    let mut measures = vec![
        one_send(rows)?,
        sends(rows, "Durable sends", "per second", "rate")?,
        sends(rows, "Time of a durable send, p50", "µs", "p50")?,
        sends(rows, "Time of a durable send, p99", "µs", "p99")?,
    ];
    for (title, unit, what) in [
        ("Deliveries in one channel", "per second", "fan-out/{}/rate"),
        (
            "Time to deliver at half that rate, p99",
            "µs",
            "half-load/{}/p99",
        ),
    ] {
        for subscribers in SUBSCRIBERS {
            let name = |who| what.replace("{}", &format!("{subscribers}/{who}"));
            measures.push(Measure {
                title: format!("{title}, readers: {subscribers}"),
                unit: unit.to_owned(),
                base: "bare broadcast".to_owned(),
                series: vec![
                    rows.series("gateway", &name("gateway"))?,
                    rows.series("bare broadcast", &name("bare"))?,
                ],
                goals: Vec::new(),
            });
        }
    }
    measures.push(idle(rows)?);
    Ok(measures)
}

/// One send when nothing else happens: nothing waits for other sends.
fn one_send(rows: &Rows) -> Result<Measure> {
    let commit = rows.series("bare commit", "idle-delay/bare-commit/p50")?;
    let echo = rows.series("bare echo", "idle-delay/bare-echo/p50")?;
    let both = Series {
        name: "commit and echo".to_owned(),
        values: std::iter::zip(&commit.values, &echo.values)
            .map(|(commit, echo)| commit + echo)
            .collect(),
    };
    Ok(Measure {
        title: "One send while nothing else happens, p50".to_owned(),
        unit: "µs".to_owned(),
        base: both.name.clone(),
        series: vec![
            rows.series("gateway: answered", "idle-delay/answer/p50")?,
            rows.series("gateway: delivered", "idle-delay/delivery/p50")?,
            commit,
            echo,
            both,
        ],
        goals: vec![Goal {
            series: "gateway: answered".to_owned(),
            against: "commit and echo".to_owned(),
            at_most: Some(1.2),
            at_least: None,
        }],
    })
}

/// Compared with SQLite and a transaction for each, which is what a server without batches would do.
fn sends(rows: &Rows, title: &str, unit: &str, what: &str) -> Result<Measure> {
    let mut series = Vec::new();
    for (connections, in_flight) in SENDERS {
        series.push(rows.series(
            format!("gateway: {connections} × {in_flight} in flight"),
            &format!("sends/{connections}x{in_flight}/{what}"),
        )?);
    }
    series.push(rows.series("SQLite, one a commit", &format!("sends/bare-commit/{what}"))?);
    series.push(rows.series("fdatasync of a page", &format!("sends/bare-fsync/{what}"))?);
    Ok(Measure {
        title: title.to_owned(),
        unit: unit.to_owned(),
        base: "SQLite, one a commit".to_owned(),
        series,
        goals: Vec::new(),
    })
}

fn idle(rows: &Rows) -> Result<Measure> {
    let aim = "aim";
    let mut series = Vec::new();
    let mut goals = Vec::new();
    for (label, name) in [
        ("gateway: welcomed", "welcomed"),
        ("gateway: subscribed", "subscribed"),
        ("gateway: after a delivery", "after-a-delivery"),
    ] {
        series.push(rows.series(label, &format!("idle/{name}/rss"))?);
        goals.push(Goal {
            series: label.to_owned(),
            against: aim.to_owned(),
            at_most: Some(1.0),
            at_least: None,
        });
    }
    series.push(Series {
        name: aim.to_owned(),
        values: vec![SOCKET_BYTES],
    });
    Ok(Measure {
        title: "Process memory of an idle socket among 10,000".to_owned(),
        unit: "bytes".to_owned(),
        base: aim.to_owned(),
        series,
        goals,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::load::Row;

    #[test]
    fn what_was_not_measured_is_named() {
        let error = measures(&Rows::new(Vec::new())).unwrap_err();
        assert!(error.to_string().contains("idle-delay/"), "{error}");
    }

    #[test]
    fn a_send_alone_is_beside_the_sum_of_commit_and_echo() {
        let row = |name: &str, value| Row {
            name: format!("idle-delay/{name}/p50"),
            values: vec![value],
        };
        let rows = Rows::new(vec![
            row("answer", 330.0),
            row("delivery", 320.0),
            row("bare-commit", 200.0),
            row("bare-echo", 100.0),
        ]);
        let measure = one_send(&rows).unwrap();
        assert_eq!(measure.values("commit and echo"), Some(&[300.0][..]));
        let verdict = measure.goals[0].verdict(&measure).unwrap();
        assert!(verdict.is_met && (verdict.ratio - 1.1).abs() < 1e-9);
    }
}
