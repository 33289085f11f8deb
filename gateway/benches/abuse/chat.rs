//! The client whose conversation an attack must not disturb.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    Result,
    client::{self, Socket},
    peer,
    server::Server,
    stats::{self, Latencies},
};

/// Between two messages.
const EVERY: Duration = Duration::from_millis(5);
/// Between two requests for the gateway's health.
const HEALTH_EVERY: Duration = Duration::from_millis(100);
/// After the last message so long nothing comes.
const SILENCE: Duration = Duration::from_secs(1);
/// A message that takes longer was not delivered.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the client noticed.
pub struct Chat {
    /// Of deliveries to oneself, microseconds: p50 and p99.
    pub delays: [f64; 2],
    /// Messages sent and received.
    pub messages: usize,
    /// Requests for the gateway's health that failed or took longer than a second.
    pub unhealthy: usize,
}

/// Chats for so long over a new connection.
///
/// # Errors
/// When the connection is refused or ends, or a message is not delivered.
pub async fn run(server: &Server, span: Duration) -> Result<Chat> {
    let token = server.token("ada", &["lobby"]).await?;
    let socket = timeout(
        PATIENCE,
        Socket::welcomed(&server.address, &token, &["lobby"]),
    )
    .await??;
    let (mut sender, mut receiver) = socket.split();
    let end = stats::now() + u64::try_from(span.as_nanos())?;
    let sending = async {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sent = 0_usize;
        while stats::now() < end {
            ticks.tick().await;
            sent += 1;
            sender
                .send(client::message(sent as u64, "lobby", stats::now()))
                .await?;
        }
        Result::<usize>::Ok(sent)
    };
    let receiving = async {
        let mut delays = Latencies::default();
        loop {
            // Silence means that all is delivered, once the last is sent.
            let wait = if stats::now() < end {
                PATIENCE
            } else {
                SILENCE
            };
            match timeout(wait, receiver.next()).await {
                Ok(frame) => {
                    let now = stats::now();
                    for stamp in delivered(&frame?)? {
                        delays.add(now.saturating_sub(stamp));
                    }
                }
                Err(_) if stats::now() >= end => break,
                Err(_) => return Err("no message was delivered for ten seconds".into()),
            }
        }
        Result::<Latencies>::Ok(delays)
    };
    let (sent, delays, unhealthy) = tokio::join!(sending, receiving, health(&server.address, end));
    let (sent, mut delays) = (sent?, delays?);
    if delays.len() < sent {
        return Err(format!("{} of {sent} messages were delivered", delays.len()).into());
    }
    Ok(Chat {
        delays: delays.percentiles([50.0, 99.0]),
        messages: sent,
        unhealthy,
    })
}

/// The times carried by the messages that a frame delivers.
///
/// # Errors
/// When a message was refused.
fn delivered(frame: &str) -> Result<Vec<u64>> {
    let frame: Value = serde_json::from_str(frame)?;
    let items = frame
        .as_array()
        .map_or_else(|| std::slice::from_ref(&frame), Vec::as_slice);
    if let Some(refused) = items.iter().find(|item| item.get("error").is_some()) {
        return Err(format!("refused: {refused}").into());
    }
    let content = |item: &Value| {
        let content = item["event"]["data"]["message"]["content"].as_str()?;
        content.split(' ').next()?.parse().ok()
    };
    Ok(items.iter().filter_map(content).collect())
}

async fn health(address: &str, end: u64) -> usize {
    let mut ticks = interval(HEALTH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures = 0;
    while stats::now() < end {
        ticks.tick().await;
        let answer = async {
            let mut stream = TcpStream::connect(address).await.ok()?;
            peer::request(
                &mut stream,
                "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                b"",
            )
            .await
            .ok()
        };
        let is_well = timeout(Duration::from_secs(1), answer)
            .await
            .ok()
            .flatten()
            .is_some_and(|head| head.starts_with("HTTP/1.1 200"));
        failures += usize::from(!is_well);
    }
    failures
}
