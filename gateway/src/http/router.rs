//! All routes, each with the part of the gateway it uses.

use std::{net::TcpListener, sync::Arc};

use alo_protocol::{ErrorCode, Limits};
use axum::{Router, extract::DefaultBodyLimit, middleware};
use tokio::sync::watch;

use super::{
    access, announce, auth,
    connection::Connections,
    cors, delete, download,
    error::AppError,
    extract::{BODY_BYTES, Door},
    harden, health, history, platform, socket, tus,
    uploads::Uploads,
};
use crate::{
    access::Restrictions,
    auth::Tokens,
    bus::LocalBus,
    clock::Clock,
    erasure::Eraser,
    files::{Files, Transfers, limits::FileLimits},
    intake::Intake,
    limits::Limiter,
    live::LiveHost,
    metrics::Metrics,
    origin::Origins,
    readers::LogReaders,
    writer::Writer,
};

/// The running parts of a gateway, of which each route uses some.
pub struct State {
    /// Tokens and API key.
    pub tokens: Arc<Tokens>,
    /// What users may no longer do.
    pub restrictions: Restrictions,
    /// Time.
    pub clock: Clock,
    /// What is accepted.
    pub limits: Limits,
    /// How often what may be done.
    pub limiter: Arc<Limiter>,
    /// Who may connect.
    pub origins: Origins,
    /// Uploads.
    pub files: Files,
    /// What they may cost.
    pub file_limits: FileLimits,
    /// Erases.
    pub eraser: Eraser,
    /// Writes.
    pub writer: Writer,
    /// Reads.
    pub log: LogReaders,
    /// Fan-out.
    pub bus: LocalBus,
    /// What is true only at the moment.
    pub live: LiveHost,
    /// Slots for connections, and the budget of bytes.
    pub intake: Intake,
    /// Where metrics are served, if not on the public address.
    pub metrics_listener: Option<TcpListener>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Turns true when the gateway stops.
    pub stopping: watch::Receiver<bool>,
    /// Event connections that are open.
    pub open: watch::Sender<usize>,
}

/// All routes; those of the metrics only if they have no address of their own.
pub(super) fn router(state: State, has_metrics: bool) -> Router {
    let door = Door {
        tokens: state.tokens.clone(),
        clock: state.clock,
        limiter: state.limiter.clone(),
    };
    let connections = Connections {
        tokens: state.tokens,
        clock: state.clock,
        limits: state.limits.clone(),
        limiter: state.limiter,
        writer: state.writer.clone(),
        log: state.log.clone(),
        bus: state.bus,
        live: state.live,
        metrics: state.metrics.clone(),
        stopping: state.stopping.clone(),
        open: state.open,
    };
    let uploads = Uploads {
        door: door.clone(),
        limits: state.limits.clone(),
        files: state.files,
        transfers: Transfers::new(state.file_limits.transfers, state.metrics.clone()),
        file_limits: state.file_limits,
        metrics: state.metrics.clone(),
        stopping: state.stopping,
    };
    let reading = history::Reading {
        door: door.clone(),
        log: state.log.clone(),
    };
    let erasing = delete::Erasing {
        door: door.clone(),
        eraser: state.eraser,
    };
    let messages = platform::Messages {
        door: door.clone(),
        limits: state.limits,
        writer: state.writer.clone(),
    };
    let mut health = health::health(state.writer, state.log);
    if has_metrics {
        health = health.merge(health::metrics(state.metrics));
    }
    let revoking = access::Revoking {
        door: door.clone(),
        restrictions: state.restrictions,
    };
    let json = Router::new()
        .merge(access::router(revoking))
        .merge(auth::router(door))
        .merge(platform::router(messages))
        .merge(history::router(reading))
        .merge(delete::router(erasing))
        .merge(health)
        .layer(DefaultBodyLimit::max(BODY_BYTES));
    Router::new()
        .merge(socket::router(connections, state.origins.clone()))
        .merge(json)
        .merge(tus::router(uploads.clone()))
        .merge(download::router(uploads))
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing)
        .layer(cors::layer(state.origins))
        // Outside of CORS, which answers `OPTIONS` itself.
        .layer(middleware::from_fn(announce::announce))
        .layer(middleware::map_response(harden::harden))
}

/// The routes of the separate address of the metrics.
pub(super) fn metrics_router(state: &State) -> Router {
    health::health(state.writer.clone(), state.log.clone())
        .merge(health::metrics(state.metrics.clone()))
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing)
        .layer(middleware::map_response(harden::harden))
}

async fn wrong_method() -> AppError {
    AppError::new(
        ErrorCode::MethodNotAllowed,
        "this address does not support this method",
    )
}

async fn nothing() -> AppError {
    AppError::new(ErrorCode::NotFound, "nothing exists at this address")
}
