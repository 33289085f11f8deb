//! `POST /v1/auth`: a token for a user, requested by the app's server.

use alo_protocol::{AuthRequest, AuthResponse, ErrorCode, HELLO_BYTES};
use axum::{Json, Router, extract::State, http::header, response::IntoResponse, routing::post};

use super::{
    error::AppError,
    extract::{Door, Issues, JsonBody},
};
use crate::{auth::check_auth_request, random};

/// The largest token: hello has it, and what surrounds it there.
const TOKEN_BYTES: usize = HELLO_BYTES - 256;

pub(super) fn router(door: Door) -> Router {
    Router::new()
        .route("/v1/auth", post(issue))
        .with_state(door)
}

async fn issue(
    State(door): State<Door>,
    _: Issues,
    JsonBody(body): JsonBody<AuthRequest>,
) -> Result<impl IntoResponse, AppError> {
    check_auth_request(&body)?;
    let now_ms = door.clock.now_ms();
    let token = door.tokens.issue(&body, now_ms, random::uuid(now_ms));
    if token.len() > TOKEN_BYTES {
        let message = format!(
            "channelIds: the token would have {} bytes of at most {TOKEN_BYTES}; name fewer channels",
            token.len()
        );
        return Err(AppError::new(ErrorCode::InvalidArgument, message));
    }
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Json(AuthResponse { token }),
    ))
}
