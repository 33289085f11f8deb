//! Opens event sockets: who may open one, and how it is set up.

use std::{net::SocketAddr, sync::Arc};

use alo_protocol::{CONNECT_PATH, ErrorCode, SUBPROTOCOL};
use axum::{
    Extension, Router,
    extract::{ConnectInfo, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::HeaderMap,
    response::Response,
    routing::get,
};

use super::{
    connection::{Connection, Connections},
    error::AppError,
};
use crate::{intake::Meter, limits::Visitor, origin::Origins, session::HELLO_BYTES};

/// Read buffer of a socket, bytes: each has one, idle or not. Most frames are smaller.
const READ_BUFFER: usize = 2 * 1024;
/// What may wait in the write buffer of a socket, bytes.
const WRITE_BUFFER: usize = 4 << 20;

#[derive(Clone)]
struct Sockets {
    connections: Connections,
    origins: Origins,
}

pub(super) fn router(connections: Connections, origins: Origins) -> Router {
    Router::new()
        .route(CONNECT_PATH, get(connect))
        .with_state(Sockets {
            connections,
            origins,
        })
}

/// `GET /v1/connect`
async fn connect(
    State(Sockets {
        connections,
        origins,
    }): State<Sockets>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(meter): Extension<Arc<Meter>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
    let upgrade = upgrade
        .map_err(|rejection| AppError::new(ErrorCode::InvalidArgument, rejection.body_text()))?;
    if !origins.allows_request(&headers) {
        return Err(AppError::new(
            ErrorCode::OriginForbidden,
            "Origin: is not on the allow-list",
        ));
    }
    let limit = HELLO_BYTES.max(connections.limits.frame_bytes as usize);
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
        .max_message_size(limit)
        .max_frame_size(limit);
    if upgrade.selected_protocol().is_none() {
        let message = format!("Sec-WebSocket-Protocol: must offer {SUBPROTOCOL}");
        return Err(AppError::new(ErrorCode::InvalidArgument, message));
    }
    let (limiter, now_ms) = (&connections.limiter, connections.clock.steady_ms());
    let address = limiter.proxies().client(peer.ip(), &headers);
    let visitor = Visitor::enter(limiter.clone(), address, now_ms);
    Ok(upgrade.on_upgrade(move |socket| {
        Box::new(Connection::new(connections, meter, socket, visitor)).run()
    }))
}
