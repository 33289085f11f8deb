//! The records of files, for tasks.

use std::sync::Arc;

use alo_protocol::{ErrorBody, Uuid};

use super::metadata::Metadata;
use crate::{
    error::internal,
    store::{FileRecords, Quota},
};

pub use crate::store::{FilePart as Part, FileRow as Row};

/// How long an upload that belongs to no message is kept after its last byte, milliseconds.
pub const UPLOAD_LIFE_MS: u64 = 24 * 60 * 60 * 1_000;

/// A file to be created.
pub struct Creation {
    /// Its id.
    pub id: Uuid,
    /// Idempotency key.
    pub key: Option<Uuid>,
    /// Who uploads it.
    pub user_id: Arc<str>,
    /// Its metadata.
    pub metadata: Metadata,
    /// The same, as it was received.
    pub header: String,
    /// Bytes.
    pub size: u64,
    /// When it expires, Unix milliseconds.
    pub expires_ms: u64,
}

impl Creation {
    /// The record of the file before its first byte.
    pub fn into_row(self) -> Row {
        Row {
            id: self.id,
            key: self.key,
            channel: self.metadata.channel,
            user_id: self.user_id.to_string(),
            name: self.metadata.name,
            content_type: self.metadata.content_type,
            last_modified: self.metadata.last_modified,
            size: self.size,
            metadata: self.header,
            offset: 0,
            expires_ms: self.expires_ms,
            message: None,
            ended: false,
        }
    }
}

/// A last part smaller than this is written again, together with what follows: otherwise each byte that is sent
/// by itself would be an object of its own.
const SMALL_BYTES: u64 = 256 << 10;

/// Whether what follows the last part becomes part of it.
pub const fn grows(last: &Part) -> bool {
    last.size < SMALL_BYTES
}

/// Runs the calls where blocking is allowed. Cheap to clone.
#[derive(Clone)]
pub(super) struct Records(Arc<dyn FileRecords>);

impl Records {
    pub(super) fn new(records: Arc<dyn FileRecords>) -> Self {
        Self(records)
    }

    pub(super) async fn find(&self, id: Uuid) -> Result<Option<Row>, ErrorBody> {
        self.run(move |records| records.find(id)).await
    }

    /// See [`FileRecords::create`].
    pub(super) async fn create(
        &self,
        creation: Creation,
        quota: Quota,
        now_ms: u64,
    ) -> Result<Row, ErrorBody> {
        self.run(move |records| records.create(creation.into_row(), &quota, now_ms))
            .await
    }

    /// See [`FileRecords::append`].
    pub(super) async fn append(
        &self,
        id: Uuid,
        parts: Vec<Part>,
        expires_ms: u64,
    ) -> Result<bool, ErrorBody> {
        self.run(move |records| records.append(id, &parts, expires_ms))
            .await
    }

    /// See [`FileRecords::parts`].
    pub(super) async fn parts(&self, id: Uuid, from: u64, to: u64) -> Result<Vec<Part>, ErrorBody> {
        self.run(move |records| records.parts(id, from, to)).await
    }

    /// See [`FileRecords::end`].
    pub(super) async fn end(&self, id: Uuid) -> Result<bool, ErrorBody> {
        self.run(move |records| records.end(id)).await
    }

    /// See [`FileRecords::expire`].
    pub(super) async fn expire(&self, now_ms: u64) -> Result<Vec<Uuid>, ErrorBody> {
        self.run(move |records| records.expire(now_ms)).await
    }

    /// See [`FileRecords::remove`].
    pub(super) async fn remove(&self, id: Uuid) -> Result<(), ErrorBody> {
        self.run(move |records| records.remove(id)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn FileRecords) -> Result<T, ErrorBody> + Send + 'static,
    ) -> Result<T, ErrorBody> {
        let records = self.0.clone();
        tokio::task::spawn_blocking(move || work(&*records))
            .await
            .map_err(internal)?
    }
}
