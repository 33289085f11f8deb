//! What the handlers of files share.

use std::sync::Arc;

use alo_protocol::{ErrorBody, ErrorCode, Limits};
use axum::extract::FromRef;
use tokio::sync::watch;

use super::extract::Door;
use crate::{
    files::{Files, Transfers, limits::FileLimits},
    metrics::Metrics,
};

/// What these handlers use.
#[derive(Clone)]
pub(super) struct Uploads {
    pub(super) door: Door,
    pub(super) limits: Limits,
    pub(super) files: Files,
    pub(super) file_limits: FileLimits,
    pub(super) transfers: Transfers,
    pub(super) metrics: Arc<Metrics>,
    /// Turns true when the gateway stops.
    pub(super) stopping: watch::Receiver<bool>,
}

impl FromRef<Uploads> for Door {
    fn from_ref(uploads: &Uploads) -> Self {
        uploads.door.clone()
    }
}

/// The answer for a file that does not exist, or that the caller may not read: they look the same.
pub(super) fn not_found() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::FileNotFound,
        "no such file is accessible with this token",
    )
}
