//! `GET /healthz` and `GET /metrics`.

use std::sync::Arc;

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};

use super::error::AppError;
use crate::{metrics::Metrics, writer::Writer};

pub(super) fn health(writer: Writer) -> Router {
    Router::new().route("/healthz", get(healthz).with_state(writer))
}

pub(super) fn metrics(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(text).with_state(metrics))
}

/// Succeeds if the store responds.
async fn healthz(State(writer): State<Writer>) -> Result<&'static str, AppError> {
    writer.heads(Vec::new()).await.answer().await?;
    Ok("ok\n")
}

async fn text(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.text())
}
