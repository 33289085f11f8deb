//! Load on a real gateway over loopback. See ../README.md.

mod bare;
mod channel;
mod client;
mod deflate;
mod fan_out;
mod flood;
mod half_load;
mod history;
mod idle;
mod idle_delay;
mod report;
mod sends;
mod server;
mod stats;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};

use report::Report;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures a gateway, beside the bare thing wherever there is one.
#[derive(Parser)]
struct Flags {
    /// What to measure; without a name everything.
    names: Vec<Measurement>,
    /// The gateway's program; by default the one built with this tool.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_alo-gateway"))]
    gateway: PathBuf,
    /// The folder to make databases in: its disk is the one measured.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    folder: PathBuf,
    /// How long to count, of each measurement that counts.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How often to repeat everything; the median is reported, with the lowest and the highest.
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Sockets of `idle`.
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
    /// Messages of the largest channel of `history`, which has one for each power of ten from 10,000 on.
    #[arg(long, default_value_t = 10_000_000)]
    messages: u64,
    /// Where to write the results as an array of `{name, unit, note, values}`, a value for each run.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Cargo passes this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// Durable sends per second, beside bare commits, the store alone and fsync.
    Sends,
    /// Deliveries per second to 1, 100 and 1,000 subscribers, beside a bare broadcast.
    FanOut,
    /// Latency of a delivery at half the rate that fan-out reaches.
    HalfLoad,
    /// Memory of an idle socket.
    Idle,
    /// Latency of one send when nothing else happens, beside a bare commit and a bare echo.
    IdleDelay,
    /// Memory before, in and after floods.
    Flood,
    /// Pages of history, beside the bare query of the same rows, in channels of up to ten million messages.
    History,
    /// What permessage-deflate would save and cost.
    Deflate,
    /// The server that is compared with; not a measurement.
    #[value(hide = true)]
    BareServer,
}

impl Measurement {
    const ALL: [Self; 8] = [
        Self::IdleDelay,
        Self::Sends,
        Self::FanOut,
        Self::HalfLoad,
        Self::Idle,
        Self::Flood,
        Self::History,
        Self::Deflate,
    ];
}

/// The parameters of every measurement.
struct Setup {
    gateway: PathBuf,
    folder: PathBuf,
    /// By rate, which no measurement is.
    is_limited: bool,
    span: Duration,
    sockets: usize,
    messages: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<()> {
    if flags.names.contains(&Measurement::BareServer) {
        return bare::serve().await;
    }
    let setup = Setup {
        gateway: flags.gateway,
        folder: flags.folder,
        is_limited: false,
        span: Duration::from_secs(flags.seconds.max(1)),
        sockets: flags.sockets,
        messages: flags.messages,
    };
    std::fs::create_dir_all(&setup.folder)?;
    server::raise_open_files();
    let chosen = match flags.names.as_slice() {
        [] => &Measurement::ALL[..],
        names => names,
    };
    let mut report = Report::default();
    let mut channels = history::Channels::default();
    for _ in 0..flags.runs.max(1) {
        for measurement in chosen {
            match measurement {
                Measurement::Sends => sends::measure(&setup, &mut report).await?,
                Measurement::FanOut => fan_out::measure(&setup, &mut report).await?,
                Measurement::HalfLoad => half_load::measure(&setup, &mut report).await?,
                Measurement::Idle => idle::measure(&setup, &mut report).await?,
                Measurement::Flood => flood::measure(&setup, &mut report).await?,
                Measurement::IdleDelay => idle_delay::measure(&setup, &mut report).await?,
                Measurement::History => {
                    history::measure(&setup, &mut channels, &mut report).await?;
                }
                Measurement::Deflate => deflate::measure(&mut report)?,
                Measurement::BareServer => {}
            }
        }
    }
    print!("{report}");
    if let Some(path) = flags.json {
        std::fs::write(path, report.json()?)?;
    }
    Ok(())
}
