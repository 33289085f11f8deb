//! `alo-gateway`: see `--help`.

use std::{io::Write, process::ExitCode, time::Duration};

use alo_gateway::{
    app::{Gateway, app},
    config::{Config, Flags},
};
use clap::Parser;
use tokio::{net::TcpListener, signal, sync::watch};
use tracing_subscriber::EnvFilter;

/// How long connections have to end when the gateway stops.
const GRACE: Duration = Duration::from_secs(10);

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
    let data = flags.data.display().to_string();
    let config = Config::prepare(flags)?;
    let Gateway {
        state,
        stop,
        writer_thread,
    } = Gateway::start(&config)?;
    let listener = TcpListener::bind(config.listen)
        .await
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
            "API key, shown this once and kept in {data}/api-key: {}",
            config.api_key
        )?;
    }
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    drop(out);

    let sweeper = state.files.spawn_sweeper(state.clock);
    let (stopping, writer) = (stop.subscribe(), state.writer.clone());
    let server = axum::serve(listener, app(state)).with_graceful_shutdown(stopped(stopping));
    let signal = async {
        wait_for_signal().await;
        tracing::info!("stopping");
        // Everybody who listens is gone already if this fails.
        let _ = stop.send(true);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server => result?,
        () = signal => tracing::warn!("connections were cut after {GRACE:?}"),
    }
    sweeper.abort();
    writer.close().await;
    tokio::task::spawn_blocking(move || writer_thread.join())
        .await?
        .map_err(|_| "the writing thread failed")?;
    Ok(())
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is as good as a stop.
    let _ = stopping.wait_for(|stopping| *stopping).await;
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
