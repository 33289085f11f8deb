//! Writes the bytes of one request into objects. Little of them is in memory: a piece that is collected, one that
//! waits and one or two that are being written.

use alo_protocol::{ErrorBody, ErrorCode, Uuid};
use bytes::Bytes;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Files,
    records::{Part, Row, UPLOAD_LIFE_MS, grows},
};
use crate::{clock::Clock, error::internal};

/// Maximum size of one object, bytes. One is made durable while the next is written.
const PART_BYTES: u64 = 8 << 20;
/// Bytes written at a time.
const PIECE_BYTES: usize = 128 << 10;

/// Collects bytes into parts.
pub(super) struct Parts {
    files: Files,
    clock: Clock,
    id: Uuid,
    /// The last part there is, if it is small. The first object begins with its bytes and replaces it: whenever
    /// the process ends, the object at its offset begins with the bytes that count.
    small: Option<Part>,
    /// The part being collected.
    part: Part,
    piece: Vec<u8>,
    /// It is written here.
    object: Option<Object>,
    /// The part before it, becoming durable.
    saving: Option<Object>,
    /// Parts that are durable but do not count yet.
    saved: Vec<Part>,
    /// A part could not be written: nothing can follow it.
    failed: bool,
    counts_at_once: bool,
}

/// An object being written by a task, which ends when there are no more pieces.
struct Object {
    pieces: Option<mpsc::Sender<Bytes>>,
    task: JoinHandle<Result<Part, ErrorBody>>,
}

impl Parts {
    /// Appends to an upload. Unless parts count at once they count with [`Parts::count`].
    pub(super) async fn begin(
        files: Files,
        clock: Clock,
        row: &Row,
        counts_at_once: bool,
    ) -> Result<Self, ErrorBody> {
        let last = match row.offset.checked_sub(1) {
            Some(last) => files.records.parts(row.id, last, row.offset).await?.pop(),
            None => None,
        };
        Ok(Self {
            files,
            clock,
            id: row.id,
            small: last.filter(grows),
            part: Part {
                offset: row.offset,
                size: 0,
            },
            piece: Vec::new(),
            object: None,
            saving: None,
            saved: Vec::new(),
            failed: false,
            counts_at_once,
        })
    }

    /// The offset after the bytes taken.
    pub(super) const fn end(&self) -> u64 {
        self.part.offset + self.part.size
    }

    /// Takes bytes. It waits while the disk is slower than the client.
    pub(super) async fn take(&mut self, bytes: &[u8]) -> Result<(), ErrorBody> {
        if let Some(small) = self.small
            && (small.offset + small.size, 0) == (self.part.offset, self.part.size)
        {
            let before = self.read(small).await?;
            self.part.offset = small.offset;
            self.collect(&before).await?;
        }
        self.collect(bytes).await
    }

    /// Writes the rest. A failure is reported only once.
    pub(super) async fn finish(&mut self) -> Result<(), ErrorBody> {
        let finished = match self.failed {
            true => Ok(()),
            false => self.save_all().await,
        };
        // Nothing may write to an upload that is no longer locked. What follows a failed part cannot count.
        if let Some(object) = self.object.take() {
            let _ = object.end().task.await;
        }
        finished
    }

    /// Makes the parts count that did not at once.
    pub(super) async fn count(mut self) -> Result<(), ErrorBody> {
        let parts = std::mem::take(&mut self.saved);
        count(&self.files, self.clock, self.id, parts).await
    }

    /// Removes what does not count and never will.
    pub(super) async fn discard(mut self) {
        // The failure was reported already, and so are those of the disk.
        let _ = self.settle().await;
        self.saving = self.object.take();
        let _ = self.settle().await;
        for part in std::mem::take(&mut self.saved) {
            let _ = match self.small {
                Some(small) if small.offset == part.offset => self.restore(small).await,
                Some(_) | None => self.files.blobs.remove_part(self.id, part.offset).await,
            };
        }
    }

    async fn collect(&mut self, mut bytes: &[u8]) -> Result<(), ErrorBody> {
        while !bytes.is_empty() {
            let room = PIECE_BYTES - self.piece.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            // Copied: a chunk may be a small part of a large buffer.
            self.piece.extend_from_slice(now);
            self.part.size += now.len() as u64;
            bytes = later;
            if self.piece.len() == PIECE_BYTES {
                self.write_piece().await?;
            }
            if self.part.size >= PART_BYTES {
                self.save().await?;
            }
        }
        Ok(())
    }

    /// The object of a part is again as long as what counts of it.
    async fn restore(&self, part: Part) -> Result<(), ErrorBody> {
        let bytes = self.read(part).await?;
        self.files.blobs.put(self.id, part.offset, bytes).await
    }

    async fn read(&self, part: Part) -> Result<Bytes, ErrorBody> {
        self.files
            .blobs
            .read(self.id, part.offset, 0, part.size)
            .await
    }

    async fn save_all(&mut self) -> Result<(), ErrorBody> {
        self.save().await?;
        self.settle().await
    }

    /// Passes on what is collected.
    async fn write_piece(&mut self) -> Result<(), ErrorBody> {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        let (files, clock) = (&self.files, self.clock);
        let (id, offset, counts) = (self.id, self.part.offset, self.counts_at_once);
        let object = self
            .object
            .get_or_insert_with(|| Object::begin(files.clone(), clock, id, offset, counts));
        if object.take(piece).await {
            return Ok(());
        }
        // It has ended early, so it has failed; that becomes the error.
        self.settle().await?;
        self.saving = self.object.take();
        self.settle().await
    }

    /// Ends the object, after the one before it.
    async fn save(&mut self) -> Result<(), ErrorBody> {
        if !self.piece.is_empty() {
            self.write_piece().await?;
        }
        self.settle().await?;
        self.part = Part {
            offset: self.end(),
            size: 0,
        };
        self.saving = self.object.take().map(Object::end);
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), ErrorBody> {
        if let Some(saving) = self.saving.take() {
            let saved = saving.end().task.await;
            let saved = saved.map_err(internal).and_then(|saved| saved);
            self.failed |= saved.is_err();
            let part = saved?;
            if !self.counts_at_once {
                self.saved.push(part);
            }
        }
        Ok(())
    }
}

impl Object {
    fn begin(files: Files, clock: Clock, id: Uuid, offset: u64, counts: bool) -> Self {
        let (sender, pieces) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let size = write(&files, id, offset, pieces).await?;
            let part = Part { offset, size };
            if counts {
                count(&files, clock, id, vec![part]).await?;
            }
            Ok(part)
        });
        Self {
            pieces: Some(sender),
            task,
        }
    }

    /// False if it has ended.
    async fn take(&self, piece: Bytes) -> bool {
        match &self.pieces {
            Some(pieces) => pieces.send(piece).await.is_ok(),
            None => false,
        }
    }

    /// There are no more pieces.
    fn end(mut self) -> Self {
        self.pieces = None;
        self
    }
}

/// Writes an object, durably; returns its size.
async fn write(
    files: &Files,
    id: Uuid,
    offset: u64,
    mut pieces: mpsc::Receiver<Bytes>,
) -> Result<u64, ErrorBody> {
    let first = pieces.recv().await.unwrap_or_default();
    let mut size = first.len() as u64;
    let Some(second) = pieces.recv().await else {
        files.blobs.put(id, offset, first).await?;
        return Ok(size);
    };
    let mut writing = files.blobs.begin(id, offset).await?;
    writing.write(first).await?;
    let mut next = Some(second);
    while let Some(piece) = next {
        size += piece.len() as u64;
        writing.write(piece).await?;
        next = pieces.recv().await;
    }
    writing.finish().await?;
    Ok(size)
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
