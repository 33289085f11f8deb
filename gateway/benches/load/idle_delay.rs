//! How long one send and its delivery take when nothing else happens: gathering must not delay them.

use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    Result, Setup,
    bare::{Commits, role},
    client::{self, Socket},
    report::Report,
    server::Server,
    stats::{self, Latencies},
};

/// From one to the next: far longer than one takes.
const PERIOD: Duration = Duration::from_millis(5);

pub async fn measure(setup: &Setup, report: &mut Report) -> Result<()> {
    let folder = TempDir::new_in(&setup.folder)?;
    let mut commits = Commits::open(folder.path())?;
    let (gateway, bare) = (Server::gateway(setup).await?, Server::bare().await?);
    let token = gateway.token("user", &["a"]).await?;
    let mut sender = Socket::welcomed(&gateway.address, &token, &[]).await?;
    let mut subscriber = Socket::welcomed(&gateway.address, &token, &["a"]).await?;
    let mut echo = Socket::bare(&bare.address).await?;
    echo.send(role::ECHO.to_owned()).await?;
    echo.next().await?;

    let [mut answer, mut delivery, mut commit, mut echoed] = [(); 4].map(|()| Latencies::default());
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let rounds = setup.span.as_millis() / PERIOD.as_millis() / 3;
    for round in 0..rounds {
        period.tick().await;
        let started = stats::now();
        sender
            .send(client::message(round as u64, "a", started))
            .await?;
        let (answered, delivered) = tokio::join!(
            async { sender.next().await.map(|frame| (frame, stats::now())) },
            async { subscriber.next().await.map(|frame| (frame, stats::now())) },
        );
        let ((reply, answered), (_, delivered)) = (answered?, delivered?);
        client::answered(&reply)?;
        answer.add(answered - started);
        delivery.add(delivered - started);

        period.tick().await;
        let started = stats::now();
        tokio::task::block_in_place(|| commits.commit())?;
        commit.add(stats::now() - started);

        period.tick().await;
        let started = stats::now();
        echo.send(client::message(round as u64, "a", started))
            .await?;
        echo.next().await?;
        echoed.add(stats::now() - started);
    }
    gateway.stop().await?;
    bare.stop().await?;
    let [answer, _, commit, echo] = [
        ("answer", answer),
        ("delivery", delivery),
        ("bare-commit", commit),
        ("bare-echo", echoed),
    ]
    .map(|(name, mut latencies)| {
        let [p50, p99] = latencies.percentiles([50.0, 99.0]);
        report.add(format!("idle-delay/{name}/p50"), "µs", p50, "");
        report.add(format!("idle-delay/{name}/p99"), "µs", p99, "");
        p50
    });
    report.add(
        "idle-delay/answer/beside-bare",
        "times",
        answer / (commit + echo),
        "p50 beside the sum of commit and echo",
    );
    Ok(())
}
