//! Memory of a socket on which nothing happens.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::timeout;

use crate::{
    Result, Setup,
    client::{self, Socket},
    report::Report,
    server::{Memory, Server},
};

/// Channels the subscriptions are spread over.
const CHANNELS: usize = 100;
/// Handshakes at the same time.
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn measure(setup: &Setup, report: &mut Report) -> Result<()> {
    for subscribed in [false, true] {
        let server = Server::gateway(setup).await?;
        let names: Vec<_> = (0..CHANNELS).map(|n| format!("channel-{n}")).collect();
        let mut tokens = Vec::new();
        for name in &names {
            tokens.push(server.token("user", &[name]).await?);
        }
        // What is made once for all is made by the first.
        drop(Socket::welcomed_idle(&server.address, &tokens[0], &[&names[0]]).await?);
        let before = server.memory()?;
        let mut sockets: Vec<_> = stream::iter(0..setup.sockets)
            .map(|socket| {
                let (server, names, tokens) = (&server, &names, &tokens);
                async move {
                    let channel = socket % CHANNELS;
                    let channels = [names[channel].as_str()];
                    let channels = if subscribed { &channels[..] } else { &[] };
                    Socket::welcomed_idle(&server.address, &tokens[channel], channels).await
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let name = if subscribed { "subscribed" } else { "welcomed" };
        add(report, name, setup.sockets, &before, &server.memory()?);
        if subscribed {
            deliver(&server, &names, &tokens, &mut sockets).await?;
            let after = server.memory()?;
            add(report, "after-a-delivery", setup.sockets, &before, &after);
        }
        server.stop().await?;
    }
    Ok(())
}

fn add(report: &mut Report, name: &str, sockets: usize, before: &Memory, after: &Memory) {
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / sockets as f64;
    let note = format!("{sockets} sockets");
    report.add(
        format!("idle/{name}/rss"),
        "bytes each",
        each(after.rss, before.rss),
        &note,
    );
    report.add(
        format!("idle/{name}/pss"),
        "bytes each",
        each(after.pss, before.pss),
        &note,
    );
}

/// One message to each channel; waits until every socket has it.
async fn deliver(
    server: &Server,
    names: &[String],
    tokens: &[String],
    sockets: &mut [Socket],
) -> Result<()> {
    for (name, token) in names.iter().zip(tokens) {
        let mut sender = Socket::welcomed_idle(&server.address, token, &[]).await?;
        sender.send(client::message(1, name, 0)).await?;
        client::answered(&sender.next().await?)?;
    }
    for socket in sockets {
        timeout(PATIENCE, socket.next()).await??;
    }
    Ok(())
}
