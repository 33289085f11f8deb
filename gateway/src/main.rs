//! `alo-gateway`: see `--help`.

use std::{io::Write, net::TcpListener, process::ExitCode};

use alo_gateway::{
    config::{Config, Flags},
    http::serve,
    start::Gateway,
};
use clap::Parser;
use tokio::signal;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("alo-gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<(), Box<dyn std::error::Error>> {
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
    if config.api_key_is_new {
        writeln!(
            out,
            "API key, shown only once and kept in {data}/api-key: {}",
            config.api_key
        )?;
    }
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    drop(out);

    let sweeper = state.files.spawn_sweeper(state.clock);
    let writer = state.writer.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping");
        // Fails only if all receivers are gone already.
        let _ = stop.send(true);
    });
    serve(listener, state).await?;
    sweeper.abort();
    writer.close().await;
    tokio::task::spawn_blocking(move || writer_thread.join())
        .await?
        .map_err(|_| "the writing thread failed")?;
    Ok(())
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
