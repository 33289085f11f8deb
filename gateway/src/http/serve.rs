//! Serves until asked to stop.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio::{sync::watch, time::timeout};

use super::{
    linger::LingeringAcceptor,
    router::{State, router},
};

/// How long a client may take to send the head of a request; a slower one would hold a
/// socket for nothing.
const HEAD: Duration = Duration::from_secs(10);
/// How long requests and connections have to end when the gateway stops.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `stopping` turns true and open requests have ended, or were cut off after a while.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(listener: TcpListener, state: State) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let (stopping, open) = (state.stopping.clone(), state.open.subscribe());
    let handle = Handle::new();
    tokio::spawn(stop(handle.clone(), stopping));
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(LingeringAcceptor)
        .handle(handle);
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD);
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    server.serve(service).await?;
    all_closed(open).await;
    Ok(())
}

async fn stop(handle: Handle<SocketAddr>, mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is as good as a stop.
    let _ = stopping.wait_for(|stopping| *stopping).await;
    handle.graceful_shutdown(Some(GRACE));
}

/// Event connections no longer count as requests: they are waited for here, so that each receives its close code.
async fn all_closed(mut open: watch::Receiver<usize>) {
    let none = open.wait_for(|connections| *connections == 0);
    if timeout(GRACE, none).await.is_err() {
        tracing::warn!("connections were closed after {GRACE:?}");
    }
}
