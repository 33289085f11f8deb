//! Receives the bytes of one request into the store.

use std::sync::Arc;

use alo_protocol::{ErrorBody, ErrorCode};
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    Files,
    checksum::Checksum,
    drain::drain,
    lock::Guard,
    pace::{Pace, Progress},
    parts::Parts,
    records::Row,
    transfers::Transfer,
};
use crate::{clock::Clock, metrics::Metrics};

/// What receiving needs besides the bytes.
pub(crate) struct Receiver {
    pub(crate) files: Files,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    /// The least the client must send.
    pub(crate) pace: Pace,
    /// Turns true when the gateway stops.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) transfer: Transfer,
    /// Ends when the user may no longer upload it.
    pub(crate) refused: BoxFuture<'static, ErrorBody>,
    /// Held until the last byte is durable.
    pub(crate) guard: Guard,
    /// If the client sent one: then either all of the bytes count or none.
    pub(crate) checksum: Option<Checksum>,
}

impl Receiver {
    /// Appends a body to an upload; returns the new offset. What arrived before a failure is kept, unless the
    /// client sent a checksum.
    ///
    /// # Errors
    /// Why not all of the body was taken.
    pub(crate) async fn receive(mut self, row: Row, body: Body) -> Result<u64, ErrorBody> {
        let received = self.receive_all(row, body).await;
        // Before the upload is free for a newer request, which needs one too.
        drop(self.transfer);
        received
    }

    async fn receive_all(&mut self, row: Row, body: Body) -> Result<u64, ErrorBody> {
        let counts_at_once = self.checksum.is_none();
        let files = self.files.clone();
        let mut parts = Parts::begin(files, self.clock, &row, counts_at_once).await?;
        let read = self.read(&row, body, &mut parts).await;
        let Some(checksum) = self.checksum.take() else {
            let finished = parts.finish().await;
            return read.and(finished).map(|()| parts.end());
        };
        let checked = match read {
            Ok(()) => checksum.check(),
            Err(error) => Err(error),
        };
        let finished = match checked {
            Ok(()) => parts.finish().await,
            Err(error) => Err(error),
        };
        if let Err(error) = finished {
            parts.discard().await;
            return Err(error);
        }
        let end = parts.end();
        parts.count().await.map(|()| end)
    }

    async fn read(&mut self, row: &Row, body: Body, parts: &mut Parts) -> Result<(), ErrorBody> {
        let mut body = body.into_data_stream();
        let read = self.read_all(row, &mut body, parts).await;
        if read.as_ref().is_err_and(|error| !is_forbidden(error.code)) {
            tokio::select! {
                biased;
                () = self.guard.wanted() => {}
                _ = self.stopping.wait_for(|stopping| *stopping) => {}
                () = drain(body) => {}
            }
        }
        read
    }

    async fn read_all(
        &mut self,
        row: &Row,
        body: &mut BodyDataStream,
        parts: &mut Parts,
    ) -> Result<(), ErrorBody> {
        let mut progress = Progress::new(self.pace);
        while let Some(chunk) = self.next(body, &mut progress).await? {
            if parts.end() + chunk.len() as u64 > row.size {
                return Err(too_long());
            }
            self.metrics.upload_bytes.inc_by(chunk.len() as u64);
            if let Some(checksum) = &mut self.checksum {
                checksum.update(&chunk);
            }
            parts.take(&chunk).await?;
        }
        Ok(())
    }

    /// The next bytes of the body; `None` at its end.
    async fn next(
        &mut self,
        body: &mut BodyDataStream,
        progress: &mut Progress,
    ) -> Result<Option<Bytes>, ErrorBody> {
        loop {
            let asked = Instant::now();
            let chunk = tokio::select! {
                biased;
                () = self.guard.wanted() => {
                    return Err(ErrorBody::new(ErrorCode::UploadLocked, "a newer request took over this upload"));
                }
                error = &mut self.refused => return Err(error),
                _ = self.stopping.wait_for(|stopping| *stopping) => {
                    return Err(ErrorBody::new(ErrorCode::Unavailable, "the gateway is stopping"));
                }
                chunk = timeout(progress.left(), body.next()) => chunk.ok(),
            };
            let chunk = match chunk {
                Some(None) => return Ok(None),
                Some(Some(chunk)) => Some(chunk.map_err(|error| {
                    let message = format!("body: was interrupted: {error}");
                    ErrorBody::new(ErrorCode::MalformedFrame, message)
                })?),
                None => None,
            };
            let bytes = chunk.as_ref().map_or(0, Bytes::len);
            progress
                .took(asked.elapsed(), bytes as u64)
                .map_err(|slow| ErrorBody::new(ErrorCode::Unavailable, slow.to_string()))?;
            if chunk.is_some() {
                return Ok(chunk);
            }
        }
    }
}

/// Whether an error means that the user may not upload: then nothing more is read of the body.
const fn is_forbidden(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::TokenRevoked
            | ErrorCode::ChannelForbidden
            | ErrorCode::UserBanned
            | ErrorCode::UserMuted
    )
}

/// The refusal of bytes beyond `Upload-Length`.
pub(crate) fn too_long() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::FileTooLarge,
        "body: is longer than Upload-Length",
    )
}
