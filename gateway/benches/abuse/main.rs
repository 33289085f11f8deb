//! Attacks on a real gateway over loopback, each beside a client that chats. See ../README.md.

mod attacks;
mod chat;
#[allow(
    dead_code,
    reason = "shared with the benchmark `load`, which uses all of it"
)]
#[path = "../load/client.rs"]
mod client;
mod peer;
mod report;
#[allow(
    dead_code,
    reason = "shared with the benchmark `load`, which uses all of it"
)]
#[path = "../load/server.rs"]
mod server;
#[allow(
    dead_code,
    reason = "shared with the benchmark `load`, which uses all of it"
)]
#[path = "../load/stats.rs"]
mod stats;

use std::{
    error::Error,
    path::PathBuf,
    process::{ExitCode, Stdio},
    time::Duration,
};

use clap::{Parser, ValueEnum};
use tokio::{
    process::{Child, Command},
    time::{interval, sleep},
};

use attacks::{Attack, Target};
use report::{Outcome, Report};
use server::Server;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How long memory has to return after an attack.
const RECOVERY: Duration = Duration::from_secs(3);

/// Attacks a gateway, and measures what a client that chats notices of it.
#[derive(Parser)]
struct Flags {
    /// The attacks; without a name all of them.
    names: Vec<Attack>,
    /// The gateway's program; by default the one built with this tool.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_alo-gateway"))]
    gateway: PathBuf,
    /// The folder to make databases in.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    folder: PathBuf,
    /// How long each attack lasts; the quiet time before it is as long.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Where to write the results as a table in Markdown.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Attacks this address until killed, instead of measuring.
    #[arg(long, hide = true, requires = "token")]
    address: Option<String>,
    /// A token for the attacker.
    #[arg(long, hide = true)]
    token: Option<String>,
    /// Cargo passes this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The parameters of a gateway.
struct Setup {
    gateway: PathBuf,
    folder: PathBuf,
    /// By rate, with the defaults.
    is_limited: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("abuse: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every attack stayed within its bounds.
async fn run(flags: Flags) -> Result<bool> {
    server::raise_open_files();
    if let (Some(address), Some(token), [attack]) =
        (flags.address, flags.token, flags.names.as_slice())
    {
        attacks::run(*attack, &Target { address, token }).await;
        return Ok(true);
    }
    let setup = Setup {
        gateway: flags.gateway,
        folder: flags.folder,
        is_limited: true,
    };
    std::fs::create_dir_all(&setup.folder)?;
    let span = Duration::from_secs(flags.seconds.max(1));
    let chosen = match flags.names.as_slice() {
        [] => Attack::value_variants(),
        names => names,
    };
    let mut report = Report::default();
    for attack in chosen {
        report.add(*attack, measure(&setup, *attack, span).await?);
    }
    print!("{}", report.text());
    if let Some(path) = flags.markdown {
        std::fs::write(path, report.markdown())?;
    }
    Ok(report.is_within_bounds())
}

async fn measure(setup: &Setup, attack: Attack, span: Duration) -> Result<Outcome> {
    let server = Server::gateway(setup).await?;
    let token = server.token("mallory", &["a"]).await?;
    // What is made once for all is made by the first.
    chat::run(&server, Duration::from_millis(500)).await?;
    let quiet = chat::run(&server, span).await?;
    let before = server.memory()?.rss;
    let mut attacker = start(attack, &server.address, &token)?;
    let (chatted, peak) = tokio::join!(chat::run(&server, span), peak(&server, span));
    let is_over = attacker.try_wait()?;
    attacker.kill().await?;
    if let Some(status) = is_over {
        return Err(format!("the attacker ended early: {status}").into());
    }
    sleep(RECOVERY).await;
    let after = server.memory()?.rss;
    server.stop().await?;
    Ok(Outcome {
        quiet,
        attacked: chatted?,
        before,
        peak: peak?,
        after,
    })
}

/// Starts the attacker: a process with the lowest priority, as its processor is not the gateway's.
fn start(attack: Attack, address: &str, token: &str) -> Result<Child> {
    let name = attack
        .to_possible_value()
        .ok_or("an attack without a name")?;
    let child = Command::new("nice")
        .args(["-n", "19"])
        .arg(std::env::current_exe()?)
        .args([name.get_name(), "--address", address, "--token", token])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

/// The most resident memory while this time passes, bytes.
async fn peak(server: &Server, span: Duration) -> Result<u64> {
    let mut most = 0;
    let mut ticks = interval(Duration::from_millis(50));
    let end = stats::now() + u64::try_from(span.as_nanos())?;
    while stats::now() < end {
        ticks.tick().await;
        most = most.max(server.memory()?.rss);
    }
    Ok(most)
}
