//! What the handlers of files share.

use std::{io, sync::Arc};

use alo_protocol::{ErrorBody, ErrorCode, Limits};
use axum::extract::FromRef;
use futures_util::{FutureExt, Stream, StreamExt, stream};
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

/// A stream that ends with an error when its reader may no longer read.
pub(super) fn until_refused<T: Send + 'static>(
    items: impl Stream<Item = Result<T, io::Error>> + Send + 'static,
    refused: impl Future<Output = ErrorBody> + Send + 'static,
) -> impl Stream<Item = Result<T, io::Error>> + Send + 'static {
    let state = Some((items.boxed(), refused.boxed()));
    stream::unfold(state, async |state| {
        let (mut items, mut refused) = state?;
        tokio::select! {
            biased;
            error = &mut refused => Some((Err(io::Error::other(error.message)), None)),
            item = items.next() => item.map(|item| (item, Some((items, refused)))),
        }
    })
}
