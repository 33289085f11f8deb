//! Deliveries of one channel's events to many sockets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

use crate::{
    Result, Setup,
    bare::role,
    client::{self, Receiver, Sender, Socket},
    report::Report,
    server::Server,
    stats::{self, Latencies, Window},
};

/// Subscribers.
pub const SHAPES: [usize; 3] = [1, 100, 1_000];
/// Messages that may be under way: sent and not answered, or not delivered to all.
const IN_FLIGHT: u64 = 128;

/// Who fans out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Gateway,
    Bare,
}

/// When to send.
#[derive(Clone, Copy)]
pub enum Pace {
    /// As soon as there is room.
    Full,
    /// So many per second, whether or not the last ones have arrived.
    PerSecond(f64),
}

/// What was delivered while the window was open.
pub struct Outcome {
    pub deliveries: usize,
    pub frames: u64,
    pub latencies: Latencies,
    pub seconds: f64,
    pub cpu: Duration,
}

pub async fn measure(setup: &Setup, report: &mut Report) -> Result<()> {
    for subscribers in SHAPES {
        let gateway = run(setup, Kind::Gateway, subscribers, Pace::Full).await?;
        let bare = run(setup, Kind::Bare, subscribers, Pace::Full).await?;
        let times = gateway.rate() / bare.rate();
        gateway.report(report, &format!("fan-out/{subscribers}/gateway"));
        bare.report(report, &format!("fan-out/{subscribers}/bare"));
        let name = format!("fan-out/{subscribers}/beside-bare");
        report.add(name, "times", times, "the rate of deliveries");
    }
    Ok(())
}

impl Outcome {
    /// Deliveries per second.
    pub fn rate(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }

    /// Writes all of it.
    pub fn report(mut self, report: &mut Report, name: &str) {
        let rate = self.rate();
        let each = self.cpu.as_secs_f64() * 1e6 / self.deliveries as f64;
        let coalesced = self.deliveries as f64 / self.frames as f64;
        let [p50, p99] = self.latencies.percentiles([50.0, 99.0]);
        report.add(format!("{name}/rate"), "per second", rate, "deliveries");
        report.add(format!("{name}/p50"), "µs", p50, "");
        report.add(format!("{name}/p99"), "µs", p99, "");
        report.add(format!("{name}/cpu"), "µs each", each, "the server's");
        report.add(format!("{name}/coalesced"), "events a frame", coalesced, "");
    }
}

/// Shared by the sender and those who receive.
#[derive(Default)]
struct Progress {
    replied: AtomicU64,
    delivered: AtomicU64,
    moved: Notify,
}

/// Sends into one channel and counts what arrives.
pub async fn run(setup: &Setup, kind: Kind, subscribers: usize, pace: Pace) -> Result<Outcome> {
    let server = match kind {
        Kind::Gateway => Server::gateway(setup).await?,
        Kind::Bare => Server::bare().await?,
    };
    let token = match kind {
        Kind::Gateway => server.token("user", &["a"]).await?,
        Kind::Bare => String::new(),
    };
    let mut sockets = Vec::new();
    for _ in 0..subscribers {
        sockets.push(join(kind, &server.address, &token, role::SUBSCRIBE).await?);
    }
    let sender = join(kind, &server.address, &token, role::PUBLISH).await?;

    let progress = Arc::new(Progress::default());
    let window = Window::opening_soon(setup.span);
    let mut receivers: JoinSet<_> = sockets
        .into_iter()
        .map(|socket| receive(socket.split().1, progress.clone(), window))
        .collect();
    let (sender, answers) = sender.split();
    let mut sending = JoinSet::new();
    sending.spawn(answered(kind, answers, progress.clone()));
    sending.spawn(send(
        kind,
        sender,
        subscribers as u64,
        progress.clone(),
        pace,
    ));

    window.opens().await;
    let before = server.cpu()?;
    tokio::select! {
        () = window.closes() => {}
        Some(ended) = sending.join_next() => {
            ended??;
            return Err("the sender ended before its time".into());
        }
    }
    let cpu = server.cpu()? - before;
    // Sending continues, so each receiver notices that the window has closed.
    let (mut latencies, mut frames) = (Latencies::default(), 0);
    while let Some(receiver) = receivers.join_next().await {
        let (more, counted) = receiver??;
        latencies.append(more);
        frames += counted;
    }
    sending.shutdown().await;
    server.stop().await?;
    Ok(Outcome {
        deliveries: latencies.len(),
        frames,
        latencies,
        seconds: window.seconds(),
        cpu,
    })
}

async fn join(kind: Kind, address: &str, token: &str, role: &str) -> Result<Socket> {
    match kind {
        Kind::Gateway => {
            let channels: &[&str] = if role == role::SUBSCRIBE { &["a"] } else { &[] };
            Socket::welcomed(address, token, channels).await
        }
        Kind::Bare => {
            let mut socket = Socket::bare(address).await?;
            socket.send(role.to_owned()).await?;
            socket.next().await?;
            Ok(socket)
        }
    }
}

async fn receive(
    mut receiver: Receiver,
    progress: Arc<Progress>,
    window: Window,
) -> Result<(Latencies, u64)> {
    let (mut latencies, mut frames) = (Latencies::default(), 0);
    loop {
        let frame = receiver.next().await?;
        let now = stats::now();
        let mut events = 0;
        for stamp in client::stamps(&frame) {
            events += 1;
            if window.contains(now) {
                latencies.add(now.saturating_sub(stamp));
            }
        }
        frames += u64::from(window.contains(now));
        progress.delivered.fetch_add(events, Ordering::Relaxed);
        progress.moved.notify_one();
        if now >= window.until {
            // From here on it is not waited for.
            progress
                .delivered
                .fetch_add(u64::MAX / 1_000_000, Ordering::Relaxed);
            return Ok((latencies, frames));
        }
    }
}

/// Reads the sender's answers, so that it is not held back by them.
async fn answered(kind: Kind, mut answers: Receiver, progress: Arc<Progress>) -> Result<()> {
    if kind == Kind::Bare {
        progress.replied.store(u64::MAX / 2, Ordering::Relaxed);
    }
    loop {
        let frame = answers.next().await?;
        let replies = client::replies(&frame)?.count() as u64;
        progress.replied.fetch_add(replies, Ordering::Relaxed);
        progress.moved.notify_one();
    }
}

async fn send(
    kind: Kind,
    mut sender: Sender,
    subscribers: u64,
    progress: Arc<Progress>,
    pace: Pace,
) -> Result<()> {
    let mut due = match pace {
        Pace::Full => None,
        Pace::PerSecond(rate) => Some(metronome(rate)?),
    };
    let mut sent: u64 = 0;
    loop {
        let stamp = match &mut due {
            None => None,
            Some(due) => Some(due.recv().await.ok_or("the metronome stopped")?),
        };
        while sent.saturating_sub(progress.replied.load(Ordering::Relaxed)) >= IN_FLIGHT
            || (sent * subscribers).saturating_sub(progress.delivered.load(Ordering::Relaxed))
                >= IN_FLIGHT * subscribers
        {
            progress.moved.notified().await;
        }
        let stamp = stamp.unwrap_or_else(stats::now);
        let text = match kind {
            Kind::Gateway => client::message(sent, "a", stamp),
            Kind::Bare => client::push(sent, stamp),
        };
        sender.send(text).await?;
        sent += 1;
    }
}

/// Times at which a message is due, reported when they have come. A thread, as the runtime's timers are a
/// millisecond coarse.
fn metronome(rate: f64) -> Result<mpsc::UnboundedReceiver<u64>> {
    let (tick, due) = mpsc::unbounded_channel();
    std::thread::Builder::new()
        .name("metronome".into())
        .spawn(move || {
            let start = stats::now();
            for beat in 1_u64.. {
                let time = start + (beat as f64 / rate * 1e9) as u64;
                std::thread::sleep(Duration::from_nanos(time.saturating_sub(stats::now())));
                if tick.send(time).is_err() {
                    return;
                }
            }
        })?;
    Ok(due)
}
