//! `POST /v1/auth`: a token for a user, asked for by the app's server.

use alo_protocol::{AuthRequest, AuthResponse};
use axum::{
    Json,
    extract::{Request, State},
    http::header,
    response::IntoResponse,
};

use super::json;
use crate::{
    app::{AppState, bearer},
    auth::check_auth_request,
    error::AppError,
};

pub(super) async fn issue(
    State(state): State<AppState>,
    request: Request,
) -> Result<impl IntoResponse, AppError> {
    state.tokens.check_api_key(bearer(request.headers())?)?;
    let body: AuthRequest = json(request).await?;
    check_auth_request(&body)?;
    let token = state.tokens.issue(&body, state.clock.now_ms());
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Json(AuthResponse { token }),
    ))
}
