//! Files: uploaded by tus 1.0 (<https://tus.io/protocols/resumable-upload>), kept as parts in an object
//! store, attached to messages, downloaded by those who may read the channel.
//!
//! A part is an object `{file id}/{offset}`. It is durable before the database counts it, so the offset
//! reported to a client never exceeds what would survive a power failure. A small last part is replaced by a
//! longer object that begins with its bytes. An object may be longer than what counts of it, never shorter.

mod blobs;
mod checksum;
mod drain;
pub mod limits;
mod lock;
mod metadata;
mod pace;
mod parts;
mod receive;
pub mod records;
mod sweep;
mod transfers;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc, time::Duration};

use alo_protocol::{ErrorBody, Uuid};
use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::{
    clock::Clock,
    store::{FileRecords, Quota},
};
use blobs::Blobs;
use lock::Locks;
use records::{Creation, Part, Records, Row};

pub use metadata::Metadata;
pub use pace::Pace;

pub(crate) use checksum::Checksum;
pub(crate) use drain::drain;
pub(crate) use lock::Guard;
pub(crate) use pace::Progress;
pub(crate) use receive::{Receiver, too_long};
pub(crate) use records::UPLOAD_LIFE_MS;
pub(crate) use transfers::{Transfer, Transfers};

/// The files of a gateway. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    records: Records,
    blobs: Blobs,
    locks: Arc<Locks>,
}

/// Why files cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Of the folder.
    #[error("the folder: {0}")]
    Folder(#[from] object_store::Error),
}

impl Files {
    /// Opens the folder of the bytes beside these records.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(records: Arc<dyn FileRecords>, folder: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            records: Records::new(records),
            blobs: Blobs::open(folder)?,
            locks: Arc::default(),
        })
    }

    /// The record of a file.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Row>, ErrorBody> {
        self.records.find(id).await
    }

    /// The upload created with this key before, or a new one.
    pub(crate) async fn create(
        &self,
        creation: Creation,
        quota: Quota,
        now_ms: u64,
    ) -> Result<Row, ErrorBody> {
        self.records.create(creation, quota, now_ms).await
    }

    /// Locks an upload, taking it from an older request if necessary.
    pub(crate) async fn lock(&self, id: Uuid) -> Result<Guard, ErrorBody> {
        self.locks.take(id).await
    }

    /// Cancels an upload and removes its bytes; false if it belongs to a message.
    pub(crate) async fn end(&self, id: Uuid) -> Result<bool, ErrorBody> {
        let ended = self.records.end(id).await?;
        if ended {
            self.remove_ended(id).await;
        }
        Ok(ended)
    }

    /// The parts that hold bytes `from..to`, in order.
    pub(crate) async fn parts(&self, id: Uuid, from: u64, to: u64) -> Result<Vec<Part>, ErrorBody> {
        self.records.parts(id, from, to).await
    }

    /// Bytes `from..to` of the part that begins at `offset`.
    pub(crate) async fn read(
        &self,
        id: Uuid,
        offset: u64,
        from: u64,
        to: u64,
    ) -> Result<Bytes, ErrorBody> {
        self.blobs.read(id, offset, from, to).await
    }

    /// Removes expired uploads, and what no record counts for as long as this, at intervals until aborted.
    pub fn spawn_sweeper(&self, clock: Clock, orphan_age: Duration) -> JoinHandle<()> {
        tokio::spawn(sweep::run(self.clone(), clock, orphan_age))
    }
}
