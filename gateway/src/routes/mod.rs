//! The HTTP side but for files.

mod auth;
mod health;
mod platform;

pub(crate) use platform::idempotency_key;

use alo_protocol::{ErrorBody, ErrorCode};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request},
    routing::{get, post, put},
};
use serde::de::DeserializeOwned;

use crate::{app::AppState, error::AppError};

/// Largest JSON body, bytes.
const BODY_BYTES: usize = 256 * 1024;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/v1/auth", post(auth::issue))
        .route(
            "/channels/{channel_id}/chat_messages",
            put(platform::create_message),
        )
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
}

/// Reads a JSON body; an error names the field.
async fn json<T: DeserializeOwned>(request: Request) -> Result<T, AppError> {
    let body = Bytes::from_request(request, &())
        .await
        .map_err(|rejection| {
            let code = if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                ErrorCode::ContentTooLarge
            } else {
                ErrorCode::MalformedFrame
            };
            ErrorBody::new(code, format!("body: {}", rejection.body_text()))
        })?;
    serde_json::from_slice(&body)
        .map_err(|error| AppError::new(ErrorCode::InvalidArgument, format!("body: {error}")))
}
