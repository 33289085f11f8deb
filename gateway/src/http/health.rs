//! `GET /healthz` and `GET /metrics`.

use std::sync::Arc;

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};

use super::error::AppError;
use crate::{metrics::Metrics, readers::LogReaders, writer::Writer};

pub(super) fn health(writer: Writer, log: LogReaders) -> Router {
    Router::new().route("/healthz", get(healthz).with_state((writer, log)))
}

pub(super) fn metrics(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(text).with_state(metrics))
}

/// Succeeds if the writing thread and the store respond.
async fn healthz(
    State((writer, log)): State<(Writer, LogReaders)>,
) -> Result<&'static str, AppError> {
    writer.respond().await.answer().await?;
    log.heads(Vec::new()).await?;
    Ok("ok\n")
}

async fn text(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.text())
}
