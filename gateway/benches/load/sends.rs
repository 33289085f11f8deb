//! Durable sends per second, and how long one takes.

use std::collections::HashMap;

use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    Result, Setup, bare,
    client::{self, Socket},
    report::Report,
    server::Server,
    stats::{self, Latencies, Window},
};

/// Connections, and messages each has in flight.
const SHAPES: [(usize, u64); 6] = [(1, 1), (1, 64), (10, 1), (10, 64), (100, 1), (100, 64)];
/// Messages in one transaction of the store alone.
const BATCHES: [usize; 3] = [1, 64, 512];

pub async fn measure(setup: &Setup, report: &mut Report) -> Result<()> {
    let folder = TempDir::new_in(&setup.folder)?;
    let (path, span) = (folder.path().to_owned(), setup.span);
    let (sync, commit, store) = tokio::task::spawn_blocking(move || -> Result<_> {
        let sync = bare::syncs(&path, span)?;
        let commit = bare::commits(&path, span)?;
        let store = BATCHES
            .map(|batch| bare::store(&path, span, batch).map(|measured| (batch, measured)))
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        Ok((sync, commit, store))
    })
    .await??;
    add(report, "sends/bare-fsync", 1, sync);
    let commits = add(report, "sends/bare-commit", 1, commit);
    for (batch, measured) in store {
        add(
            report,
            &format!("sends/store-alone-{batch}"),
            batch,
            measured,
        );
    }
    for (connections, in_flight) in SHAPES {
        let sends = shape(setup, report, connections, in_flight).await?;
        let name = format!("sends/{connections}x{in_flight}/beside-bare-commits");
        report.add(name, "times", sends / commits, "one bare commit each");
    }
    Ok(())
}

/// Adds it to the report and returns the rate.
fn add(report: &mut Report, name: &str, batch: usize, measured: (Window, Latencies)) -> f64 {
    let (window, mut latencies) = measured;
    let rate = (latencies.len() * batch) as f64 / window.seconds();
    let [p50, p99] = latencies.percentiles([50.0, 99.0]);
    report.add(format!("{name}/rate"), "per second", rate, "");
    report.add(format!("{name}/p50"), "µs", p50, "");
    report.add(format!("{name}/p99"), "µs", p99, "");
    rate
}

async fn shape(
    setup: &Setup,
    report: &mut Report,
    connections: usize,
    in_flight: u64,
) -> Result<f64> {
    let server = Server::gateway(setup).await?;
    let token = server.token("user", &["a"]).await?;
    let mut sockets = Vec::new();
    for _ in 0..connections {
        sockets.push(Socket::welcomed(&server.address, &token, &[]).await?);
    }
    let window = Window::opening_soon(setup.span);
    let mut senders: JoinSet<_> = sockets
        .into_iter()
        .map(|socket| pipeline(socket, in_flight, window))
        .collect();
    window.opens().await;
    let before = server.cpu()?;
    window.closes().await;
    let used = server.cpu()? - before;
    let mut latencies = Latencies::default();
    while let Some(sender) = senders.join_next().await {
        latencies.append(sender??);
    }
    server.stop().await?;

    let name = format!("sends/{connections}x{in_flight}");
    let sends = latencies.len();
    let rate = add(report, &name, 1, (window, latencies));
    let each = used.as_secs_f64() * 1e6 / sends as f64;
    report.add(format!("{name}/cpu"), "µs each", each, "the gateway's");
    Ok(rate)
}

/// Keeps so many messages in flight until the window closes.
async fn pipeline(mut socket: Socket, in_flight: u64, window: Window) -> Result<Latencies> {
    let (mut latencies, mut started) = (Latencies::default(), HashMap::new());
    let mut next = 0;
    loop {
        while started.len() < in_flight as usize {
            let now = stats::now();
            started.insert(next, now);
            socket.send(client::message(next, "a", now)).await?;
            next += 1;
        }
        let frame = socket.next().await?;
        let done = stats::now();
        if done >= window.until {
            return Ok(latencies);
        }
        for id in client::replies(&frame)? {
            let started = started.remove(&id).ok_or("a reply to nothing")?;
            if window.contains(done) {
                latencies.add(done - started);
            }
        }
    }
}
