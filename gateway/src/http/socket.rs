//! Opens event sockets: who may open one, and how it is set up.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use alo_protocol::{CONNECT_PATH, CloseCode, ErrorCode, SUBPROTOCOL};
use axum::{
    Extension, Router,
    extract::{
        ConnectInfo, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, header},
    response::Response,
    routing::get,
};
use tokio::time::timeout;

use super::{
    connection::{Connection, Connections},
    error::AppError,
};
use crate::{
    audit,
    intake::Meter,
    limits::Visitor,
    origin::{Origins, RefusedOrigins},
};

/// Read buffer of a socket, bytes: each has one, idle or not. Most frames are smaller.
const READ_BUFFER: usize = 2 * 1024;
/// What may wait in the write buffer of a socket, bytes.
const WRITE_BUFFER: usize = 4 << 20;

/// How long a page that is refused has to receive the reason.
const REFUSED_PATIENCE: Duration = Duration::from_secs(5);
/// What it may send meanwhile in one frame, bytes. Nothing of it is read.
const REFUSED_FRAME: usize = 1024;

#[derive(Clone)]
struct Sockets {
    connections: Connections,
    origins: Origins,
    refused: Arc<RefusedOrigins>,
}

pub(super) fn router(connections: Connections, origins: Origins) -> Router {
    Router::new()
        .route(CONNECT_PATH, get(connect))
        .with_state(Sockets {
            connections,
            origins,
            refused: Arc::default(),
        })
}

/// `GET /v1/connect`
async fn connect(
    State(Sockets {
        connections,
        origins,
        refused,
    }): State<Sockets>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(meter): Extension<Arc<Meter>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
    let upgrade = upgrade
        .map_err(|rejection| AppError::new(ErrorCode::InvalidArgument, rejection.body_text()))?;
    let (limiter, now_ms) = (&connections.limiter, connections.clock.steady_ms());
    let address = limiter.proxies().client(peer.ip(), &headers);
    if !origins.allows_request(&headers) {
        let origin = headers.get(header::ORIGIN);
        if let Some(origin) = origin.and_then(|origin| refused.to_log(origin, now_ms)) {
            audit::origin_refused(address.ip(), origin);
        }
        return Ok(upgrade
            .protocols([SUBPROTOCOL])
            .read_buffer_size(READ_BUFFER)
            .max_message_size(REFUSED_FRAME)
            .max_frame_size(REFUSED_FRAME)
            .on_upgrade(refuse));
    }
    let limit = connections.limits.frame_bytes as usize;
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
    let visitor = Visitor::enter(limiter.clone(), address, now_ms);
    Ok(upgrade.on_upgrade(move |socket| {
        Box::new(Connection::new(connections, meter, socket, visitor)).run()
    }))
}

/// Closes the socket of a page whose origin is not allowed. An answer with a status would reach no page: a browser
/// reports it as a connection that failed.
async fn refuse(mut socket: WebSocket) {
    let code = CloseCode::OriginForbidden;
    let close = Message::Close(Some(CloseFrame {
        code: code.code(),
        reason: code.as_str().into(),
    }));
    let closed = async {
        socket.send(close).await?;
        // Until the page's own close: what it sent before is dropped.
        while socket.recv().await.is_some_and(|received| received.is_ok()) {}
        Ok::<_, axum::Error>(())
    };
    // A page that does not take the reason gets none.
    let _ = timeout(REFUSED_PATIENCE, closed).await;
}
