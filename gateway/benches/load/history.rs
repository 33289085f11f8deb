//! Pages of history: through the log, beside the bare query of the same rows, and through a whole gateway.

use serde_json::{json, to_value};
use tokio::task::block_in_place;

use crate::{
    Result, Setup,
    bare::role,
    channel::{self, Channel, NAME, Place},
    client::{self, Socket},
    report::Report,
    server::{self, Server},
    stats::{self, Latencies, Window},
};

/// Messages of the channels.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// On the disk, for a message with its indexes, its event and the log written ahead.
const BYTES_EACH: u64 = 600;
/// What one way reads before it is the other's turn.
const TURN: u64 = 20;

/// The channels, filled at their first use and kept for all runs.
#[derive(Default)]
pub struct Channels {
    filled: Vec<Channel>,
    is_ready: bool,
}

/// Where pages are read.
#[derive(Clone, Copy)]
enum Kind {
    Random,
    Newest,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Newest => "newest",
        }
    }

    fn place(self, channel: &Channel, random: &mut fastrand::Rng, turn: u64) -> Place {
        match self {
            Self::Random => channel.anywhere(random, turn),
            Self::Newest => Place::Newest,
        }
    }
}

impl Channels {
    fn fill(&mut self, setup: &Setup, report: &mut Report) -> Result<()> {
        if self.is_ready {
            return Ok(());
        }
        for messages in SIZES.into_iter().filter(|size| *size <= setup.messages) {
            let needed = messages * BYTES_EACH;
            if let Some(free) = server::free_bytes(&setup.folder)
                && free < needed
            {
                report.add(
                    format!("history/{messages}/left-out"),
                    "GiB missing",
                    (needed - free) as f64 / f64::from(1 << 30),
                    "the disk has no room for it",
                );
                continue;
            }
            let started = stats::now();
            let channel = block_in_place(|| Channel::fill(&setup.folder, messages))?;
            let seconds = (stats::now() - started) as f64 / 1e9;
            let name = format!("history/{messages}");
            let size = channel.bytes()? as f64 / f64::from(1 << 20);
            report.add(format!("{name}/database"), "MiB", size, "");
            report.add(format!("{name}/fill"), "seconds", seconds, "");
            self.filled.push(channel);
        }
        self.is_ready = true;
        Ok(())
    }
}

pub async fn measure(setup: &Setup, channels: &mut Channels, report: &mut Report) -> Result<()> {
    channels.fill(setup, report)?;
    for kind in [Kind::Random, Kind::Newest] {
        let mut smallest = None;
        for channel in &channels.filled {
            let name = format!("history/{}/{}", channel.messages, kind.name());
            let [log, query] = block_in_place(|| alone(setup, channel, kind))?;
            let log = add(report, &format!("{name}/log"), log);
            let query = add(report, &format!("{name}/query"), query);
            let beside = log.rate / query.rate;
            report.add(
                format!("{name}/log/beside-query"),
                "times",
                beside,
                "the bare query's rate",
            );
            let growth = log.p50 / *smallest.get_or_insert(log.p50);
            report.add(
                format!("{name}/log/growth"),
                "times",
                growth,
                "the time in the smallest channel",
            );
            let [gateway, answer] = whole(setup, channel, kind).await?;
            add(report, &format!("{name}/gateway"), gateway);
            add(report, &format!("{name}/bare-answer"), answer);
        }
    }
    Ok(())
}

struct Figures {
    rate: f64,
    p50: f64,
}

fn add(report: &mut Report, name: &str, mut latencies: Latencies) -> Figures {
    let rate = latencies.rate();
    let [p50, p99] = latencies.percentiles([50.0, 99.0]);
    report.add(format!("{name}/rate"), "per second", rate, "one at a time");
    report.add(format!("{name}/p50"), "µs", p50, "");
    report.add(format!("{name}/p99"), "µs", p99, "");
    Figures { rate, p50 }
}

/// The log and the bare query in turns, each at places of its own: nobody reads what the other has just read.
fn alone(setup: &Setup, channel: &Channel, kind: Kind) -> Result<[Latencies; 2]> {
    let window = Window::opening_soon(setup.span);
    let mut random = fastrand::Rng::new();
    let [mut log, mut query] = [(); 2].map(|()| Latencies::default());
    while stats::now() < window.until {
        for turn in 0..TURN {
            let place = kind.place(channel, &mut random, turn);
            let started = stats::now();
            let page = channel.read(place)?;
            let done = stats::now();
            channel::check(page.messages.len())?;
            log.add_in(window, started, done);
        }
        for turn in 0..TURN {
            let place = kind.place(channel, &mut random, turn);
            let started = stats::now();
            let rows = channel.query(place)?;
            let done = stats::now();
            channel::check(rows)?;
            query.add_in(window, started, done);
        }
    }
    Ok([log, query])
}

/// A gateway over one socket, and in turns a bare server that answers with a page it has ready.
async fn whole(setup: &Setup, channel: &Channel, kind: Kind) -> Result<[Latencies; 2]> {
    let gateway = Server::gateway_over(setup, channel.folder()).await?;
    let token = gateway.token("user", &[NAME]).await?;
    let mut asked = Socket::welcomed(&gateway.address, &token, &[]).await?;
    let bare = Server::bare().await?;
    let mut ready = Socket::bare(&bare.address).await?;
    ready.send(role::ANSWER.to_owned()).await?;
    ready.next().await?;
    asked.send(request(Place::Newest)?).await?;
    ready.send(asked.next().await?.to_string()).await?;

    let window = Window::opening_soon(setup.span);
    let mut random = fastrand::Rng::new();
    let mut taken = [(); 2].map(|()| Latencies::default());
    while stats::now() < window.until {
        for (socket, latencies) in [&mut asked, &mut ready].into_iter().zip(&mut taken) {
            for turn in 0..TURN {
                let request = request(kind.place(channel, &mut random, turn))?;
                let started = stats::now();
                socket.send(request).await?;
                let frame = socket.next().await?;
                let done = stats::now();
                client::answered(&frame)?;
                channel::check(frame.matches(r#""channelId":"#).count())?;
                latencies.add_in(window, started, done);
            }
        }
    }
    gateway.stop().await?;
    bare.stop().await?;
    Ok(taken)
}

fn request(place: Place) -> Result<String> {
    let params = to_value(channel::history(place)?)?;
    Ok(json!({"id": 1, "method": "history", "params": params}).to_string())
}
