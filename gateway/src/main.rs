//! `alo-gateway`: see `--help`.

use std::{io::Write, net::TcpListener, process::ExitCode};

use alo_gateway::{
    audit,
    backup::Command,
    config::{Config, Flags},
    http::serve,
    logging::Logging,
    permissions,
    start::Gateway,
};
use clap::Parser;
use tokio::signal;

/// Returns memory to the system some seconds after it is free, by a thread of its own: glibc's allocator keeps what a
/// flood has left (docs/decisions/0014).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Without a command it serves.
#[derive(Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[tokio::main]
async fn main() -> ExitCode {
    permissions::restrict_new_files();
    let Arguments { command, flags } = Arguments::parse();
    let done = match command {
        Some(command) => commanded(&command),
        None => run(flags).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("alo-gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

fn commanded(command: &Command) -> Result<(), Box<dyn std::error::Error>> {
    let said = command.run()?;
    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}

async fn run(flags: Flags) -> Result<(), Box<dyn std::error::Error>> {
    let logging = Logging::start(&flags.log)
        .map_err(|error| format!("--audit-log: the file cannot be opened: {error}"))?;
    // Every connection is an open file, and the usual limit is 1,024.
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => tracing::info!(files, "limit of open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
    let data = flags.data.display().to_string();
    let config = Config::prepare(flags)?;
    let Gateway {
        state,
        stop,
        writer_thread,
    } = Gateway::start(&config)?;
    let listener = TcpListener::bind(config.listen)
        .map_err(|error| format!("--listen {}: {error}", config.listen))?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "alo-gateway {}: data in {data}",
        env!("CARGO_PKG_VERSION")
    )?;
    if let Some(key) = &config.new_api_key {
        writeln!(
            out,
            "API key, shown only once and kept in {data}/api-key: {key}"
        )?;
    }
    if let Some(listener) = &state.metrics_listener {
        writeln!(out, "metrics on http://{}/metrics", listener.local_addr()?)?;
    }
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    drop(out);

    let audit = tokio::spawn(audit::report_left_out());
    let (keys, tokens) = (config.keys.clone(), state.tokens.clone());
    let hangups = tokio::spawn(on_hangup(move || {
        logging.reopen();
        match keys.reload(&tokens) {
            Ok(()) => audit::keys_loaded(),
            Err(error) => {
                tracing::error!(%error, "the keys stay as they are");
                audit::keys_refused(&error.to_string());
            }
        }
    }));
    let sweepers = [
        state
            .files
            .spawn_sweeper(state.clock, state.file_limits.orphan_age),
        state.limiter.spawn_sweeper(state.clock),
        state
            .eraser
            .clone()
            .spawn_retention(config.retention.retain),
    ];
    let writer = state.writer.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping");
        // Fails only if all receivers are gone already.
        let _ = stop.send(true);
    });
    serve(listener, state).await?;
    for sweeper in sweepers {
        sweeper.abort();
    }
    audit.abort();
    hangups.abort();
    writer.close().await;
    tokio::task::spawn_blocking(move || writer_thread.join())
        .await?
        .map_err(|_| "the writing thread failed")?;
    Ok(())
}

/// Does this at each SIGHUP.
async fn on_hangup(act: impl Fn()) {
    #[cfg(unix)]
    if let Ok(mut hangup) = signal::unix::signal(signal::unix::SignalKind::hangup()) {
        while hangup.recv().await.is_some() {
            act();
        }
    }
    #[cfg(not(unix))]
    drop(act);
}

async fn wait_for_signal() {
    #[cfg(unix)]
    {
        if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
            tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = signal::ctrl_c().await;
}
