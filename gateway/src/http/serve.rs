//! Accepts connections and serves them until asked to stop.
//!
//! HTTP/1.1 only: browsers open WebSockets to an origin without TLS in HTTP/1.1, and reverse proxies speak it to
//! theirs. HTTP/2 would add connections that hold many requests, with time-outs and floods of their own.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http_body_util::BodyExt;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    accepted::Accepted,
    router::{State, metrics_router, router},
};
use crate::{
    files::Pace,
    intake::{Answering, Intake, Meter, Refusal, Seldom},
};

/// How long requests and connections have to end when the gateway stops.
const GRACE: Duration = Duration::from_secs(10);
/// Pause after an error of accepting, which is most likely a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What hyper may buffer of a connection, to read and to write, bytes.
const BUFFER: usize = 64 * 1024;
/// Largest head of a request, bytes.
const HEAD_BYTES: usize = 32 * 1024;

/// Serves until `stopping` turns true and open requests have ended, or were cut off after a while.
///
/// # Errors
/// When a listener cannot be used.
pub async fn serve(listener: TcpListener, mut state: State) -> io::Result<()> {
    let (stopping, open) = (state.stopping.clone(), state.open.subscribe());
    let metrics = state.metrics_listener.take().map(|listener| Entrance {
        router: metrics_router(&state),
        intake: state.intake.reserved(&state.metrics),
        pace: state.file_limits.pace,
        listener,
        stopping: stopping.clone(),
    });
    let public = Entrance {
        intake: state.intake.clone(),
        pace: state.file_limits.pace,
        router: router(state, metrics.is_none()),
        listener,
        stopping,
    };
    tokio::try_join!(public.serve(), async {
        match metrics {
            Some(metrics) => metrics.serve().await,
            None => Ok(()),
        }
    })?;
    all_closed(open).await;
    Ok(())
}

/// One listener, what it serves, and who may come in.
struct Entrance {
    listener: TcpListener,
    router: Router,
    intake: Intake,
    pace: Pace,
    stopping: watch::Receiver<bool>,
}

impl Entrance {
    async fn serve(mut self) -> io::Result<()> {
        self.listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let (errors, refusals) = (Seldom::default(), Seldom::default());
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                // An error means that the sender is gone, which is as good as a stop.
                _ = self.stopping.wait_for(|stopping| *stopping) => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    if let Some(left_out) = errors.permits() {
                        tracing::error!(%error, left_out, "a connection could not be accepted");
                    }
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            match self.intake.admit(peer.ip()) {
                Ok(meter) => {
                    let (router, stopping) = (self.router.clone(), self.stopping.clone());
                    connections.spawn(connection(stream, peer, meter, self.pace, router, stopping));
                }
                Err(refusal) => report(refusal, peer.ip(), &refusals),
            }
        }
        // From here on the system refuses connections.
        drop(listener);
        let ended = async { while connections.join_next().await.is_some() {} };
        if timeout(GRACE, ended).await.is_err() {
            tracing::warn!("requests were cut off after {GRACE:?}");
        }
        Ok(())
    }
}

fn report(refusal: Refusal, peer: IpAddr, seldom: &Seldom) {
    let Some(left_out) = seldom.permits() else {
        return;
    };
    match refusal {
        Refusal::Address => tracing::warn!(
            %peer, left_out,
            "a connection was refused: its address has --connections-per-address of them"
        ),
        Refusal::Total => tracing::warn!(
            %peer, left_out,
            "a connection was refused: there are --connections of them, or too few open files are permitted"
        ),
    }
}

/// Serves the requests of one connection.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    meter: Arc<Meter>,
    pace: Pace,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let Ok(stream) = Accepted::new(stream, meter.clone(), pace) else {
        return;
    };
    let patience = meter.patience();
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        meter.requested();
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(peer));
        extensions.insert(meter.clone());
        let answering = Answering::new(meter.clone());
        let answer = router.call(request);
        async move {
            let answer = answer.await?;
            Ok::<_, std::convert::Infallible>(answer.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    // Dropped with the body, which is when the answer is complete.
                    let _ = &answering;
                    frame
                }))
            }))
        }
    });
    let mut http = http1::Builder::new();
    // The meter's deadlines are earlier; but only with a time-out of its own hyper reads as soon as it waits.
    http.timer(TokioTimer::new())
        .header_read_timeout(patience.idle.saturating_add(patience.head))
        .max_buf_size(BUFFER)
        .max_header_size(HEAD_BYTES);
    let served = http
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => served.as_mut().graceful_shutdown(),
    }
    // Fails where the client does.
    let _ = served.await;
}

/// Event connections no longer count as requests: they are waited for here, so that each receives its close code.
async fn all_closed(mut open: watch::Receiver<usize>) {
    let none = open.wait_for(|connections| *connections == 0);
    if timeout(GRACE, none).await.is_err() {
        tracing::warn!("connections were closed after {GRACE:?}");
    }
}
