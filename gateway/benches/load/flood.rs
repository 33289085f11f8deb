//! Memory before, in and after floods: what an attack leaves behind.

use std::time::Duration;

use alo_protocol::{CONNECT_PATH, SUBPROTOCOL};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::{
    Result, Setup,
    client::{self, Socket},
    report::Report,
    server::Server,
};

/// Handshakes at the same time.
const AT_ONCE: usize = 64;
/// Sockets of the flood of unfinished frames, and the bytes each has sent of one.
const UNFINISHED: (usize, usize) = (3_000, 250_000);
/// Sockets of the flood of messages, and how many each sends without reading.
const SENDERS: (usize, u64) = (1_000, 50);
/// How long the memory may take to be returned.
const REST: Duration = Duration::from_secs(15);
/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(250);

pub async fn measure(setup: &Setup, report: &mut Report) -> Result<()> {
    // Room for the flood: this measures what is returned, not what is refused.
    let flags = ["--connections-per-address", "0", "--buffered-mib", "65536"];
    let server = Server::gateway_with(setup, &flags).await?;
    let token = server.token("user", &["a"]).await?;
    // What is made once for all is made by the first.
    let mut first = Socket::welcomed(&server.address, &token, &["a"]).await?;
    first.send(client::message(1, "a", 0)).await?;
    first.next().await?;
    let start = server.memory()?.rss;
    add(report, "start", start, start);

    let sockets: Vec<_> = stream::iter(0..UNFINISHED.0)
        .map(|_| unfinished(&server.address, &token))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    // Until everything is read.
    sleep(LOOK * 4).await;
    add(
        report,
        "unfinished-frames/peak",
        server.memory()?.rss,
        start,
    );
    drop(sockets);
    rest(&server, report, "unfinished-frames", start).await?;

    let senders: Vec<_> = stream::iter(0..SENDERS.0)
        .map(|number| sender(&server.address, &token, number as u64))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    add(report, "messages/peak", server.memory()?.rss, start);
    drop(senders);
    rest(&server, report, "messages", start).await?;
    server.stop().await
}

/// Waits until the memory is back at a quarter more than at the start, or for a while.
async fn rest(server: &Server, report: &mut Report, name: &str, start: u64) -> Result<()> {
    let since = Instant::now();
    let mut rss = server.memory()?.rss;
    let mut lowest = (rss, Duration::ZERO);
    while since.elapsed() < REST {
        sleep(LOOK).await;
        rss = server.memory()?.rss;
        if rss < lowest.0 {
            lowest = (rss, since.elapsed());
        }
    }
    add(report, &format!("{name}/after"), rss, start);
    report.add(
        format!("flood/{name}/lowest-after"),
        "s",
        lowest.1.as_secs_f64(),
        "",
    );
    Ok(())
}

fn add(report: &mut Report, name: &str, rss: u64, start: u64) {
    let note = format!("{:.2} × the start", rss as f64 / start as f64);
    report.add(
        format!("flood/{name}"),
        "MiB",
        rss as f64 / f64::from(1 << 20),
        &note,
    );
}

/// A welcomed socket in the middle of a frame.
async fn unfinished(address: &str, token: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    let upgrade = format!(
        "GET {CONNECT_PATH} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).await?;
    let mut answer = vec![0; 4_096];
    let count = stream.read(&mut answer).await?;
    if !answer[..count].starts_with(b"HTTP/1.1 101 ") {
        return Err("no upgrade".into());
    }
    let hello = format!(r#"{{"hello":{{"token":"{token}"}}}}"#);
    stream.write_all(&frame(&hello, hello.len())).await?;
    if stream.read(&mut answer).await? == 0 {
        return Err("no welcome".into());
    }
    let part = "x".repeat(UNFINISHED.1);
    stream.write_all(&frame(&part, part.len() + 1)).await?;
    Ok(stream)
}

/// The beginning of a text frame of this length, masked with zeros.
fn frame(text: &str, length: usize) -> Vec<u8> {
    let mut bytes = vec![0x81, 0x80 | 127];
    bytes.extend((length as u64).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(text.as_bytes());
    bytes
}

/// A socket that sends and reads nothing.
async fn sender(address: &str, token: &str, number: u64) -> Result<Socket> {
    let mut socket = Socket::welcomed_idle(address, token, &[]).await?;
    for id in 0..SENDERS.1 {
        // Beyond what is permitted in flight it is refused, which needs memory too.
        socket.send(client::message(id, "a", number)).await?;
    }
    Ok(socket)
}
