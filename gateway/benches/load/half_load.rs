//! How long a delivery takes at half the rate that was reached.

use crate::{
    Result, Setup,
    fan_out::{self, Kind, Pace, SHAPES},
    report::Report,
};

pub async fn measure(setup: &Setup, report: &mut Report) -> Result<()> {
    for subscribers in SHAPES {
        for (kind, name) in [(Kind::Gateway, "gateway"), (Kind::Bare, "bare")] {
            let full = fan_out::run(setup, kind, subscribers, Pace::Full).await?;
            let half = full.rate() / subscribers as f64 / 2.0;
            let outcome = fan_out::run(setup, kind, subscribers, Pace::PerSecond(half)).await?;
            outcome.report(report, &format!("half-load/{subscribers}/{name}"));
        }
    }
    Ok(())
}
