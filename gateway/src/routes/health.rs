//! `GET /healthz` and `GET /metrics`.

use axum::{extract::State, http::header, response::IntoResponse};

use crate::{app::AppState, error::AppError};

/// Answers when the store does.
pub(super) async fn healthz(State(state): State<AppState>) -> Result<&'static str, AppError> {
    state.writer.heads(Vec::new()).await.answer().await?;
    Ok("ok\n")
}

pub(super) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.text())
}
