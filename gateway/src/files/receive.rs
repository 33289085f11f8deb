//! Receives the bytes of one request into the store.

use std::{sync::Arc, time::Duration};

use alo_protocol::{ErrorBody, ErrorCode, Uuid};
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::{
    Files,
    checksum::Checksum,
    lock::Guard,
    records::{Part, Row},
};
use crate::{clock::Clock, error::internal, metrics::Metrics};

/// How long an upload that belongs to no message is kept after its last byte, milliseconds.
pub(crate) const UPLOAD_LIFE_MS: u64 = 24 * 60 * 60 * 1_000;
/// Maximum size of one object, bytes. Twice as much is in memory: one part arrives while another is written.
const PART_BYTES: u64 = 8 << 20;
/// How long a client may pause within the rest of a refused body.
const DRAIN_IDLE: Duration = Duration::from_secs(5);

/// What receiving needs besides the bytes.
pub(crate) struct Receiver {
    pub(crate) files: Files,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    /// How long a client may pause.
    pub(crate) idle: Duration,
    /// Turns true when the gateway stops.
    pub(crate) stopping: watch::Receiver<bool>,
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
        let mut intake = Intake {
            files: self.files.clone(),
            clock: self.clock,
            id: row.id,
            next: row.offset,
            chunks: Vec::new(),
            gathered: 0,
            saving: None,
            saved: Vec::new(),
            failed: false,
            counts_at_once: self.checksum.is_none(),
        };
        let read = self.read(&row, body, &mut intake).await;
        let Some(checksum) = self.checksum.take() else {
            let finished = intake.finish().await;
            return read.and(finished).map(|()| intake.next);
        };
        let checked = match read {
            Ok(()) => checksum.check(),
            Err(error) => Err(error),
        };
        let finished = match checked {
            Ok(()) => intake.finish().await,
            Err(error) => Err(error),
        };
        if let Err(error) = finished {
            intake.discard().await;
            return Err(error);
        }
        let parts = std::mem::take(&mut intake.saved);
        count(&self.files, self.clock, row.id, parts).await?;
        Ok(intake.next)
    }

    async fn read(&mut self, row: &Row, body: Body, intake: &mut Intake) -> Result<(), ErrorBody> {
        let mut body = body.into_data_stream();
        let read = self.read_all(row, &mut body, intake).await;
        if read.is_err() {
            self.drain(body).await;
        }
        read
    }

    /// Reads and discards the rest. Browsers don't deliver the answer if the body is refused halfway: the client
    /// would see a network failure, and retry for ever.
    async fn drain(&mut self, mut body: BodyDataStream) {
        let rest = async { while let Ok(Some(Ok(_))) = timeout(DRAIN_IDLE, body.next()).await {} };
        tokio::select! {
            biased;
            () = self.guard.wanted() => {}
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
            () = rest => {}
        }
    }

    async fn read_all(
        &mut self,
        row: &Row,
        body: &mut BodyDataStream,
        intake: &mut Intake,
    ) -> Result<(), ErrorBody> {
        loop {
            let chunk = tokio::select! {
                biased;
                () = self.guard.wanted() => {
                    return Err(ErrorBody::new(ErrorCode::UploadLocked, "a newer request took over this upload"));
                }
                _ = self.stopping.wait_for(|stopping| *stopping) => {
                    return Err(ErrorBody::new(ErrorCode::Unavailable, "the gateway is stopping"));
                }
                chunk = timeout(self.idle, body.next()) => chunk,
            };
            let chunk = chunk.map_err(|_| {
                ErrorBody::new(
                    ErrorCode::Unavailable,
                    format!("no bytes were received for {} seconds", self.idle.as_secs()),
                )
            })?;
            let Some(chunk) = chunk else { return Ok(()) };
            let chunk = chunk.map_err(|error| {
                ErrorBody::new(
                    ErrorCode::MalformedFrame,
                    format!("body: was interrupted: {error}"),
                )
            })?;
            if intake.end() + chunk.len() as u64 > row.size {
                return Err(too_long());
            }
            self.metrics.upload_bytes.inc_by(chunk.len() as u64);
            if let Some(checksum) = &mut self.checksum {
                checksum.update(&chunk);
            }
            intake.take(chunk).await?;
        }
    }
}

/// The refusal of bytes beyond `Upload-Length`.
pub(crate) fn too_long() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::FileTooLarge,
        "body: is longer than Upload-Length",
    )
}

/// Collects bytes into parts; writes one while the next arrives.
struct Intake {
    files: Files,
    clock: Clock,
    id: Uuid,
    /// Where the part being collected begins.
    next: u64,
    chunks: Vec<Bytes>,
    /// Their bytes.
    gathered: u64,
    saving: Option<JoinHandle<Result<Part, ErrorBody>>>,
    /// Parts that are durable but do not count yet.
    saved: Vec<Part>,
    /// A part could not be written: nothing can follow it.
    failed: bool,
    counts_at_once: bool,
}

impl Intake {
    fn end(&self) -> u64 {
        self.next + self.gathered
    }

    async fn take(&mut self, chunk: Bytes) -> Result<(), ErrorBody> {
        self.gathered += chunk.len() as u64;
        self.chunks.push(chunk);
        if self.gathered >= PART_BYTES {
            self.save().await
        } else {
            Ok(())
        }
    }

    /// Starts writing what is collected, after the part before it.
    async fn save(&mut self) -> Result<(), ErrorBody> {
        self.settle().await?;
        let part = Part {
            offset: self.next,
            size: std::mem::take(&mut self.gathered),
        };
        if part.size == 0 {
            return Ok(());
        }
        self.next += part.size;
        let (files, clock, id) = (self.files.clone(), self.clock, self.id);
        let (chunks, counts) = (std::mem::take(&mut self.chunks), self.counts_at_once);
        self.saving = Some(tokio::spawn(async move {
            files.blobs.put(id, part.offset, chunks).await?;
            if counts {
                count(&files, clock, id, vec![part]).await?;
            }
            Ok(part)
        }));
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), ErrorBody> {
        if let Some(saving) = self.saving.take() {
            let saved = saving.await.map_err(internal).and_then(|saved| saved);
            self.failed |= saved.is_err();
            let part = saved?;
            if !self.counts_at_once {
                self.saved.push(part);
            }
        }
        Ok(())
    }

    /// Writes the rest. A failure is reported only once.
    async fn finish(&mut self) -> Result<(), ErrorBody> {
        if self.failed {
            return Ok(());
        }
        self.save().await?;
        self.settle().await
    }

    /// Removes what does not count and never will.
    async fn discard(&mut self) {
        // The failure was reported already.
        let _ = self.settle().await;
        for part in std::mem::take(&mut self.saved) {
            let _ = self.files.blobs.remove_part(self.id, part.offset).await;
        }
    }
}

async fn count(files: &Files, clock: Clock, id: Uuid, parts: Vec<Part>) -> Result<(), ErrorBody> {
    if parts.is_empty()
        || files
            .records
            .append(id, parts, clock.now_ms() + UPLOAD_LIFE_MS)
            .await?
    {
        Ok(())
    } else {
        Err(ErrorBody::new(ErrorCode::Gone, "the upload has ended"))
    }
}
